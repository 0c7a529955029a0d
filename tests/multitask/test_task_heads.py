import pytest
import torch
from mmseg.registry import MODELS
from torch.testing import assert_close

HEAD = dict(
    type='FCNHead', in_channels=4, in_index=0, channels=4, num_convs=0,
    concat_input=False, dropout_ratio=0, num_classes=5,
)  # fmt: skip


def build(modalities=('rgb',), **kwargs):
    torch.manual_seed(0)
    config = dict(type='SegmentationHead', head={**HEAD, **kwargs})
    return MODELS.build({**config, 'modalities': modalities})


def test_a_single_stream_has_no_ensemble_beside_it(make_sample):
    task = build()
    losses = task.loss([torch.randn(1, 4, 8, 10)], [make_sample((8, 10))], {})
    assert {*losses} == {'rgb.loss_ce', 'rgb.acc_seg'}
    assert not task.streams.alpha_logits.requires_grad


def test_predictions_are_those_of_the_ensemble_head(make_sample):
    task, sample = build(('rgb', 'depth')), make_sample((8, 10))
    feats = [torch.randn(2, 4, 8, 10)]
    maps = task.predict(feats, [sample.metainfo], None)[0]
    assert len(maps) == task.out_channels == 15
    task.write(sample, maps, absent=())
    logits = task.streams.forward_streams(feats)
    assert_close(sample.seg_logits.data, logits['ensemble'][0])
    for name in ('rgb', 'depth'):
        classes = logits[name][0].argmax(0, keepdim=True)
        assert torch.equal(sample.pred_streams.get(name), classes)


def test_two_classes_may_have_one_output(make_sample):
    task, sample = build(num_classes=2, out_channels=1, threshold=0.5), make_sample()
    task.write(sample, torch.full((2, 8, 10), 3.0), absent=())
    assert (sample.pred_sem_seg.data == 1).all()


def test_samples_without_labels_are_refused(make_sample):
    sample = make_sample((8, 10))
    del sample.gt_sem_seg
    with pytest.raises(ValueError, match='must have `gt_sem_seg` for SegmentationHead'):
        build().loss([torch.randn(1, 4, 8, 10)], [sample], {})
