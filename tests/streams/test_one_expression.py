import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmseg_cen.streams import one_expression
from mmseg_cen.streams.norm import ModalityBN, ModalityIN

C = 6


def block(num_modalities=2, scope='own', norm=ModalityBN):
    """Norm, exchange and ReLU, of which some channels are exchanged."""
    layer = norm(C, num_modalities, exchange_threshold=0.5, exchange_scope=scope)
    for tensor in (*layer.norm.parameters(), *layer.norm.buffers()):
        if tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.1, 1)
    return nn.Sequential(layer, nn.ReLU(inplace=True)).eval()


def features(num_modalities=2, channels_last=False):
    form = torch.channels_last if channels_last else torch.contiguous_format
    return torch.randn(2 * num_modalities, C, 4, 5).contiguous(memory_format=form)


@pytest.fixture
def compiled(monkeypatch):
    """Layers see a compiler, and run without one."""
    monkeypatch.setattr(torch.compiler, 'is_dynamo_compiling', lambda: True)


@pytest.mark.parametrize('channels_last', [False, True])
@pytest.mark.parametrize('scope', ['own', 'all'])
@torch.no_grad()
def test_the_expression_is_the_definition(monkeypatch, scope, channels_last):
    network, x = block(scope=scope), features(channels_last=channels_last)
    expected = network(x)
    replaced = network[0].exchange.replaced(network[0].gamma)
    assert replaced.any()
    assert not replaced.all()
    monkeypatch.setattr(torch.compiler, 'is_dynamo_compiling', lambda: True)
    monkeypatch.setattr(ModalityBN, 'normalize', None)  # the definition is not called
    found = network(x)
    assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert found.stride() == x.stride()
    assert network(x.bfloat16()).dtype == torch.bfloat16


@pytest.mark.usefixtures('compiled')
@pytest.mark.parametrize('what', ['training', 'gradients', 'three', 'instance', 'none'])
def test_other_layers_keep_the_definition(what):
    count = 3 if what == 'three' else 2
    network = block(count, norm=ModalityIN if what == 'instance' else ModalityBN)
    if what == 'training':
        network.train()
    if what == 'none':
        network[0].exchange = None
    layer = network[0]
    with torch.set_grad_enabled(what == 'gradients'):
        args = layer.norm, layer.exchange, layer.num_modalities
        assert not one_expression.is_one_expression(*args)
        network(features(count))


@pytest.mark.slow
@torch.no_grad()
def test_norm_exchange_and_relu_are_compiled_to_one_loop(monkeypatch):
    """The loops are counted in the generated C++, which is not compiled."""
    inductor = pytest.importorskip('torch._inductor')
    from torch._inductor import async_compile, metrics

    source = []

    def keep(self, arguments, code):
        source.append(code)
        return lambda *tensors: None

    monkeypatch.setattr(async_compile.AsyncCompile, 'cpp_pybinding', keep)
    torch._dynamo.reset()
    metrics.reset()
    options = {'fx_graph_cache': False, 'cpp.vec_isa_ok': True}
    with inductor.config.patch(options):
        torch.compile(block())(features(channels_last=True))
    torch._dynamo.reset()
    assert len(source) == 1
    assert metrics.generated_kernel_count == 1
