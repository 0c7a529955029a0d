import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from mmseg_cen.translation.metrics import TranslationMetric, ssim


@pytest.fixture
def errors_of(predictions):
    """Function that returns the errors at all valid pixels, by definition."""

    def errors(samples, name):
        result = []
        for sample in samples:
            image, target = predictions(sample)[name], sample.gt_image.data
            difference = (image.double() - target.double()).numpy()
            if 'gt_valid' in sample:
                difference = difference[:, sample.gt_valid.data[0].numpy()]
            result.append(difference.ravel())
        return result

    return errors


def prefix(name):
    return '' if name == 'ensemble' else f'{name}/'


@pytest.mark.parametrize(('channels', 'invalid'), [(1, 0.3), (2, 0.0), (3, 0.3)])
def test_every_stream_and_the_ensemble_are_measured_in_one_pass(
    make_samples, evaluate, errors_of, channels, invalid
):
    samples = make_samples(5, channels, invalid=invalid)
    metrics = evaluate(TranslationMetric(), samples)
    assert len(metrics) == 3 * 5
    for name in ('shade', 'texture', 'ensemble'):
        errors = errors_of(samples, name)
        pooled = np.concatenate(errors)
        # The range of [-1, 1] is 2.
        psnr = np.mean([10 * np.log10(4 / np.mean(e**2)) for e in errors])
        expected = dict(
            MAE=np.abs(pooled).mean(),
            MSE=np.square(pooled).mean(),
            RMSE=np.sqrt(np.square(pooled).mean()),
            PSNR=psnr,
        )
        for key, value in expected.items():
            assert metrics[prefix(name) + key] == pytest.approx(value, rel=1e-6)


def reference_ssim(x, y):
    """SSIM map of one channel, by SciPy's Gaussian filter."""

    def blur(image):
        return gaussian_filter(image, 1.5, truncate=3.5)[5:-5, 5:-5]

    mx, my = blur(x), blur(y)
    vx, vy = blur(x * x) - mx**2, blur(y * y) - my**2
    cov = blur(x * y) - mx * my
    c1, c2 = 1e-4, 9e-4
    return (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))


def test_ssim_is_that_of_wang_et_al():
    x, y = torch.rand(2, 3, 24, 20).double()
    found = ssim(x, y)
    pairs = zip(x.numpy(), y.numpy(), strict=True)
    expected = np.stack([reference_ssim(*pair) for pair in pairs])
    np.testing.assert_allclose(found, expected, atol=1e-10)
    torch.testing.assert_close(ssim(x, x), torch.ones_like(found))


def test_ssim_is_the_mean_over_images_of_windows_without_invalid_pixels(
    make_samples, evaluate
):
    samples = make_samples(3, 1)
    expected = []
    for i, sample in enumerate(samples):
        valid = torch.ones(1, 24, 20, dtype=torch.bool)
        valid[0, : 3 + i, :4] = False
        sample.gt_valid = type(sample.gt_image)(data=valid)
        x, y = (
            (image[0].double().numpy() + 1) / 2
            for image in (sample.pred_image.data, sample.gt_image.data)
        )
        counted = np.ones((14, 10), bool)
        counted[: 3 + i, :4] = False
        expected.append(reference_ssim(x, y)[counted].mean())
    # What stands where the target is unknown has no influence.
    for sample in samples:
        sample.gt_image.data[~sample.gt_valid.data] = torch.nan
    metrics = evaluate(TranslationMetric(), samples)
    assert metrics['SSIM'] == pytest.approx(np.mean(expected), rel=1e-6)
    assert np.isfinite(metrics['shade/MAE'])


def test_means_are_over_pixels_not_over_means_of_batches_and_images(
    make_samples, evaluate, errors_of
):
    samples = make_samples(1, size=(12, 12)) + make_samples(2, size=(30, 30))
    pooled = np.concatenate(errors_of(samples, 'ensemble'))
    for batch_size in (1, 3):
        metrics = evaluate(TranslationMetric(), samples, batch_size)
        assert metrics['MAE'] == pytest.approx(np.abs(pooled).mean(), rel=1e-6)


