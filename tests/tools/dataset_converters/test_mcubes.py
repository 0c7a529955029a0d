import re

import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import MCubeSDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

pytestmark = pytest.mark.usefixtures('no_sheet')

HEIGHT, WIDTH, LEFT = 6, 200, 192
LISTS = dict(
    train=('outscene1208_2_0000000150', 'outscene1208_2_0000000180'),
    val=('outscene1216_1_0000000000',),
    test=('outscene1223_5_0000000090',),
)
STEMS = sum(LISTS.values(), ())


def drawn(stem):
    """The official arrays of one sample by folder; images are BGR."""
    rng = np.random.default_rng(STEMS.index(stem))
    size = HEIGHT, WIDTH
    values = dict.fromkeys(('polL_aolp_sin', 'polL_aolp_cos', 'polL_dolp'))
    values = {name: rng.normal(size=size).astype(np.float32) for name in values}
    return dict(
        values,
        polL_color=rng.integers(0, 256, (*size, 3), np.uint8),
        NIR_warped=rng.integers(0, 65536, size, np.uint16),
        GT=rng.choice([0, 7, 19, 255], size).astype(np.uint8),
    )


@pytest.fixture
def download(tmp_path):
    root = tmp_path / 'multimodal_dataset'
    (root / 'list_folder').mkdir(parents=True)
    for split, stems in LISTS.items():
        (root / f'list_folder/{split}.txt').write_text('\n'.join(stems))
    for stem in STEMS:
        for folder, array in drawn(stem).items():
            (root / folder).mkdir(exist_ok=True)
            if array.dtype == np.float32:
                np.save(root / folder / f'{stem}.npy', array)
            else:
                assert cv2.imwrite(f'{root}/{folder}/{stem}.png', array)
    return root


def test_all_four_modalities_arrive_without_the_columns_at_the_left(
    convert, download, tmp_path
):
    out = tmp_path / 'out'
    status, report = convert(download, out)
    assert status == 0
    assert 'val has 1 samples, the official list 96' in report
    assert convert(out, '--check')[0] == 0
    data = MCubeSDataset(
        data_root=str(out),
        ann_file='train.txt',
        pipeline=[LoadModalities(), LoadAnnotations()],
    )
    assert list(data.modalities) == ['rgb', 'aolp', 'dolp', 'nir']
    for sample, stem in zip(data, LISTS['train'], strict=True):
        official = {name: array[:, LEFT:] for name, array in drawn(stem).items()}
        np.testing.assert_array_equal(sample['img'], official['polL_color'])
        np.testing.assert_array_equal(sample['aolp'][..., 0], official['polL_aolp_sin'])
        np.testing.assert_array_equal(sample['aolp'][..., 1], official['polL_aolp_cos'])
        np.testing.assert_array_equal(sample['dolp'], official['polL_dolp'])
        nir = official['NIR_warped'] / 65535
        np.testing.assert_allclose(sample['nir'], nir, rtol=1e-6)
        np.testing.assert_array_equal(sample['gt_seg_map'], official['GT'])
    for split, stems in LISTS.items():
        assert (out / f'{split}.txt').read_text().split() == list(stems)


def test_images_of_8_and_16_bits_become_those_of_the_other_samples(
    convert, download, tmp_path, read
):
    stem, out = STEMS[0], tmp_path / 'out'
    color, nir = drawn(stem)['polL_color'], np.full((HEIGHT, WIDTH), 255, np.uint8)
    wide = color.astype(np.uint16) * 257
    assert cv2.imwrite(f'{download}/polL_color/{stem}.png', wide)
    assert cv2.imwrite(f'{download}/NIR_warped/{stem}.png', nir)
    assert convert(download, out)[0] == 0
    np.testing.assert_array_equal(read(out / f'rgb/{stem}.png'), color[:, LEFT:])
    assert (read(out / f'nir/{stem}.png') == 65535).all()


DAMAGE = {
    r'list_folder/val\.txt is missing': lambda d: (
        d / 'list_folder/val.txt'
    ).unlink(),
    r'polL_aolp_cos/.*150\.npy is missing': lambda d: (
        d / f'polL_aolp_cos/{STEMS[0]}.npy'
    ).unlink(),
    r'polL_dolp/.*150\.npy must hold finite floats .*, got int64': lambda d: np.save(
        d / f'polL_dolp/{STEMS[0]}.npy', np.zeros((HEIGHT, WIDTH), np.int64)
    ),
    r'polL_dolp/.*150\.npy must hold finite floats .* or NaN': lambda d: np.save(
        d / f'polL_dolp/{STEMS[0]}.npy', np.full((HEIGHT, WIDTH), np.nan, np.float32)
    ),
    r'GT/.*150\.png: labels must be 0\.\.19 or 255, got \[20\]': lambda d: cv2.imwrite(
        f'{d}/GT/{STEMS[0]}.png', np.full((HEIGHT, WIDTH), 20, np.uint8)
    ),
}  # fmt: skip


@pytest.mark.parametrize('message', DAMAGE)
def test_damage_is_named(convert, download, tmp_path, message):
    DAMAGE[message](download)
    status, report = convert(download, tmp_path / 'out')
    assert status == 1
    assert re.search(message, report)
