"""Laws of the training against a discriminator, and of its predictions."""

import copy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import AmpOptimWrapper, OptimWrapper, build_optim_wrapper
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, MODELS
from torch.testing import assert_close

from mmseg_cen.hooks import (
    ExchangeStatsHook,
    FiniteLossHook,
    GammaSparsityHook,
    gamma_l1,
)
from mmseg_cen.streams.sparsity import exchange_shares
from mmseg_cen.translation import TranslationDataSample

DEMO = Path(__file__).parents[2] / 'configs/translation/demo/cen_synthetic.py'
SIZE = 32
NAMES = ('depth', 'normal', 'edge')


def build(M=2, dropout=0.0, target=3, **kwargs):
    model = dict(
        type='CENPix2Pix',
        generator=dict(
            type='CENUNet',
            num_modalities=M,
            out_channels=target,
            num_downs=4,
            base_channels=4,
            dropout=dropout,
            exchange_threshold=0.3,
        ),
        discriminator=dict(
            type='PatchDiscriminator',
            in_channels=3 + target,
            base_channels=4,
            num_strided=2,
        ),
        sources=NAMES[:M],
    )
    model = MODELS.build(model | kwargs)
    for name, parameter in model.named_parameters():
        if 'norm' in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return model.double()


def sample(target=3, valid=None):
    image = torch.rand(target, SIZE, SIZE, dtype=torch.float64) * 2 - 1
    result = TranslationDataSample(gt_image=PixelData(data=image))
    if valid is not None:
        result.gt_valid = PixelData(data=valid)
    return result


def batch(M=2, B=2, **kwargs):
    inputs = [
        torch.rand(3 * M, SIZE, SIZE, dtype=torch.float64) * 2 - 1 for _ in range(B)
    ]
    return dict(
        inputs=torch.stack(inputs), data_samples=[sample(**kwargs) for _ in range(B)]
    )


def optimizers(model, wrapper='OptimWrapper', only=None, **kwargs):
    """SGD for both parts; for the part that is not ``only``, its learning rate is 0."""
    rates = {
        part: 1e-2 if only in (None, part) else 0.0
        for part in ('generator', 'discriminator')
    }
    parts = {
        part: dict(type=wrapper, optimizer=dict(type='SGD', lr=rate), **kwargs)
        for part, rate in rates.items()
    }
    cfg = dict(constructor='OptimWrapperDictConstructor', **parts)
    return build_optim_wrapper(model, cfg)


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


@pytest.mark.parametrize('M', [1, 2, 3])
@pytest.mark.parametrize('loss', ['bce', 'least_squares'])
def test_losses_are_those_of_pix2pix_summed_over_the_streams(M, loss):
    model, data = build(M, gan_loss=loss), batch(M)
    inputs, samples = data['inputs'], data['data_samples']
    target = torch.stack([s.gt_image.data for s in samples])

    def distance(probability, label):
        if loss == 'bce':
            return F.binary_cross_entropy(
                probability, torch.full_like(probability, label)
            )
        return (probability - label).square().mean()

    def judge(m, images):
        logits = model.discriminator(inputs[:, 3 * m : 3 * m + 3], images)
        return logits.sigmoid() if loss == 'bce' else logits

    outputs = model.generator(inputs)
    images = outputs[0].unbind(dim=1)
    expected = {}
    for m, name in enumerate(NAMES[:M]):
        expected[f'loss_gan_{name}'] = distance(judge(m, images[m]), 1.0)
        expected[f'loss_l1_{name}'] = 100 * (images[m] - target).abs().mean()
    if M > 1:
        expected['loss_l1_ensemble'] = 100 * (outputs[1] - target).abs().mean()
    assert_close(model(inputs, samples, mode='loss', outputs=outputs), expected)
    real = sum(distance(judge(m, target), 1.0) / 2 for m in range(M))
    fake = sum(distance(judge(m, images[m]), 0.0) / 2 for m in range(M))
    losses = model.discriminator_losses(inputs, outputs[0], samples)
    assert_close(losses, {'loss_d_real': real, 'loss_d_fake': fake})


def test_one_source_is_pix2pix():
    """A training step of plain networks: discriminator first, then the generator."""
    model, data = build(1), batch(1)
    inputs = data['inputs']
    target = torch.stack([s.gt_image.data for s in data['data_samples']])
    plain = copy.deepcopy(model)
    model.train_step(data, optimizers(model))

    def bce(logits, label):
        return F.binary_cross_entropy_with_logits(
            logits, torch.full_like(logits, label)
        )

    steps = [
        torch.optim.SGD(p.parameters(), 1e-2)
        for p in plain.children()
        if [*p.parameters()]
    ]
    fake = plain.generator(inputs)[0][:, 0]
    real_loss = bce(plain.discriminator(inputs, target), 1.0)
    fake_loss = bce(plain.discriminator(inputs, fake.detach()), 0.0)
    ((real_loss + fake_loss) / 2).backward()
    steps[1].step()
    adversarial = bce(plain.discriminator(inputs, fake), 1.0)
    (adversarial + 100 * (fake - target).abs().mean()).backward()
    steps[0].step()
    assert_close(weights(model), weights(plain))


