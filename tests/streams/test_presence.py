"""Absent modalities have no influence, as if they had never been."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.testing import assert_close

from mmseg_cen.models import ModalityNorm, exchanging_norms, present_modalities
from mmseg_cen.streams.presence import (
    check_absent,
    current_presence,
    ensemble_weights,
    fill_absent,
    presence_of,
)

NAMES = ('m0', 'm1', 'm2', 'm3')


def build(M=4, test_cfg=None, type='CENSegmentor', **backbone):
    """A network that exchanges about half of its channels."""
    torch.manual_seed(0)
    head = dict(
        type='FCNHead',
        channels=4,
        num_convs=1,
        num_classes=5,
        dropout_ratio=0,
        norm_cfg=dict(type='BN'),
    )
    model = MODELS.build(
        ConfigDict(
            type=type,
            data_preprocessor=dict(
                type='MultimodalPreprocessor',
                modalities={name: dict(channels=3) for name in NAMES[:M]},
            ),
            backbone={
                **dict(
                    type='CENResNet',
                    depth=18,
                    num_modalities=M,
                    exchange_threshold=0.5,
                    exchange_scope='all',
                    base_channels=8,
                    stem_channels=8,
                ),
                **backbone,
            },
            decode_head=dict(
                type='EnsembleHead',
                modalities=NAMES[:M],
                head=dict(**head, in_channels=64, in_index=3),
            ),
            auxiliary_head=dict(
                type='EnsembleHead',
                modalities=NAMES[:M],
                head=dict(**head, in_channels=32, in_index=2),
            ),
            train_cfg=dict(),
            test_cfg=dict(mode='whole', **(test_cfg or {})),
        )
    ).double()
    torch.nn.init.normal_(model.decode_head.alpha_logits)
    for norm in model.modules():
        if isinstance(norm, ModalityNorm):
            torch.nn.init.normal_(norm.norm.weight)
            torch.nn.init.normal_(norm.norm.bias)
    return model


def batch(*absent, M=4, size=(32, 48)):
    """A sample for each of ``absent``, the names of what it lacks."""
    generator = torch.Generator().manual_seed(0)
    inputs, samples = [], []
    for names in absent:
        image = torch.rand(M * 3, *size, dtype=torch.double, generator=generator)
        label = torch.randint(0, 5, (1, *size), generator=generator)
        sample = SegDataSample(gt_sem_seg=PixelData(data=label))
        meta = dict(ori_shape=size, img_shape=size, pad_shape=size, img_path='a.png')
        sample.set_metainfo(dict(**meta, **(dict(absent=names) if names else {})))
        inputs.append(image)
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def disturb(data):
    """The batch with other inputs of absent modalities."""
    inputs = [image.clone() for image in data['inputs']]
    for image, sample in zip(inputs, data['data_samples'], strict=True):
        for name in sample.get('absent', ()):
            m = NAMES.index(name)
            image[3 * m : 3 * m + 3] = torch.rand(3, *image.shape[1:])
    return {**data, 'inputs': inputs}


def predictions(model, data):
    with torch.no_grad():
        return model.eval().test_step(data)


def losses(model, data):
    """Losses by name and gradients by name, of one training pass."""
    model.train().zero_grad()
    data = model.data_preprocessor(data, True)
    out = model(data['inputs'].double(), data['data_samples'], mode='loss')
    sum(v for k, v in out.items() if 'loss' in k).backward()
    return out, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


MIXED = (('m1', 'm3'), (), ('m0',), ('m0', 'm1', 'm2'))


@pytest.mark.parametrize('mode', ['whole', 'slide'])
def test_what_is_absent_has_no_influence_on_any_prediction(mode):
    cfg = dict(mode=mode, crop_size=(32, 32), stride=(16, 16))
    model = build()
    model.test_cfg.update(cfg)
    data = batch(*MIXED)
    outputs = predictions(model, data), predictions(model, disturb(data))
    for one, other in zip(*outputs, strict=True):
        assert torch.equal(one.seg_logits.data, other.seg_logits.data)
        assert one.seg_logits.data.isfinite().all()
        for name, logits in one.stream_logits.items():
            assert torch.equal(logits, other.stream_logits.get(name))


def everything_computed(model, training, value):
    """Named tensors of one pass, with ``value`` as the input of absent modalities.

    It stands there when the streams enter the backbone: the preprocessor, which
    overwrites absent modalities, has run before.
    """
    data = model.train(training).data_preprocessor(batch(*MIXED), training)
    inputs, samples = data['inputs'].double(), data['data_samples']
    inputs[~presence_of(samples, NAMES).repeat_interleave(3, dim=1)] = value
    if training:
        losses = model(inputs, samples, mode='loss')
        sum(v for name, v in losses.items() if 'loss' in name).backward()
        parameters = {n: p.grad for n, p in model.named_parameters()}
        return {**losses, **parameters, **dict(model.named_buffers())}
    with torch.no_grad():
        outputs = model(inputs, samples, mode='predict')
    return {
        f'{i}. {name}': logits
        for i, sample in enumerate(outputs)
        for name, logits in [
            *sample.stream_logits.items(),
            *sample.seg_logits.items(),
        ]
    }


@pytest.mark.parametrize('training', [True, False], ids=['train', 'eval'])
@pytest.mark.parametrize('threshold', [0.0, 0.5], ids=['plain', 'exchanging'])
def test_nan_in_the_input_of_an_absent_modality_changes_nothing(threshold, training):
    """Neither predictions nor losses, gradients and statistics."""
    expected, found = (
        everything_computed(build(exchange_threshold=threshold), training, value)
        for value in (0.0, torch.nan)
    )
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
        assert tensor.isfinite().all(), name


def test_a_sample_with_all_modalities_is_as_before_to_the_last_bit():
    """Next to samples without some."""
    model = build()
    plain = predictions(model, batch((), (), (), ()))
    mixed = predictions(model, batch((), ('m1',), ('m0', 'm2'), ()))
    for i in (0, 3):
        for name in NAMES:
            a, b = plain[i].stream_logits.get(name), mixed[i].stream_logits.get(name)
            assert torch.equal(a, b)
        assert_close(plain[i].seg_logits.data, mixed[i].seg_logits.data)


def test_a_batch_with_all_modalities_has_no_mask():
    assert presence_of([{}, {'absent': ()}], NAMES) is None


@pytest.mark.parametrize('keep', [(2,), (0, 3), (1, 2, 3)])
def test_some_of_four_modalities_are_the_network_of_these_alone(keep):
    """Cut the private parameters of the others out, and the rest agrees."""
    model = build()
    absent = tuple(name for m, name in enumerate(NAMES) if m not in keep)
    data = batch(absent, absent)
    whole = predictions(model, data)
    small = build(M=len(keep))
    state = model.state_dict()
    target = small.state_dict()
    for name, tensor in state.items():
        if name not in target:  # one modality alone has plain norms
            name = name.replace('.norm.', '.')
        if name.endswith('alpha_logits'):
            tensor = tensor[list(keep)]
        elif tensor.shape != target[name].shape:
            tensor = tensor.unflatten(0, (4, -1))[list(keep)].flatten(0, 1)
        target[name] = tensor
    small.load_state_dict(target)
    index = [3 * m + c for m in keep for c in range(3)]
    data = batch((), (), M=4)
    data['inputs'] = [image[index] for image in data['inputs']]
    expected = predictions(small, data)
    for got, wanted in zip(whole, expected, strict=True):
        assert_close(got.seg_logits.data, wanted.seg_logits.data)
        assert set(got.stream_logits.keys()) == {NAMES[m] for m in keep}
        for i, m in enumerate(keep):
            assert_close(
                got.stream_logits.get(NAMES[m]), wanted.stream_logits.get(NAMES[i])
            )


def test_the_share_of_the_absent_goes_to_the_others_in_proportion():
    logits = torch.tensor([0.3, -1.0, 2.0])
    present = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 1, 0]]).bool()
    weights = ensemble_weights(logits, present)
    alpha = logits.softmax(0)
    assert_close(weights.sum(1), torch.ones(3))
    assert_close(weights[0], alpha)
    assert_close(weights[1], torch.stack([alpha[0], 0 * alpha[1], alpha[2]]) / (
        alpha[0] + alpha[2]
    ))  # fmt: skip
    assert weights[2].tolist() == [0, 1, 0]


def test_with_one_modality_left_the_ensemble_is_its_stream():
    (out,) = predictions(build(), batch(('m0', 'm1', 'm3')))
    assert_close(out.seg_logits.data, out.stream_logits.m2)
    assert list(out.pred_streams.keys()) == ['m2']


def test_the_model_may_lack_a_modality_in_all_that_it_predicts():
    config = build(test_cfg=dict(absent=['m1', 'm3']))
    by_config = predictions(config, batch((), ('m0',)))
    by_sample = predictions(build(), batch(('m1', 'm3'), ('m0', 'm1', 'm3')))
    for one, other in zip(by_config, by_sample, strict=True):
        assert torch.equal(one.seg_logits.data, other.seg_logits.data)
        assert set(one.pred_streams.keys()) == set(other.pred_streams.keys())
    loss, _ = losses(config, batch(()))  # training sees what is there
    assert loss['decode.m1.loss_ce'] > 0


def test_the_loss_of_a_stream_is_that_of_the_samples_that_have_its_modality():
    model = build(M=2, norm_eval=True)
    for head in (model.decode_head, model.auxiliary_head):
        for norm in head.modules():  # so that samples do not depend on each other
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.train = lambda mode, norm=norm: norm
                norm.training = False
    both = batch((), ('m1',), M=2)
    mixed, _ = losses(model, both)
    first, _ = losses(model, {k: v[:1] for k, v in both.items()})
    second, _ = losses(model, {k: v[1:] for k, v in both.items()})
    for part in ('decode', 'aux'):
        m0, m1 = f'{part}.m0.loss_ce', f'{part}.m1.loss_ce'
        assert_close(mixed[m1], first[m1])
        assert_close(mixed[m0], (first[m0] + second[m0]) / 2)
        assert second[m1] == 0


def test_without_any_sample_of_a_modality_its_parameters_get_no_gradient():
    model = build(M=2)
    out, grads = losses(model, batch(('m1',), ('m1',), M=2))
    assert out['decode.m1.loss_ce'] == 0
    for norm in model.modules():
        if isinstance(norm, ModalityNorm):
            assert norm.norm.weight.grad.view(2, -1)[1].eq(0).all()
            assert norm.norm.weight.grad.view(2, -1)[0].ne(0).any()
    assert grads['decode_head.alpha_logits'].eq(0).all()


@pytest.mark.parametrize('with_cp', [False, True])
def test_a_modality_that_a_batch_lacks_keeps_its_running_statistics(with_cp):
    model = build(with_cp=with_cp, norm_eval=False)
    norms = [m for m in model.modules() if isinstance(m, ModalityNorm)]
    losses(model, batch((), ()))

    def statistics():
        return torch.cat(
            [
                buffer.view(4, -1).clone()
                for norm in norms
                for buffer in (norm.norm.running_mean, norm.norm.running_var)
            ],
            dim=1,
        )

    before = statistics()
    losses(model, batch(('m1',), ('m1', 'm2')))
    changed = (statistics() != before).any(dim=1)
    assert changed.tolist() == [True, False, True, True]


def test_while_training_an_absent_stream_computes_on_the_next_sample_that_has_it():
    x = torch.arange(8.0).view(4, 2, 1, 1)  # B, M
    present = torch.tensor([[0, 0], [1, 0], [0, 0], [1, 0]]).bool()
    filled = fill_absent(x, present, training=True)
    assert filled[:, 0].flatten().tolist() == [2, 2, 6, 6]
    assert filled[:, 1].eq(0).all()
    filled = fill_absent(x, present, training=False)
    assert filled[:, 0].flatten().tolist() == [0, 2, 0, 6]


def test_augmented_predictions_leave_absent_streams_out():
    tta = MODELS.build(dict(type='CENTTAModel', module=build().float())).eval()
    data = batch(('m2',), ())
    data = {key: [value, value] for key, value in data.items()}
    data['inputs'] = [[image.float() for image in b] for b in data['inputs']]
    for augmented in data['data_samples']:
        for sample in augmented:
            sample.set_metainfo(dict(flip=False, flip_direction=None))
    with torch.no_grad():
        first, second = tta.test_step(data)
    assert set(first.pred_streams.keys()) == {'m0', 'm1', 'm3'}
    assert set(second.pred_streams.keys()) == set(NAMES)


def test_the_presence_ends_with_its_context():
    mask = torch.tensor([[True, False]])
    with present_modalities(mask):
        assert current_presence() is mask
    assert current_presence() is None
    model = build(M=2)
    predictions(model, batch(('m1',), M=2))
    assert all(norm.present is None for norm in exchanging_norms(model).values())


@pytest.mark.parametrize(
    ('absent', 'message'),
    [
        (('m9',), r"out of \('m0', 'm1'\), got \['m9'\]"),
        (('m0', 'm1'), 'at least one of the modalities'),
        ('m0', r"list of names, e\.g\. \('depth',\), got 'm0'"),
    ],
)
def test_unknown_names_and_nothing_left_are_refused(absent, message):
    with pytest.raises(ValueError, match=message):
        check_absent(absent, ('m0', 'm1'))


def test_a_sample_without_any_modality_is_named():
    with pytest.raises(ValueError, match=r'at least one .* got none in a\.png'):
        predictions(build(M=2, test_cfg=dict(absent=['m0'])), batch(('m1',), M=2))


def test_a_mask_of_another_batch_is_refused():
    mask = torch.tensor([[True, False]])
    model = build(M=2)
    with present_modalities(mask), pytest.raises(ValueError, match=r'\(2, 2\)'):
        model.extract_feat(torch.rand(2, 6, 32, 32, dtype=torch.double))
    with pytest.raises(ValueError, match='boolean mask'), present_modalities(mask[0]):
        pass


def test_a_plain_segmentor_refuses_samples_with_an_absent_modality():
    model = build(M=2, type='EncoderDecoder')
    with pytest.raises(ValueError, match='CENSegmentor'):
        predictions(model, batch(('m1',), M=2))
