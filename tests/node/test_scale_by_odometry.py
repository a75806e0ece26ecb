# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metric scale from the motion of the robot: sources, gates, faults, and a whole bag."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers.moving_robot import (
    BASE,
    MESSAGES,
    ODOM,
    OPTICAL,
    START,
    T_BASE_CAMERA,
    TopicHost,
    odometry,
    pose_stamped,
    stamp,
)
from helpers.textured_wall import CAMERA, STEP, TEXTURE, H, W, drive, look_up, scene
from helpers.tf_messages import tf

from jasmine_core.geometry.rigid import inverse, rigid
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.scale import LEAST_CONFIDENCE, fixed_scale
from jasmine_core.runtime.scale_odometry import (
    CONTRADICTED,
    MAX_TURN,
    NO_MOTION,
    STANDS,
    TOO_FAR_APART,
    TURNS,
    OdometryMeasurement,
)
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.writer import BagWriter
from jasmine_ros.commands.run import RunRequest, run_bag
from jasmine_ros.msgs.camera_info import make_camera_info
from jasmine_ros.msgs.images import decode_depth, encode_image
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.msgs.transforms import TF, TF_STATIC, TransformBuffer
from jasmine_ros.node.camera_motion import CameraMotion
from jasmine_ros.node.metric_scale import PROBLEM, MetricScale, UnscaledDepth
from jasmine_ros.node.parameters import DepthParameters

UNIT = 20.0  # metres per unit
UNKNOWN = fixed_scale(None, None)
SIDEWAYS = drive(14, x=0.1, z=0.02)


def robot(T_world_camera):
    """Return T_odom_base of the robot for a pose of its camera."""
    return T_BASE_CAMERA @ T_world_camera @ inverse(T_BASE_CAMERA)


class Measured:
    """Scale of a camera on a robot."""

    def __init__(self, **parameters):
        self.p = DepthParameters(scale_mode="odometry", **parameters)
        self.host, transforms = TopicHost(), TransformBuffer()
        motion = CameraMotion(self.host, transforms)
        self.metric = MetricScale(self.host, "odometry", transforms, motion)
        motion.subscribe(self.p)
        self.metric.subscribe(self.p, with_transforms=False)
        self.mount(T_BASE_CAMERA)

    def send(self, topic, message):
        self.host.callbacks[topic](message)

    def mount(self, T):
        self.send(TF_STATIC, tf((BASE, OPTICAL, T, 0)))

    def image(self, index, T, unit=UNIT):
        rgb, depth = scene(T)
        given = UnscaledDepth(stamp(index), OPTICAL, depth / np.float32(unit), CAMERA, rgb)
        self.metric.measure(self.p, given)

    @property
    def scale(self):
        return self.metric.scale(UNKNOWN)

    @property
    def reason(self):
        return self.metric.facts["scale_measurement"]


def expect_measured(measured):
    scale = measured.scale
    assert scale.metres_per_unit == pytest.approx(UNIT, rel=0.03)
    assert (scale.source, scale.state) == ("odometry", "metric")
    assert measured.host.warnings == ["depth is metric: " + measured.host.warnings[0][17:]]


def test_an_odometry_topic_gives_the_scale():
    measured = Measured(odometry_topic="/odom")
    for index, T in enumerate(SIDEWAYS):
        measured.send("/odom", odometry(robot(T), stamp(index)))
        measured.image(index, T)
    expect_measured(measured)


def test_transforms_give_the_scale():
    measured = Measured()
    for index, T in enumerate(SIDEWAYS):
        measured.send(TF, tf((ODOM, BASE, robot(T), stamp(index))))
        measured.image(index, T)
    expect_measured(measured)


@pytest.mark.parametrize("of_camera", [True, False])
def test_poses_of_visual_inertial_odometry_give_the_scale(of_camera):
    child = "" if of_camera else BASE
    given = {"odometry_type": "pose", "odometry_child_frame": child}
    measured = Measured(odometry_topic="/vio", **given)
    for index, T in enumerate(SIDEWAYS):
        measured.send("/vio", pose_stamped(T if of_camera else robot(T), stamp(index)))
        measured.image(index, T)
    expect_measured(measured)


# ---------------------------------------------------------------------- gates


def turning(count, step):
    """Return poses of a camera that turns on the spot by `step` [rad] per image."""
    poses = []
    for index in range(count):
        c, s = np.cos(index * step), np.sin(index * step)
        poses.append(rigid(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]), [0.0, 0.0, 0.0]))
    return poses


