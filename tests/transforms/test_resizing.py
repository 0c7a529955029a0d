"""What resizing has of its own; the laws of all moves are in test_moving."""

import numpy as np
import pytest

from mmseg_cen.modality import build_modalities


def test_interpolation_is_that_of_the_modality(build, coordinates):
    sample = coordinates(('rgb', 'flow'))
    sample['flow'] = (sample['flow'] % 2).astype(np.float32)
    options = dict(channels=2, interpolation='nearest')
    nearest = build_modalities(dict(rgb={}, flow=options))
    resize = build(dict(type='Resize', scale=(77, 70)))
    assert len(np.unique(resize(dict(sample))['flow'])) > 2
    assert len(np.unique(resize({**sample, 'modalities': nearest})['flow'])) == 2


@pytest.mark.parametrize('keep_ratio', [False, True])
@pytest.mark.parametrize(
    ('size', 'limit'), [((480, 640), 320), ((123, 77), 50), ((39, 52), 31)]
)
def test_min_side_is_a_lower_limit_of_the_shorter_side(
    keep_ratio, size, limit, build, plain
):
    h, w = size
    move = dict(
        type='RandomResize', scale=(w, h), ratio_range=(0.3, 3), keep_ratio=keep_ratio
    )
    limited, free = build({**move, 'min_side': limit}), build(move)
    seen = set()
    for seed in range(8):
        shapes = []
        for transform in (free, limited):
            np.random.seed(seed)
            shapes.append(transform(plain(size))['img_shape'])
        below = min(shapes[0]) < limit
        seen.add(below)
        if below:
            assert min(shapes[1]) == limit
            ratio = shapes[1][0] / shapes[1][1]  # of sides rounded to whole pixels
            np.testing.assert_allclose(ratio, h / w, rtol=2 / min(shapes[0]))
        else:
            assert shapes[0] == shapes[1]
    assert seen == {True, False}
