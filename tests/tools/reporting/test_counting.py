"""What is counted of the predictions of a report."""

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from reporting.counting import ClassCounts


def test_ignored_pixels_do_not_count_though_their_label_is_a_class():
    count = ClassCounts(dict(classes=('void', 'wall', 'floor'), ignore_index=0))
    true = torch.tensor([[[0, 0], [1, 2]]])
    predicted = torch.tensor([[[1, 2], [1, 2]]])
    logits = 9.0 * torch.nn.functional.one_hot(predicted[0], 3).permute(2, 0, 1)
    count.add(
        SegDataSample(
            gt_sem_seg=PixelData(data=true),
            pred_sem_seg=PixelData(data=predicted),
            seg_logits=PixelData(data=logits),
        )
    )
    np.testing.assert_array_equal(count.confusion[0], np.diag([0, 1, 1]))
    assert count.calibration.sum(1)[0, 0] == 2
