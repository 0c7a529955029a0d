"""A network that is trained for subsets of its modalities is taught by all of them."""

from collections import Counter

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.runner.activation_checkpointing import turn_on_activation_checkpointing
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.testing import assert_close

from mmseg_cen.models import subset_distillation
from mmseg_cen.models.subset_distillation import divergence_of, draw_subsets

NAMES = ('rgb', 'depth', 'thermal')
B = 3
ON = dict(weight=1.0, temperature=2.0)
CLOSE = dict(rtol=1e-4, atol=1e-5)


def build(distil=None, M=2, ensemble='alpha', **head):
    torch.manual_seed(0)
    head = head or dict(type='FCNHead', num_convs=1)
    head |= dict(in_channels=32, in_index=3, channels=4, dropout_ratio=0)
    auxiliary = dict(
        type='FCNHead', num_convs=0, concat_input=False, in_channels=32, in_index=3,
        channels=32, dropout_ratio=0,
    )  # fmt: skip
    norm = dict(norm_cfg=dict(type='BN'), num_classes=5)
    cfg = ConfigDict(
        type='CENSegmentor',
        modalities=NAMES[:M],
        data_preprocessor=dict(
            type='MultimodalPreprocessor',
            modalities={name: dict(channels=3) for name in NAMES[:M]},
        ),
        backbone=dict(
            type='CENResNet', depth=18, base_channels=4, stem_channels=4,
            exchange_threshold=0.5, norm_eval=False,
        ),
        decode_head=dict(type='EnsembleHead', ensemble=ensemble, head=head | norm),
        auxiliary_head=dict(type='EnsembleHead', head=auxiliary | norm),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
        subset_distillation=distil,
    )  # fmt: skip
    model = MODELS.build(cfg)
    for norm in (m for m in model.modules() if hasattr(m, 'exchange_threshold')):
        torch.nn.init.uniform_(norm.norm.weight)  # about half of them are exchanged
    return model


def frozen(**kwargs):
    """A network in eval mode, with the running statistics of a batch."""
    model = build(**kwargs)
    for norm in (m for m in model.modules() if hasattr(m, 'running_mean')):
        norm.momentum = None  # their mean over all passes
    with torch.no_grad():
        losses_of(model)
    return model.eval()


def batch(M=2, absent=()):
    torch.manual_seed(1)
    samples = []
    for _ in range(B):
        labels = torch.randint(0, 5, (1, 32, 40))
        labels[:, :8] = 255
        sample = SegDataSample(gt_sem_seg=PixelData(data=labels))
        shapes = dict.fromkeys(('ori_shape', 'img_shape', 'pad_shape'), (32, 40))
        sample.set_metainfo({**shapes, 'absent': absent})
        samples.append(sample)
    return torch.randn(B, 3 * M, 32, 40), samples


def losses_of(model, **kwargs):
    losses = model(*batch(**kwargs), mode='loss')
    return {key: value for key, value in losses.items() if 'loss' in key}


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    found = {name: p.grad for name, p in model.named_parameters()}
    return {name: grad.clone() for name, grad in found.items() if grad is not None}


@pytest.fixture
def draw(monkeypatch):
    """Let each sample have the chosen subset in the second pass."""

    def draw(*present):
        rows = torch.tensor([present]).bool().expand(B, -1)
        monkeypatch.setattr(
            subset_distillation, 'draw_subsets', lambda there: rows[: len(there)]
        )

    return draw


@pytest.mark.parametrize('M', [2, 3])
def test_a_draw_is_any_smaller_subset_of_what_a_sample_has(M):
    present = torch.ones(2000, M, dtype=torch.bool)
    counts = Counter(map(tuple, draw_subsets(present).tolist()))
    assert len(counts) == 2**M - 2
    assert min(counts.values()) > 2000 / len(counts) * 0.8
    present[:, 0] = False
    drawn = draw_subsets(present)
    assert not (drawn & ~present).any()
    assert drawn.sum(dim=1).unique().tolist() == [1]


def test_probabilities_are_compared_on_valid_pixels_at_a_temperature():
    student, teacher = torch.randn(2, 2, 5, 3, 4, dtype=torch.float64)
    valid = torch.rand(2, 1, 3, 4) > 0.4
    p, q = (teacher / 3).softmax(1), (student / 3).softmax(1)
    by_pixel = (p * (p / q).log()).sum(1)
    expected = 9 * by_pixel[valid[:, 0]].mean()
    enlarged = valid.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert_close(divergence_of(student, teacher, enlarged, 3.0), expected)
    nothing = divergence_of(student, teacher, torch.zeros_like(valid))
    assert nothing == 0


