# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import replace

import pytest
import torch

from jasmine_core.synthetic import props, render, road, trees, vehicles
from jasmine_core.synthetic.alleys import alley
from jasmine_core.synthetic.config import Rng, WorldConfig
from jasmine_core.synthetic.course import BentSketch, Course
from jasmine_core.synthetic.cross_section import Section
from jasmine_core.synthetic.drive import render_clips, render_drive
from jasmine_core.synthetic.light import Lights, develop
from jasmine_core.synthetic.paint import plain
from jasmine_core.synthetic.render import offsets, scene
from jasmine_core.synthetic.solids import BOX, Sketch
from jasmine_core.synthetic.terrain import Terrain
from jasmine_core.synthetic.trace import View, trace
from jasmine_core.synthetic.weather import weather


def config(**how):
    return WorldConfig(
        **{
            "kind": "road", "width": 96, "height": 32, "frames": 3, "texture_banks": 1,
            "moving_objects": True, "fov": (50.0, 100.0), "speed": (1.0, 36.0), **how,
        }
    )  # fmt: skip


def size_of(draw):
    """Return (width, height, length) of what is drawn, from the corners of its solids."""
    s = Sketch(Rng(4, "test"))
    draw(s)
    solids = s.solids()
    reach = (solids.rotation.abs() @ solids.half[..., None])[..., 0][0]
    high, low = (solids.centre[0] + reach).amax(0), (solids.centre[0] - reach).amin(0)
    return (high - low).tolist(), -high[1].item()


@pytest.mark.parametrize(
    ("draw", "long", "tall"),
    [
        (props.car, (3.6, 5.6), (1.2, 2.2)),
        (vehicles.offroader, (3.5, 5.2), (1.4, 2.0)),
        (vehicles.van, (4.9, 6.8), (1.9, 2.8)),
        (vehicles.truck, (6.4, 16.8), (2.9, 4.2)),
        (vehicles.bus, (9.4, 13.2), (2.8, 3.7)),
        (lambda s: vehicles.bicycle(s, True), (1.5, 2.2), (1.4, 2.0)),
        (lambda s: vehicles.motorcycle(s, True), (1.8, 2.4), (1.2, 2.0)),
    ],
)
def test_vehicles_have_the_size_of_their_kind_and_stand_on_the_ground(draw, long, tall):
    (wide, height, length), low = size_of(draw)
    assert long[0] < length < long[1]
    assert tall[0] < height < tall[1]
    assert 0.5 < wide < 2.9
    assert low == pytest.approx(0.0, abs=0.06)


@pytest.mark.parametrize("draw", [trees.leafy_tree, trees.conifer, trees.bare_tree])
def test_trees_have_about_the_height_that_was_asked_for(draw):
    (_, height, _), low = size_of(lambda s: draw(s, 8.0))
    assert 5.5 < height < 10.5
    assert low > -0.05


def test_lanes_lie_side_by_side_on_the_side_of_the_traffic():
    section = Section((2, 1), 3.5, 1.0, 0.5, hand=1, style="country")
    assert [section.middle(i) for i in range(2)] == [2.25, 5.75]
    assert section.middle(0, own=False) == -2.25
    assert section.half == (4.5, 8.0)
    assert Section((2, 1), 3.5, 1.0, 0.5, hand=-1, style="country").half == (8.0, 4.5)


