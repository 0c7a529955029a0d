"""Pictures show modalities at the size of the image, whatever the network got."""

from types import SimpleNamespace

import cv2
import numpy as np
import torch
from mmseg.structures import SegDataSample

from mmseg_cen.hooks.visualization import measured_inputs
from mmseg_cen.modality import build_modalities
from mmseg_cen.transforms import LoadModalities


def test_modalities_are_loaded_again_where_the_network_gets_another_size(tmp_path):
    image = np.arange(12 * 16 * 3, dtype=np.uint8).reshape(12, 16, 3)
    assert cv2.imwrite(str(tmp_path / 'a.png'), image)
    info = dict(
        modalities=build_modalities(dict(rgb={})),
        modality_paths=dict(rgb=str(tmp_path / 'a.png')),
    )
    dataset = SimpleNamespace(
        pipeline=SimpleNamespace(transforms=[LoadModalities()]),
        get_data_info=lambda index: dict(info),
    )
    meta = dict(ori_shape=(12, 16), sample_idx=0, modalities=dict(rgb=3))
    sample = SegDataSample(metainfo=meta)
    for size in ((6, 8), (12, 16)):
        batch = dict(inputs=[torch.zeros(3, *size)])
        found, _ = measured_inputs(dataset, batch, 0, sample)
        assert found.shape == (3, 12, 16)
        assert bool(found.any()) == (size == (6, 8))
