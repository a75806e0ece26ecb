# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Measured scales compared with known ones, in rendered worlds and in KITTI."""

from __future__ import annotations

import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.ground import up_of
from jasmine_core.geometry.points import back_project, project_points
from jasmine_core.geometry.rigid import BODY_FROM_OPTICAL, rigid, rotation_of
from jasmine_core.runtime.scale import LEAST_CONFIDENCE, ScaleFilter, fixed_scale
from jasmine_core.runtime.scale_measure import (
    from_beam,
    from_depth,
    from_ground,
    from_image,
    from_points,
)
from jasmine_core.synthetic.drive import WorldConfig, render_clips

DATA = Path(os.environ.get("JASMINE_DATA", Path(__file__).parents[3] / "shared" / "data"))
KITTI = DATA / "kitti_0013_depth"
UNIT = 1 / 23.0  # model units per metre in these tests
units = st.floats(1e-3, 1e3)
T_CAMERA_SENSOR = rigid(BODY_FROM_OPTICAL.T, np.zeros(3))  # a beam along the optical axis


class Scene:
    """Rendered image: its depth [m], NaN for sky, and the camera pose."""

    def __init__(self, clips, index):
        self.depth = clips.depths[index, 0, 0].numpy()
        self.depth[~np.isfinite(self.depth)] = np.nan
        self.moving = clips.moving[index, 0, 0].numpy()
        T_world_camera = clips.T_world_camera[index, 0].double().numpy()
        self.height, self.up = -T_world_camera[1, 3], -T_world_camera[1, :3]
        rows, columns = self.depth.shape
        self.camera = Camera(columns, rows, clips.K[index].double().numpy())


@pytest.fixture(scope="module", params=["street", "room"])
def scenes(request) -> list[Scene]:
    """Return rendered scenes with moving cars or people."""
    torch.set_num_threads(1)
    config = WorldConfig(
        kind=request.param,
        width=320,
        height=96 if request.param == "street" else 240,
        frames=20,
        supersample=1,
        shadows=False,
        moving_objects=True,
        texture_banks=1,
    )
    seeds = list(range(900, 908))
    times = torch.full((len(seeds), 1), 0.7, dtype=torch.float64)
    clips = render_clips(seeds, times, config)
    return [Scene(clips, index) for index in range(len(seeds))]


def errors(scenes, measure, change=lambda depth, rng: depth):
    """Return the relative error of the scale of each scene, for its changed depth in units."""
    rng = np.random.default_rng(0)
    found = [measure(scene, change(UNIT * scene.depth, rng)) for scene in scenes]
    assert all(each is not None for each in found)
    return np.array([each.metres_per_unit * UNIT - 1 for each in found])


def uneven(depth, rng, sigma):
    """Return depth with errors like those of a network: one factor per patch."""
    patches = rng.normal(0, sigma, (depth.shape[0] // 12 + 2, depth.shape[1] // 12 + 2))
    size = (depth.shape[1], depth.shape[0])
    return depth * np.exp(cv2.resize(patches, size, interpolation=cv2.INTER_CUBIC))


def with_outliers(depth, rng):
    """Return depth of which 30 % is wrong by a factor of up to e."""
    wrong = rng.random(depth.shape) < 0.3
    return np.where(wrong, depth * np.exp(rng.uniform(-1, 1, depth.shape)), depth)


def lidar(scene, rng, count=600):
    """Return points [N,3] of a scene with the noise of a LiDAR."""
    points = back_project(scene.depth, scene.camera.K).reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1) & (points[:, 2] < 80)]
    chosen = points[rng.integers(0, len(points), count)]
    length = np.linalg.norm(chosen, axis=1, keepdims=True)
    return chosen * (1 + rng.normal(0, 0.02, length.shape) / length)


# ---------------------------------------------------------------------- camera_height


def by_height(scene, depth):
    return from_ground(depth.astype(np.float32), scene.camera, scene.height, scene.up)


def test_camera_height_gives_the_scale_of_exact_depth(scenes):
    assert np.abs(errors(scenes, by_height)).max() < 0.04


def test_camera_height_tolerates_three_degrees_of_error_in_up(scenes):
    def tilted(scene, depth):
        up = scene.up + math.radians(3) * np.cross([1, 0, 0], scene.up)
        return from_ground(depth, scene.camera, scene.height, up)

    assert np.abs(errors(scenes, tilted)).max() < 0.06


def test_camera_height_tolerates_uneven_depth(scenes):
    error = np.abs(errors(scenes, by_height, lambda d, rng: uneven(d, rng, 0.06)))
    assert np.median(error) < 0.04 and error.max() < 0.08


def test_camera_height_tolerates_outliers(scenes):
    error = np.abs(errors(scenes, by_height, with_outliers))
    assert np.median(error) < 0.04 and error.max() < 0.08


