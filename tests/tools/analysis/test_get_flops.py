import pytest
import torch
from analysis import get_flops
from mmseg.registry import MODELS
from torch import nn

UNET = dict(
    type='CENUNet',
    num_modalities=3,
    in_channels=2,
    out_channels=1,
    num_downs=5,
    base_channels=2,
)
REFINENET = dict(
    type='CENSegmentor',
    modalities=['rgb', 'depth', 'thermal'],
    backbone=dict(type='CENResNet', depth=50, base_channels=4, stem_channels=4),
    decode_head=dict(
        type='EnsembleHead',
        head=dict(
            type='RefineNetHead',
            in_channels=[16, 32, 64, 128],
            channels=8,
            num_classes=5,
        ),
    ),
)


@pytest.fixture
def printed(tmp_path, capsys):
    """What the tool prints: lines above the table, and rows by part."""

    def print_of(model, *options):
        path = tmp_path / 'config.py'
        path.write_text(f"custom_imports = dict(imports=['mmseg_cen'])\n{model = }\n")
        get_flops.main([str(path), *options])
        above, table = capsys.readouterr().out.split('\n\n')
        rows = [line.strip('| ').split(' | ') for line in table.splitlines()]
        return above, {
            name: [float(cell.split()[0]) for cell in cells]
            for name, *cells in rows[2:]
        }

    return print_of


def macs_of(model, image):
    """Multiplications with additions of all convolutions, from their shapes."""
    counts = []

    def count(layer, inputs, output):
        places = output if isinstance(layer, nn.Conv2d) else inputs[0]
        counts.append(places.numel() // places.shape[1] * layer.weight.numel())

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(count)
    with torch.no_grad():
        model.eval()(image)
    return sum(counts)


def test_operations_are_those_of_the_convolutions_over_all_modalities(printed):
    above, parts = printed(UNET, '--size', '64', '128')
    model = MODELS.build(UNET)
    assert 'input: 6 channels of 64x128 pixels' in above
    assert f'{macs_of(model, torch.zeros(1, 6, 64, 128)) / 1e9:.3f} G of them' in above
    parameters = sum(p.numel() for p in model.parameters())
    assert f'parameters: {parameters / 1e6:.3f} M' in above
    assert {'encoder', 'encoder.conv2', 'decoder'} <= parts.keys()


def test_a_network_of_several_tasks_takes_the_channels_of_its_modalities(printed):
    head = dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_convs=1)
    model = dict(
        type='MultitaskSegmentor',
        tasks=['segmentation', 'depth'],
        modalities=['rgb'],
        backbone=dict(type='CENResNet', depth=18, base_channels=4, stem_channels=4),
        decode_head=dict(
            type='MultitaskHead',
            heads=dict(
                segmentation=dict(
                    type='SegmentationHead', head=dict(head, num_classes=5)
                ),
                depth=dict(type='DepthHead', head=head),
            ),
        ),
    )
    above, _ = printed(model, '--size', '64', '128')
    network = MODELS.build(model)
    macs = macs_of(network, torch.zeros(1, 3, 64, 128))
    assert 'input: 3 channels of 64x128 pixels' in above
    assert f'{macs / 1e9:.3f} G of them' in above
    assert 'modalities: 1' in above


def test_parts_add_up(printed):
    _, parts = printed(REFINENET, '--shape', '480', '640')
    stages = [f'backbone.layer{i}' for i in (1, 2, 3, 4)]
    blocks = [f'decode_head.blocks.{i}' for i in range(4)]
    for whole, within in (
        ('backbone', ['backbone.stem', *stages]),
        ('decode_head', [*blocks, 'decode_head.conv_seg']),
        ('total', ['backbone', 'decode_head']),
    ):
        for column in (0, 3):  # operations and parameters
            added = sum(parts[name][column] for name in within)
            assert parts[whole][column] == pytest.approx(added, abs=0.004)
    operations, share, of_one, parameters, _ = parts['total']
    assert share == 100
    assert of_one == pytest.approx(operations / 3, abs=0.001)
    assert parameters == pytest.approx(
        sum(p.numel() for p in MODELS.build(REFINENET).parameters()) / 1e6, abs=0.001
    )


def test_a_size_without_pixels_is_refused():
    with pytest.raises(SystemExit, match='`--size` must be positive'):
        get_flops.main(['config.py', '--size', '0', '64'])
