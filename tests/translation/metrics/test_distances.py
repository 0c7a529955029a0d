import doctest

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from mmseg_cen.translation.metrics import distances
from mmseg_cen.translation.metrics.distances import (
    frechet_distance,
    kernel_distances,
    squared_mmd,
)


def test_the_example_of_the_module_runs():
    failed, attempted = doctest.testmod(distances)
    assert (failed, attempted) == (0, 6)


def features(n, d, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(d, d)) / d**0.5
    return shift + np.maximum(rng.normal(size=(n, d)) @ mix, 0)


def reference_fid(x, y):
    """Fréchet distance with the root of a symmetric product, in NumPy."""
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    values, vectors = np.linalg.eigh(cov_x)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    trace = np.sqrt(np.linalg.eigvalsh(root @ cov_y @ root).clip(0)).sum()
    means = np.square(x.mean(0) - y.mean(0)).sum()
    return means + np.trace(cov_x) + np.trace(cov_y) - 2 * trace


# More samples than features, as many, fewer, and sets of different sizes.
SIZES = [(200, 200, 16), (48, 48, 48), (20, 20, 64), (100, 30, 64), (2, 3, 8)]


@pytest.mark.parametrize(('n', 'm', 'd'), SIZES)
def test_fid_is_the_frechet_distance_of_fitted_gaussians(n, m, d):
    x, y = features(n, d), features(m, d, seed=1, shift=0.1)
    found = frechet_distance(torch.from_numpy(x), torch.from_numpy(y))
    assert found == pytest.approx(reference_fid(x, y), abs=1e-5)


def test_fid_agrees_with_the_matrix_root_of_the_definition():
    x, y = features(200, 16), features(150, 16, seed=1)
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    expected = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(
        cov_x + cov_y - 2 * sqrtm(cov_x @ cov_y).real
    )
    found = frechet_distance(torch.from_numpy(x), torch.from_numpy(y))
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(('n', 'd', 'offset'), [(100, 16, 1000), (20, 300, 0)])
def test_fid_of_a_set_with_itself_is_zero(n, d, offset):
    x = torch.from_numpy(features(n, d)).float() + offset
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(x, x[torch.randperm(n)]) == pytest.approx(0, abs=1e-8)


def test_fid_of_a_shifted_set_is_the_squared_shift():
    x = torch.from_numpy(features(20, 300))
    assert frechet_distance(x, x + 0.5) == pytest.approx(300 * 0.25, abs=1e-8)


def test_fid_of_float32_features_loses_no_precision():
    x = torch.from_numpy(features(40, 256)).float() + 100
    y = torch.from_numpy(features(40, 256, seed=1)).float() + 100
    expected = reference_fid(x.double().numpy(), y.double().numpy())
    assert frechet_distance(x, y) == pytest.approx(expected, abs=1e-5)


def test_features_that_are_not_finite_have_no_distance_but_stop_nothing():
    x = torch.rand(6, 4)
    broken = x.clone()
    broken[2, 1] = torch.inf
    assert np.isnan(frechet_distance(x, broken))
    assert not np.isfinite(kernel_distances(broken, x, 1, 6)).any()


def reference_mmd(x, y):
    """Unbiased squared MMD, pair by pair."""

    def kernel(a, b):
        return (np.dot(a, b) / len(a) + 1) ** 3

    def same(a):
        n = len(a)
        pairs = [kernel(a[i], a[j]) for i in range(n) for j in range(n) if i != j]
        return np.mean(pairs)

    return same(x) + same(y) - 2 * np.mean([kernel(a, b) for a in x for b in y])


def test_kid_is_the_unbiased_squared_mmd():
    x, y = features(9, 12), features(7, 12, seed=1)
    found = float(squared_mmd(torch.from_numpy(x), torch.from_numpy(y)))
    assert found == pytest.approx(reference_mmd(x, y), abs=1e-10)


def test_kid_of_one_distribution_is_zero_on_average():
    x = torch.from_numpy(features(2000, 8))
    values = kernel_distances(x[:1000], x[1000:], 100, 50)
    assert abs(values.mean()) < 4 * values.std() / 10
    assert (values < 0).any()


def test_the_subsets_of_kid_are_random_and_seeded(monkeypatch):
    drawn = []

    def record(k_xx, k_yy, k_xy):
        # The kernel below leaves the numbers of the images on the diagonals.
        drawn.append((k_xx.diagonal().int().tolist(), k_yy.diagonal().int().tolist()))
        return k_xx.sum() * 0

    monkeypatch.setattr(distances, 'kernel', lambda x, y: (x @ y.T).sqrt())
    monkeypatch.setattr(distances, '_squared_mmd', record)
    numbered = torch.arange(30.0)[:, None]
    kernel_distances(numbered, numbered, 20, 10)
    subsets = [tuple(sorted(subset)) for pair in drawn for subset in pair]
    assert len(set(subsets)) == 40
    # Without replacement, and every image has its turn.
    assert all(len(set(subset)) == 10 for subset in subsets)
    assert {image for subset in subsets for image in subset} == set(range(30))
    first = drawn.copy()
    drawn.clear()
    kernel_distances(numbered, numbered, 20, 10)
    assert drawn == first
    drawn.clear()
    kernel_distances(numbered, numbered, 20, 10, seed=1)
    assert drawn != first


# Few small subsets, and many large ones, that are parts of one comparison of all.
@pytest.mark.parametrize(('num_subsets', 'size'), [(3, 10), (12, 15)])
def test_each_subset_has_its_own_value_as_computed_by_numpy(num_subsets, size):
    x, y = features(30, 12), features(25, 12, seed=1)
    found = kernel_distances(*map(torch.from_numpy, (x, y)), num_subsets, size, seed=3)
    generator = torch.Generator().manual_seed(3)
    for value in found:
        i, j = (torch.randperm(n, generator=generator)[:size] for n in (30, 25))
        assert float(value) == pytest.approx(reference_mmd(x[i], y[j]), abs=1e-10)
    assert len(set(found.tolist())) == num_subsets


def test_sets_that_have_no_distance_are_refused():
    x = torch.rand(5, 4)
    with pytest.raises(ValueError, match=r'at least 2 images .* got 1 and 5'):
        frechet_distance(x[:1], x)
    with pytest.raises(ValueError, match='with the same D'):
        frechet_distance(x, torch.rand(5, 3))
    for size in (1, 6):
        with pytest.raises(ValueError, match=f'smaller set, 5, got 1 and {size}'):
            kernel_distances(x, x, 1, size)
