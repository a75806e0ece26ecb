# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from jasmine_core.synthetic.intersect import INTERSECT, spread
from jasmine_core.synthetic.solids import BOX, CYLINDER, ELLIPSOID, TAPER

SHAPES = {"box": BOX, "taper": TAPER, "cylinder": CYLINDER, "ellipsoid": ELLIPSOID}
RAYS = 4000


def excess(shape, p, taper):
    """How far outside its solid a point [...,3] is: <= 0 inside, by the definition in solids.py."""
    x, y, z = p.abs().unbind(-1)
    if shape == CYLINDER:
        return torch.maximum(torch.hypot(x, z), y) - 1
    if shape == ELLIPSOID:
        return torch.linalg.vector_norm(p, dim=-1) - 1
    narrow = (1 - p[..., 1]) / 2 if shape == TAPER else torch.zeros_like(y)
    sides = torch.maximum(x + taper[..., 0] * narrow, z + taper[..., 1] * narrow)
    return torch.maximum(sides, y) - 1


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def cast(request):
    g = torch.Generator().manual_seed(request.param)
    direction = torch.randn(RAYS, 3, generator=g, dtype=torch.float64)
    target = torch.rand(RAYS, 3, generator=g, dtype=torch.float64) * 2.4 - 1.2
    origin = target - direction * (1 + 5 * torch.rand(RAYS, 1, generator=g, dtype=torch.float64))
    taper = torch.rand(RAYS, 2, generator=g, dtype=torch.float64) * 1.2 - 0.2
    o, d = (tuple(c[:, None] for c in v.unbind(1)) for v in (origin, direction))
    near, far, face = INTERSECT[request.param](o, d, taper)
    return request.param, origin, direction, taper, near[:, 0], far[:, 0], face[:, 0]


def test_rays_enter_and_leave_on_the_surface(cast):
    shape, origin, direction, taper, near, far, _ = cast
    hit = near < far
    assert 0.3 < hit.double().mean() < 0.99
    for t in (near, far):
        point = (origin + t[:, None] * direction)[hit]
        assert excess(shape, point, taper[hit]).abs().max() < 1e-9


def test_inside_is_exactly_between_near_and_far(cast):
    shape, origin, direction, taper, near, far, _ = cast
    for share in torch.linspace(-0.5, 8.0, 171, dtype=torch.float64):
        inside = excess(shape, origin + share * direction, taper) < -1e-9
        outside = excess(shape, origin + share * direction, taper) > 1e-9
        between = (near < share) & (share < far)
        assert not (inside & ~between).any()
        assert not (outside & between).any()


def test_the_entered_face_is_the_one_touched(cast):
    shape, origin, direction, _, near, far, face = cast
    hit = near < far
    x, y, z = (origin + near[:, None] * direction)[hit].abs().unbind(1)
    face = face[hit]
    assert (y[face == 1] - 1).abs().max() < 1e-9 if shape != ELLIPSOID else (face == 3).all()
    if shape == BOX:
        assert (x[face == 0] - 1).abs().max() < 1e-9
        assert (z[face == 2] - 1).abs().max() < 1e-9


def test_a_ray_along_an_axis_is_no_special_case():
    zero, one = torch.zeros(1, 1), torch.ones(1, 1)
    for shape in SHAPES.values():
        for axis in range(3):
            o = tuple(-5 * one if i == axis else zero for i in range(3))
            d = tuple(one if i == axis else zero for i in range(3))
            near, far, _ = INTERSECT[shape](o, d, torch.zeros(1, 2))
            assert (near.item(), far.item()) == pytest.approx((4, 6)), (shape, axis)


def test_small_far_ball_keeps_its_digits():
    # 1 cm at 100 m: in unit coordinates the centre is 10^4 away, its square 10^8.
    o = tuple(torch.tensor([[v]]) for v in (0.0, 0.0, -1e4))
    d = tuple(torch.tensor([[v]]) for v in (0.0, 0.0, 100.0))
    near, _, _ = INTERSECT[ELLIPSOID](o, d, torch.zeros(1, 2))
    assert near.item() == pytest.approx(99.99, abs=1e-4)


@pytest.mark.parametrize("shape", [BOX, CYLINDER, ELLIPSOID])
def test_spread_is_the_farthest_surface_point(shape):
    g = torch.Generator().manual_seed(1)
    points = torch.rand(200_000, 3, generator=g) * 2 - 1
    inside = points[excess(shape, points, torch.zeros(1, 2)) <= 0]
    for axes in torch.randn(5, 3, generator=g):
        reach = spread(axes, torch.tensor(shape)).item()
        farthest = (inside @ axes).max().item()
        assert 0.9 * reach < farthest <= reach + 1e-5