def compare(poses, T_reported=None):
    """Return the measurements and reasons of images whose odometry reports other poses."""
    reported = T_reported or poses
    measure, found = OdometryMeasurement(), []
    for index, T in enumerate(poses):
        rgb, depth = scene_of(T)
        found.append(
            measure(
                depth / UNIT,
                rgb,
                CAMERA,
                index * STEP,
                lambda a, b: inverse(reported[a // STEP]) @ reported[b // STEP],
            )
        )
        found[-1] = found[-1] or measure.problem
    return found[1:]


def scene_of(T):
    """Return the scene of a pose with any rotation."""
    rays = CAMERA.rays() @ T[:3, :3].T
    depth = ((8.0 - T[2, 3]) / rays[..., 2]).astype(np.float32)
    points = T[:3, 3] + rays * depth[..., None]
    return np.repeat(look_up(TEXTURE, points)[..., None], 3, axis=2).astype(np.uint8), depth


@pytest.mark.parametrize("size", [(H, W), (6, 10)])
def test_meaningless_depth_is_not_trusted(size):
    """The depth of an untrained network, of pixels or of patches, must not become metric."""
    rng = np.random.default_rng(2)
    for _ in range(5):
        coarse = np.exp(rng.normal(0, 2.0, size)).astype(np.float32)
        depth = cv2.resize(coarse, (W, H), interpolation=cv2.INTER_NEAREST)
        measure = OdometryMeasurement()
        found = [
            measure(depth, scene(T)[0], CAMERA, i * STEP, lambda a, b: forth(a // STEP, b // STEP))
            for i, T in enumerate(SIDEWAYS)
        ]
        assert all(f is None or f.confidence < LEAST_CONFIDENCE for f in found)


def forth(target, source):
    return inverse(SIDEWAYS[target]) @ SIDEWAYS[source]


def test_images_that_are_far_apart_in_time_are_named():
    measure = OdometryMeasurement()
    for index, T in enumerate(SIDEWAYS[:2]):
        measure(scene(T)[1], scene(T)[0], CAMERA, index * 15 * STEP, lambda a, b: np.eye(4))
    assert measure.problem == TOO_FAR_APART


def test_a_standing_robot_gives_no_measurement():
    assert set(compare([np.eye(4)] * 6)) == {STANDS}


def test_a_standing_robot_with_a_drifting_odometry_gives_no_measurement():
    drifting = drive(6, x=0.03, z=0.01)
    assert set(compare([np.eye(4)] * 6, drifting)) == {STANDS}


@pytest.mark.parametrize("lever", [0.0, 0.004])
def test_a_turning_robot_gives_no_measurement(lever):
    """An odometry that adds a small wrong translation to a turn does not change that."""
    poses = turning(6, np.radians(1.5))
    reported = [T.copy() for T in poses]
    for index, T in enumerate(reported):
        T[0, 3] = lever * index
    assert set(compare(poses, reported)) == {STANDS}


def test_a_fast_turn_gives_no_measurement():
    poses = turning(4, 1.2 * MAX_TURN)
    for index, T in enumerate(poses):
        T[0, 3] = 0.2 * index
    assert set(compare(poses)) == {TURNS}


def test_the_scale_is_held_while_the_robot_stands():
    measured = Measured(odometry_topic="/odom")
    poses = SIDEWAYS + [SIDEWAYS[-1]] * 15
    for index, T in enumerate(poses):
        measured.send("/odom", odometry(robot(T), stamp(index)))
        measured.image(index, T)
    assert measured.scale.metres_per_unit == pytest.approx(UNIT, rel=0.03)
    assert measured.scale.state == "holding" and measured.reason == STANDS
    assert PROBLEM not in measured.metric.facts


# ---------------------------------------------------------------------- faults


def test_odometry_at_another_clock_is_named():
    measured = Measured(odometry_topic="/odom")
    for index, T in enumerate(SIDEWAYS):
        measured.send("/odom", odometry(robot(T), stamp(index) + 5 * 10**9))
        measured.image(index, T)
    assert measured.scale is UNKNOWN and measured.reason == NO_MOTION
    assert measured.host.warnings == [f"scale: {NO_MOTION}"]


@pytest.mark.parametrize("axis", [1, 2])
def test_extrinsics_that_are_wrong_by_30_degrees_are_found_in_the_images(axis):
    measured = Measured(odometry_topic="/odom")
    wrong = np.eye(3)
    (i, j), c, s = [k for k in range(3) if k != axis], np.cos(np.pi / 6), np.sin(np.pi / 6)
    wrong[i, i], wrong[i, j], wrong[j, i], wrong[j, j] = c, -s, s, c
    measured.mount(T_BASE_CAMERA @ rigid(wrong, [0.0, 0.0, 0.0]))
    for index, T in enumerate(SIDEWAYS):
        measured.send("/odom", odometry(robot(T), stamp(index)))
        measured.image(index, T)
    assert measured.scale is UNKNOWN
    assert measured.metric.facts[PROBLEM] == f"scale: {CONTRADICTED}"
    measured.mount(T_BASE_CAMERA)
    for index, T in enumerate(SIDEWAYS, start=len(SIDEWAYS)):
        measured.send("/odom", odometry(robot(T), stamp(index)))
        measured.image(index, T)
    assert measured.scale.metres_per_unit == pytest.approx(UNIT, rel=0.03)
    assert PROBLEM not in measured.metric.facts


@pytest.mark.parametrize("jump", [(0.0, 2.0, 0.0), (0.0, 0.0, 1.5), (3.0, 0.0, 0.0)])
def test_a_jump_of_the_odometry_does_not_change_the_scale(jump):
    measured, scales, moved = Measured(odometry_topic="/odom"), [], np.eye(4)
    poses = drive(28, x=0.1, z=0.02)
    for index, T in enumerate(poses):
        if index in (15, 21):
            moved = rigid(np.eye(3), jump) @ moved
        measured.send("/odom", odometry(moved @ robot(T), stamp(index)))
        measured.image(index, T)
        scales.append(measured.scale.metres_per_unit)
    assert scales[10:] == pytest.approx([UNIT] * 18, rel=0.03)


def test_the_loop_of_a_bag_keeps_the_scale():
    measured = Measured(odometry_topic="/odom")
    for _ in range(2):
        for index, T in enumerate(SIDEWAYS):
            measured.send("/odom", odometry(robot(T), stamp(index)))
            measured.image(index, T)
    expect_measured(measured)


def test_an_image_of_a_lens_cap_gives_no_measurement_and_the_scale_recovers():
    measured = Measured(odometry_topic="/odom")
    for index, T in enumerate(drive(30, x=0.1, z=0.02)):
        measured.send("/odom", odometry(robot(T), stamp(index)))
        if 12 <= index < 20:
            dark = np.full((*CAMERA.size[::-1], 3), 3, np.uint8)
            flat = np.full(CAMERA.size[::-1], 0.7, np.float32)
            given = UnscaledDepth(stamp(index), OPTICAL, flat, CAMERA, dark)
            measured.metric.measure(measured.p, given)
        else:
            measured.image(index, T)
        if index > 6:
            assert measured.scale.metres_per_unit == pytest.approx(UNIT, rel=0.03), index
    assert measured.scale.state == "metric"


# ---------------------------------------------------------------------- whole bag


class UnscaledNetwork:
    """Backend that returns the exact depth of each image in model units."""

    def __init__(self):
        self.info = BackendInfo(
            "given", "cpu", "fp32", "given depths", CAMERA.size, None, multiple=32
        )
        self._poses = iter(SIDEWAYS)

    def __call__(self, image):
        depth = scene(next(self._poses))[1] / np.float32(UNIT)
        return NetworkMaps(np.zeros_like(depth), np.stack([depth, depth]), {"encode": 0.0})


@pytest.mark.parametrize("kind", ["odometry", "pose"])
@pytest.mark.parametrize("temporal", ["off", "fuse"])
def test_a_run_over_a_bag_becomes_metric(kind, temporal, tmp_path, monkeypatch):
    """The bag's own messages decide the type, whatever odometry_type is."""
    kinds = {
        TF_STATIC: "tf2_msgs/msg/TFMessage",
        "/motion": "nav_msgs/msg/Odometry"
        if kind == "odometry"
        else "geometry_msgs/msg/PoseStamped",
        "/camera/camera_info": "sensor_msgs/msg/CameraInfo",
        "/camera/image_rect": "sensor_msgs/msg/Image",
    }
    with BagWriter(tmp_path / "bag") as writer:
        for topic, name in kinds.items():
            writer.add(topic, name)
        writer.write(TF_STATIC, START, tf((BASE, OPTICAL, T_BASE_CAMERA, 0)))
        for index, T in enumerate(SIDEWAYS):
            at = stamp(index)
            header = make_header(MESSAGES, at, OPTICAL)
            message = odometry(robot(T), at) if kind == "odometry" else pose_stamped(T, at)
            writer.write("/motion", at, message)
            writer.write("/camera/camera_info", at, make_camera_info(MESSAGES, header, CAMERA))
            rgb = encode_image(MESSAGES, header, scene(T)[0], "rgb8")
            writer.write("/camera/image_rect", at, rgb)
    predictor = DepthPredictor(UnscaledNetwork(), "stretch")
    monkeypatch.setattr(DepthPredictor, "from_pretrained", lambda *_, **__: predictor)
    given = DepthParameters(scale_mode="odometry", odometry_topic="/motion", temporal=temporal)
    report = run_bag(RunRequest((tmp_path / "bag",), tmp_path / "out", parameters=given))
    assert report["frames"]["processed"] == len(SIDEWAYS)
    assert report["scale"]["state"] == "metric" and report["scale"]["source"] == "odometry"
    with Bag(tmp_path / "out" / "depth") as bag:
        depths = [decode_depth(bag.decode(m)) for m in bag.messages(["/depth/image_rect"])]
    assert np.median(depths[-1] / scene(SIDEWAYS[-1])[1]) == pytest.approx(1, abs=0.03)
