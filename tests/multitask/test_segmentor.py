from itertools import pairwise

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmseg_cen.freezing import freeze_exchange
from mmseg_cen.multitask.segmentor import groups_of_streams
from mmseg_cen.streams.fold import split_streams
from mmseg_cen.streams.norm import ModalityNorm
from mmseg_cen.streams.presence import present_modalities

from .conftest import network

SOME = dict(exchange_threshold=0.3, exchange_scope='all')
BOTH = ('rgb', 'depth')


def inputs(num_modalities=1, size=(32, 40), batch=2):
    return torch.randn(batch, 3 * num_modalities, *size)


def test_every_task_is_predicted_at_the_size_of_the_image(build, make_sample):
    sizes = dict(ori_shape=(16, 20))
    samples = [make_sample(**sizes), make_sample(**sizes)]
    for sample in build()(inputs(), samples, mode='predict'):
        assert sample.pred_sem_seg.data.shape == (1, 16, 20)
        assert sample.seg_logits.data.shape == (5, 16, 20)
        assert sample.pred_depth_map.data.shape == (1, 16, 20)
        assert (sample.pred_depth_map.data > 0).all()
        assert_close(sample.pred_normals.data.norm(dim=0), torch.ones(16, 20))
        assert 'pred_streams' not in sample


def test_without_a_task_its_prediction_is_missing(build):
    model = build(tasks=('depth',))
    assert model.targets == ('gt_depth_map',)
    sample = model(inputs(), mode='predict')[0]
    assert 'pred_depth_map' in sample
    assert not {'pred_sem_seg', 'seg_logits', 'pred_normals'} & {*sample.keys()}


def test_each_task_has_a_loss_and_all_of_them_train_the_shared_convolutions(
    build, make_sample
):
    model = build(backbone=SOME).train()
    losses = model(inputs(), [make_sample(), make_sample()], mode='loss')
    assert {name for name in losses if 'loss' in name} == {
        'decode.segmentation.rgb.loss_ce',
        'decode.depth.rgb.loss_log_l1',
        'decode.normals.rgb.loss_cosine',
    }
    weight = model.backbone.layer1[0].conv1.weight
    for name, loss in losses.items():
        if 'loss' in name:
            (grad,) = torch.autograd.grad(loss, weight, retain_graph=True)
            assert grad.abs().sum() > 0


def test_a_single_task_of_two_modalities_is_a_cen_segmentor(build):
    several = build(tasks=('segmentation',), modalities=BOTH, backbone=SOME).double()
    heads = several.decode_head.heads
    config = ConfigDict(
        type='CENSegmentor',
        modalities=BOTH,
        backbone=dict(
            type='CENResNet', depth=18, base_channels=4, stem_channels=4, **SOME
        ),
        decode_head=dict(
            type='EnsembleHead',
            head=dict(
                type='FCNHead', in_channels=32, in_index=3, channels=4, num_convs=1,
                num_classes=5,
            ),
        ),
        test_cfg=dict(mode='whole'),
    )  # fmt: skip
    one = MODELS.build(config).eval().double()
    one.backbone.load_state_dict(several.backbone.state_dict())
    one.decode_head.load_state_dict(heads.segmentation.streams.state_dict())
    x = inputs(2).double()
    for a, b in zip(several(x, mode='predict'), one(x, mode='predict'), strict=True):
        assert_close(a.seg_logits.data, b.seg_logits.data)
        for name in BOTH:
            assert_close(a.pred_streams.get(name), b.pred_streams.get(name))


def test_tasks_of_one_modality_without_exchange_are_networks_of_their_own(build):
    together = build(backbone=dict(exchange_threshold=0))
    x = inputs()
    found = together(x)
    for k, task in enumerate(together.tasks):
        alone = build(tasks=(task,), backbone=dict(exchange_threshold=0))
        state = {
            name: tensor.chunk(3)[k] if '.norm.' in name and tensor.ndim else tensor
            for name, tensor in together.state_dict().items()
        }
        state = {name.replace('.norm.', '.'): value for name, value in state.items()}
        alone.load_state_dict({name: state[name] for name in alone.state_dict()})
        assert_close(alone(x)[task]['rgb'], found[task]['rgb'])