def test_the_generator_runs_once_in_a_step(monkeypatch):
    model = build(dropout=0.5)
    calls = []
    model.generator.register_forward_hook(lambda *_: calls.append(1))
    model.train_step(batch(), optimizers(model))
    assert len(calls) == 1


@pytest.mark.parametrize('part', ['generator', 'discriminator'])
def test_a_step_of_one_network_changes_no_weight_of_the_other(part):
    model = build()
    before = weights(model)
    model.train_step(batch(), optimizers(model, only=part))
    changed = {n for n, p in weights(model).items() if not torch.equal(p, before[n])}
    assert changed
    assert all(name.startswith(f'{part}.') for name in changed)


def test_no_gradient_of_a_loss_reaches_the_other_network():
    model, data = build(), batch()
    outputs = model.generator(data['inputs'])
    losses = model.discriminator_losses(
        data['inputs'], outputs[0], data['data_samples']
    )
    sum(losses.values()).backward()
    assert all(p.grad is None for p in model.generator.parameters())
    assert all(p.grad.any() for p in model.discriminator.layers.conv4.parameters())
    model.zero_grad()
    sum(model(**data, mode='loss').values()).backward()
    assert all(p.grad is None for p in model.discriminator.parameters())
    assert all(p.requires_grad for p in model.discriminator.parameters())


def test_the_loss_of_the_ensemble_moves_only_alpha():
    model, data = build(), batch()
    model(**data, mode='loss')['loss_l1_ensemble'].backward()
    moved = {
        n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()
    }
    assert moved == {'generator.alpha_logits'}


def test_invalid_pixels_of_the_target_count_in_no_loss():
    model = build()
    valid = torch.rand(1, SIZE, SIZE) < 0.7
    data = batch(valid=valid)
    inputs, samples = data['inputs'], data['data_samples']
    outputs = model.generator(inputs)

    def losses():
        return {
            **model.discriminator_losses(inputs, outputs[0], samples),
            **model(inputs, samples, mode='loss', outputs=outputs),
        }

    before = losses()
    for s in samples:
        s.gt_image.data[:, ~valid[0]] = float('nan')
    assert_close(losses(), before)
    target = torch.stack([s.gt_image.data for s in samples])
    error = (outputs[0][:, 0] - target).abs()[:, :, valid[0]].mean()
    assert_close(before['loss_l1_depth'], 100 * error)
    (gradient,) = torch.autograd.grad(sum(before.values()), outputs[0])
    assert not gradient[..., ~valid[0]].any()
    assert gradient[..., valid[0]].abs().amax() > 0


def test_images_count_alike_however_many_of_their_pixels_are_valid():
    model, data = build(), batch()
    few = torch.zeros(1, SIZE, SIZE, dtype=torch.bool)
    few[:, :2] = True
    data['data_samples'][1].gt_valid = PixelData(data=few)
    whole = model(**data, mode='loss')
    halves = [
        model(data['inputs'][i : i + 1], data['data_samples'][i : i + 1], mode='loss')
        for i in range(2)
    ]
    assert_close(whole, {k: (halves[0][k] + halves[1][k]) / 2 for k in whole})


def test_predictions_are_the_images_of_the_streams_and_their_ensemble():
    model, data = build(target=1).eval(), batch(target=1)
    images = model(data['inputs'])
    assert list(images) == ['depth', 'normal', 'ensemble']
    samples = model(**data, mode='predict')
    for i, s in enumerate(samples):
        assert s.pred_image.data.shape == (1, SIZE, SIZE)
        assert_close(s.pred_image.data, images['ensemble'][i].float())
        for name in ('depth', 'normal'):
            assert_close(s.pred_streams.get(name), images[name][i].float())


def test_the_released_protocol_draws_dropout_and_keeps_the_statistics():
    model, inputs = (
        build(dropout=0.5, test_protocol='released').eval(),
        batch()['inputs'],
    )
    before = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        first, second = model(inputs), model(inputs)
        torch.manual_seed(1)
        released = model(inputs)['ensemble']
        torch.manual_seed(1)
        by_hand = copy.deepcopy(model).train().generator(inputs)[1]
    assert not torch.equal(first['ensemble'], second['ensemble'])
    assert_close(released, by_hand)
    assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert not any(m.training for m in model.modules())


