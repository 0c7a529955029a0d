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


class Fixture:
    """The few attributes of a runner that the hook reads."""

    def __init__(self, backends=()):
        loop = SimpleNamespace(
            dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo=META))
        )
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
