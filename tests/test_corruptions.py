from zlib import crc32

import numpy as np
import pytest
import torch

from mmseg_cen.corruptions import Corruption, corrupted

STREAMS = dict(rgb=3, depth=1)  # channels before the repetition to three


@pytest.fixture
def x():
    x = torch.randn(6, 40, 50)
    x[3:] = x[3]  # of one channel, repeated
    return x


def rng(path, *names, seed=0):
    return np.random.default_rng(
        [seed, *[crc32(name.encode()) for name in (path, *names)]]
    )


def test_elements_are_lost_by_themselves_in_each_channel(x):
    y = corrupted(x, [Corruption('depth', 'zero', 0.25)], STREAMS, 'a/b.png')
    lost = rng('b.png', 'depth', 'zero').random((3, 40, 50), np.float32) < 0.25
    assert torch.equal(y[:3], x[:3])
    assert np.array_equal((y[3:] == 0).numpy(), lost)
    assert torch.equal(y[3:][torch.from_numpy(~lost)], x[3:][torch.from_numpy(~lost)])
    assert lost.mean() == pytest.approx(0.25, abs=0.03)
    assert not np.array_equal(lost[0], lost[1])


def test_a_whole_modality_is_zero_whatever_it_holds(x):
    x[0] = torch.nan
    y = corrupted(x, [Corruption('rgb', 'zero')], STREAMS, 'b.png')
    assert not y[:3].any()
    assert torch.equal(y[3:], x[3:])


def test_salt_is_the_maximum_and_pepper_the_minimum(x):
    y = corrupted(x, [Corruption('rgb', 'salt_and_pepper', 0.2, seed=3)], STREAMS, 'b')
    draws = rng('b', 'rgb', 'salt_and_pepper', seed=3)
    expected = x[:3].numpy().ravel().copy()
    expected[draws.integers(6000, size=600)] = x[:3].max()
    expected[draws.integers(6000, size=600)] = x[:3].min()
    assert np.array_equal(y[:3].numpy().ravel(), expected)


def test_noise_is_added_behind_the_salt_and_pepper(x):
    first = Corruption('rgb', 'salt_and_pepper', 0.1)
    y = corrupted(x, [first, Corruption('rgb', 'gaussian', 0.5)], STREAMS, 'b')
    noise = y - corrupted(x, [first], STREAMS, 'b')
    assert noise[:3].std() == pytest.approx(0.5, rel=0.05)
    assert not noise[3:].any()


def test_noise_in_place_of_a_modality_is_repeated_as_the_modality_is(x):
    y = corrupted(x, [Corruption(m, 'noise') for m in STREAMS], STREAMS, 'b')
    assert torch.equal(y[3], y[4])
    assert not torch.equal(y[0], y[1])
    assert y[:3].std() == pytest.approx(1, rel=0.05)
    assert y[3].mean() == pytest.approx(0, abs=0.1)


def test_a_copy_is_the_input_of_the_other_modality(x):
    y = corrupted(x, [Corruption('depth', 'copy', source='rgb')], STREAMS, 'b')
    assert torch.equal(y[3:], x[:3])
    assert torch.equal(y[:3], x[:3])


def test_draws_depend_on_the_seed_and_the_name_of_the_sample_but_not_on_folders(x):
    def draw(path, seed=0):
        mark = Corruption('rgb', 'gaussian', 1.0, seed=seed)
        return corrupted(x, [mark], STREAMS, path)

    assert torch.equal(draw('here/1.png'), draw('/there/1.png'))
    assert not torch.equal(draw('1.png'), draw('2.png'))
    assert not torch.equal(draw('1.png'), draw('1.png', seed=1))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('depth', 'blur'), '`how` must be one of'),
        (('depth', 'zero', 1.5), '`amount` must be a share'),
        (('depth', 'gaussian', -1.0), '`amount` must be at least 0'),
        (('depth', 'copy'), '`source` must name the modality'),
        (('depth', 'zero', 1.0, 'rgb'), '`source` must name the modality'),
        (('depth', 'copy', 1.0, 'depth'), '`source` must be another modality'),
        (('depth', 'zero', 1.0, None, -1), '`seed` must be at least 0, got -1'),
    ],
)
def test_what_means_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Corruption(*arguments)


def test_a_modality_that_the_network_lacks_is_refused(x):
    with pytest.raises(ValueError, match=r"\['rgb', 'depth'\], got \['lidar'\]"):
        corrupted(x, [Corruption('lidar', 'zero')], STREAMS, 'b')
