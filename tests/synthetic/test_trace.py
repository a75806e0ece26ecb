# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from jasmine_core.synthetic.config import Rng
from jasmine_core.synthetic.intersect import INTERSECT
from jasmine_core.synthetic.paint import plain
from jasmine_core.synthetic.render import offsets
from jasmine_core.synthetic.solids import BOX, ELLIPSOID, Sketch, stack, turn
from jasmine_core.synthetic.trace import View, bounds, shadow, trace

GREY = plain((0.5, 0.5, 0.5))
WIDTH, HEIGHT, FOCAL = 41, 21, 30.0  # odd, so that a pixel lies on the axis; no multiple of a tile
CX, CY = (WIDTH - 1) / 2, (HEIGHT - 1) / 2


def view(height=0.0, rotation=None, supersample=2, frames=1, scene=None):
    K = torch.tensor([[FOCAL, 0, CX], [0, FOCAL, CY], [0, 0, 1]])
    return View(
        scene=torch.zeros(frames, dtype=torch.int64) if scene is None else scene,
        rotation=torch.eye(3).repeat(frames, 1, 1) if rotation is None else rotation,
        position=torch.tensor([[0.0, -height, 0.0]]).repeat(frames, 1),
        time=torch.zeros(frames),
        K=K.repeat(frames, 1, 1),
        width=WIDTH,
        height=HEIGHT,
        offsets=offsets(supersample),
    )


def sketch():
    return Sketch(Rng(0, "test"))


def depth(solids, **how):
    v = view(**how)
    return v.image(trace(v, solids).t)[:, 0]


def test_wall_at_5_m_is_exactly_5_m_everywhere():
    s = sketch()
    s.box((0, -50, 5.5), (100, 100, 1), GREY)
    assert (depth(s.solids()) == 5).all()


def test_depth_is_along_the_axis_also_for_a_turned_camera():
    s = sketch()
    s.box((0, -500, 0), (1000, 1000, 1000), GREY)  # the camera is inside and sees nothing
    assert depth(s.solids()).isinf().all()
    s = sketch()
    yaw = 0.4
    s.add(0, (5.5 * math.sin(yaw), -50, 5.5 * math.cos(yaw)), (100, 100, 1), GREY, yaw=yaw)
    assert torch.allclose(
        depth(s.solids(), rotation=torch.tensor([turn(yaw)])), torch.tensor(5.0), rtol=1e-5
    )


def test_ground_depth_follows_camera_height():
    s = sketch()
    s.box((0, -1, 0), (2000, 1, 2000), GREY)
    z = depth(s.solids(), height=1.65)[0]
    rows = torch.arange(HEIGHT)
    below = rows > CY
    expected = (1.65 * FOCAL / (rows[below] - CY))[:, None].expand(-1, WIDTH)
    assert torch.allclose(z[below], expected, rtol=1e-5)
    assert z[~below].isinf().all()


def test_box_in_front_of_a_ball_and_both_in_front_of_nothing():
    s = sketch()
    s.box((0, -0.5, 3.5), (1, 1, 1), GREY)  # front face at 3 m
    s.ball((1.5, -1, 6), (2, 2, 2), GREY)  # radius 1 m
    z = depth(s.solids())[0]
    u = torch.arange(WIDTH) - CX
    assert (z[int(CY), u.abs() < FOCAL * 0.5 / 3] == 3).all()
    # A ray (a, 0, 1) t meets |p - c| = 1 at the smaller root.
    a = u[-12] / FOCAL
    b, c = a * 1.5 + 6, 1.5**2 + 6**2 - 1
    assert z[int(CY), -12].item() == pytest.approx(
        ((b - (b * b - (a * a + 1) * c).sqrt()) / (a * a + 1)).item(), rel=1e-5
    )
    assert z[0, 0].isinf()


def test_centre_of_a_ball():
    s = sketch()
    s.add(ELLIPSOID, (0, -0.5, 10), (3, 1, 2), GREY)
    assert depth(s.solids())[0, int(CY), int(CX)].item() == pytest.approx(9, rel=1e-6)