@pytest.mark.parametrize(
    ('partners', 'reached'),
    [
        ('all', [{0, 1, 2, 3}] * 4),
        ('same_task', [{0, 1}, {0, 1}, {2, 3}, {2, 3}]),
        ('same_modality', [{0, 2}, {1, 3}, {0, 2}, {1, 3}]),
    ],
)
def test_streams_reach_their_partners_and_no_others(build, partners, reached):
    model = build(
        tasks=('segmentation', 'depth'),
        modalities=BOTH,
        partners=partners,
        backbone=SOME,
    )
    x = torch.randn(1, 4, 3, 32, 40, requires_grad=True)
    streams = split_streams(model.backbone(x.flatten(1, 2))[-1], 4)
    for stream, sources in enumerate(reached):
        (grad,) = torch.autograd.grad(
            streams[0, stream].square().sum(), x, retain_graph=True
        )
        assert {*grad[0].abs().sum((1, 2, 3)).nonzero().flatten().tolist()} == sources


@pytest.mark.parametrize('partners', ['all', 'same_task', 'same_modality'])
def test_the_order_of_the_tasks_does_not_matter(build, partners):
    tasks = ('segmentation', 'depth', 'normals')
    order = (2, 0, 1)
    kwargs = dict(modalities=BOTH, partners=partners, backbone=SOME)
    model = build(tasks=tasks, **kwargs)
    turned = build(tasks=tuple(tasks[k] for k in order), **kwargs)
    turned.load_state_dict(model.state_dict())
    for norm in turned.backbone.modules():
        if isinstance(norm, ModalityNorm):
            for tensor in [*norm.norm.parameters(), *norm.norm.buffers()]:
                if tensor.ndim:
                    by_task = tensor.data.view(3, -1)
                    tensor.data = by_task[[*order]].flatten()
    x = inputs(2)
    found, expected = turned(x), model(x)
    for task in tasks:
        for name, output in expected[task].items():
            assert_close(found[task][name], output, rtol=1e-4, atol=1e-4)


def test_the_ensemble_of_a_task_is_of_its_own_streams(build):
    model = build(modalities=BOTH)
    outputs = model(inputs(2))['depth']
    assert_close(outputs['ensemble'], (outputs['rgb'] + outputs['depth']) / 2)


def test_an_absent_modality_reaches_no_task(build, make_sample):
    model = build(modalities=BOTH, backbone=SOME)
    x = inputs(2)
    other = torch.cat([x[:, :3], torch.full_like(x[:, 3:], float('nan'))], dim=1)
    found = [
        model(image, [make_sample(absent=('depth',)) for _ in x], mode='predict')
        for image in (x, other)
    ]
    for one, two in zip(*found, strict=True):
        assert_close(one.pred_depth_map.data, two.pred_depth_map.data)
        assert_close(one.pred_normals.data, one.pred_normals_streams.rgb)
        assert [*one.pred_streams.keys()] == ['rgb']
    with present_modalities(None):
        assert model(x)['depth']['depth'].isfinite().all()


def test_a_batch_without_a_modality_has_losses_of_0(build, make_sample):
    model = build(modalities=BOTH).train()
    samples = [make_sample(absent=('depth',)), make_sample(absent=('depth',))]
    losses = model(inputs(2), samples, mode='loss')
    for task, loss in dict(depth='loss_log_l1', normals='loss_cosine').items():
        assert losses[f'decode.{task}.depth.{loss}'] == 0
        assert losses[f'decode.{task}.rgb.{loss}'] > 0


