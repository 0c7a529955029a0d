import numpy as np
import pytest
import torch

from mmseg_cen.translation.visualization import (
    TranslationVisualizationHook,
    color_domain,
    color_limits,
    draw_translation,
)


def inputs_of(sample, size=(24, 20)):
    channels = sum(sample.get('sources', {'input': 3}).values())
    return (2 * torch.rand(channels, *size) - 1).numpy()


DOMAINS = [
    (dict(rgb=3, edge=1), 'depth', 1),
    (dict(depth=1, normal=3), 'rgb', 3),
    (dict(rgb=3), 'principal_curvature', 2),
    (dict(rgb=3, shade=1, texture=1, depth=1), 'normal', 3),
    (dict(multispectral=4, depth=1), 'bands', 19),
]


@pytest.mark.parametrize(('sources', 'target', 'channels'), DOMAINS)
@pytest.mark.parametrize('streams', [True, False])
def test_any_sample_can_be_drawn(make_samples, sources, target, channels, streams):
    (sample,) = make_samples(1, channels, sources=sources, invalid=0.1)
    sample.set_metainfo(dict(target=target))
    if not streams:
        del sample.pred_streams
    picture = draw_translation(inputs_of(sample), sample)
    assert picture.dtype == np.uint8
    columns = len(sources) + 1 if streams else len(sources) + 2
    assert picture.shape[1] // columns in range(220, 300)
    assert (picture.shape[0] > 500) == streams


def test_a_sample_without_target_and_metainfo_can_be_drawn(make_samples):
    (sample,) = make_samples(1, sources={})
    del sample.gt_image
    bare = type(sample)(pred_image=sample.pred_image)
    assert draw_translation(np.zeros((3, 24, 20), np.float32), bare).ndim == 3


def test_every_image_has_its_place(make_samples):
    """Each panel shows, in one color, what it should show."""
    (sample,) = make_samples(1, sources=dict(normal=3, shade=3))
    levels = dict(normal=-0.8, shade=-0.4, target=0.0, ensemble=0.8)
    sample.gt_image.data[:] = levels['target']
    sample.pred_image.data[:] = levels['ensemble']
    sample.pred_streams.normal[:] = 0.2
    sample.pred_streams.shade[:] = 0.5
    inputs = np.full((6, 24, 20), levels['normal'], np.float32)
    inputs[3:] = levels['shade']
    picture = draw_translation(inputs, sample)
    height, width = picture.shape[:2]
    expected = [[-0.8, -0.4, 0.0], [0.2, 0.5, 0.8]]
    for i, row in enumerate(expected):
        for j, level in enumerate(row):
            y, x = int((i + 0.5) * height / 2.03), int((j + 0.5) * width / 3)
            assert picture[y, x] == pytest.approx((level + 1) * 127.5, abs=0.6)


def test_three_channels_are_rgb():
    image = torch.tensor([1.0, 0.0, -1.0])[:, None, None].expand(3, 2, 2)
    assert color_domain(image, 'rgb')[0, 0].tolist() == [255, 128, 0]
    assert color_domain(image[:2], 'principal_curvature')[0, 0].tolist()[2] == 0


def test_edges_are_gray_and_depth_is_colored():
    image = torch.linspace(-1, 1, 100).view(1, 10, 10)
    gray = color_domain(image, 'edge_texture')
    assert (gray[..., 0] == gray[..., 1]).all()
    assert (np.diff(gray[..., 0].ravel().astype(int)) >= 0).all()
    colors = color_domain(image, 'depth_euclidean')
    assert not (colors[..., 0] == colors[..., 1]).all()
    # Viridis begins dark violet and ends yellow.
    assert colors[0, 0].sum() < 200 < 400 < colors[-1, -1].sum()


def test_depth_is_colored_by_the_range_of_its_valid_pixels():
    image = torch.linspace(-0.5, 0.5, 101).view(1, 1, 101).clone()
    image[..., -1] = 0.99
    valid = image < 0.9
    low, high = color_limits(image, 'depth', valid)
    assert low == pytest.approx(-0.49, abs=0.01)
    assert high == pytest.approx(0.48, abs=0.011)
    assert color_limits(image, 'edge') == (-1, 1)
    assert color_limits(image, 'depth', valid & False) == (-1, 1)


def test_the_hook_draws_every_sample_under_an_own_name(make_samples, runner_of):
    samples = make_samples(3, paths=['d/a/1.png', 'd/b/1.png', 'd/b/2.png'])
    batch = dict(inputs=[torch.from_numpy(inputs_of(s)) for s in samples])
    runner = runner_of(samples)
    hook = TranslationVisualizationHook(draw=True, interval=1)
    hook.before_val_epoch(runner)
    hook.after_val_iter(runner, 0, batch, samples)
    assert set(runner.images) == {'val_a_1', 'val_b_1', 'val_b_2'}


def test_the_hook_writes_files(make_samples, runner_of, tmp_path):
    samples = make_samples(2, paths=['d/a/1.png', 'd/b/1.png'])
    batch = dict(inputs=[torch.from_numpy(inputs_of(s)) for s in samples])
    hook = TranslationVisualizationHook(draw=True, interval=1, out_dir=str(tmp_path))
    hook.before_test_epoch(runner_of(samples))
    hook.after_test_iter(runner_of(samples), 0, batch, samples)
    for name in ('a/1.png', 'b/1.png'):
        assert (tmp_path / name).is_file()
