"""Laws of the conversion of released checkpoints, by functions and by the tool."""

import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmseg.registry import MODELS

from mmseg_cen.models import exchanging_norms
from mmseg_cen.released.segmentation import from_released as from_released_segmentor
from mmseg_cen.released.translation import from_released, to_released

TOOL = Path(__file__).parents[2] / 'tools/model_converters/released_pix2pix.py'
SIZE = 32


def released_networks(M=2, downs=4, width=2, layers=4, sizes=(3, 1)):
    """State dicts of random released networks, in their names."""
    in_channels, out_channels = sizes
    generator = {'alpha': torch.rand(M)}
    discriminator = {}

    def norm(state, name, channels):
        for tensor in ('weight', 'bias', 'running_mean', 'running_var'):
            state[f'{name}.{tensor}'] = torch.rand(channels)
        state[f'{name}.num_batches_tracked'] = torch.tensor(7)

    def layer(state, conv, i, shape, norms):
        channels = shape[1] if conv == 'deconv' else shape[0]
        state[f'{conv}{i}.{conv}.module.weight'] = torch.randn(*shape, 4, 4)
        state[f'{conv}{i}.{conv}.module.bias'] = torch.randn(channels)
        for name in norms:
            norm(state, f'{conv}{i}.{name}', channels)

    widths = [width * min(2**i, 8) for i in range(downs)]
    ins = [in_channels, *widths[:-1]]
    for i in range(downs):
        norms = [f'insnorm_conv.insnorm_{m}' for m in range(M)]
        layer(generator, 'conv', i + 1, (widths[i], ins[i]), norms)
    outs = [*widths[-2::-1], out_channels]
    ins = [widths[-1], *(2 * w for w in widths[-2::-1])]
    for i in range(downs):
        norms = [f'insnorm_deconv.insnorm_{m}' for m in range(M)]
        layer(generator, 'deconv', i + 1, (ins[i], outs[i]), norms)
    widths = [*(width * min(2**i, 8) for i in range(layers - 1)), 1]
    ins = [sum(sizes), *widths[:-1]]
    for i in range(layers):
        layer(discriminator, 'conv', i + 1, (widths[i], ins[i]), ['insnorm.module'])
    return generator, discriminator


def model_of(converted):
    M = converted['meta']['model']['generator']['num_modalities']
    model = dict(type='CENPix2Pix', sources=[f'x{m}' for m in range(M)])
    return MODELS.build(model | converted['meta']['model'])


@pytest.mark.parametrize(
    'options',
    [{}, dict(M=1), dict(M=3, downs=5, width=3, layers=5), dict(sizes=(1, 3))],
)
def test_a_converted_checkpoint_fits_the_model_that_it_describes(options):
    converted = from_released(*released_networks(**options))
    model = model_of(converted)
    model.load_state_dict(converted['state_dict'], strict=True)
    norms = exchanging_norms(model).values()
    assert all(norm.exchange.scope == 'all' for norm in norms)
    assert len(norms) == (0 if options.get('M') == 1 else options.get('downs', 4) - 2)


@pytest.mark.parametrize('M', [1, 2, 3])
def test_conversion_there_and_back_changes_nothing(M):
    released = released_networks(M)
    for state, restored in zip(
        released, to_released(from_released(*released)), strict=True
    ):
        assert state.keys() == restored.keys()
        assert all(torch.equal(state[name], restored[name]) for name in state)


def test_private_norms_are_those_of_each_modality():
    generator, discriminator = released_networks()
    converted = from_released(generator, discriminator)
    model = model_of(converted)
    model.load_state_dict(converted['state_dict'])
    for m in range(2):
        expected = generator[f'conv2.insnorm_conv.insnorm_{m}.weight']
        assert torch.equal(model.generator.encoder.conv2.norm.gamma[m], expected)


def test_a_generator_alone_predicts():
    converted = from_released(released_networks()[0])
    model = model_of(converted).eval()
    model.load_state_dict(converted['state_dict'], strict=True)
    images = model(torch.rand(1, 6, SIZE, SIZE))
    assert images['ensemble'].shape == (1, 1, SIZE, SIZE)
    assert len(to_released(converted)) == 1


def test_a_model_trained_here_gets_new_layers_where_the_released_one_uses_none():
    converted = from_released(*released_networks())
    del converted['meta']
    generator, discriminator = to_released(converted)
    expected = released_networks()
    assert generator.keys() == expected[0].keys()
    assert discriminator.keys() == expected[1].keys()
    for name, tensor in expected[0].items():
        assert generator[name].shape == tensor.shape, name
    assert generator['conv1.insnorm_conv.insnorm_1.weight'].eq(1).all()
    assert generator['conv1.insnorm_conv.insnorm_1.running_mean'].eq(0).all()


