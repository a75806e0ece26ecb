# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Intersection of rays o + t d with the unit solids of solids.py, which are all convex.

Coordinates are tuples (x, y, z) of tensors that broadcast. A miss is an empty interval, near >=
far. `face` is the side that was entered: 0, 1, 2 = the side across x, y, z; 3 = the round side.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from jasmine_core.synthetic.solids import BOX, CYLINDER, ELLIPSOID, TAPER

Triple = tuple[Tensor, Tensor, Tensor]
Span = tuple[Tensor, Tensor, Tensor]  # near, far, face
ROUND = 3


def _slab(o: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """Return the interval of |o + t d| <= 1; d = 0 gives IEEE infinities, which is right."""
    inverse = d.reciprocal()
    a, b = (-1 - o) * inverse, (1 - o) * inverse
    return torch.minimum(a, b), torch.maximum(a, b)


def _flanks(o: Triple, d: Triple, axis: int, taper: Tensor) -> tuple[Tensor, Tensor]:
    """Return the interval of the two slanted sides ±x - (a/2) y <= 1 - a/2 of a taper."""
    slope = taper / 2
    along, down = o[axis], slope * o[1]
    limit = 1 - slope + down  # what ±(o + t d) may reach at t = 0
    run = -slope * d[1]
    near = torch.full_like(d[axis] + along, -torch.inf)
    far = torch.full_like(near, torch.inf)
    for sign in (1, -1):
        speed = sign * d[axis] + run  # towards the outside of this plane
        t = (limit - sign * along) / speed
        near = torch.where(speed < 0, torch.maximum(near, t), near)
        far = torch.where(speed > 0, torch.minimum(far, t), far)
        far = torch.where(
            (speed == 0) & (limit < sign * along), -torch.inf, far
        )  # outside for ever
    return near, far


def _round(o: tuple[Tensor, ...], d: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Return the interval of |o + t d|^2 <= 1 over the given axes.

    The distance of the ray from the centre is formed before squaring: the textbook discriminant
    loses all digits for a small far object.
    """
    a = sum((c * c for c in d[1:]), d[0] * d[0]).clamp_min(1e-20)
    b = sum((p * c for p, c in zip(o[1:], d[1:], strict=True)), o[0] * d[0])
    middle = -b / a
    points = [p + middle * c for p, c in zip(o, d, strict=True)]
    squared = (1 - sum((p * p for p in points[1:]), points[0] * points[0])) / a
    reach = squared.clamp_min(0).sqrt()
    # A ray that only touches gets the empty interval near = far.
    return middle - reach, middle + reach


def _box(o: Triple, d: Triple, taper: Tensor) -> Span:
    (x0, x1), (y0, y1), (z0, z1) = (_slab(p, c) for p, c in zip(o, d, strict=True))
    near = torch.maximum(torch.maximum(x0, y0), z0)
    far = torch.minimum(torch.minimum(x1, y1), z1)
    return near, far, (near == y0).int() + 2 * (near == z0).int()


def _taper(o: Triple, d: Triple, taper: Tensor) -> Span:
    (x0, x1), (z0, z1) = _flanks(o, d, 0, taper[:, :1]), _flanks(o, d, 2, taper[:, 1:])
    y0, y1 = _slab(o[1], d[1])
    near = torch.maximum(torch.maximum(x0, y0), z0)
    far = torch.minimum(torch.minimum(x1, y1), z1)
    return near, far, ((near == y0).int() + 2 * (near == z0).int()).clamp_max(2)


def _cylinder(o: Triple, d: Triple, taper: Tensor) -> Span:
    r0, r1 = _round((o[0], o[2]), (d[0], d[2]))
    y0, y1 = _slab(o[1], d[1])
    near = torch.maximum(r0, y0)
    return near, torch.minimum(r1, y1), torch.where(near == y0, 1, ROUND).int()


def _ellipsoid(o: Triple, d: Triple, taper: Tensor) -> Span:
    near, far = _round(o, d)
    return near, far, torch.full_like(near, ROUND, dtype=torch.int32)


# shape -> intersection; o and d hold [P,R] or [P,1] tensors, taper [P,2].
INTERSECT: dict[int, Callable[[Triple, Triple, Tensor], Span]] = {
    BOX: _box,
    TAPER: _taper,
    CYLINDER: _cylinder,
    ELLIPSOID: _ellipsoid,
}


def spread(axes: Tensor, shape: Tensor) -> Tensor:
    """Return how far unit solids reach along a direction (their support function).

    `axes` [...,3] are the direction's products with the three half axes; `shape` [...].
    """
    flat = axes.abs().sum(-1)
    ring = axes[..., 1].abs() + torch.hypot(axes[..., 0], axes[..., 2])
    ball = torch.linalg.vector_norm(axes, dim=-1)
    return torch.where(shape == ELLIPSOID, ball, torch.where(shape == CYLINDER, ring, flat))
