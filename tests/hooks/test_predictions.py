from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmseg_cen.hooks import PredictedClassesHook


class Images:
    metainfo = dict(classes=('wall', 'floor'))

    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def get_data_info(self, index):
        return dict(img_path=self.paths[index])


def predicted(path, label):
    sample = SegDataSample(metainfo=dict(img_path=path))
    sample.pred_sem_seg = PixelData(data=torch.full((1, 2, 3), label))
    return sample


def runner_of(paths):
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=Images(paths)))
    return SimpleNamespace(test_loop=loop)


def test_every_sample_of_every_subset_has_a_file(tmp_path):
    paths = ['d/a/1.png', 'd/b/1.png']
    runner, hook = runner_of(paths), PredictedClassesHook(str(tmp_path))
    hook.before_test_epoch(runner)
    for label, subset in enumerate(('rgb+depth', 'depth')):
        runner.test_loop.subset = subset
        hook.after_test_iter(runner, 0, None, [predicted(p, label) for p in paths])
    for label, subset in enumerate(('rgb+depth', 'depth')):
        for folder in 'ab':
            path = tmp_path / subset / folder / '1.png'
            stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(stored, np.full((2, 3), label))


def test_labels_are_not_written_over(tmp_path):
    (tmp_path / '1.png').touch()
    runner = runner_of([str(tmp_path / '1.png')])
    with pytest.raises(ValueError, match='must not hold files of the data set'):
        PredictedClassesHook(str(tmp_path)).before_test_epoch(runner)
