import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample

from mmseg_cen.metrics import StreamIoUMetric, iou, read_per_image

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
    } | {'streams/agreement', 'streams/oracle'}
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


def test_predictions_are_saved_whatever_their_groups(tmp_path):
    out = str(tmp_path / 'out')
    metric = StreamIoUMetric('camera', output_dir=out, format_only=True)
    assert evaluate(metric, samples(2)) == {}
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['0.png', '1.png']


def test_a_test_that_measures_nothing_need_not_save_anything():
    assert evaluate(StreamIoUMetric(format_only=True), samples(2)) == {}


def grouped(gt, pred, **groups):
    """A sample whose stream 'rgb' is right everywhere and its ensemble as given."""
    gt, pred = torch.tensor([[gt]]), torch.tensor([[pred]])
    sample = SegDataSample(
        gt_sem_seg=PixelData(data=gt), pred_sem_seg=PixelData(data=pred)
    )
    sample.pred_streams = PixelData(rgb=gt)
    meta = dict(img_path='x.png', modalities=dict(rgb=3), groups=groups)
    sample.set_metainfo(meta)
    return sample


def test_groups_are_measured_apart_each_over_the_classes_it_has():
    data = [
        # kv1: wall 1 of 2, floor 1 of 2, no chair at all.
        grouped([0, 0, 1], [0, 1, 1], camera='kv1', room='hall'),
        # kv2: wall 2 of 3, floor 0 of 1 (predicted only), chair 1 of 2 pixels.
        grouped([0, 0, 255], [0, 0, 2], camera='kv2', room='hall'),
        grouped([0, 2, 2], [1, 2, 0], camera='kv2', room='lab'),
    ]
    metrics = evaluate(StreamIoUMetric(group_by=('camera', 'room')), data)
    expected = {
        'camera:kv1/mIoU': (1 / 2 + 1 / 2) / 2,
        'camera:kv1/mAcc': (1 / 2 + 1 / 1) / 2,
        'camera:kv1/aAcc': 2 / 3,
        'camera:kv2/mIoU': (2 / 4 + 0 / 1 + 1 / 2) / 3,
        'camera:kv2/mAcc': (2 / 3 + 1 / 2) / 2,
        'camera:kv2/aAcc': 3 / 5,
        'room:hall/mIoU': (3 / 4 + 1 / 2) / 2,
        'room:lab/mIoU': (0 + 0 + 1 / 2) / 3,
        'mIoU': (3 / 6 + 1 / 3 + 1 / 2) / 3,
        'camera:kv2/rgb/mIoU': 1.0,
        'room:lab/rgb/aAcc': 1.0,
    }
    for key, value in expected.items():
        assert metrics[key] == pytest.approx(100 * value, abs=0.006), key
    plain = evaluate(StreamIoUMetric(), data)
    assert {k: v for k, v in metrics.items() if ':' not in k} == plain
    assert len(metrics) == len(plain) * 5


def test_absent_classes_count_what_nan_to_num_says():
    data = [grouped([0, 1], [0, 1], camera='a')]
    metrics = evaluate(StreamIoUMetric(group_by='camera', nan_to_num=0), data)
    assert metrics['camera:a/mIoU'] == pytest.approx(66.67)


def test_a_group_without_labeled_pixels_has_no_value_and_takes_nothing():
    data = [grouped([0], [0], camera='a'), grouped([255], [1], camera='b')]
    metrics = evaluate(StreamIoUMetric(group_by='camera'), data)
    assert np.isnan(metrics['camera:b/mIoU'])
    assert metrics['camera:a/mIoU'] == metrics['mIoU'] == 100


def test_a_sample_without_the_group_is_named():
    data = [grouped([0], [0], camera='a'), grouped([0], [0])]
    with pytest.raises(ValueError, match=r"got \['camera'\], but x\.png has \{\}"):
        evaluate(StreamIoUMetric(group_by='camera'), data)


