from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.datasets import CityscapesDataset
from mmseg.structures import SegDataSample

from mmseg_cen.hooks import MUSESFormatHook

SCENES = ('REC0124_frame_208369', 'REC0125_frame_000001')
PATHS = [f'rgb/test/snow/night/{scene}.png' for scene in SCENES]


class Scenes:
    def __init__(self, paths, classes):
        self.paths, self.metainfo = paths, dict(classes=classes)

    def __len__(self):
        return len(self.paths)

    def get_data_info(self, index):
        return dict(img_path=self.paths[index])


def predicted(path, label, size=(1080, 1920)):
    sample = SegDataSample(metainfo=dict(img_path=path))
    sample.pred_sem_seg = PixelData(data=torch.full((1, *size), label))
    return sample


def runner_of(paths=PATHS, classes=CityscapesDataset.METAINFO['classes'], **loop):
    loader = SimpleNamespace(dataset=Scenes(paths, classes))
    return SimpleNamespace(test_loop=SimpleNamespace(dataloader=loader, **loop))


@pytest.mark.parametrize('subset', [None, 'rgb+lidar'])
def test_there_is_one_file_of_train_ids_for_each_scene(tmp_path, subset):
    runner = runner_of(**(dict(subset=subset) if subset else {}))
    hook = MUSESFormatHook(str(tmp_path))
    hook.before_test_epoch(runner)
    hook.after_test_iter(
        runner, 0, None, [predicted(PATHS[0], 0), predicted(PATHS[1], 18)]
    )
    hook.after_test_epoch(runner)
    folder = tmp_path / (subset or '') / 'labelTrainIds'
    assert sorted(path.name for path in folder.iterdir()) == [
        f'{s}.png' for s in SCENES
    ]
    for scene, label in zip(SCENES, (0, 18), strict=True):
        stored = cv2.imread(f'{folder}/{scene}.png', cv2.IMREAD_UNCHANGED)
        assert stored.shape == (1080, 1920)
        assert stored.dtype == np.uint8
        assert (stored == label).all()
    (folder / f'.{SCENES[0]}.png.17.part').touch()  # as another process writes one
    hook.before_test_epoch(runner)  # a second test replaces them


def test_each_subset_of_a_test_has_a_folder_of_its_own(tmp_path):
    """A SubsetTestLoop says it before each of its tests, not before the first one."""
    runner = runner_of(subset='')
    hook = MUSESFormatHook(str(tmp_path))
    hook.before_test_epoch(runner)
    for label, subset in enumerate(('rgb+lidar', 'rgb')):
        runner.test_loop.subset = subset
        for path in PATHS:
            hook.after_test_iter(runner, 0, None, [predicted(path, label)])
    hook.after_test_epoch(runner)
    for label, subset in enumerate(('rgb+lidar', 'rgb')):
        stored = cv2.imread(f'{tmp_path}/{subset}/labelTrainIds/{SCENES[0]}.png')
        assert (stored == label).all()
    assert not (tmp_path / 'labelTrainIds').exists()


def test_what_the_server_would_refuse_is_refused_before_it_is_predicted(tmp_path):
    hook = MUSESFormatHook(str(tmp_path))
    for runner, message in (
        (
            runner_of(classes=('wall', 'floor')),
            'must have the 19 classes of Cityscapes',
        ),
        (runner_of(paths=['a/1.png']), 'must be named by sequence and frame'),
        (runner_of(paths=[*PATHS, 'b/' + PATHS[0]]), 'got 3 images of 2 scenes'),
    ):
        with pytest.raises(ValueError, match=message):
            hook.before_test_epoch(runner)
    (tmp_path / 'labelTrainIds').mkdir()
    (tmp_path / 'labelTrainIds/REC0001_frame_000001.png').touch()
    with pytest.raises(ValueError, match=r"tested scenes only, got \['REC0001_frame"):
        hook.before_test_epoch(runner_of())


def test_predictions_of_another_size_are_refused(tmp_path):
    hook = MUSESFormatHook(str(tmp_path))
    runner = runner_of()
    hook.before_test_epoch(runner)
    outputs = [predicted(PATHS[0], 0, (540, 960))]
    with pytest.raises(ValueError, match=r'must be of 1920x1080 pixels .* got 960x540'):
        hook.after_test_iter(runner, 0, None, outputs)
