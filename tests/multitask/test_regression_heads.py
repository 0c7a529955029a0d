import pytest
import torch
from mmseg.registry import MODELS
from torch.testing import assert_close

HEAD = dict(
    type='FCNHead', in_channels=4, in_index=0, channels=4, num_convs=0,
    concat_input=False, dropout_ratio=0,
)  # fmt: skip


def build(type, modalities=('rgb',), **kwargs):
    torch.manual_seed(0)
    head = kwargs.pop('head', HEAD)
    return MODELS.build(dict(type=type, head=head, modalities=modalities, **kwargs))


def feats(streams=2):
    return [torch.randn(streams, 4, 8, 10, requires_grad=True)]


@pytest.mark.parametrize('head', ['DepthHead', 'NormalsHead'])
def test_pixels_without_a_target_have_no_influence(head, make_sample):
    x = feats(1)
    task = build(head)
    sample, other = make_sample((8, 10)), make_sample((8, 10))
    (loss,) = task.loss(x, [sample], None).values()
    (grad,) = torch.autograd.grad(loss, x)
    assert (grad[:, :, 0] == 0).all()
    assert (grad[:, :, 1:] != 0).any()
    data = other.get(task.target).data
    data[:, 0] = float('nan')
    assert_close(*task.loss(x, [other], None).values(), loss)


@pytest.mark.parametrize('head', ['DepthHead', 'NormalsHead'])
def test_a_sample_without_any_target_has_a_loss_of_0(head, make_sample):
    task, sample = build(head), make_sample((8, 10))
    sample.get(task.target).data.zero_()
    (loss,) = task.loss(feats(1), [sample], None).values()
    assert loss == 0
    loss.backward()


@pytest.mark.parametrize('head', ['DepthHead', 'NormalsHead'])
def test_the_ensemble_moves_only_its_weights(head, make_sample):
    x, task = feats(), build(head, ('rgb', 'depth'))
    losses = task.loss(x, [make_sample((8, 10))], None)
    assert [name.split('.')[0] for name in losses] == ['rgb', 'depth', 'ensemble']
    losses[[*losses][-1]].backward()
    assert x[0].grad is None
    moved = [name for name, p in task.named_parameters() if p.grad is not None]
    assert moved == ['streams.alpha_logits']


def test_depth_is_positive_and_limited():
    task = build('DepthHead', max_depth=10.0)
    depth = task.decode(torch.tensor([-100.0, 0, 100]))
    assert_close(depth, torch.tensor([0.1, 1, 10]))


@pytest.mark.parametrize('loss', ['log_l1', 'berhu'])
def test_depth_is_learned(loss, make_sample):
    task, x, samples = build('DepthHead', loss=loss), feats(1), [make_sample((8, 10))]
    optimizer = torch.optim.Adam(task.parameters(), 0.1)
    for _ in range(60):
        (error,) = task.loss(x, samples, None).values()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    depth = task.decode(task.predict(x, [samples[0].metainfo], None).chunk(2, 1)[0])
    assert_close(depth.mean(), torch.tensor(2.0), rtol=0.1, atol=0)


def test_missing_targets_are_refused(make_sample):
    sample = make_sample((8, 10))
    del sample.gt_normals
    with pytest.raises(ValueError, match='must have `gt_normals` for NormalsHead'):
        build('NormalsHead').loss(feats(1), [sample], None)


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(head={**HEAD, 'num_classes': 2}), '1 outputs by itself'),
        (dict(loss='l2'), "`loss` of DepthHead must be 'log_l1' or 'berhu'"),
        (dict(max_depth=0), '`max_depth` must be more than 1'),
    ],
)
def test_wrong_arguments_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        build('DepthHead', **wrong)
