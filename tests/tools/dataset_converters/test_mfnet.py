import re

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg_cen.datasets import MFNetDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

LISTS = dict(
    train=('00001D', '00002N', '00001D_flip', '00002N_flip'),
    val=('00003N',),
    test=('00004D',),
)
STEMS = ('00001D', '00002N', '00003N', '00004D')
SIZE = (6, 8)


def drawn(stem):
    """RGBT (H, W, 4) and labels (H, W) of the official file of one name."""
    rng = np.random.default_rng(int(stem[:5]))
    return rng.integers(0, 256, (*SIZE, 4), np.uint8), rng.integers(
        0, 9, SIZE, np.uint8
    )


@pytest.fixture
def download(tmp_path):
    """The official layout; written with PIL, whose channels are R, G, B, thermal."""
    root = tmp_path / 'ir_seg_dataset'
    for folder in ('images', 'labels'):
        (root / folder).mkdir(parents=True)
    for stem in STEMS:
        image, label = drawn(stem)
        Image.fromarray(image, 'RGBA').save(root / 'images' / f'{stem}.png')
        Image.fromarray(label).save(root / 'labels' / f'{stem}.png')
    for split, stems in LISTS.items():
        (root / f'{split}.txt').write_text(''.join(f'{stem}\n' for stem in stems))
    return root


def test_every_pixel_of_color_thermal_and_labels_arrives(
    convert, download, tmp_path, read
):
    out = tmp_path / 'out'
    assert convert(download, out)[0] == 0
    for stem in STEMS:
        image, label = drawn(stem)
        np.testing.assert_array_equal(
            read(out / f'rgb/{stem}.png')[..., ::-1], image[..., :3]
        )
        np.testing.assert_array_equal(read(out / f'thermal/{stem}.png'), image[..., 3])
        np.testing.assert_array_equal(read(out / f'label/{stem}.png'), label)
    assert convert(out, '--check')[0] == 0


def test_lists_and_conditions_are_kept_and_mirrored_copies_left_out(
    convert, download, tmp_path
):
    out = tmp_path / 'out'
    report = convert(download.parent, out)[1]  # finds ir_seg_dataset in it
    assert 'left out 2 mirrored copies' in report
    assert 'condition: day 2, night 2' in report
    assert 'train has 2 samples, the official list 784' in report
    data = MFNetDataset(
        data_root=str(out),
        ann_file='train.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    assert [data.get_data_info(i)['groups'] for i in range(len(data))] == [
        dict(condition='day'),
        dict(condition='night'),
    ]
    np.testing.assert_array_equal(data[1]['thermal'], drawn('00002N')[0][..., 3])
    for split in ('val', 'test'):
        assert (out / f'{split}.txt').read_text().split() == list(LISTS[split])


def test_mirrored_copies_are_flipped_as_the_official_script_does(
    convert, download, tmp_path, read
):
    out = tmp_path / 'out'
    assert convert(download, out, '--keep-flipped')[0] == 0
    image, label = drawn('00002N')
    flipped = read(out / 'rgb/00002N_flip.png')[..., ::-1]
    np.testing.assert_array_equal(flipped, np.fliplr(image[..., :3]))
    np.testing.assert_array_equal(
        read(out / 'thermal/00002N_flip.png'), np.fliplr(image[..., 3])
    )
    np.testing.assert_array_equal(read(out / 'label/00002N_flip.png'), np.fliplr(label))
    assert (out / 'train.txt').read_text().split() == list(LISTS['train'])


def test_labels_with_a_palette_are_read_as_indices(convert, download, tmp_path, read):
    label = drawn('00001D')[1]
    image = Image.fromarray(label).convert('P')
    image.putdata(label.ravel().tolist())
    image.putpalette(list(range(255, 255 - 27, -1)))
    image.save(download / 'labels' / '00001D.png')
    out = tmp_path / 'out'
    assert convert(download, out)[0] == 0
    np.testing.assert_array_equal(read(out / 'label/00001D.png'), label)


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


DAMAGE = {
    r'images/00003N\.png is missing': lambda d: (d / 'images/00003N.png').unlink(),
    r'labels/00003N\.png must be a complete': lambda d: cut(d / 'labels/00003N.png'),
    r'images/00003N\.png must have 4 channels': lambda d: cv2.imwrite(
        str(d / 'images/00003N.png'), np.zeros((*SIZE, 3), np.uint8)
    ),
    r'labels/00003N\.png: labels must be 0\.\.8, got \[9\]': lambda d: cv2.imwrite(
        str(d / 'labels/00003N.png'), np.full(SIZE, 9, np.uint8)
    ),
    '00003N: its files must agree in size': lambda d: cv2.imwrite(
        str(d / 'labels/00003N.png'), np.zeros((5, 8), np.uint8)
    ),
    r'labels/00003N\.png must have 1 channel': lambda d: cv2.imwrite(
        str(d / 'labels/00003N.png'), np.zeros((*SIZE, 3), np.uint8)
    ),
    r'val\.txt is missing': lambda d: (d / 'val.txt').unlink(),
    'must end with D .* got 00003': lambda d: (d / 'val.txt').write_text('00003\n'),
}


@pytest.mark.parametrize('message', DAMAGE)
def test_damage_is_named_and_the_folder_stays_unfinished(
    convert, download, tmp_path, message
):
    DAMAGE[message](download)
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    assert re.search(message, report)
    assert not (tmp_path / 'out/meta.json').exists()


def test_swapped_arguments_leave_the_download_as_it_is(
    convert, download, tmp_path, tree
):
    out = tmp_path / 'out'
    assert convert(download, out)[0] == 0
    before = tree(download)
    for source in (out, download.parent):
        with pytest.raises(SystemExit, match=r'no tool wrote.*test\.txt, train\.txt'):
            convert(source, download)
    assert tree(download) == before


@pytest.mark.slow
def test_it_runs_as_a_command_and_continues_with_the_same_bytes(
    convert, download, tmp_path, tree, tool
):
    convert(download, tmp_path / 'a')
    image = download / 'images/00003N.png'
    kept = image.read_bytes()
    image.unlink()
    assert convert(download, tmp_path / 'b')[0] == 1  # stopped at a missing file
    image.write_bytes(kept)
    command = ['dataset_converters/mfnet.py', download, tmp_path / 'b', '--jobs', '2']
    code, output = tool(*command)
    assert code == 0, output
    assert tree(tmp_path / 'a') == tree(tmp_path / 'b')
