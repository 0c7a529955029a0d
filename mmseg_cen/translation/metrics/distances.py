"""Distances between two sets of features: Fréchet (FID) and kernel (KID).

Both distances are computed in float64, on the device of the features.

Example:
    >>> import torch
    >>> real = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> fake = real + torch.tensor([3.0, 0.0])
    >>> round(frechet_distance(fake, real), 6)  # of equal covariance: the squared shift
    9.0
    >>> kernel_distances(fake, real, num_subsets=2, subset_size=4).round(decimals=3)
    tensor([743.9580, 743.9580], dtype=torch.float64)
    >>> kernel_distances(real, real, num_subsets=1, subset_size=4).round(decimals=3)
    tensor([-17.6670], dtype=torch.float64)
"""

import math

import torch
from torch import Tensor


def frechet_distance(x: Tensor, y: Tensor) -> float:
    """Fréchet distance between the Gaussians fitted to two sets of features (FID).

    |μ_x - μ_y|² + tr(Σ_x + Σ_y - 2 (Σ_x Σ_y)^½), Heusel et al., "GANs Trained by a Two
    Time-Scale Update Rule Converge to a Local Nash Equilibrium", 2017.

    With Σ_x = AᵀA and Σ_y = BᵀB, the eigenvalues of Σ_x Σ_y are the squared singular
    values of ABᵀ: tr (Σ_x Σ_y)^½ is their sum. So no root of a matrix is needed, which
    is inaccurate with fewer samples than features, and then no D×D matrix either.

    Args:
        x: (N, D) features.
        y: (N', D) features.

    Returns:
        NaN if a feature is not finite.

    Raises:
        ValueError: If a set has less than two feature vectors.
    """
    _check(x, y)
    x, y = x.double(), y.double()
    if not (x.isfinite().all() and y.isfinite().all()):
        return math.nan
    a, b = _covariance_root(x), _covariance_root(y)
    means = (x.mean(0) - y.mean(0)).square().sum()
    trace = torch.linalg.svdvals(a @ b.T).sum()
    distance = means + a.square().sum() + b.square().sum() - 2 * trace
    return max(float(distance), 0.0)  # rounding of equal sets


def _covariance_root(x: Tensor) -> Tensor:
    """Matrix A with AᵀA = the covariance of the rows of x, of the fewest rows."""
    centered = (x - x.mean(0)) / (len(x) - 1) ** 0.5
    if centered.shape[0] > centered.shape[1]:
        return torch.linalg.qr(centered, mode='r').R
    return centered


def kernel_distances(
    x: Tensor, y: Tensor, num_subsets: int, subset_size: int, seed: int = 0
) -> Tensor:
    """Squared maximum mean discrepancies of random subsets of two sets (KID).

    Binkowski et al., "Demystifying MMD GANs", 2018. Each subset is drawn without
    replacement, from each set by itself.

    Args:
        x: (N, D) features.
        y: (N', D) features.
        num_subsets: Number of pairs of subsets that are drawn.
        subset_size: Feature vectors of a subset, at least 2, at most N and N'.
        seed: The same seed gives the same subsets.

    Returns:
        (num_subsets,) float64. Their mean is the KID; unbiased, it may be negative.

    Raises:
        ValueError: If the subsets are larger than a set, or smaller than 2.
    """
    _check(x, y)
    if not 2 <= subset_size <= min(len(x), len(y)) or num_subsets < 1:
        raise ValueError(
            '`num_subsets` must be at least 1 and `subset_size` between 2 and the size '
            f'of the smaller set, {min(len(x), len(y))}, got {num_subsets} and '
            f'{subset_size}: choose smaller subsets, or take more images'
        )
    x, y = x.double(), y.double()
    generator = torch.Generator().manual_seed(seed)

    def draw(features: Tensor) -> Tensor:
        chosen = torch.randperm(len(features), generator=generator)[:subset_size]
        return chosen.to(features.device)

    pairs = [(draw(x), draw(y)) for _ in range(num_subsets)]
    if len(x) * len(y) > num_subsets * subset_size**2:
        return torch.stack([squared_mmd(x[i], y[j]) for i, j in pairs])
    # The subsets overlap so much that it is cheaper to compare all images once.
    k_xx, k_yy, k_xy = kernel(x, x), kernel(y, y), kernel(x, y)
    return torch.stack(
        [_squared_mmd(k_xx[i][:, i], k_yy[j][:, j], k_xy[i][:, j]) for i, j in pairs]
    )


def kernel(x: Tensor, y: Tensor) -> Tensor:
    """Polynomial kernel of KID, (x·y / D + 1)³: (N, D), (N', D) → (N, N')."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def squared_mmd(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased squared maximum mean discrepancy of two sets of features.

    Args:
        x: (N, D) features.
        y: (N', D) features.
    """
    return _squared_mmd(kernel(x, x), kernel(y, y), kernel(x, y))


def _squared_mmd(k_xx: Tensor, k_yy: Tensor, k_xy: Tensor) -> Tensor:
    def mean_of_pairs(k: Tensor) -> Tensor:
        return (k.sum() - k.diagonal().sum()) / (len(k) * (len(k) - 1))

    return mean_of_pairs(k_xx) + mean_of_pairs(k_yy) - 2 * k_xy.mean()


def _check(x: Tensor, y: Tensor) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(
            f'features must be (N, D) with the same D, got {tuple(x.shape)} and '
            f'{tuple(y.shape)}: take both from one extractor'
        )
    if min(len(x), len(y)) < 2:
        raise ValueError(
            'sets must have at least 2 images to have a covariance, got '
            f'{len(x)} and {len(y)}: test on more'
        )
