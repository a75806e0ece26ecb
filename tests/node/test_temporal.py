# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Filter of the node over time: motion from odometry and transforms, and faults."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.moving_robot import (
    BASE,
    ODOM,
    OPTICAL,
    POSES,
    T_BASE_CAMERA,
    TopicHost,
    odometry,
    pose_stamped,
    robot,
    stamp,
)
from helpers.textured_wall import CAMERA, drive, scene
from helpers.tf_messages import tf

from jasmine_core.errors import FrameError
from jasmine_core.geometry.rigid import inverse, rigid
from jasmine_core.runtime.scale import fixed_scale
from jasmine_core.runtime.stabiliser import WRONG_MOTION
from jasmine_core.runtime.steady_depth import NO_MOTION, POSE_NET
from jasmine_ros.msgs.transforms import TF, TF_STATIC, TransformBuffer
from jasmine_ros.node.camera_motion import CameraMotion
from jasmine_ros.node.metric_scale import UnscaledDepth
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.temporal import PROBLEM, TemporalFilter

METRIC = fixed_scale(1.0, None)
GAINS = [1.0, 1.1, 0.9, 1.08, 0.92, 1.1, 0.95, 1.05]


class Driven:
    """Filter with the images of a camera on a robot."""

    def __init__(self, mode="fuse", **parameters):
        self.host = TopicHost()
        motion = CameraMotion(self.host, TransformBuffer())
        self.filter = TemporalFilter(self.host, mode, motion)
        motion.subscribe(DepthParameters(temporal=mode, **parameters))

    def send(self, topic, message):
        self.host.callbacks[topic](message)

    def mounted(self, T=T_BASE_CAMERA):
        self.send(TF_STATIC, tf((BASE, OPTICAL, T, 0)))
        return self

    def image(self, index, at=None):
        """Pass an image on; return the median error of its depth."""
        rgb, depth = scene(POSES[index])
        at = stamp(index) if at is None else at
        given = UnscaledDepth(at, OPTICAL, np.float32(GAINS[index]) * depth, CAMERA)
        found = self.filter(given, rgb, METRIC).depth
        assert found.shape == depth.shape
        return float(np.median(found / depth))

    @property
    def problem(self):
        return self.filter.facts[PROBLEM]

    @property
    def fused(self):
        return int(self.filter.facts["temporal"].split(", ")[1].split("%")[0])


def test_depth_is_fused_along_an_odometry_topic():
    robot_ = Driven(odometry_topic="/odom").mounted()
    ratios = []
    for index in range(8):
        robot_.send("/odom", odometry(robot(index), stamp(index)))
        ratios.append(robot_.image(index))
    assert robot_.fused > 85 and robot_.problem == "" and robot_.host.warnings == []
    assert np.abs(np.diff(ratios)).max() < 0.03


@pytest.mark.parametrize("of_camera", [True, False])
def test_depth_is_fused_along_poses_of_the_camera_or_of_the_robot(of_camera):
    """A PoseStamped does not name its frame."""
    given = {} if of_camera else {"odometry_child_frame": BASE}
    robot_ = Driven(odometry_topic="/vio", odometry_type="pose", **given)
    assert robot_.host.types["/vio"] == "geometry_msgs/msg/PoseStamped"
    if not of_camera:
        robot_.mounted()
    for index in range(4):
        T = T_BASE_CAMERA @ POSES[index] if of_camera else robot(index)
        robot_.send("/vio", pose_stamped(T, stamp(index)))
        robot_.image(index)
    assert robot_.fused > 85 and robot_.problem == ""


def test_an_odometry_without_a_child_frame_needs_the_parameter():
    for child, fused in ("", False), (BASE, True):
        robot_ = Driven(odometry_topic="/odom", odometry_child_frame=child).mounted()
        for index in range(3):
            robot_.send("/odom", odometry(robot(index), stamp(index), child=""))
            robot_.image(index)
        assert (robot_.fused > 85) == fused


def test_a_message_without_a_pose_is_refused_by_name():
    robot_ = Driven(odometry_topic="/odom")
    with pytest.raises(FrameError, match="/odom: the message has no pose"):
        robot_.send("/odom", tf((ODOM, BASE, robot(0), 0)))


def test_depth_is_fused_along_transforms():
    robot_ = Driven().mounted()
    for index in range(4):
        robot_.send(TF, tf((ODOM, BASE, robot(index), stamp(index))))
        robot_.image(index)
    assert robot_.fused > 85 and robot_.problem == ""


def test_another_frame_of_the_world_can_be_named():
    robot_ = Driven(odometry_frame="/map").mounted()
    for index in range(3):
        robot_.send(TF, tf((ODOM, BASE, robot(0), stamp(index))))
        robot_.send(TF, tf(("map", ODOM, robot(index), stamp(index))))
        robot_.image(index)
    assert robot_.fused > 85


def test_late_odometry_falls_back_says_so_and_recovers():
    robot_ = Driven(odometry_topic="/odom").mounted()
    for index in range(7):
        if index not in (3, 4):
            robot_.send("/odom", odometry(robot(index), stamp(index)))
        robot_.image(index)
        if index == 3:
            assert robot_.problem == "", "the motion continues for 0.1 s"
        if index == 4:
            assert robot_.problem == NO_MOTION and robot_.fused == 0
    assert robot_.problem == "" and robot_.fused > 85
    assert robot_.host.warnings == [f"temporal fuse: {NO_MOTION}"]