def test_names_with_the_prefix_of_data_parallel_are_understood():
    released = released_networks()
    wrapped = [
        {f'module.{name}': tensor for name, tensor in state.items()}
        for state in released
    ]
    plain, parallel = (from_released(*s)['state_dict'] for s in (released, wrapped))
    assert plain.keys() == parallel.keys()


@pytest.mark.parametrize(
    ('part', 'change', 'message'),
    [
        (
            0,
            lambda s: s.pop('conv3.conv.module.bias'),
            r'missing \(conv3\.conv\.module',
        ),
        (
            0,
            lambda s: s.pop('deconv2.insnorm_deconv.insnorm_1.weight'),
            r'missing \(deconv2\.insnorm_deconv\.insnorm_1\.weight\)',
        ),
        (0, lambda s: s.update(other=torch.ones(1)), r'unknown \(other\)'),
        (
            0,
            lambda s: s.update({'conv2.insnorm_conv.insnorm_1.weight': torch.ones(9)}),
            r'conv2\.insnorm_conv\.insnorm_0\.weight, .* differ',
        ),
        (0, lambda s: s.pop('alpha'), 'must be the generator'),
        (1, lambda s: s.pop('conv2.insnorm.module.bias'), r'discriminator .*missing'),
        (1, lambda s: s.update(alpha=torch.ones(2)), 'must be the discriminator'),
        (1, lambda s: s.clear(), 'must be a non-empty dict'),
    ],
)
def test_incomplete_or_other_networks_are_refused_by_name(part, change, message):
    released = released_networks()
    change(released[part])
    with pytest.raises(ValueError, match=message):
        from_released(*released)


def test_networks_in_the_wrong_order_are_refused():
    generator, discriminator = released_networks()
    with pytest.raises(ValueError, match='must be the generator'):
        from_released(discriminator, generator)


def test_shared_norms_cannot_go_back():
    model = MODELS.build(
        dict(
            type='CENPix2Pix',
            sources=('a', 'b'),
            generator=dict(type='CENUNet', num_downs=4, base_channels=2),
        )
    )
    with pytest.raises(ValueError, match=r'missing \(decoder\.deconv1\.norm\.norm\.w'):
        to_released(model.state_dict())


def test_the_converter_of_segmentation_networks_names_the_right_tool():
    with pytest.raises(ValueError, match=r'released_pix2pix\.py'):
        from_released_segmentor(released_networks()[0])


@pytest.fixture
def run(monkeypatch):
    """Call the tool with command line arguments."""

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


def test_files_are_converted_and_back(tmp_path, run, capsys):
    released = released_networks()
    files = [tmp_path / 'g.pth', tmp_path / 'd.pth']
    for state, path in zip(released, files, strict=True):
        torch.save(state, path)
    ours = tmp_path / 'new' / 'ours.pth'
    run(ours, '--generator', files[0], '--discriminator', files[1])
    printed = capsys.readouterr().out
    assert 'model.generator.num_downs=4' in printed
    assert 'model.generator.decoder_norms=private' in printed
    back = [tmp_path / 'back' / path.name for path in files]
    run(ours, '--reverse', '--generator', back[0], '--discriminator', back[1])
    for state, path in zip(released, back, strict=True):
        restored = torch.load(path, weights_only=True)
        assert restored.keys() == state.keys()
        assert all(torch.equal(restored[name], state[name]) for name in state)


def test_a_wrong_file_ends_in_one_line(tmp_path, run):
    torch.save({'fc.weight': torch.ones(2)}, tmp_path / 'g.pth')
    with pytest.raises(SystemExit, match=r'^error: the file must be the gen') as raised:
        run(tmp_path / 'out.pth', '--generator', tmp_path / 'g.pth')
    assert '\n' not in str(raised.value)
    with pytest.raises(SystemExit, match='does not exist'):
        run(tmp_path / 'out.pth', '--generator', tmp_path / 'none.pth')
    assert not (tmp_path / 'out.pth').exists()


def test_a_discriminator_that_a_checkpoint_does_not_hold_is_refused(tmp_path, run):
    ours, files = tmp_path / 'ours.pth', [tmp_path / 'g.pth', tmp_path / 'd.pth']
    torch.save(from_released(released_networks()[0]), ours)
    with pytest.raises(SystemExit, match='must be left out for a checkpoint of a gen'):
        run(ours, '--reverse', '--generator', files[0], '--discriminator', files[1])
    assert not files[0].exists()