def test_a_binary_model_compares_the_probabilities_of_both_answers():
    student, teacher = torch.randn(2, 2, 1, 3, 4)
    valid = torch.ones(2, 1, 3, 4, dtype=torch.bool)
    p, q = (teacher / 2).sigmoid(), (student / 2).sigmoid()
    expected = 4 * (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean()
    found = divergence_of(student, teacher, valid, 2.0)
    assert_close(found, expected, **CLOSE)


@pytest.mark.parametrize('M', [2, 3])
def test_without_weights_nothing_changes(M):
    plain, distilled = build(M=M), build(dict(weight=0, label_weight=0), M=M)
    expected, found = losses_of(plain, M=M), losses_of(distilled, M=M)
    assert found.pop('loss_distill') == 0
    assert_close(found, expected, **CLOSE)
    expected = gradients(plain, sum(expected.values()))
    found = gradients(distilled, sum(found.values()))
    assert_close(found, expected, **CLOSE)


def test_the_teacher_gets_no_gradient(draw):
    """All that depth has of its own is in the teacher only."""
    draw(True, False)
    model = build(ON)
    found = gradients(model, losses_of(model)['loss_distill'])
    of_norms = {n: g.chunk(2) for n, g in found.items() if n.endswith('norm.weight')}
    last = {n: g for n, g in of_norms.items() if 'layer4' in n or 'decode' in n}
    assert all(rgb.any() and not depth.any() for rgb, depth in last.values())
    assert not any(depth.any() for _, depth in of_norms.values())
    assert not found['decode_head.alpha_logits'].any()


def test_a_subset_of_three_trains_its_streams_and_their_weights(draw):
    draw(True, False, True)
    model = build(ON, M=3)
    found = gradients(model, losses_of(model, M=3)['loss_distill'])
    alpha = found['decode_head.alpha_logits']
    assert alpha[[0, 2]].all()
    assert alpha[1] == 0


def test_of_all_modalities_there_is_nothing_to_learn(draw):
    draw(True, True)
    losses = losses_of(frozen(distil=ON))
    assert losses['loss_distill'] < 1e-5
    for name in ('rgb', 'depth', 'ensemble'):
        expected = losses[f'decode.{name}.loss_ce']
        assert_close(losses[f'subset.{name}.loss_ce'], expected, **CLOSE)


@pytest.mark.parametrize('ensemble', ['alpha', 'concat'])
def test_the_losses_of_a_subset_are_those_of_samples_without_the_rest(draw, ensemble):
    draw(True, False)
    model = frozen(distil=ON | dict(label_weight=0.5), ensemble=ensemble)
    losses = losses_of(model)
    model.subset_distillation = None
    expected = losses_of(model, absent=('depth',))
    for name in ('rgb', 'ensemble'):
        wanted = 0.5 * expected[f'decode.{name}.loss_ce']
        assert_close(losses[f'subset.{name}.loss_ce'], wanted, **CLOSE)
    assert losses['subset.depth.loss_ce'] == 0
    assert losses['loss_distill'] > 1e-3


def test_samples_of_one_modality_are_left_out(draw):
    draw(True, False)
    model = frozen(distil=ON)
    x, samples = batch()
    expected = model(x[1:], samples[1:], mode='loss')['loss_distill']
    samples[0].set_metainfo(dict(absent=('depth',)))
    found = model(x, samples, mode='loss')['loss_distill']
    assert_close(found, expected, **CLOSE)
    assert losses_of(model, absent=('depth',))['loss_distill'] == 0


def test_a_state_of_torchs_generator_decides_the_subsets():
    state = torch.get_rng_state()
    first = draw_subsets(torch.ones(50, 3, dtype=torch.bool))
    second = draw_subsets(torch.ones(50, 3, dtype=torch.bool))
    assert not torch.equal(first, second)
    torch.set_rng_state(state)
    assert torch.equal(first, draw_subsets(torch.ones(50, 3, dtype=torch.bool)))


def test_both_passes_update_the_running_statistics():
    model = build(ON)
    losses_of(model)
    assert model.backbone.layer1[0].bn1.norm.num_batches_tracked == 2


def test_in_mixed_precision_probabilities_are_compared_in_float32():
    model = build(ON)
    with torch.autocast('cpu', torch.bfloat16):
        losses = losses_of(model)
    assert losses['loss_distill'].dtype == torch.float32
    assert gradients(model, sum(losses.values())).keys() == {
        name for name, _ in model.named_parameters()
    }


@pytest.mark.parametrize(
    ('option', 'value'),
    [
        ('weight', -1),
        ('weight', '1'),
        ('label_weight', float('nan')),
        ('temperature', 0),
    ],
)
def test_numbers_out_of_their_range_are_refused(option, value):
    with pytest.raises(ValueError, match=f'`{option}` of subset_distillation must be'):
        build({option: value})


def test_options_that_a_distillation_does_not_have_are_refused():
    with pytest.raises(ValueError, match=r"arguments out of \['weight', .*'weigth'"):
        build(dict(weigth=1.0))
    with pytest.raises(ValueError, match=r"must be a dict of \['weight', .* got True"):
        build(True)


def test_what_cannot_be_distilled_is_refused():
    with pytest.raises(ValueError, match='must have streams of several modalities'):
        build(ON, M=1)
    with pytest.raises(ValueError, match=r'one map of logits .*, got StreamedDAHead'):
        losses_of(build(ON, type='DAHead', pam_channels=2))
    model = build(ON)
    model.backbone.layer1[0].with_cp = True
    with pytest.raises(ValueError, match='keeps its activations, got blocks'):
        losses_of(model)
    model = build(ON)
    turn_on_activation_checkpointing(model, ['backbone.layer3'])
    with pytest.raises(ValueError, match='keeps its activations, got blocks'):
        losses_of(model)
