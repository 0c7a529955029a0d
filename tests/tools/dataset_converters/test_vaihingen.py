import cv2
import numpy as np
import pytest

from mmseg_cen.datasets import VaihingenDSMDataset
from mmseg_cen.transforms import LoadAnnotations, LoadModalities

pytestmark = pytest.mark.usefixtures('no_sheet')

SIZE = (12, 9)
GREEN = (0, 255, 0)  # trees


def test_infrared_red_and_green_are_the_channels_of_an_image(convert, tmp_path):
    root, out = tmp_path / 'Vaihingen', tmp_path / 'out'
    rng = np.random.default_rng(0)
    arrays = {}
    for area in (1, 2):
        image = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        heights = rng.uniform(250, 300, SIZE).astype(np.float32)
        arrays[f'area{area}'] = image, heights
        for path, array in {
            f'top/top_mosaic_09cm_area{area}.tif': image,
            f'dsm/dsm_09cm_matching_area{area}.tif': heights,
            f'gts_for_participants/top_mosaic_09cm_area{area}.tif': np.full(
                (*SIZE, 3), GREEN, np.uint8
            ),
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(root / path), array)
    status, report = convert(root, out)
    assert status == 0
    assert '31 of 33 tiles are missing: area10, ' in report
    assert convert(out, '--check')[0] == 0
    for split, tile in dict(train='area1', val='area2').items():
        data = VaihingenDSMDataset(
            data_root=str(out),
            ann_file=f'{split}.txt',
            pipeline=[LoadModalities(), LoadAnnotations()],
        )
        image, heights = arrays[tile]
        assert data.get_data_info(0)['groups'] == dict(tile=tile)
        # As blue, green, red in the pipeline, which bgr_to_rgb of the network turns.
        np.testing.assert_array_equal(data[0]['img'], image)
        above = heights - heights.min()
        np.testing.assert_allclose(data[0]['dsm'], above, atol=0.0051)
        assert (data[0]['gt_seg_map'] == 3).all()
