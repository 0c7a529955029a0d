from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from mmseg_cen.hooks.visualization import (
    MultimodalVisualizationHook,
    unaugmented_inputs,
)

META = dict(
    classes=('wall', 'floor', 'chair'), palette=[[9, 0, 0], [0, 9, 0], [0, 0, 9]]
)


def make_sample(
    modalities, size=(8, 10), streams=True, truth=True, name='a/b/room.jpg'
):
    def labels():
        return PixelData(data=torch.randint(3, (1, *size)))

    sample = SegDataSample(metainfo=dict(img_path=name, modalities=modalities))
    sample.pred_sem_seg = labels()
    if truth:
        sample.gt_sem_seg = labels()
        sample.gt_sem_seg.data[..., 0] = 255
    if streams:
        fields = {key: labels().data for key in modalities}
        sample.pred_streams = PixelData(**fields)
    return sample


def make_inputs(modalities, size=(8, 10)):
    return 255 * torch.rand(sum(modalities.values()), *size)


def test_with_test_time_augmentation_the_largest_unflipped_view_is_drawn():
    sizes = [(4, 4), (8, 8), (16, 16)]
    views = [(size, flip) for size in sizes[:2] for flip in (False, True)]
    views.append((sizes[2], True))
    batch = dict(
        inputs=[[torch.rand(4, *size) for _ in range(2)] for size, _ in views],
        data_samples=[
            [SegDataSample(metainfo=dict(flip=flip)) for _ in range(2)]
            for _, flip in views
        ],
    )
    expected = batch['inputs'][2][1]
    assert (unaugmented_inputs(batch, 1) == expected.numpy()).all()


class Images:
    """The images of a data set, by their paths."""

    metainfo = META

    def __init__(self, paths=None):
        self.paths = paths or [f'x/room_{k}_{j}.jpg' for k in range(4) for j in (0, 1)]

    def __len__(self):
        return len(self.paths)

    def get_data_info(self, index):
        return dict(img_path=self.paths[index])


class Fixture:
    """The few attributes of a runner that the hook reads."""

    def __init__(self, backends=()):
        loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=Images()))
        self.val_loop = self.test_loop = loop
        self.iter = 30
        self.visualizer = SegLocalVisualizer(vis_backends=list(backends))

    def run(self, hook, mode='val', num_batches=4, batch_size=2):
        modalities = dict(rgb=3, depth=1)
        getattr(hook, f'before_{mode}_epoch')(self)
        for k in range(num_batches):
            outputs = [
                make_sample(modalities, name=f'x/room_{k}_{j}.jpg')
                for j in range(batch_size)
            ]
            batch = dict(inputs=[make_inputs(modalities) for _ in outputs])
            getattr(hook, f'after_{mode}_iter')(self, k, batch, outputs)


def names(folder: Path):
    return sorted(path.name for path in folder.rglob('*.png'))


def test_every_so_many_batches_are_drawn_beginning_with_the_first(tmp_path):
    hook = MultimodalVisualizationHook(draw=True, interval=3, out_dir=str(tmp_path))
    Fixture().run(hook)
    assert names(tmp_path) == [
        'room_0_0.png', 'room_0_1.png', 'room_3_0.png', 'room_3_1.png'
    ]  # fmt: skip
    assert cv2.imread(str(tmp_path / 'room_0_0.png')).shape[2] == 3


def test_each_validation_draws_at_most_max_samples(tmp_path):
    hook = MultimodalVisualizationHook(
        draw=True, interval=1, max_samples=3, out_dir=str(tmp_path)
    )
    for _ in range(2):
        Fixture().run(hook)
        assert len(names(tmp_path)) == 3
        for path in tmp_path.iterdir():
            path.unlink()


def test_nothing_is_drawn_unless_asked_for(tmp_path):
    Fixture().run(MultimodalVisualizationHook(out_dir=str(tmp_path)))
    assert names(tmp_path) == []


@pytest.mark.parametrize('mode', ['val', 'test'])
def test_pictures_go_to_all_backends_of_the_visualizer(mode, tmp_path):
    events = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator'
    )
    board = str(tmp_path / 'board')
    fixture = Fixture(
        [
            dict(type='LocalVisBackend', save_dir=str(tmp_path)),
            dict(type='TensorboardVisBackend', save_dir=board),
        ]
    )
    fixture.run(MultimodalVisualizationHook(draw=True), mode=mode, batch_size=1)
    fixture.visualizer.close()
    assert names(tmp_path / 'vis_image') == [f'{mode}_room_0_0_30.png']
    log = events.EventAccumulator(board).Reload()
    assert log.Tags()['images'] == [f'{mode}_room_0_0']


def test_showing_opens_windows_and_stores_nothing(tmp_path, monkeypatch):
    shown = []
    fixture = Fixture([dict(type='LocalVisBackend', save_dir=str(tmp_path))])
    monkeypatch.setattr(
        fixture.visualizer, 'show', lambda *args: shown.append(args[1:])
    )
    hook = MultimodalVisualizationHook(draw=True, show=True, wait_time=1.5)
    fixture.run(hook, batch_size=1)
    assert shown == [('room_0_0', 1.5)]
    assert names(tmp_path) == []


def test_an_interval_of_zero_is_refused():
    with pytest.raises(ValueError, match='`interval` must be at least 1, got 0'):
        MultimodalVisualizationHook(interval=0)


def test_samples_of_one_name_and_subsets_are_kept_apart(tmp_path):
    fixture = Fixture()
    dataset = Images([f'd/{folder}/1.png' for folder in 'ab'])
    fixture.test_loop.dataloader.dataset = dataset
    hook = MultimodalVisualizationHook(
        draw=True, interval=1, max_samples=2, out_dir=str(tmp_path)
    )
    hook.before_test_epoch(fixture)
    modalities = dict(rgb=3, depth=1)
    for fixture.test_loop.subset in ('rgb+depth', 'rgb'):
        outputs = [make_sample(modalities, name=path) for path in dataset.paths]
        batch = dict(inputs=[make_inputs(modalities) for _ in outputs])
        hook.after_test_iter(fixture, 0, batch, outputs)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob('*.png')}
    assert found == {
        'rgb+depth/a/1.png', 'rgb+depth/b/1.png', 'rgb/a/1.png', 'rgb/b/1.png'
    }  # fmt: skip


def test_pictures_of_one_name_are_kept_apart_in_backends(tmp_path):
    fixture = Fixture([dict(type='LocalVisBackend', save_dir=str(tmp_path))])
    dataset = Images(['d/a/b_c.png', 'd/a_b/c.png'])
    fixture.val_loop.dataloader.dataset = dataset
    hook = MultimodalVisualizationHook(draw=True, interval=1)
    hook.before_val_epoch(fixture)
    outputs = [make_sample(dict(rgb=3), name=path) for path in dataset.paths]
    batch = dict(inputs=[make_inputs(dict(rgb=3)) for _ in outputs])
    hook.after_val_iter(fixture, 0, batch, outputs)
    assert len(names(tmp_path)) == 2