def test_the_default_protocol_is_eval_mode():
    model, inputs = build(dropout=0.5).eval(), batch()['inputs']
    ensemble = model(inputs)['ensemble']
    assert_close(model(inputs)['ensemble'], ensemble)
    assert_close(model.generator(inputs)[1], ensemble)


def test_a_step_logs_each_loss_and_the_sums_of_both_networks():
    model = build()
    runner = SimpleNamespace(model=model, iter=0)
    hook = GammaSparsityHook(0.25)
    hook.before_train(runner)
    expected = 0.25 * gamma_l1(model)
    logged = model.train_step(batch(), optimizers(model))
    hook.after_train(runner)
    of_d = {'loss_d_real', 'loss_d_fake'}
    of_g = {
        f'loss_{term}_{name}' for term in ('gan', 'l1') for name in ('depth', 'normal')
    } | {'loss_l1_ensemble', 'loss_sparsity'}
    assert set(logged) == of_d | of_g | {'loss', 'loss_d'}
    assert_close(logged['loss'], sum(logged[name] for name in of_g))
    assert_close(logged['loss_d'], sum(logged[name] for name in of_d))
    assert_close(logged['loss_sparsity'], expected.detach())


def test_a_loss_that_is_no_number_is_told_of_before_weights_change():
    """Of the generator, which ran before the discriminator, and is its cause."""
    model, data = build(), batch()
    for i, one in enumerate(data['data_samples']):
        one.set_metainfo(dict(img_path=f'{i}.png'))
    torch.nn.init.constant_(model.generator.encoder.conv2.conv.bias, torch.nan)
    before = weights(model.discriminator)
    hook = FiniteLossHook()
    hook.before_train(SimpleNamespace(model=model, iter=6, max_iters=100))
    told = r'samples: 0\.png, 1\.png; .* of the Conv2d generator\.encoder\.conv2\.conv:'
    with pytest.raises(ValueError, match=told):
        model.train_step(data, optimizers(model))
    assert_close(weights(model.discriminator), before, rtol=0, atol=0)


def test_sparsity_moves_only_the_scaling_factors_of_the_own_parts():
    data, change = batch(), {}
    for weight in (0.0, 1.0):
        torch.manual_seed(3)
        model = build()
        before = weights(model)
        runner = SimpleNamespace(model=model, iter=0)
        GammaSparsityHook(weight).before_train(runner)
        model.train_step(data, optimizers(model))
        change[weight] = {n: p - before[n] for n, p in weights(model).items()}
    for name, without in change[0.0].items():
        difference = change[1.0][name] - without
        if 'encoder' in name and name.endswith('norm.norm.weight'):
            gamma = before[name].view(2, -1)
            own = torch.zeros_like(gamma)
            half = gamma.shape[1] // 2
            own[0, :half], own[1, half:] = 1, 1
            expected = (-1e-2 * gamma.sign() * own).flatten()
            assert_close(difference, expected, rtol=1e-6, atol=1e-12)
        else:
            assert_close(difference, torch.zeros_like(without), rtol=0, atol=1e-12)


def test_one_source_alone_trains_without_penalty():
    model = build(1)
    GammaSparsityHook().before_train(SimpleNamespace(model=model, iter=0))
    assert 'loss_sparsity' not in model.train_step(batch(1), optimizers(model))


def test_statistics_of_the_exchange_name_the_sources_and_the_layers():
    model = build()
    model.generator.encoder.conv2.norm.gamma.data[0] = 0.1
    shares = exchange_shares(model, model.modalities)
    assert shares['depth/own/conv2'] == 1
    scalars = {}
    runner = SimpleNamespace(
        model=model,
        iter=0,
        message_hub=SimpleNamespace(update_scalar=scalars.__setitem__),
        visualizer=SimpleNamespace(add_scalars=lambda *_, **__: None),
    )
    ExchangeStatsHook().before_train(runner)
    assert scalars['train/alpha/normal'] == 0.5
    assert {'train/exchange/depth/own', 'train/exchange/normal/all'} < set(scalars)


def test_gradients_are_accumulated_for_both_optimizers():
    data = [batch(B=1) for _ in range(2)]
    results = []
    for steps in (1, 2):
        torch.manual_seed(5)
        model = build()
        # Of the discriminator's step, the generator's sees the changed weights.
        wrappers = optimizers(model, only='generator', accumulative_counts=steps)
        wrappers.initialize_count_status(model, 0, 2)
        if steps == 1:
            joined = dict(
                inputs=torch.cat([d['inputs'] for d in data]),
                data_samples=[s for d in data for s in d['data_samples']],
            )
            model.train_step(joined, wrappers)
        else:
            before = weights(model)
            model.train_step(data[0], wrappers)
            assert_close(weights(model), before, rtol=0, atol=0)
            model.train_step(data[1], wrappers)
        results.append(weights(model))
    assert_close(*results)