@pytest.mark.parametrize("make", ["random", "patches", "wall"])
def test_camera_height_has_low_confidence_without_a_ground(scenes, make):
    rng = np.random.default_rng(1)
    for scene in scenes:
        flat = np.ones_like(scene.depth)
        if make == "random":
            flat *= np.exp(rng.normal(size=flat.shape))
        elif make == "patches":
            flat = uneven(flat, rng, 1.0)
        measured = by_height(scene, flat)
        assert measured is None or measured.confidence < LEAST_CONFIDENCE


# ---------------------------------------------------------------------- sparse_depth


def by_lidar(scene, depth):
    points = lidar(scene, np.random.default_rng(7))
    return from_points(depth.astype(np.float32), scene.camera, points, np.eye(4))


def test_sparse_depth_gives_the_scale_of_exact_depth(scenes):
    assert np.abs(errors(scenes, by_lidar)).max() < 0.005


def test_sparse_depth_tolerates_uneven_depth_and_outliers(scenes):
    assert np.abs(errors(scenes, by_lidar, lambda d, rng: uneven(d, rng, 0.1))).max() < 0.03
    assert np.abs(errors(scenes, by_lidar, with_outliers)).max() < 0.01

    def too_far(depth, rng):
        return np.where(rng.random(depth.shape) < 0.3, 2 * depth, uneven(depth, rng, 0.05))

    assert np.abs(errors(scenes, by_lidar, too_far)).max() < 0.03, "all outliers on one side"


def test_sparse_depth_tolerates_objects_that_moved_since_the_cloud(scenes):
    def measure(scene, depth):
        gone = np.where(scene.moving, 4 * scene.depth, scene.depth)
        return from_depth(depth, gone)

    assert np.abs(errors(scenes, measure)).max() < 0.01


