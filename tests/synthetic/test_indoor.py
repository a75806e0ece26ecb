# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from jasmine_core.synthetic import interior
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.drive import render_drive
from jasmine_core.synthetic.furnishing import inside
from jasmine_core.synthetic.hand_held import SPACE, held, viewpoint
from jasmine_core.synthetic.indoor import indoor
from jasmine_core.synthetic.interior import THICK, Opening, Wall, build, room_behind
from jasmine_core.synthetic.interior_styles import STYLES, USUAL
from jasmine_core.synthetic.paint import plain
from jasmine_core.synthetic.render import offsets
from jasmine_core.synthetic.room_plan import Plan
from jasmine_core.synthetic.solids import Sketch, turn
from jasmine_core.synthetic.trace import View, trace

GREY = plain((0.5, 0.5, 0.5))


def look(solids, x, height, z, yaw=0.0, size=41, focal=20.0):
    """Return depth [H,W] seen from a place of the world."""
    K = torch.tensor([[focal, 0, (size - 1) / 2], [0, focal, (size - 1) / 2], [0, 0, 1]])
    view = View(
        scene=torch.zeros(1, dtype=torch.int64),
        rotation=torch.tensor(turn(yaw))[None],
        position=torch.tensor([[x, -height, z]]),
        time=torch.zeros(1),
        K=K[None],
        width=size,
        height=size,
        offsets=offsets(1),
    )
    return view.image(trace(view, solids).t)[0, 0]


def test_a_wall_with_an_opening_is_solid_beside_and_above_it():
    s = Sketch(Rng(0, "test"))
    wall = Wall(s.at(0.0, 3.0, math.pi), 6.0, [Opening(1.0, 0.9, 2.0, (-3.0, 3.0))])
    build(wall, 2.5, GREY)
    depth = look(s.solids(), 0.0, 1.2, 0.0)
    u = (torch.arange(41) - 20) / 20 * 3  # where the rays meet the wall, x
    # The wall looks towards the camera, so its own x axis points to the left.
    through = (u > -1.45 + 0.05) & (u < -0.55 - 0.05)
    beside = (u.abs() < 2.9) & ((u < -1.5) | (u > -0.5))
    assert depth[20, through].isinf().all()
    assert torch.allclose(depth[20, beside], torch.tensor(3.0))
    above = 20 - round(1.0 / 3 * 20)  # 2.2 m high
    assert torch.allclose(depth[above, through], torch.tensor(3.0))


def test_the_room_behind_an_opening_is_closed(monkeypatch):
    monkeypatch.setattr(interior, "closed_door", lambda s, at: None)
    for seed in range(12):
        s = Sketch(Rng(seed, "test"))
        opening = Opening(0.5, 1.0, 2.0, (-2.5, 2.5))
        wall = Wall(s.at(0.0, 0.0, math.pi), 5.0, [opening])
        room_behind(wall, opening, 2.5)
        # From the middle of the threshold one sees nothing but the room.
        depth = look(s.solids(), -0.5, 1.2, THICK + 0.02)
        assert depth.isfinite().all(), seed
        assert depth.max() < 18


def test_inside_places_groups_in_groups():
    s = Sketch(Rng(0, "test")).at(2.0, 3.0, 0.5, height=0.7)
    here = inside(inside(s, 0.3, 0.4, 0.2, 0.1), 1.0, 0.0)
    c, sn = math.cos(0.5), math.sin(0.5)
    x, z = 2.0 + c * 0.3 + sn * 0.4, 3.0 - sn * 0.3 + c * 0.4
    assert here.origin == pytest.approx((x + math.cos(0.7), 0.8, z - math.sin(0.7)))
    assert here.yaw == pytest.approx(0.7)


def test_cameras_stand_where_there_is_space_and_stay_there():
    for seed in range(40):
        rng = Rng(seed, "test")
        plan = Plan(4.0, 5.0, 2.5, [(0.0, 0.0, 0.8), (1.5, 2.0, 0.5)])
        view = viewpoint(rng, plan, [(0.0, 0.75, 0.0)])
        assert view.space > SPACE
        motion = held(rng, WorldConfig(kind="indoor"), view)
        poses = motion.pose(torch.linspace(0, 10, 200, dtype=torch.float64))
        x, z = poses[:, 0, 3], poses[:, 2, 3]
        assert (x.abs() < 2.0).all()
        assert (z.abs() < 2.5).all()


@pytest.mark.parametrize("style", sorted(STYLES))
def test_every_style_gives_closed_interiors(style, monkeypatch):
    monkeypatch.setattr("jasmine_core.synthetic.indoor.USUAL", (style,))
    config = WorldConfig(kind="indoor")
    for seed in range(2):
        solids, _ = indoor(seed, config)
        plan_height = 1.0
        for yaw in (0.0, 1.6, 3.1, 4.7):
            depth = look(solids, 0.0, plan_height, 0.0, yaw)
            assert depth.isfinite().all(), (seed, yaw)
    assert style in USUAL


def test_interiors_are_near_and_of_many_depths():
    config = WorldConfig(
        kind="indoor", width=64, height=48, frames=1, texture_banks=1, supersample=1, shadows=False
    )
    depths = torch.stack([render_drive(seed, config).depths for seed in range(24)])
    assert 0.8 < depths.median() < 4.0
    assert 0.03 < (depths > 5).float().mean() < 0.5
    assert 0.03 < (depths < 1).float().mean() < 0.6
