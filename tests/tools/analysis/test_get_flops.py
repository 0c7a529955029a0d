import pytest
import torch
from analysis import get_flops
from mmseg.registry import MODELS
from torch import nn

CONV = """
custom_imports = dict(imports=['mmseg_cen'])
model = dict(
    type='CENUNet', num_modalities=3, in_channels=2, out_channels=1, num_downs=5,
    base_channels=2)
"""


def test_operations_are_those_of_the_convolutions_over_all_modalities(tmp_path, capsys):
    path = tmp_path / 'unet.py'
    path.write_text(CONV)
    get_flops.main([str(path), '--size', '32', '64'])
    printed = capsys.readouterr().out
    model = MODELS.build(
        dict(
            type='CENUNet',
            num_modalities=3,
            in_channels=2,
            out_channels=1,
            num_downs=5,
            base_channels=2,
        )
    ).eval()
    operations = 0

    def count(layer, inputs, output):
        nonlocal operations
        places = output if isinstance(layer, nn.Conv2d) else inputs[0]
        operations += places.numel() // places.shape[1] * layer.weight.numel()

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(count)
    with torch.no_grad():
        model(torch.zeros(1, 6, 32, 64))
    parameters = sum(p.numel() for p in model.parameters())
    assert 'input: 6 channels of 32x64 pixels' in printed
    told = float(printed.split('operations: ')[1].split(' G')[0]) * 1e9
    assert told == pytest.approx(operations, rel=0.05, abs=1e6)
    assert f'parameters: {parameters / 1e6:.3f} M' in printed


def test_a_size_without_pixels_is_refused(tmp_path):
    with pytest.raises(SystemExit, match='`--size` must be positive'):
        get_flops.main(['config.py', '--size', '0', '64'])