@pytest.mark.parametrize("fault", ["no odometry", "no mount", "other clock", "other child"])
def test_without_a_usable_motion_only_the_scale_is_kept(fault):
    robot_ = Driven(odometry_topic="/odom")
    if fault != "no mount":
        robot_.mounted()
    ratios = []
    for index in range(6):
        at = stamp(index) + (5 * 10**9 if fault == "other clock" else 0)
        child = "gripper" if fault == "other child" else BASE
        if fault != "no odometry":
            robot_.send("/odom", odometry(robot(index), at, child))
        ratios.append(robot_.image(index))
        assert robot_.fused == 0
    assert robot_.problem == NO_MOTION and len(robot_.host.warnings) == 1
    assert np.abs(np.diff(ratios)).max() < 0.05 < np.abs(np.diff(GAINS)).min()


def test_an_odometry_that_jumps_is_refused_for_one_image():
    robot_ = Driven(odometry_topic="/odom").mounted()
    jump = np.eye(4)
    for index in range(7):
        if index == 4:
            jump = rigid(np.eye(3), [0.0, 1.5, 0.0])
        robot_.send("/odom", odometry(jump @ robot(index), stamp(index)))
        robot_.image(index)
        assert (robot_.problem == WRONG_MOTION) == (index == 4)
    assert robot_.fused > 85


def test_extrinsics_that_are_wrong_by_30_degrees_are_refused_and_it_recovers():
    """A fast forward motion looks like one to the side by half of it."""
    robot_ = Driven(odometry_topic="/odom")
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    robot_.mounted(T_BASE_CAMERA @ rigid(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]), [0, 0, 0]))
    poses, problems = drive(9, x=0.0, z=0.4), []
    for index, T in enumerate(poses):
        if index == 6:
            robot_.mounted()
        T_odom_base = T_BASE_CAMERA @ T @ inverse(T_BASE_CAMERA)
        robot_.send("/odom", odometry(T_odom_base, stamp(index)))
        rgb, depth = scene(T)
        robot_.filter(UnscaledDepth(stamp(index), OPTICAL, depth, CAMERA), rgb, METRIC)
        problems.append(robot_.problem)
    assert set(problems[1:6]) == {WRONG_MOTION}
    assert problems[-1] == "" and robot_.fused > 85


def test_a_lens_cap_begins_a_new_scene_and_the_filter_recovers():
    robot_ = Driven(odometry_topic="/odom").mounted()
    for index in range(8):
        robot_.send("/odom", odometry(robot(index), stamp(index)))
        if index in (3, 4):
            dark = np.full((*CAMERA.size[::-1], 3), 2, np.uint8)
            flat = np.full(CAMERA.size[::-1], 0.5, np.float32)
            given = UnscaledDepth(stamp(index), OPTICAL, flat, CAMERA)
            found = robot_.filter(given, dark, METRIC).depth
            if index == 3:
                np.testing.assert_array_equal(found, flat)
        elif index == 5:
            assert robot_.image(index) == pytest.approx(GAINS[index]), "the past is dropped"
        else:
            robot_.image(index)
    assert robot_.problem == "" and robot_.fused > 85 and robot_.host.warnings == []


def test_two_cameras_on_one_robot_do_not_share_a_past():
    """Each node has its own filter, and both get the odometry of the robot."""
    left, right = Driven(odometry_topic="/odom"), Driven(odometry_topic="/odom")
    for camera in (left, right):
        camera.mounted()
    for index in range(6):
        for camera in (left, right):
            camera.send("/odom", odometry(robot(index), stamp(index)))
        left.image(index)
        if index % 2 == 0:
            right.image(index)
    assert left.fused > 85 and right.fused > 85
    assert left.problem == right.problem == ""


def test_a_broken_pose_and_the_loop_of_a_bag_are_survived():
    robot_ = Driven(odometry_topic="/odom").mounted()
    for _ in range(2):
        for index in range(3):
            robot_.send("/odom", odometry(robot(index), stamp(index)))
            broken = odometry(robot(index), stamp(index) + 1)
            broken.pose.pose.position.x = float("nan")
            robot_.send("/odom", broken)
            robot_.image(index)
        assert robot_.fused > 85 and robot_.problem == ""


def test_the_mode_scale_needs_no_odometry():
    robot_ = Driven("scale")
    ratios = [robot_.image(index) for index in range(6)]
    assert robot_.problem == "" and robot_.host.warnings == []
    assert np.abs(np.diff(ratios)).max() < 0.05


def test_a_pose_net_that_is_refused_now_and_then_is_reported_once():
    calls = iter(range(1, len(POSES)))

    def motion(before, image):
        index = next(calls)
        T = inverse(POSES[index - 1]) @ POSES[index]
        return rigid(np.eye(3), -20 * T[:3, 3]) if index % 2 else T

    host = TopicHost()
    found = TemporalFilter(host, "fuse", CameraMotion(host, TransformBuffer()), motion)
    problems = []
    for index, T in enumerate(POSES):
        rgb, depth = scene(T)
        found(UnscaledDepth(stamp(index), OPTICAL, depth, CAMERA), rgb, METRIC)
        problems.append(found.facts[PROBLEM])
    assert set(problems[1:]) == {NO_MOTION, POSE_NET} and problems[1] != problems[2]
    assert sorted(host.warnings) == sorted(f"temporal fuse: {p}" for p in (NO_MOTION, POSE_NET))