def test_the_groups_are_logged_as_a_table(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        data = [grouped([0, 0], [0, 1], camera='kv1')]
        evaluate(StreamIoUMetric(group_by='camera'), data)
    finally:
        logger.removeHandler(caplog.handler)
    rows = [line.split('|') for line in caplog.text.splitlines()]
    cells = [[cell.strip() for cell in row[1:5]] for row in rows]
    assert ['camera:kv1', '1', 'rgb', '100.0'] in cells
    assert ['camera:kv1', '1', 'ensemble', '50.0'] in cells


def test_a_stream_is_measured_over_the_samples_that_have_its_modality():
    data = samples(4)
    for sample in data[:2]:
        del sample.pred_streams.depth
    metrics = evaluate(StreamIoUMetric(group_by='present'), data)
    both = evaluate(StreamIoUMetric(), data[2:])
    one = evaluate(StreamIoUMetric(), data[:2])
    for key in ('mIoU', 'aAcc'):
        assert metrics[f'depth/{key}'] == both[f'depth/{key}']
        assert metrics[f'present:rgb+depth/{key}'] == both[key]
        assert metrics[f'present:rgb/{key}'] == one[key]
    assert not any(key.startswith('present:rgb/depth') for key in metrics)
    assert [*metrics][:1] == ['rgb/aAcc']


def test_classes_and_ignored_labels_of_any_number_are_measured():
    """Not through floats, nor modulo 256."""
    K = 5000
    truth = torch.arange(K + 40).view(1, 60, 84) % K
    truth[0, 0, :9] = 65535
    prediction = truth.clone()
    prediction[0, 0, :9] = 255
    prediction[0, 1] = prediction[0, 1] + 256
    sample = SegDataSample(
        gt_sem_seg=PixelData(data=truth),
        pred_sem_seg=PixelData(data=prediction),
        pred_streams=PixelData(rgb=truth.clone()),
    )
    sample.set_metainfo(dict(img_path='0.png', modalities=dict(rgb=3)))
    metric = StreamIoUMetric(ignore_index=65535)
    metric.dataset_meta = dict(classes=[f'{k}' for k in range(K)])
    metric.process({}, [sample.to_dict()])
    areas, _ = metric.results[0]
    both, union, predicted, true = areas['ensemble']
    counted = truth != 65535
    assert true.sum() == predicted.sum() == counted.sum() == truth.numel() - 9
    assert both.sum() == (prediction == truth)[counted].sum()
    assert union.sum() == true.sum() + predicted.sum() - both.sum()
    assert areas['rgb'][0].equal(areas['rgb'][3])


@pytest.mark.parametrize('ignore_index', [255, 65535])
def test_predictions_of_a_binary_model_are_measured_as_classes(ignore_index):
    """They are floats, of half precision with mixed precision."""
    truth = torch.tensor([[[0, 1, ignore_index, 1]]])
    prediction = torch.tensor([[[0, 1, 1, 0]]])
    measured = []
    for dtype in (torch.int64, torch.float16):
        sample = SegDataSample(
            gt_sem_seg=PixelData(data=truth),
            pred_sem_seg=PixelData(data=prediction.to(dtype)),
            pred_streams=PixelData(rgb=prediction.to(dtype)),
        )
        sample.set_metainfo(dict(img_path='0.png', modalities=dict(rgb=3)))
        measured.append(evaluate(StreamIoUMetric(ignore_index=ignore_index), [sample]))
    assert measured[0] == measured[1]
    assert measured[0]['aAcc'] == measured[0]['rgb/aAcc'] == pytest.approx(66.67)


def test_labels_of_another_size_than_the_prediction_are_named():
    (sample,) = samples(1)
    sample.gt_sem_seg = PixelData(data=torch.zeros(1, 4, 5, dtype=torch.int64))
    with pytest.raises(ValueError, match=r'\(8, 9\), got \(4, 5\) of 0\.png.*Resize'):
        evaluate(StreamIoUMetric(), [sample])


def test_a_sample_without_labels_is_named():
    (sample,) = samples(1)
    del sample.gt_sem_seg
    with pytest.raises(ValueError, match=r'got none of 0\.png.*format_only'):
        evaluate(StreamIoUMetric(), [sample])


def test_predictions_of_one_name_are_not_written_over_each_other(tmp_path):
    metric = StreamIoUMetric(output_dir=str(tmp_path))
    data = samples(2)
    evaluate(metric, data)
    evaluate(metric, data)  # the next validation
    assert {path.name for path in tmp_path.iterdir()} == {'0.png', '1.png'}
    data[1].set_metainfo(dict(img_path='b/0.png'))
    with pytest.raises(ValueError, match=r'different names .* got 0.png and b/0.png'):
        evaluate(metric, data)


def test_the_miou_of_the_file_of_each_image_is_that_of_the_metric(tmp_path):
    path = tmp_path / 'images.npz'
    data = samples(4)
    del data[1].pred_streams.depth
    for _ in range(2):  # the next validation replaces the file
        metrics = evaluate(StreamIoUMetric(per_image_file=str(path)), data)
    measured = read_per_image(path)
    assert measured.images == ('0', '1', '2', '3')
    assert measured.classes == CLASSES
    assert [*measured.areas] == ['rgb', 'depth', 'ensemble']
    for output, areas in measured.areas.items():
        prefix = '' if output == 'ensemble' else f'{output}/'
        value = np.nanmean(iou(areas.sum(0)))
        assert metrics[f'{prefix}mIoU'] == pytest.approx(value, abs=0.006)
    for key, name in (('agreement', 'agreement/rgb+depth'), ('oracle', 'oracle')):
        part, whole = measured.shares[name].sum(0)
        assert metrics[f'streams/{key}'] == pytest.approx(100 * part / whole, abs=0.006)
    assert metrics == evaluate(StreamIoUMetric(), data)


def test_samples_that_fill_the_last_batch_up_are_not_stored(tmp_path):
    """As those of a test in several processes, which are collected in their order."""
    path = tmp_path / 'images.npz'
    metric = StreamIoUMetric(per_image_file=str(path))
    metric.dataset_meta = dict(classes=CLASSES)
    evaluator = Evaluator(metric)
    data = samples(3)
    for sample in [*data, data[0]]:
        evaluator.process([sample], None)
    evaluator.evaluate(len(data))
    assert read_per_image(path).images == ('0', '1', '2')


def test_a_file_of_each_image_of_another_suffix_is_refused():
    with pytest.raises(ValueError, match=r"must end with \.npz, got 'images\.csv'"):
        StreamIoUMetric(per_image_file='images.csv')


def test_the_order_of_the_modalities_in_the_data_divides_no_group():
    """Data sets of one test pack them in an order of their own."""
    data = samples(2)
    data[1].set_metainfo(dict(modalities=dict(depth=1, rgb=3)))
    for sample in data:
        sample.set_metainfo(dict(streams=('rgb', 'depth')))
    metrics = evaluate(StreamIoUMetric('present'), data)
    assert {key.split('/')[0] for key in metrics if ':' in key} == {'present:rgb+depth'}
    assert 'streams/agreement' in metrics
