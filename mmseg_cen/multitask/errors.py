"""Errors of depth and of normals, as sums over pixels, of which metrics are made."""

import torch
from torch import Tensor

#: Angles are counted in steps of this many degrees, for their median.
ANGLE_STEP = 0.01


def depth_sums(depth: Tensor, target: Tensor) -> Tensor:
    r"""What :func:`depth_errors` is made of, float64 (6,).

    Args:
        depth: Predicted depth of N pixels, (N,), positive.
        target: Their depth, (N,), positive.

    Returns:
        N, and the sums of :math:`(\hat d - d)^2`, of :math:`|\hat d - d| / d`, and of
        :math:`\max(\hat d / d, d / \hat d) < 1.25^i`, i = 1, 2, 3.
    """
    depth, target = depth.double(), target.double()
    ratio = torch.maximum(depth / target, target / depth)
    difference = depth - target
    parts = [
        torch.ones_like(target),
        difference.square(),
        difference.abs() / target,
        *((ratio < 1.25**i).double() for i in (1, 2, 3)),
    ]
    return torch.stack([part.sum() for part in parts]).cpu()


def depth_errors(sums: Tensor) -> dict[str, float]:
    """RMSE (meters), mean relative error and the shares delta1 to delta3, in [0, 1].

    They are over all pixels, as a mIoU is; NaN if there are none. The measures are
    those of "Depth Map Prediction from a Single Image using a Multi-Scale Deep Network"
    (Eigen et al., NeurIPS 2014).

    Args:
        sums: A sum of :func:`depth_sums`.
    """
    count, squares, relative, *within = sums.tolist()
    n = count or float('nan')
    deltas = {f'delta{i}': w / n for i, w in enumerate(within, start=1)}
    return {'rmse': (squares / n) ** 0.5, 'abs_rel': relative / n, **deltas}


def angle_counts(normals: Tensor, target: Tensor) -> tuple[Tensor, float]:
    """How often each angle between vectors occurs, and the sum of the angles.

    Args:
        normals: Predicted unit vectors of N pixels, (3, N); the vector 0, which has no
            direction, is a right angle off, and NaN the opposite one.
        target: Their normals, (3, N).

    Returns:
        Counts in steps of :data:`ANGLE_STEP`, int64 (18000,), and degrees.
    """
    a, b = normals.double(), target.double()
    # Unlike the arc of a cosine, exact for small angles.
    cross = torch.linalg.cross(a, b, dim=0).norm(dim=0)
    angles = torch.atan2(cross, (a * b).sum(0)).rad2deg()
    angles = torch.where(a.any(0), angles, 90).nan_to_num(180)
    bins = round(180 / ANGLE_STEP)
    steps = (angles / ANGLE_STEP).long().clamp(max=bins - 1)
    return torch.bincount(steps, minlength=bins).cpu(), float(angles.sum())


def angle_errors(counts: Tensor, total: float) -> dict[str, float]:
    """Mean and median angle, degrees, and the shares below 11.25, 22.5 and 30 degrees.

    Over all pixels; NaN if there are none. The median is exact up to
    :data:`ANGLE_STEP`, the shares are in [0, 1].

    Args:
        counts: A sum of counts of :func:`angle_counts`.
        total: The sum of the angles, degrees.
    """
    n = int(counts.sum())
    if not n:
        nan = float('nan')
        return dict.fromkeys(
            ('mean_angle', 'median_angle', 'below_11.25', 'below_22.5', 'below_30'), nan
        )
    cumulated = counts.cumsum(0)
    median = int((cumulated * 2 < n).sum()) * ANGLE_STEP
    shares = {
        f'below_{limit:g}': int(cumulated[round(limit / ANGLE_STEP) - 1]) / n
        for limit in (11.25, 22.5, 30)
    }
    return {'mean_angle': total / n, 'median_angle': median, **shares}