def test_mixed_precision_trains_both_networks(monkeypatch):
    # mmengine reserves mixed precision for accelerators; torch has it on CPU.
    monkeypatch.setattr(amp_optimizer_wrapper, 'is_cuda_available', lambda: True)
    model = build().float()
    data = batch()
    data['inputs'] = data['inputs'].float()
    for s in data['data_samples']:
        s.gt_image.data = s.gt_image.data.float()
    exact = copy.deepcopy(model)
    wrappers = optimizers(model, wrapper='AmpOptimWrapper', dtype='bfloat16')
    assert isinstance(wrappers['generator'], AmpOptimWrapper)
    seen = []
    model.generator.encoder.conv2.conv.register_forward_hook(
        lambda module, args, out: seen.append(out.dtype)
    )
    logged = model.train_step(data, wrappers)
    expected = exact.train_step(data, optimizers(exact))
    assert seen == [torch.bfloat16]
    assert all(value.dtype == torch.float32 for value in logged.values())
    assert_close(logged, expected, rtol=0.05, atol=0.05)
    for name, parameter in model.named_parameters():
        assert parameter.isfinite().all(), name


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(sources=('depth',)), r'`generator.num_modalities` must be 1, .* got 2'),
        (dict(sources=('rgb', 'rgb')), 'distinct names'),
        (
            dict(
                sources='depth', data_preprocessor=dict(type='TranslationPreprocessor')
            ),
            "must be a list of names, got 'depth'",
        ),
        (dict(sources=('rgb', 'ensemble')), "other than 'ensemble'"),
        (dict(gan_loss='hinge'), "got 'hinge'"),
        (dict(test_protocol='train'), "got 'train'"),
        (
            dict(discriminator=dict(type='PatchDiscriminator', in_channels=4)),
            r'`discriminator.in_channels` must be 6, .* got 4: leave it out',
        ),
        (
            dict(
                data_preprocessor=dict(
                    type='TranslationPreprocessor', sources=('normal', 'depth')
                )
            ),
            r"\('depth', 'normal'\), got \('normal', 'depth'\)",
        ),
    ],
)
def test_parts_that_disagree_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_one_optimizer_is_refused():
    model = build()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 0.1))
    with pytest.raises(ValueError, match="constructor='OptimWrapperDictConstructor'"):
        model.train_step(batch(), wrapper)


def test_without_discriminator_a_model_predicts_but_does_not_train():
    model = build(discriminator=None).eval()
    assert model(**batch(), mode='predict')[0].pred_image.data.shape == (3, SIZE, SIZE)
    with pytest.raises(ValueError, match='`discriminator` must be given'):
        model(**batch(), mode='loss')


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="got 'test'"):
        build()(**batch(), mode='test')


def sorted_by_key(config):
    """A config as mmengine writes it to a file: all dicts sorted by their keys."""
    if isinstance(config, dict):
        return {key: sorted_by_key(config[key]) for key in sorted(config)}
    if isinstance(config, (list, tuple)):
        return type(config)(map(sorted_by_key, config))
    return config


def test_the_order_of_dicts_in_a_config_decides_nothing():
    cfg = Config.fromfile(DEMO).to_dict()
    sources = cfg['model']['sources']
    assert sources == ('rgb', 'depth')  # which are not sorted
    cfg['model']['data_preprocessor']['sources'] = dict(rgb=3, depth=1)
    dataset = cfg['train_dataloader']['dataset']
    dataset['domains'] = dict(normal={}, depth=dict(range=(1.0, 7.0)))
    dataset |= dict(num_samples=2, serialize_data=False)
    found = []
    for config in (cfg, sorted_by_key(cfg)):
        torch.manual_seed(0)
        model = MODELS.build(config['model'])
        model.init_weights()
        data = DATASETS.build(config['train_dataloader']['dataset'])
        np.random.seed(0)  # flips
        batch = model.data_preprocessor(pseudo_collate([*data]))
        losses = model(**batch, mode='loss')
        assert model.modalities == sources
        assert [*batch['data_samples'][0].metainfo['sources']] == [*sources]
        found.append((batch['inputs'], losses, [*losses]))
    assert_close(found[1][:2], found[0][:2])
    assert found[1][2] == found[0][2]


def test_sources_and_their_number_are_told_to_the_parts_of_the_model():
    parts = dict(type='CENUNet', num_downs=4, base_channels=6)
    preprocessor = dict(type='TranslationPreprocessor')
    model = build(
        3, generator=parts, data_preprocessor=preprocessor, discriminator=None
    )
    assert model.generator.num_modalities == 3
    assert model.data_preprocessor.sources == NAMES
    # Another data preprocessor knows no sources.
    other = build(data_preprocessor=dict(type='BaseDataPreprocessor'))
    assert not hasattr(other.data_preprocessor, 'sources')