def test_culling_loses_nothing():
    # Many solids all around the camera: tiles and rounds must find what testing each alone finds.
    rng, parts, everything = Rng(3, "crowd"), [], sketch()
    for i in range(60):
        place = (rng.uniform(-8, 8), rng.uniform(-4, 4), rng.uniform(-6, 14))
        size = (rng.uniform(0.1, 3), rng.uniform(0.1, 3), rng.uniform(0.1, 3))
        how = {"yaw": rng.uniform(0, 6), "pitch": rng.uniform(0, 6)}
        alone = sketch()
        for s in (alone, everything):
            s.add(i % 4, place, size, GREY, taper=(0.5, 0.3), **how)
        parts.append(depth(alone.solids())[0])
    assert torch.allclose(depth(everything.solids())[0], torch.stack(parts).amin(0), rtol=1e-6)


def test_no_hit_lies_outside_of_the_bounds_of_its_tile():
    g = torch.Generator().manual_seed(0)
    count, rays = 3000, 64
    linear = torch.randn(count, 3, 3, generator=g) * torch.logspace(-1, 2, count)[:, None, None]
    origin = (linear @ torch.randn(count, 3, 1, generator=g))[..., 0]
    corner = torch.rand(2, count, 1, generator=g) * 2 - 1
    x, y = corner + 0.2 * torch.rand(2, count, rays, generator=g)
    enters, leaves = bounds(
        linear, origin, torch.stack([x.amin(1), x.amax(1)], -1),
        torch.stack([y.amin(1), y.amax(1)], -1),
    )  # fmt: skip
    d = tuple(linear[:, i, 2:] + linear[:, i, :1] * x + linear[:, i, 1:2] * y for i in range(3))
    o = tuple(origin[:, i : i + 1] for i in range(3))
    for shape in INTERSECT:
        near, far, _ = INTERSECT[shape](o, d, torch.zeros(count, 2))
        hit = (near < far) & (near > 0)
        assert 0.01 < hit.float().mean() < 0.9
        assert (near >= enters[:, None])[hit].all()
        assert (near <= leaves[:, None])[hit].all()
    empty = enters > leaves
    near, far, _ = INTERSECT[BOX](o, d, torch.zeros(count, 2))
    missed = ~((near < far) & (far > 0)).any(1)
    assert (missed | ~empty).all()
    assert empty.sum() > 0.5 * missed.sum()  # most of what is missed is known to be


def test_scenes_of_unlike_size_share_a_batch():
    near, far = sketch(), sketch()
    near.box((0, -50, 5.5), (100, 100, 1), GREY)
    for z in (9.5, 20.5, 30.5):
        far.box((0, -50, z), (100, 100, 1), GREY)
    both = stack([near.solids(), far.solids()])
    z = depth(both, frames=3, scene=torch.tensor([1, 0, 1]))
    assert (z == torch.tensor([9.0, 5.0, 9.0])[:, None, None]).all()


def test_moving_solids_move():
    s = sketch().at(0, 5.5, velocity=(0, 0, 2.0))
    s.box((0, -50, 0), (100, 100, 1), GREY)
    v = view(frames=2)
    v = View(**{**vars(v), "time": torch.tensor([0.0, 1.5])})
    z = v.image(trace(v, s.solids()).t)
    assert (z[0] == 5).all()
    assert (z[1] == 8).all()


def test_shadow_lies_below_the_thing_and_nowhere_else():
    s = sketch()
    s.box((0, -1, 0), (100, 1, 100), GREY)
    s.box((0, 2, 0), (2, 0.5, 2), GREY)
    light = torch.nn.functional.normalize(torch.tensor([[0.5, -1.0, 0.0]]), dim=-1)
    x = torch.linspace(-6, 6, 49)
    point = torch.stack([x, torch.full_like(x, -1e-3), torch.zeros_like(x)], dim=-1)
    lit = shadow(
        s.solids(), torch.zeros(1, dtype=torch.int64), torch.zeros(1), light,
        torch.zeros(49, dtype=torch.int64), point, 0.05,
    )  # fmt: skip
    # The shadow of heights 2.0 .. 2.5 m over x -1 .. 1 m falls on -1 - 1.25 .. 1 - 1.
    dark = (x > -2.1) & (x < -0.1)
    assert (lit[dark] == 0).all()
    assert (lit[(x < -2.3) | (x > 0.1)] == 1).all()
