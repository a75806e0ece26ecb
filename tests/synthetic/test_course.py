# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import replace

import pytest
import torch

from jasmine_core.synthetic.carrier import CARRIERS, carried
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.course import BentSketch, Course
from jasmine_core.synthetic.drive import render_drive
from jasmine_core.synthetic.paint import plain
from jasmine_core.synthetic.render import offsets, scene
from jasmine_core.synthetic.terrain import Bank, Hill, Terrain, bank, hill
from jasmine_core.synthetic.trace import View, trace

GREY = plain((0.5, 0.5, 0.5))
HILLY = Course(turns=((12.0, 0.015, 0.4),), rises=((3.0, 0.012, 1.1),))


def look(solids, position, rotation=None, width=31, height=31, focal=30.0):
    """Return depth [H,W] seen from `position` (x, height, z)."""
    K = torch.tensor([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    view = View(
        scene=torch.zeros(1, dtype=torch.int64),
        rotation=torch.eye(3)[None] if rotation is None else rotation[None],
        position=torch.tensor([[position[0], -position[1], position[2]]]),
        time=torch.zeros(1),
        K=K[None],
        width=width,
        height=height,
        offsets=offsets(1),
    )
    return view.image(trace(view, solids).t)[0, 0]


def straight_down():
    return torch.tensor([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])


def height_below(solids, x, z):
    """Return how high the topmost surface lies below a camera at 500 m that looks down [m]."""
    return 500 - look(solids, (x, 500.0, z), straight_down())[15, 15].item()


@pytest.mark.parametrize("z", [-35.0, 3.0, 47.0, 122.5, 333.0, 700.0])
@pytest.mark.parametrize("x", [-3.0, 0.0, 40.0])
def test_ground_and_road_have_the_height_of_the_course(x, z):
    s = BentSketch(Rng(0, "test"), course=HILLY)
    s.ground(GREY, below=0.0)
    assert height_below(s.solids(), HILLY.x(z) + x, z) == pytest.approx(HILLY.height(z), abs=5e-3)
    road = BentSketch(Rng(0, "test"), course=HILLY)
    road.box((0, -1, 300), (8, 1, 900), GREY)
    if abs(x) < 4:
        assert height_below(road.solids(), HILLY.x(z) + x, z) == pytest.approx(
            HILLY.height(z), abs=0.05
        )


def test_height_is_the_wave_at_the_knots_and_close_to_it_between():
    for z in range(-40, 600, 7):
        wave = 3.0 * math.sin(0.012 * z + 1.1)
        assert HILLY.height(z) == pytest.approx(wave, abs=0.06)
    assert HILLY.height(120.0) == pytest.approx(3.0 * math.sin(0.012 * 120 + 1.1))


def test_pieces_of_a_long_box_leave_no_gap_and_keep_the_pattern():
    s = BentSketch(Rng(0, "test"), course=HILLY)
    s.box((2.0, -1, 150), (3, 1, 300), GREY)
    solids = s.solids()
    assert len(solids.shape[0]) == len(HILLY.pieces((0.0, 300.0)))
    for z in range(1, 300, 3):
        heading = HILLY.heading(z)
        x = HILLY.x(z) + 2.0 * math.cos(heading)
        assert height_below(solids, x, z - 2.0 * math.sin(heading)) > -10
    shifts = solids.tiling[0, :, 2]
    assert torch.equal(solids.texture[0, :1].expand_as(solids.texture[0]), solids.texture[0])
    assert (shifts.diff() > 0).all()


def test_things_beside_a_bent_road_turn_with_it():
    s = BentSketch(Rng(0, "test"), course=HILLY)
    s.at(4.0, 80.0).pole((0, 0, 0), 6.0, 0.2, GREY)
    solids = s.solids()
    centre, top = solids.centre[0, 0], solids.half[0, 0, 1] - solids.centre[0, 0, 1]
    theta = HILLY.heading(80.0)
    assert centre[0].item() == pytest.approx(HILLY.x(80.0) + 4 * math.cos(theta), abs=1e-4)
    assert centre[2].item() == pytest.approx(80.0 - 4 * math.sin(theta), abs=1e-4)
    assert top.item() - 6.0 == pytest.approx(HILLY.height(centre[2].item()), abs=1e-4)


def test_moving_things_follow_the_road():
    s = BentSketch(Rng(0, "test"), course=HILLY).at(0.0, 60.0, velocity=(0.0, 0.0, 10.0))
    s.box((0, 0, 0), (1, 1, 1), GREY)
    velocity = s.solids().velocity[0, 0]
    step = 1e-3
    along = HILLY.x(60 + step) - HILLY.x(60 - step)
    assert (velocity[0] / velocity[2]).item() == pytest.approx(along / (2 * step), rel=1e-3)
    assert (-velocity[1] / velocity[2]).item() == pytest.approx(HILLY.slope(60.0), rel=0.05)


def test_a_hill_comes_out_at_its_distance():
    s = BentSketch(Rng(0, "test"))
    land, here = Terrain(), Hill(0.0, 300.0, 0.0, 120.0, 80.0, 40.0, 10.0)
    hill(s, land, here, GREY)
    s.ground(GREY, below=0.0)
    solids = s.solids()
    depth = look(solids, (0.0, 2.0, 0.0), height=3, width=3, focal=100.0)
    # The axis enters the ellipsoid 2 m above the ground, 12 m above its centre.
    expected = 300 - 80 * math.sqrt(1 - (12 / 40) ** 2)
    assert depth[1, 1].item() == pytest.approx(expected, rel=1e-5)
    for x, z in ((0.0, 300.0), (30.0, 280.0), (-60.0, 330.0)):
        assert height_below(solids, x, z) == pytest.approx(land.height(Course(), x, z), abs=2e-3)


def test_things_on_a_hill_beside_a_bent_road_stand_on_its_surface():
    s = BentSketch(Rng(0, "test"), course=HILLY)
    land = Terrain()
    hill(s, land, Hill(90.0, 260.0, HILLY.height(260.0), 70.0, 110.0, 30.0, 5.0), GREY)
    s.ground(GREY, below=0.0)
    surface = s.solids()
    for x, z in ((60.0, 260.0), (95.0, 220.0), (40.0, 300.0), (-30.0, 250.0)):
        land.at(s, x, z).pole((0, 0, 0), 5.0, 0.5, GREY)
        top = height_below(s.solids(), *HILLY.place(x, z))
        assert 4.6 < top - height_below(surface, *HILLY.place(x, z)) < 5.01


@pytest.mark.parametrize("side", [-1, 1])
def test_a_bank_rises_from_its_foot(side):
    s = BentSketch(Rng(0, "test"))
    land = Terrain()
    bank(s, land, Bank(side, 9.0, math.radians(20), 30.0, (0.0, 200.0)), GREY)
    s.ground(GREY, below=0.0)
    solids = s.solids()
    for way in (0.5, 8.0, 25.0):
        expected = way * math.tan(math.radians(20))
        assert height_below(solids, side * (9.0 + way), 90.0) == pytest.approx(expected, abs=2e-3)
        assert land.height(Course(), side * (9.0 + way), 90.0) == pytest.approx(expected)
    assert height_below(solids, side * 8.0, 90.0) == pytest.approx(0.0, abs=1e-3)
    assert land.height(Course(), side * 8.0, 90.0) == 0
    assert land.height(Course(), -side * 20.0, 90.0) == 0


def test_a_carried_camera_keeps_its_height_above_the_road():
    config = WorldConfig(kind="road", rate=2.0, frames=10)
    motion = carried(Rng(3, "motion"), config, HILLY, 1.7, (12.0, 12.0), CARRIERS["car"])
    poses = motion.pose(torch.linspace(0, 5, 30, dtype=torch.float64))
    clearance = [-p[1, 3].item() - HILLY.height(p[2, 3].item()) for p in poses]
    assert max(clearance) - min(clearance) < 0.15
    for pose in poses:
        x, z = pose[0, 3].item(), pose[2, 3].item()
        assert abs(x - HILLY.x(z) - 1.7) < 1.0
        heading = math.atan2(pose[0, 2].item(), pose[2, 2].item())
        assert heading == pytest.approx(HILLY.heading(z), abs=0.2)


def far_share(kind, seeds):
    config = WorldConfig(
        kind=kind, width=96, height=32, frames=1, texture_banks=1, supersample=1, shadows=False
    )
    depths = torch.stack([render_drive(seed, config).depths for seed in seeds])
    return ((depths > 40) & depths.isfinite()).float().mean().item()


def test_roads_show_more_beyond_40_m_than_streets():
    assert far_share("road", range(32)) > 2 * far_share("street", range(32))


def test_extreme_cameras_see_a_road():
    for fov in (50.0, 100.0):
        config = replace(
            WorldConfig(kind="road", width=96, height=32, frames=1, texture_banks=1),
            fov=(fov, fov),
        )
        for seed in range(4):
            drive = render_drive(seed, config)
            assert drive.images.isfinite().all()
            assert (drive.depths > 0).all()
            assert drive.depths[..., -1, :].isfinite().all()
            assert scene(seed, config).K[0, 0].item() == pytest.approx(
                48 / math.tan(math.radians(fov / 2))
            )
