import cv2
import numpy as np
import pytest

from mmseg_cen.translation import TranslationImagesHook


@pytest.mark.parametrize(('channels', 'bits'), [(1, 16), (2, 8), (3, 8), (3, 16)])
def test_images_are_saved_by_stream_and_come_back(
    make_samples, predictions, runner_of, tmp_path, bits, channels
):
    samples = make_samples(3, channels, paths=['d/a/1.png', 'd/b/1.png', 'd/b/2.png'])
    hook = TranslationImagesHook(str(tmp_path), bits)
    runner = runner_of(samples)
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, None, samples[:2])
    hook.after_test_iter(runner, 1, None, samples[2:])
    outputs = {'shade', 'texture', 'ensemble', 'target'}
    assert {path.name for path in tmp_path.iterdir()} == outputs
    for sample, name in zip(samples, ('a/1', 'b/1', 'b/2'), strict=True):
        images = {**predictions(sample), 'target': sample.gt_image.data}
        for output, image in images.items():
            path = tmp_path / output / f'{name}.png'
            stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            assert stored.dtype == f'uint{bits}'
            stored = stored[..., None] if stored.ndim == 2 else stored[..., ::-1]
            found = 2.0 * stored.transpose(2, 0, 1)[:channels] / (2.0**bits - 1) - 1
            np.testing.assert_allclose(found, image, atol=1.001 / (2**bits - 1))


@pytest.mark.parametrize('channels', [4, 19])
def test_images_of_more_channels_than_pictures_have_are_arrays(
    make_samples, predictions, runner_of, tmp_path, channels
):
    (sample,) = make_samples(1, channels)
    hook = TranslationImagesHook(str(tmp_path))
    hook.after_test_iter(runner_of([sample]), 0, None, [sample])
    for output, image in predictions(sample).items():
        stored = np.load(tmp_path / output / '0.npy')
        assert stored.dtype == np.uint8
        found = stored.transpose(2, 0, 1) / 127.5 - 1
        np.testing.assert_allclose(found, image, atol=1.001 / 255)


def test_arrays_of_the_data_set_are_not_written_over(make_samples, runner_of, tmp_path):
    (tmp_path / 'ensemble').mkdir()
    (sample,) = make_samples(1, paths=[f'{tmp_path}/ensemble/1.npy'])
    hook = TranslationImagesHook(str(tmp_path))
    with pytest.raises(ValueError, match='must not hold files of the data set'):
        hook.before_test_epoch(runner_of([sample]))


def test_images_without_target_and_names_are_saved(make_samples, runner_of, tmp_path):
    (sample,) = make_samples(1, sources={})
    bare = type(sample)(pred_image=sample.pred_image)
    hook = TranslationImagesHook(str(tmp_path))
    runner = runner_of([])
    hook.after_test_iter(runner, 4, None, [bare])
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob('*.png')] == [
        'ensemble/4_0.png'
    ]


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match='`bits` must be 8 or 16, got 12'):
        TranslationImagesHook('x', bits=12)
