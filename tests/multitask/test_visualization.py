import numpy as np
import torch
from mmengine.structures import PixelData

from mmseg_cen.multitask.visualization import color_normals, draw_tasks

META = dict(classes=('wall', 'floor'))


def predicted(sample):
    sample.set_data(
        dict(
            pred_sem_seg=PixelData(data=sample.gt_sem_seg.data),
            pred_depth_map=PixelData(data=sample.gt_depth_map.data + 1),
            pred_normals=PixelData(data=sample.gt_normals.data),
        )
    )
    return sample


def test_every_task_has_a_column(make_sample):
    image = np.zeros((3, 32, 40), np.float32)
    every = draw_tasks(image, predicted(make_sample()), META)
    sample = predicted(make_sample())
    del sample.pred_normals
    fewer = draw_tasks(image, sample, META)
    assert every.dtype == np.uint8
    assert every.shape[1] > fewer.shape[1]
    assert every.shape[0] == fewer.shape[0]


def test_what_has_no_target_is_drawn_without_one(make_sample):
    sample = predicted(make_sample())
    del sample.gt_depth_map
    assert draw_tasks(np.zeros((3, 32, 40), np.float32), sample, META).any()
    sample = predicted(make_sample())
    sample.gt_depth_map.data.zero_()
    assert draw_tasks(np.zeros((3, 32, 40), np.float32), sample, META).any()


def test_normals_have_the_colors_of_their_components():
    normals = torch.zeros(3, 1, 3)
    normals[:, 0, 0] = torch.tensor([0.0, 0, 1])
    normals[:, 0, 1] = torch.tensor([-1.0, 0, 0])
    assert color_normals(normals.numpy())[0].tolist() == [
        [128, 128, 255],
        [0, 128, 128],
        [0, 0, 0],
    ]
