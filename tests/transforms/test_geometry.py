"""What flips, rotations, crops and padding have of their own; see also test_moving."""

import numpy as np
import pytest

DEPTH_PAD = -7.0


@pytest.mark.parametrize(
    'move',
    [
        dict(type='Pad', size=(60, 60)),
        dict(type='RandomRotate', prob=1.0, degree=(44, 45), auto_bound=True),
    ],
)
def test_every_channel_is_padded_with_its_own_value(move, build, coordinates):
    results = build(move)(coordinates())
    for corner in ('depth', DEPTH_PAD), ('flow', [-1, -2]), ('spectrum', range(1, 6)):
        key, value = corner
        np.testing.assert_array_equal(results[key][-1, -1], list(np.atleast_1d(value)))


@pytest.mark.parametrize(
    'move',
    [
        dict(type='CenterCrop', crop_size=(30, 20)),
        dict(type='CenterCrop', crop_size=(60, 30), auto_pad=True),
        dict(type='Pad', size=(64, 48)),
    ],
)
def test_labels_beside_those_of_the_classes_are_moved_with_them(
    move, build, coordinates
):
    sample = coordinates()
    sample['gt_depth_map'] = sample['gt_seg_map'].copy()
    sample['seg_fields'] = ['gt_seg_map', 'gt_depth_map']
    results = build(move)(sample)
    np.testing.assert_array_equal(results['gt_depth_map'], results['gt_seg_map'])
    assert results['gt_depth_map'].shape != (37, 53)


@pytest.mark.parametrize(
    ('move', 'matrix'),
    [
        (dict(type='RandomFlip', prob=1.0, direction='horizontal'), [[-1, 0], [0, 1]]),
        (dict(type='RandomFlip', prob=1.0, direction='vertical'), [[1, 0], [0, -1]]),
        (dict(type='RandomFlip', prob=1.0, direction='diagonal'), [[-1, 0], [0, -1]]),
        (dict(type='RandomRotate', prob=1.0, degree=(90, 90)), [[0, -1], [1, 0]]),
    ],
)
def test_directions_are_turned_as_the_image(move, matrix, build, coordinates):
    """The gradient of x and y of each pixel turns as these directions do."""
    seen = []

    class Recorder:
        interpolation, pad_value = 'nearest', 0.0

        def reorient(self, image, turn):
            seen.append(turn)
            return image

    sample = coordinates(('rgb', 'flow'))
    sample['modalities'] = dict(sample['modalities'], flow=Recorder())
    flow = build(move)(sample)['flow']
    np.testing.assert_allclose(seen, [matrix], atol=1e-9)
    right = flow[18, 26] - flow[18, 25]  # source direction that points right now
    down = flow[18, 26] - flow[17, 26]
    np.testing.assert_allclose(np.array(matrix) @ right, [1, 0], atol=1e-6)
    np.testing.assert_allclose(np.array(matrix) @ down, [0, 1], atol=1e-6)
