import cv2
import numpy as np
import pytest
import torch

from mmseg_cen.visualization.class_maps import write_classes


@pytest.mark.parametrize(
    ('num_classes', 'first', 'dtype'),
    [(256, 0, 'uint8'), (256, 1, 'uint16'), (255, 1, 'uint8'), (300, 0, 'uint16')],
)
def test_the_last_class_is_stored_as_it_is(tmp_path, num_classes, first, dtype):
    labels = torch.tensor([[[0, num_classes - 1]]])
    sample = dict(pred_sem_seg=dict(data=labels), reduce_zero_label=bool(first))
    write_classes(tmp_path / 'a.png', sample, num_classes)
    stored = cv2.imread(str(tmp_path / 'a.png'), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == dtype
    np.testing.assert_array_equal(stored, labels[0].numpy() + first)
