import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.modes import (
    check_compile,
    compilation,
    compile_network,
    use_channels_last,
)

EAGER = dict(backend='eager')  # traces the network, and compiles no C++


@pytest.fixture
def _fresh():
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures('_fresh')
def test_a_compiled_network_is_the_network(build, batch, gradients):
    """The arithmetic is one graph each; names stay; a copy has weights of its own."""
    plain, compiled = build(stages=1), build(stages=1)
    use_channels_last(compiled)
    compile_network(compiled, dict(EAGER, fullgraph=True))
    assert [*compiled.state_dict()] == [*plain.state_dict()]
    compiled.load_state_dict(plain.state_dict())
    assert_close(gradients(compiled), gradients(plain), rtol=1e-4, atol=1e-5)
    copied = copy.deepcopy(compiled).eval()
    for parameter in compiled.parameters():
        nn.init.zeros_(parameter)
    with torch.no_grad():
        for size in (16, 24, 32):
            inputs, _ = batch(size, 1)
            metas = [dict(img_shape=(size, size))]
            expected = plain.eval().encode_decode(inputs, metas)
            found = copied.encode_decode(inputs, metas)
            assert_close(found, expected, rtol=1e-4, atol=1e-4)
    counts = torch._dynamo.utils.counters
    assert counts['stats']['unique_graphs'] == 6, 'training, one size, any size'
    assert not counts['graph_break']


def test_modules_that_say_nothing_are_compiled_as_a_whole():
    model = nn.Sequential()
    model.add_module('data_preprocessor', nn.Identity())
    model.add_module('backbone', nn.Conv2d(3, 4, 1))
    compile_network(model, EAGER)
    assert isinstance(model.backbone.forward, compilation.CompiledMethod)
    assert 'forward' not in vars(model.data_preprocessor)


def test_what_torch_cannot_compile_is_refused_before_it_tries(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match=r"`compile` must .* got \['quickly'\]"):
        check_compile(dict(quickly=True), 'cpu')
    monkeypatch.setenv('CXX', 'no-such-compiler')
    check_compile(EAGER, 'cpu')
    with pytest.raises(ValueError, match="got none of the name 'no-such-compiler'"):
        check_compile({}, 'cpu')
    monkeypatch.setattr(compilation.shutil, 'which', str)
    paths = dict(include=str(tmp_path))
    monkeypatch.setattr(compilation.sysconfig, 'get_paths', lambda: paths)
    with pytest.raises(ValueError, match=r'header files of Python, got no .*Python\.h'):
        check_compile({}, 'cpu')
    (tmp_path / 'Python.h').touch()
    check_compile({}, 'cpu')
    monkeypatch.setattr(compilation, 'find_spec', lambda name: None)
    with pytest.raises(ValueError, match='package triton for a GPU'):
        check_compile({}, 'cuda')