def test_errors_are_in_the_unit_of_the_range(make_samples, evaluate):
    samples = make_samples(3, 1)
    base = evaluate(TranslationMetric(), samples)
    meters = evaluate(TranslationMetric(value_range=(0.5, 10.5), unit='m'), samples)
    assert meters['MAE'] == pytest.approx(5 * base['MAE'])
    assert meters['MSE'] == pytest.approx(25 * base['MSE'])
    assert meters['RMSE'] == pytest.approx(5 * base['RMSE'])
    for key in ('shade/PSNR', 'SSIM'):
        assert meters[key] == pytest.approx(base[key])


@pytest.mark.parametrize('log_unit', [None, 0.5])
def test_physical_errors_are_those_of_the_decoded_target(
    make_samples, evaluate, log_unit
):
    samples = make_samples(3, 1, invalid=0.1)
    domain = dict(dtype='uint16', range=(1.0, 9.0), log_unit=log_unit)
    metric = TranslationMetric(value_range='physical', unit='m')
    metric.dataset_meta = dict(domains=dict(depth=domain, rgb={}), target='depth')

    def meters(image):
        low, high = 1.0, 9.0
        image = (image.double().numpy() + 1) / 2
        if log_unit is None:
            return low + image * (high - low)
        curve = [np.log1p(x / log_unit) for x in (low, high)]
        return log_unit * np.expm1(curve[0] + image * (curve[1] - curve[0]))

    errors = np.concatenate(
        [
            (meters(s.pred_image.data) - meters(s.gt_image.data))[s.gt_valid.data]
            for s in samples
        ]
    )
    metrics = evaluate(metric, samples)
    assert metrics['physical/MAE'] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    assert metrics['physical/RMSE'] == pytest.approx(
        np.sqrt(np.square(errors).mean()), rel=1e-5
    )
    assert metrics['physical/shade/MAE'] > 0
    base = evaluate(TranslationMetric(), samples)
    assert metrics['physical/PSNR'] == pytest.approx(base['PSNR'])


def test_physical_errors_need_a_domain(make_samples, evaluate):
    metric = TranslationMetric(value_range='physical')
    metric.dataset_meta = dict(target='depth')
    with pytest.raises(ValueError, match='must have the domain of its `target`'):
        evaluate(metric, make_samples(1))


def test_an_image_without_valid_pixels_does_not_count(make_samples, evaluate):
    samples = make_samples(3, invalid=0.01)
    expected = evaluate(TranslationMetric(measures=['MAE', 'PSNR']), samples[:2])
    samples[2].gt_valid.data[:] = False
    found = evaluate(TranslationMetric(measures=['MAE', 'PSNR']), samples)
    assert found == pytest.approx(expected)
    nothing = evaluate(TranslationMetric(), samples[2:])
    assert np.isnan(list(nothing.values())).all()


def test_a_model_of_one_output_has_plain_names_only(make_samples, evaluate):
    metrics = evaluate(TranslationMetric(measures=['MAE']), make_samples(sources={}))
    assert set(metrics) == {'MAE'}


def test_equal_images_have_no_error(make_samples, evaluate):
    samples = make_samples(2)
    for sample in samples:
        sample.pred_image = sample.gt_image.clone()
    metrics = evaluate(TranslationMetric(), samples)
    assert metrics['MAE'] == metrics['RMSE'] == 0
    assert metrics['PSNR'] == np.inf
    assert metrics['SSIM'] == pytest.approx(1)


def test_wrong_arguments_and_samples_are_refused(make_samples, evaluate):
    with pytest.raises(ValueError, match=r"must be some of .*'LPIPS'"):
        TranslationMetric(measures=['MAE', 'LPIPS'])
    with pytest.raises(ValueError, match=r'`value_range` .* got \(1, 1\)'):
        TranslationMetric(value_range=(1, 1))
    with pytest.raises(ValueError, match="'physical', got 'feet'"):
        TranslationMetric(value_range='feet')
    samples = make_samples(1)
    samples[0].pred_image = type(samples[0].gt_image)(data=torch.zeros(1, 24, 20))
    with pytest.raises(ValueError, match=r"'ensemble' .* got \(1, 24, 20\)"):
        evaluate(TranslationMetric(), samples)
    with pytest.raises(ValueError, match='leave SSIM out'):
        evaluate(TranslationMetric(), make_samples(1, size=(8, 8)))
    del samples[0].pred_image
    with pytest.raises(ValueError, match='must have `pred_image`'):
        evaluate(TranslationMetric(), samples)