def test_depth_image_of_another_camera_gives_the_scale(scenes):
    """The other camera is 0.3 m to the right, turned by 10 degrees, with half the pixels."""
    a = math.radians(10)
    turn = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    T_camera_sensor = rigid(turn, [0.3, 0, 0])

    def measure(scene, depth):
        width, height = scene.camera.size
        sensor = Camera(width // 2, height // 2, np.diag([0.5, 0.5, 1]) @ scene.camera.K)
        points = back_project(scene.depth, scene.camera.K).reshape(-1, 3)
        seen = (points - T_camera_sensor[:3, 3]) @ turn  # in the frame of the sensor
        image = project_points(seen.astype(np.float32), sensor)
        assert from_image(depth, scene.camera, image[1:], sensor, T_camera_sensor) is None
        return from_image(depth, scene.camera, image, sensor, T_camera_sensor)

    assert np.abs(errors(scenes, measure)).max() < 0.01


def test_confidence_is_lower_for_worse_depth(scenes):
    rng = np.random.default_rng(2)
    for scene in scenes:
        good = by_lidar(scene, UNIT * scene.depth)
        bad = by_lidar(scene, np.exp(rng.normal(size=scene.depth.shape)))
        assert good.confidence > 0.95 and bad.confidence < LEAST_CONFIDENCE


def test_thin_beam_ten_degrees_down_gives_the_scale(scenes):
    down = rotation_of([np.sin(math.radians(5)), 0, 0, -np.cos(math.radians(5))])

    def measure(scene, depth):
        fx, fy, cx, cy = scene.camera.K[[0, 1, 0, 1], [0, 1, 2, 2]]
        v, u = round(cy + fy * math.tan(math.radians(10))), round(cx)
        distance = float(scene.depth[v, u]) * math.hypot(1, (v - cy) / fy, (u - cx) / fx)
        T_camera_sensor = rigid(down @ BODY_FROM_OPTICAL.T, np.zeros(3))
        return from_beam(depth, scene.camera, distance, 0.0, T_camera_sensor, echo=False)

    assert np.median(np.abs(errors(scenes, measure))) < 0.03


# ---------------------------------------------------------------------- all measurements


def square(value, size=120):
    middle = (size - 1) / 2
    K = np.array([[100.0, 0, middle], [0, 100.0, middle], [0, 0, 1]])
    return np.full((size, size), value, np.float32), Camera(size, size, K)


def test_echo_is_compared_with_the_nearest_object_in_the_beam():
    depth, camera = square(12.0)
    assert from_beam(depth, camera, 3.0, 0.5, T_CAMERA_SENSOR, True).metres_per_unit == (
        pytest.approx(0.25, rel=0.04)
    )
    depth[70:76, :] = 4.0  # a bar in the lower half of the beam
    beam = from_beam(depth, camera, 1.0, 0.5, T_CAMERA_SENSOR, True)
    assert beam.metres_per_unit == pytest.approx(0.25, rel=0.04) and beam.confidence < 0.4
    thin = from_beam(depth, camera, 3.0, 0.5, T_CAMERA_SENSOR, False)
    assert thin.metres_per_unit == pytest.approx(0.25, rel=0.01) and thin.confidence == 1


def test_beam_starts_at_its_sensor():
    depth, camera = square(1.0)
    ahead = rigid(BODY_FROM_OPTICAL.T, [0.1, 0.0, 1.0])  # a sensor in the bumper
    beam = from_beam(depth, camera, 2.0, 0.0, ahead, echo=False)
    assert beam.metres_per_unit == pytest.approx(3.0, rel=1e-3)


@settings(max_examples=25)
@given(units)
def test_scale_is_inversely_proportional_to_depth(unit):
    rng = np.random.default_rng(3)
    _, camera = square(1)
    rays = camera.rays()
    depth = (1.5 / np.maximum(rays[..., 1], 0.1)).astype(np.float32)  # a floor and a wall
    depth *= np.exp(rng.normal(0, 0.03, depth.shape)).astype(np.float32)
    points = back_project(depth * np.float32(1.1), camera.K).reshape(-1, 3)
    for measure in (
        lambda d: from_ground(d, camera, 1.5, up_of(0)),
        lambda d: from_points(d, camera, points, np.eye(4)),
        lambda d: from_beam(d, camera, 3.0, 0.2, T_CAMERA_SENSOR, echo=True),
        lambda d: from_beam(d, camera, 3.0, 0.0, T_CAMERA_SENSOR, echo=False),
    ):
        one, other = measure(depth), measure(np.float32(unit) * depth)
        assert other.metres_per_unit == pytest.approx(one.metres_per_unit / unit, rel=1e-3)
        assert other.confidence == pytest.approx(one.confidence, abs=0.02)
        assert other.points == one.points


def test_scale_is_held_if_there_are_too_few_points():
    depth, camera = square(2.0)
    points = np.column_stack([np.random.default_rng(4).uniform(-0.5, 0.5, (40, 2)), np.ones(40)])
    scale = ScaleFilter("sparse_depth")
    scale.add(0, from_points(depth, camera, 6.0 * points, np.eye(4)), 1.0)
    few = from_points(depth, camera, 9.0 * points[:10], np.eye(4))
    assert few is None
    scale.add(3_000_000_000, few, 1.0)
    held = scale.at(3_000_000_000, fixed_scale(None, None))
    assert held.metres_per_unit == pytest.approx(3.0) and held.state == "holding"


def test_unknown_depth_gives_no_measurement():
    depth, camera = square(np.nan)
    cloud = np.random.default_rng(5).uniform(1, 2, (500, 3))
    assert from_ground(depth, camera, 1.5, up_of(0)) is None
    assert from_points(depth, camera, cloud, np.eye(4)) is None
    assert from_points(*square(1.0), np.empty((0, 3)), np.eye(4)) is None
    assert from_points(*square(1.0), -cloud, np.eye(4)) is None, "behind the camera"
    assert from_beam(depth, camera, 3.0, 0.2, T_CAMERA_SENSOR, echo=True) is None


def test_depths_of_different_sizes_raise_value_error():
    with pytest.raises(ValueError, match="differ in size"):
        from_depth(np.ones((4, 4), np.float32), np.ones((4, 5), np.float32))


# ---------------------------------------------------------------------- KITTI

needs_kitti = pytest.mark.skipif(
    not KITTI.is_dir(), reason=f"no LiDAR images in {KITTI}; JASMINE_DATA names their parent"
)


def kitti_depths(every):
    files = sorted(KITTI.glob("*.png"))[::every]
    for file in files:
        stored = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        yield np.where(stored > 0, stored / np.float32(256), np.float32(np.nan))


def densified(depth):
    """Return depth [H,W] filled between the lines of the LiDAR, like that of a good network."""
    filled = depth.copy()
    for _ in range(9):  # each iteration extends it by one pixel
        known = np.isfinite(filled).astype(np.float32)
        total = cv2.blur(np.nan_to_num(1 / filled, nan=0.0), (3, 3))
        share = cv2.blur(known, (3, 3))
        mean = np.divide(share, total, out=np.full_like(depth, np.nan), where=total > 0)
        filled = np.where(known > 0, filled, mean)
    return filled


@needs_kitti
def test_every_tenth_lidar_point_gives_the_scale_of_the_rest():
    rng = np.random.default_rng(6)
    found = []
    for depth in kitti_depths(6):
        tenth = (np.cumsum(np.isfinite(depth)).reshape(depth.shape) % 10 == 0) & np.isfinite(depth)
        rest = np.where(tenth, np.nan, depth)
        network = uneven(UNIT * densified(rest), rng, 0.1)
        found.append(from_depth(network, np.where(tenth, depth, np.nan)).metres_per_unit * UNIT - 1)
    assert len(found) == 12 and np.abs(found).max() < 0.03


@needs_kitti
def test_camera_height_of_kitti_gives_the_scale():
    """The camera is 1.65 m above the road and its optical axis is horizontal."""
    found = []
    for depth in kitti_depths(6):
        K = np.array([[721.5377, 0, 609.5593], [0, 721.5377, 172.854], [0, 0, 1]])
        camera = Camera(depth.shape[1], depth.shape[0], K)
        measured = from_ground(UNIT * densified(depth), camera, 1.65, up_of(0.0))
        found.append(measured.metres_per_unit * UNIT - 1)
    assert len(found) == 12 and np.abs(found).max() < 0.08