def test_moving_objects_are_where_their_velocity_takes_them():
    # From a standing camera, everything is seen again where it has moved to in the meantime.
    cfg, later, ratios = config(width=192, height=64), 0.25, []
    for seed in range(6):
        world = scene(seed, cfg)
        solids, pose = world.solids, world.motion.pose(torch.zeros(1))[0].float()

        def view(time, world=world, pose=pose):
            return View(
                torch.zeros(1, dtype=torch.int64), pose[None, :3, :3], pose[None, :3, 3],
                torch.tensor([time]), world.K[None], 192, 64, offsets(1),
            )  # fmt: skip

        first, second = view(0.0), view(later)
        now, then = trace(first, solids), trace(second, solids)
        depth, after = first.image(now.t)[0, 0], second.image(then.t)[0, 0]
        thing = first.image((now.key // 4).clamp_min(0))[0, 0].long()
        speed = solids.velocity[0][thing]  # [H,W,3]
        moving = (speed.norm(dim=-1) > 0) & depth.isfinite()
        v, u = moving.nonzero(as_tuple=True)
        ray = torch.stack([u.float(), v.float(), torch.ones_like(u).float()]) * depth[v, u]
        point = pose[:3, :3] @ (torch.linalg.inv(world.K) @ ray) + pose[:3, 3:]
        moved = pose[:3, :3].T @ (point + later * speed[v, u].T - pose[:3, 3:])
        image = world.K @ moved
        ahead = image[2] > 0.5
        x, y = (image[:2] / image[2:].clamp_min(0.5)).round().long()
        inside = ahead & (x >= 0) & (x < 192) & (y >= 0) & (y < 64)
        ratios.append(after[y[inside], x[inside]] / moved[2][inside])
        still = ~moving & depth.isfinite()
        same = torch.isclose(after[still], depth[still])
        uncovered = (after[still] < depth[still]).float().mean()
        assert same.float().mean() + uncovered > 0.999, seed
    # Nearer things may hide it, and rounding to a pixel may meet its neighbour.
    ratio = torch.cat(ratios)
    assert (ratio < 1.1).float().mean() > 0.9
    assert ((ratio - 1).abs() < 0.05).float().mean() > 0.7
    assert ((ratio - 1).abs() < 0.05).sum() > 2000


def test_nothing_drives_into_the_camera():
    for seed in range(30):
        clips = render_clips(
            [seed], torch.tensor([[0.0, 0.25]], dtype=torch.float64), config(shadows=False)
        )
        nearest = clips.depths[clips.moving]
        assert not len(nearest) or nearest.min() > 0.3, seed


def test_every_style_of_road_can_be_drawn(monkeypatch):
    for style in sorted(set(road.STYLES)):
        monkeypatch.setattr(road, "STYLES", (style,))
        for seed in range(2):
            solids, motion = road.road(seed, config())
            assert 100 < solids.shape.shape[1] < 4000, style
            assert solids.centre.isfinite().all()
            assert motion.pose(torch.zeros(1)).isfinite().all()


@pytest.mark.parametrize("pitch", [-15.0, 10.0])
def test_the_horizon_moves_with_the_pitch(pitch):
    # A level plain seen from a pitched camera: the horizon lies at tan(pitch) from the middle.
    cfg = config(width=160, height=160, shadows=False, moving_objects=False, fov=(80.0, 80.0))
    world = scene(0, cfg)
    s = Sketch(Rng(0, "test"))
    s.box((0, -1, 0), (20000, 1, 20000), props.plain((0.5, 0.5, 0.5)))
    angle = math.radians(pitch)
    c, sn = math.cos(angle), math.sin(angle)
    rotation = torch.tensor([[1, 0, 0], [0, c, -sn], [0, sn, c]])
    view = View(
        torch.zeros(1, dtype=torch.int64), rotation[None], torch.tensor([[0.0, -1.5, 0.0]]),
        torch.zeros(1), world.K[None], 160, 160, offsets(1),
    )  # fmt: skip
    depth = view.image(trace(view, s.solids()).t)[0, 0, :, 80]
    horizon = world.K[1, 2] + world.K[1, 1] * math.tan(angle)
    rows = torch.arange(160)
    assert depth[rows > horizon + 1].isfinite().all()
    assert depth[rows < horizon - 1].isinf().all()
    down = (rows[rows > horizon + 1] - world.K[1, 2]) / world.K[1, 1]
    # The ray (0, down, 1) t reaches the ground 1.5 m below.
    assert torch.allclose(depth[rows > horizon + 1], 1.5 / (down * c - sn), rtol=1e-3)


def test_weathers_give_images_that_are_neither_black_nor_white():
    means = []
    for seed in range(40):
        drive = render_drive(seed, config(frames=1, supersample=1, width=48, height=16))
        assert drive.images.isfinite().all()
        means.append(drive.images.mean().item())
    assert min(means) > 0.06
    assert max(means) < 0.97
    assert max(means) - min(means) > 0.25


def test_monochrome_cameras_have_three_equal_channels():
    lights = [weather(Rng(seed, "light"), 0) for seed in range(200)]
    grey = [light for light in lights if light.colour == 0]
    assert 10 < len(grey) < 45
    linear = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for light, equal in ((grey[0], True), (next(x for x in lights if x.colour == 1), False)):
        stacked, index = Lights.stack([light], torch.device("cpu")), torch.zeros(1).long()
        image = develop(linear, stacked, index, torch.tensor([1]))
        assert torch.allclose(image[:, 0], image[:, 1], atol=1e-6) == equal


@pytest.mark.parametrize("seed", range(6))
def test_the_trees_of_an_alley_stand_beside_the_lanes(seed):
    section = Section((1, 1), 3.0, 0.0, 0.5, 1, "country")
    s = BentSketch(Rng(seed, "alley"), course=Course((), ()))
    alley(s, Terrain(), section, 20.0)
    solids = s.solids()
    assert solids.centre.shape[1] > 10
    x, y, z = torch.meshgrid(
        torch.linspace(-3, 3, 7), torch.linspace(-2, -0.3, 4), torch.linspace(0, 150, 151),
        indexing="ij",
    )  # fmt: skip
    lanes = torch.stack([x, y, z], -1).reshape(-1, 1, 3)  # [P,1,3], where cars drive
    local = (solids.rotation[0].mT @ (lanes - solids.centre[0])[..., None])[..., 0]  # [P,N,3]
    inside = (local / solids.half[0]).norm(dim=-1) < 1
    assert inside.any(1).float().mean() < 0.01


def test_a_wire_mesh_has_its_own_depth_and_shows_what_stands_behind_it(monkeypatch):
    def drawn(clear):
        def one(seed, config):
            s = Sketch(Rng(seed, "mesh"))
            s.box((0, -1, 10), (40, 12, 0.1), plain((0.8, 0.1, 0.1), "concrete"))
            wire = replace(plain((0.02, 0.02, 0.02), "concrete"), clear=clear)
            s.add(BOX, (0, -1, 4), (40, 12, 0.1), wire, casts=False)
            return s.solids(), replace(road.road(seed, config)[1], speed=0.0)

        monkeypatch.setattr(render, "road", one)
        render.scene.cache_clear()
        clips = render_clips([3], torch.zeros(1, 1, dtype=torch.float64), config(shadows=False))
        render.scene.cache_clear()
        return clips.images[0, 0], clips.depths[0, 0]

    (closed, near), (half, same), (open_, _) = (drawn(clear) for clear in (0.0, 0.5, 0.9))
    assert torch.equal(near, same), "depth is that of the wires"
    redness = [float((image[0] - image[1:].mean(0)).mean()) for image in (closed, half, open_)]
    assert redness[0] < 0.02 < redness[1] < redness[2]