def test_a_flipped_image_has_the_normals_of_the_image(build, make_sample):
    model = build(tasks=('normals',))
    x = inputs(batch=1)
    found = [
        model(x, [make_sample(flip=flip, flip_direction='horizontal')], mode='predict')
        for flip in (False, True)
    ]
    plain, flipped = (samples[0].pred_normals.data for samples in found)
    assert_close(flipped, plain.flip(2) * torch.tensor([-1.0, 1, 1])[:, None, None])


def test_windows_predict_all_tasks(build):
    model = build()
    x = inputs(size=(32, 64), batch=1)
    model.test_cfg.update(mode='slide', crop_size=(32, 64), stride=(32, 32))
    sliding = model(x, mode='predict')[0]
    model.test_cfg.update(mode='whole')
    whole = model(x, mode='predict')[0]
    for field in ('seg_logits', 'pred_depth_map', 'pred_normals'):
        assert_close(sliding.get(field).data, whole.get(field).data)


def test_a_frozen_exchange_predicts_the_same(build):
    model = build(
        tasks=('depth', 'normals'), modalities=BOTH, backbone=dict(exchange_threshold=1)
    )
    x = inputs(2)
    expected, found = (
        model(x, mode='predict'),
        freeze_exchange(model)(x, mode='predict'),
    )
    for one, other in zip(found, expected, strict=True):
        assert_close(one.pred_depth_map.data, other.pred_depth_map.data)
        assert_close(one.pred_normals.data, other.pred_normals.data, atol=1e-4, rtol=0)


def test_groups_are_partitions_of_the_streams():
    assert groups_of_streams(3, 2, 'same_task') == ((0, 1), (2, 3), (4, 5))
    assert groups_of_streams(3, 2, 'same_modality') == ((0, 2, 4), (1, 3, 5))
    assert groups_of_streams(3, 2, 'all') == (tuple(range(6)),)
    for first, second in pairwise(groups_of_streams(2, 3, 'same_task')):
        assert not {*first} & {*second}


def test_streams_are_named_by_their_tasks(build):
    assert build().streams == ('segmentation', 'depth', 'normals')
    both = build(tasks=('depth', 'normals'), modalities=BOTH)
    assert both.streams == ('depth.rgb', 'depth.depth', 'normals.rgb', 'normals.depth')


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(partners='none'), '`partners` must be one of'),
        (dict(auxiliary_head=dict(type='FCNHead')), '`auxiliary_head` must be None'),
        (dict(tasks=()), '`tasks` must be distinct names'),
        (dict(tasks=('depth', 'depth')), '`tasks` must be distinct names'),
        (dict(modalities='rgb'), '`modalities` must be distinct names'),
        (dict(tasks=('edges',)), '`heads` must have a head for each of the tasks'),
        (dict(backbone=dict(num_modalities=2)), '`num_modalities` of the backbone'),
        (
            dict(
                partners='same_task', backbone=dict(exchange=dict(type='SumExchange'))
            ),
            "`partners` must be 'all'",
        ),
        (
            dict(
                partners='same_task',
                backbone=dict(exchange=[dict(type='ChannelExchange')]),
            ),
            "`partners` must be 'all'",
        ),
        (
            dict(
                backbone=dict(
                    fusion=dict(type='ConcatFusion', stages=('layer4',), merges=True)
                )
            ),
            '`backbone` must be one over the 3 streams',
        ),
        (dict(decode_head=dict(weighting='equal')), '`weighting` must be a dict'),
    ],
)
def test_wrong_arguments_are_refused(build, wrong, message):
    with pytest.raises(ValueError, match=message):
        build(**wrong)


def test_another_head_is_refused():
    config = network(tasks=('segmentation',))
    config.decode_head = dict(
        type='EnsembleHead', head=config.decode_head.heads.segmentation.head
    )
    with pytest.raises(ValueError, match='must be the config of a MultitaskHead'):
        MODELS.build(config)
