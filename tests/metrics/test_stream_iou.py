import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample

from mmseg_cen.metrics import StreamIoUMetric

CLASSES = ('wall', 'floor', 'chair')
MODALITIES = dict(rgb=3, depth=1)  # of the data, whatever the model predicts


def samples(n=3, streams=('rgb', 'depth')):
    generator = torch.Generator().manual_seed(0)

    def draw(high=3):
        return torch.randint(0, high, (1, 8, 9), generator=generator)

    out = []
    for i in range(n):
        gt = draw()
        gt[:, :2] = 255
        sample = SegDataSample(
            gt_sem_seg=PixelData(data=gt), pred_sem_seg=PixelData(data=draw())
        )
        if streams:
            sample.pred_streams = PixelData(**{s: draw() for s in streams})
        sample.set_metainfo(dict(img_path=f'{i}.png', modalities=MODALITIES))
        out.append(sample)
    return out


def evaluate(metric, data):
    metric.dataset_meta = dict(classes=CLASSES)
    evaluator = Evaluator(metric)
    for sample in data:
        evaluator.process([sample], None)
    return evaluator.evaluate(len(data))


def mean_iou(pairs):
    """Mean over classes of intersection over union, by definition."""
    pred = np.concatenate([p.numpy()[g.numpy() != 255] for p, g in pairs])
    gt = np.concatenate([g.numpy()[g.numpy() != 255] for _, g in pairs])
    ious = [
        ((pred == k) & (gt == k)).sum() / ((pred == k) | (gt == k)).sum()
        for k in range(3)
    ]
    return 100 * np.mean(ious)


def test_every_stream_and_the_ensemble_are_measured_in_one_pass():
    data = samples()
    metrics = evaluate(StreamIoUMetric(), data)
    assert set(metrics) == {
        prefix + name
        for prefix in ('', 'rgb/', 'depth/')
        for name in ('aAcc', 'mAcc', 'mIoU')
    }
    for name in ('rgb', 'depth'):
        pairs = [(s.pred_streams.get(name), s.gt_sem_seg.data) for s in data]
        assert metrics[f'{name}/mIoU'] == pytest.approx(mean_iou(pairs), abs=0.006)
    pairs = [(s.pred_sem_seg.data, s.gt_sem_seg.data) for s in data]
    assert metrics['mIoU'] == pytest.approx(mean_iou(pairs), abs=0.006)


def test_without_streams_it_is_the_toolboxs_metric():
    data = samples(streams=())
    assert evaluate(StreamIoUMetric(), data) == evaluate(IoUMetric(), data)


def test_the_ensemble_is_what_the_toolboxs_metric_measures():
    data = samples()
    expected = evaluate(IoUMetric(iou_metrics=['mIoU', 'mFscore']), data)
    metrics = evaluate(StreamIoUMetric(iou_metrics=['mIoU', 'mFscore']), data)
    assert {k: v for k, v in metrics.items() if '/' not in k} == expected


def test_predictions_are_saved(tmp_path):
    metric = StreamIoUMetric(output_dir=str(tmp_path / 'out'), format_only=True)
    assert evaluate(metric, samples(2)) == {}
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['0.png', '1.png']
