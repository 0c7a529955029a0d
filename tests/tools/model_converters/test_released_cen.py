"""Laws of tools/model_converters/released_cen.py."""

import runpy
import sys
from pathlib import Path

import pytest
import torch

from mmseg_cen.released.segmentation import released_names, to_released

TOOL = Path(__file__).parents[3] / 'tools/model_converters/released_cen.py'


@pytest.fixture
def run(monkeypatch):
    """Call the tool with command line arguments."""

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, args)])
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


def released_checkpoint():
    """A released ResNet-50 checkpoint for 7 classes, random, each layer 2 wide."""
    head = 'decode_head.head.conv_seg'
    shapes = {f'{head}.weight': (7, 2, 3, 3), f'{head}.bias': (7,)}
    state = {}
    for name in released_names((3, 4, 6, 3), num_modalities=2):
        if name.endswith('num_batches_tracked'):
            state[name] = torch.tensor(5)
        elif name.endswith('.weight') and '.norm.' not in name:
            state[name] = torch.randn(shapes.get(name, (2, 2, 1, 1)))
        else:
            state[name] = torch.randn(shapes.get(name, 2))
    return {**to_released(state), 'epoch_start': 175, 'best_val': 0.5}


def test_a_file_is_converted_and_back(tmp_path, run, capsys):
    released, back = tmp_path / 'released.pth', tmp_path / 'back.pth'
    ours = tmp_path / 'new_folder' / 'ours.pth'
    checkpoint = released_checkpoint()
    torch.save(checkpoint, released)
    run(released, ours)
    printed = capsys.readouterr().out
    assert 'tools/test.py' in printed
    assert 'depth=50' in printed
    assert 'num_classes=7' in printed
    assert torch.load(ours, weights_only=True).keys() == {'state_dict', 'meta'}
    run(ours, back, '--reverse')
    restored = torch.load(back, weights_only=True)
    state, expected = restored.pop('segmenter'), checkpoint.pop('segmenter')
    assert restored == checkpoint
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], value) for name, value in expected.items())


class _Foreign:
    """An object that a safe loader refuses to restore."""


@pytest.mark.parametrize(
    ('write', 'message'),
    [
        (lambda path: path.write_text('no checkpoint'), 'cannot be read'),
        (lambda path: path.write_bytes(b''), 'cannot be read'),
        (lambda path: torch.save(_Foreign(), path), 'other objects'),
        (lambda path: torch.save({'fc.weight': torch.ones(2)}, path), 'ImageNet'),
        (lambda path: None, 'does not exist'),
    ],
    ids=['text', 'empty', 'foreign object', 'another network', 'no file'],
)
def test_a_wrong_file_ends_in_one_line(tmp_path, run, write, message):
    write(tmp_path / 'in.pth')
    with pytest.raises(SystemExit, match=f'^error: .*{message}') as raised:
        run(tmp_path / 'in.pth', tmp_path / 'out.pth')
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'out.pth').exists()
