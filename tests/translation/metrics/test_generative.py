import copy
import logging
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from mmseg_cen.translation.metrics import (
    GenerativeMetric,
    TranslationMetric,
    generative,
)
from mmseg_cen.translation.metrics.distances import frechet_distance, kernel_distances
from mmseg_cen.translation.metrics.released import released_picture


class Features(nn.Module):
    """Fixed features of pictures, (B, 3, H, W) uint8 → (B, 24).

    In float64, so that they are the same in batches of any size, on any processor.
    """

    def __init__(self, train_mode_matters=False):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        weight = torch.randn(24, 3 * 8 * 8, generator=generator, dtype=torch.float64)
        self.register_buffer('weight', weight / 1000)
        self.drop = nn.Dropout(0.5 if train_mode_matters else 0.0)
        self.seen = []

    def forward(self, images):
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        self.seen.append(images)
        pooled = F.adaptive_avg_pool2d(images.double(), 8).flatten(1)
        return self.drop(pooled @ self.weight.T)


MODELS.register_module(name='FeaturesOfTest', module=Features, force=True)


def as_picture(image):
    """8 bits and three channels, by definition."""
    levels = np.floor((image.numpy().astype(np.float64) + 1) / 2 * 255 + 0.5)
    levels = levels.clip(0, 255).astype(np.uint8)
    return torch.from_numpy(np.repeat(levels, 3 // len(levels), 0))


@pytest.mark.parametrize('channels', [1, 3])
def test_every_stream_and_the_ensemble_are_compared_with_the_targets(
    make_samples, predictions, evaluate, channels
):
    samples = make_samples(30, channels)
    net = Features()
    metric = GenerativeMetric(extractor=net, num_subsets=7, subset_size=9, seed=5)
    metrics = evaluate(metric, samples)
    assert len(metrics) == 9
    real = net(torch.stack([as_picture(s.gt_image.data) for s in samples])).float()
    for name in ('shade', 'texture', 'ensemble'):
        images = [as_picture(predictions(s)[name]) for s in samples]
        predicted = net(torch.stack(images)).float()
        kid = 100 * kernel_distances(predicted, real, 7, 9, seed=5).numpy()
        prefix = '' if name == 'ensemble' else f'{name}/'
        expected = [frechet_distance(predicted, real), kid.mean(), kid.std()]
        found = [metrics[prefix + key] for key in ('FID', 'KID', 'KID_std')]
        assert found == pytest.approx(expected, rel=1e-4)
    assert metrics['FID'] < metrics['shade/FID']


def test_the_batch_size_changes_nothing(make_samples, evaluate):
    samples = make_samples(10)
    found = [
        evaluate(GenerativeMetric(extractor=Features()), samples, size)
        for size in (1, 3, 10)
    ]
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-4)


def test_images_of_different_sizes_are_allowed(make_samples, evaluate):
    samples = make_samples(3) + make_samples(3, size=(40, 16))
    mixed = samples[::2] + samples[1::2]
    metrics = evaluate(GenerativeMetric(extractor=Features()), mixed, batch_size=4)
    assert np.isfinite(list(metrics.values())).all()


def test_perfect_predictions_have_no_distance(make_samples, evaluate):
    samples = make_samples(12)
    for sample in samples:
        sample.pred_image = sample.gt_image.clone()
    metrics = evaluate(GenerativeMetric(extractor=Features()), samples)
    assert metrics['FID'] == pytest.approx(0, abs=1e-6)


def test_invalid_pixels_have_no_influence(make_samples, evaluate):
    samples = make_samples(8, 1, invalid=0.3)
    expected = evaluate(GenerativeMetric(extractor=Features()), samples)
    for sample in samples:
        sample.gt_image.data[~sample.gt_valid.data] = 0.9
        sample.pred_image.data[~sample.gt_valid.data] = torch.nan
    found = evaluate(GenerativeMetric(extractor=Features()), samples)
    assert found == pytest.approx(expected)


def test_images_that_are_not_finite_have_no_distance(make_samples, evaluate):
    samples = make_samples(4)
    expected = evaluate(GenerativeMetric(extractor=Features()), samples)
    samples[2].pred_image.data[0, 3, 5] = torch.nan
    found = evaluate(GenerativeMetric(extractor=Features()), samples)
    for key in ('FID', 'KID'):
        assert math.isnan(found[key])
        assert found[f'shade/{key}'] == pytest.approx(expected[f'shade/{key}'])


def test_an_extractor_is_built_from_a_config_and_put_in_evaluation_mode(
    make_samples, evaluate
):
    config = dict(type='FeaturesOfTest', train_mode_matters=True)
    samples = make_samples(6)
    expected = evaluate(GenerativeMetric(extractor=Features()), samples)
    found = evaluate(GenerativeMetric(extractor=config), samples)
    assert found == pytest.approx(expected)


def test_a_function_is_an_extractor_too(make_samples, evaluate):
    metric = GenerativeMetric(extractor=lambda x: x.float().mean((2, 3)))
    assert evaluate(metric, make_samples(6))['FID'] > 0


def test_subsets_of_kid_differ_even_if_too_many_images_are_asked_for(
    make_samples, evaluate
):
    samples = make_samples(10)
    metric = GenerativeMetric(extractor=Features(), subset_size=10)
    found = evaluate(metric, samples)
    assert found['KID_std'] > 0
    metric = GenerativeMetric(extractor=Features(), subset_size=5)
    assert evaluate(metric, samples) == pytest.approx(found)


def warnings_of(monkeypatch):
    messages = []

    def record(message, logger=None, level=None):
        if level == logging.WARNING:
            messages.append(message)

    monkeypatch.setattr(generative, 'print_log', record)
    return messages


def test_too_large_subsets_are_announced(make_samples, evaluate, monkeypatch):
    messages = warnings_of(monkeypatch)
    evaluate(GenerativeMetric(extractor=Features()), make_samples(10, sources={}))
    assert len(messages) == 1
    assert 'subsets of 1000 among 10 images would all be the same' in messages[0]


def test_missing_weights_are_announced_at_once_and_stop_nothing(
    make_samples, evaluate, monkeypatch, tmp_path
):
    messages = warnings_of(monkeypatch)
    metric = GenerativeMetric(weights=str(tmp_path / 'none.pth'))
    assert len(messages) == 1
    assert 'FID and KID are not computed' in messages[0]
    metrics = evaluate(metric, make_samples(3))
    assert set(metrics) == {
        prefix + key
        for prefix in ('', 'shade/', 'texture/')
        for key in ('FID', 'KID', 'KID_std')
    }
    assert np.isnan(list(metrics.values())).all()


def test_missing_weights_stop_a_run_that_requires_them(tmp_path):
    with pytest.raises((FileNotFoundError, ImportError), match='FID and KID'):
        GenerativeMetric(weights=str(tmp_path / 'none.pth'), required=True)


def test_one_image_has_no_distance_and_it_is_said(make_samples, evaluate, monkeypatch):
    messages = warnings_of(monkeypatch)
    metrics = evaluate(GenerativeMetric(extractor=Features()), make_samples(1))
    assert np.isnan(metrics['FID'])
    assert 'must have 2 images or more, got 1' in messages[0]


def test_wrong_arguments_are_refused(make_samples, evaluate):
    with pytest.raises(ValueError, match=r"`protocol` must be one of .* got 'paper'"):
        GenerativeMetric(protocol='paper', extractor=Features())
    with pytest.raises(ValueError, match='`subset_size` at least 2, got None and 1'):
        GenerativeMetric(extractor=Features(), subset_size=1)
    with pytest.raises(ValueError, match=r'the default one, got .x\.pth'):
        GenerativeMetric(extractor=Features(), weights='x.pth')
    metric = GenerativeMetric(extractor=lambda images: images.float())
    with pytest.raises(ValueError, match=r'must return \(B, D\) features, got'):
        evaluate(metric, make_samples(2))


def test_the_released_protocol_does_not_see_brightness_and_contrast(
    make_samples, evaluate
):
    samples = make_samples(8, size=(32, 32))
    for sample in samples:
        sample.pred_image = sample.gt_image.clone()
        sample.pred_image.data = 0.25 * sample.gt_image.data + 0.5
    protocols = [
        GenerativeMetric(extractor=Features()),
        GenerativeMetric('released', extractor=Features()),
    ]
    standard, released = (evaluate(metric, samples) for metric in protocols)
    assert standard['FID'] > 0.1
    # Cut decimals may differ by one level.
    assert released['released/FID'] < 1e-4
    assert released['released/shade/FID'] > released['released/FID']


def test_the_released_protocol_draws_one_subset_many_times(make_samples, evaluate):
    metric = GenerativeMetric('released', extractor=Features())
    metrics = evaluate(metric, make_samples(6, size=(32, 32)))
    assert metrics['released/KID_std'] == pytest.approx(0, abs=1e-9)
    assert metric.num_subsets == 50
    assert metric.extractor.seen[0].shape[1:] == (3, 500, 500)


def test_released_pictures_are_those_of_savefig(tmp_path):
    import matplotlib.pyplot as plt

    image = 3 * torch.rand(3, 64, 64) - 1
    stretched = (255 * (image - image.min()) / (image.max() - image.min())).numpy()
    plt.switch_backend('agg')
    with plt.rc_context({'savefig.dpi': 100}):
        fig, ax = plt.subplots(figsize=(5, 5))
        ax.axis('off')
        ax.imshow(stretched.astype(np.uint8).transpose(1, 2, 0))
        fig.subplots_adjust(0, 0, 1, 1)
        fig.savefig(tmp_path / 'a.png')
        plt.close(fig)
    expected = plt.imread(tmp_path / 'a.png')[..., :3].transpose(2, 0, 1)
    found = released_picture(image)
    assert found.shape == (3, 500, 500)
    np.testing.assert_array_equal(found, np.round(255 * expected).astype(np.uint8))
    # The image itself is not changed.
    before = copy.deepcopy(image)
    released_picture(image)
    assert image.equal(before)


def test_a_constant_image_is_drawn_black():
    assert not released_picture(torch.full((1, 8, 8), 0.7)).any()


@pytest.mark.gpu
def test_samples_on_a_gpu_give_the_same_figures(make_samples, evaluate):
    samples = make_samples(8, 1, invalid=0.2)
    metrics = [TranslationMetric(), GenerativeMetric(extractor=Features())]
    on_gpu = [evaluate(m, [s.cuda() for s in samples]) for m in metrics]
    for metric, found in zip(metrics, on_gpu, strict=True):
        assert evaluate(metric, samples) == pytest.approx(found, rel=1e-3)
