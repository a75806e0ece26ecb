# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contract: faults of odometry and of the images stop neither depth nor its filter over time.

The camera moves before a textured wall, and the network gives the wall's depth for any image. After
each fault the node falls back, reports it, and recovers.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import count
from math import cos, pi, sin

import numpy as np
import pytest
import torch
from helpers.moving_robot import BASE, OPTICAL, T_BASE_CAMERA, odometry
from helpers.textured_wall import CAMERA, STEP, drive, pose, scene
from helpers.tf_messages import tf

from contract.steps import Report, Send, Tell, info
from jasmine_core.geometry.rigid import inverse, rigid
from jasmine_core.model.checkpoint import save_checkpoint
from jasmine_core.runtime import scale_odometry, steady_depth
from jasmine_core.runtime.stabiliser import NEW_SCENE, WRONG_MOTION
from jasmine_ros.msgs.transforms import TF_STATIC

WALL = 8.0  # [m]
START = 1_700_000_000_000_000_000
OFTEN = 100  # images between the first ones of two tests, so that each test begins after a gap
SIDE = drive(60, x=0.08, z=0.0)
TURNED = rigid(
    [[cos(pi / 6), 0, sin(pi / 6)], [0, 1, 0], [-sin(pi / 6), 0, cos(pi / 6)]], [0, 0, 0]
)
IDENTITY = np.eye(4)
_first = count(0, OFTEN)


@pytest.fixture
def camera(request):
    """Return the camera of a test; its odometry is its own where tf2_msgs cannot be imported."""
    if request.node.callspec.params["driver"] != "ros2":
        return Camera()
    pytest.importorskip("nav_msgs", reason="this ROS 2 has no nav_msgs")
    return Camera(on_robot=find_spec("tf2_msgs") is not None)


@pytest.fixture(scope="module")
def parameters(make_model, tmp_path_factory):
    """Return the parameters of a node whose network gives a depth of one unit, the wall's."""
    model = make_model()
    head, residual = model.ssg.ss_head, model.ssg.d_head.conv2
    with torch.no_grad():
        for layer in (head.scale_head[2], head.shift_head[2], residual):
            layer.weight.zero_()
            layer.bias.zero_()
        head.shift_head[2].bias += 1
    path = tmp_path_factory.mktemp("constant") / "checkpoint"
    save_checkpoint(model, path)
    return {
        "checkpoint": str(path),
        "metres_per_unit": WALL,
        "temporal": "fuse",
        "scale_mode": "odometry",
        "odometry_topic": "/odom",
    }


class Camera:
    """Steps of one test, on a camera whose images have consecutive timestamps.

    Args:
        on_robot: odometry reports poses of the robot, and transforms lead from there to the camera.
            Otherwise it reports those of the camera, as visual odometry does.
    """

    def __init__(self, on_robot=True):
        self.first, self.on_robot = next(_first), on_robot
        height, width = scene(pose())[0].shape[:2]
        self.steps = [info(width=width, height=height, k=CAMERA.K, p=_projection())]
        self.mounted()

    def mounted(self, turn=IDENTITY):
        """The extrinsics that are known from now on are wrong by a transform."""
        self.turn = turn
        if self.on_robot:
            message, kind = tf((BASE, OPTICAL, T_BASE_CAMERA @ turn, 0)), "tf2_msgs/msg/TFMessage"
            self.steps.append(Tell((Send(lambda bag: bag.write(TF_STATIC, kind, START, message)),)))

    def moves(self, poses, at=0, later=0, child=None, jump=None, reports=True):
        """The camera has these poses from image `at` on, and odometry reports them.

        Args:
            poses: T_world_camera of each image.
            at: number of the first image.
            later: error of the odometry's clock [ns].
            child: moving frame that the odometry names, in place of the one that moves.
            jump: T_odom_odom after which the last pose is reported.
            reports: whether there is odometry.
        """
        stamps = [self.stamp(at + i) for i in range(len(poses))]
        if self.on_robot:
            moved = [T_BASE_CAMERA @ T @ inverse(T_BASE_CAMERA) for T in poses]
        else:
            moved = [T_BASE_CAMERA @ T @ self.turn for T in poses]
        if jump is not None:
            moved[-1] = jump @ moved[-1]
        if reports:
            name = child or (BASE if self.on_robot else OPTICAL)
            told = [odometry(T, s + later, name) for T, s in zip(moved, stamps, strict=True)]
            self.steps.append(Tell(tuple(_odometry_of(message) for message in told)))
        for T, stamp in zip(poses, stamps, strict=True):
            self.shows(scene(T)[0], stamp)
        self.steps.append(Report())

    def shows(self, image, stamp, frame=OPTICAL):
        self.steps.append(
            Send(lambda bag: bag.image(stamp, image, header=bag.header(stamp, frame)))
        )

    def stamp(self, index):
        return START + (self.first + index) * STEP

    def run(self, driver, parameters):
        """Return what is reported at each `Report`: the level, its message, and all values."""
        images = [s for s in self.steps if isinstance(s, Send)][1:]  # without the CameraInfo
        heard = driver.run(self.steps, **parameters)
        assert heard.counts["processed"] == heard.counts["received"] == len(images)
        assert len(heard.stamps()) == len(images), "every image has its depth"
        return [
            (status.message, {value.key: value.value for value in status.values})
            for status in heard.reports
        ]


def _odometry_of(message):
    return Send(lambda bag: bag.write("/odom", "nav_msgs/msg/Odometry", START, message))


def _projection():
    return np.column_stack([CAMERA.K, np.zeros(3)])


def fused(values):
    """Return the share of pixels [%] to which the past contributed."""
    return int(values["temporal"].split(", ")[1].split("%")[0])


def expect_well(report):
    message, values = report
    assert fused(values) > 70 and values["temporal"].endswith("fused")
    assert not {"temporal_problem", "scale_problem"} & set(values)
    assert float(values["metres_per_unit"]) == pytest.approx(WALL, rel=0.05)
    assert "the motion" not in message


def test_odometry_at_another_clock_or_of_another_frame_is_not_used(camera, driver, parameters):
    camera.moves(SIDE[:8])
    camera.moves(SIDE[8:16], at=8, later=5 * 10**9)
    camera.moves(SIDE[16:24], at=16)
    camera.moves(SIDE[24:32], at=24, child="gripper")
    camera.moves(SIDE[32:40], at=32)
    good, *reports = camera.run(driver, parameters)
    expect_well(good)
    assert good[1]["scale"] == "metric" and good[1]["scale_source"] == "odometry"
    for bad, again in (reports[:2], reports[2:]):
        message, values = bad
        assert values["temporal_problem"] == steady_depth.NO_MOTION in message
        assert values["scale_problem"] == f"scale: {scale_odometry.NO_MOTION}"
        assert fused(values) == 0
        expect_well(again)


def test_a_jump_of_the_odometry_is_refused_for_its_image(camera, driver, parameters):
    camera.moves(SIDE[:6])
    camera.moves(SIDE[6:9], at=6, jump=rigid(np.eye(3), [0.0, 1.5, 0.0]))
    camera.moves(SIDE[9:15], at=9)
    before, (message, values), after = camera.run(driver, parameters)
    expect_well(before)
    assert values["temporal_problem"] == WRONG_MOTION in message and fused(values) == 0
    expect_well(after)


def test_extrinsics_that_are_wrong_by_30_degrees_are_refused(camera, driver, parameters):
    forward = drive(7, z=0.3)
    camera.mounted(TURNED)
    camera.moves(forward)
    camera.mounted()
    camera.moves(SIDE[:8], at=30)  # After a gap, as the wall is farther away again.
    (message, values), after = camera.run(driver, parameters)
    assert values["temporal_problem"] == WRONG_MOTION in message and fused(values) == 0
    expect_well(after)


def test_the_loop_of_a_bag_begins_again(camera, driver, parameters):
    camera.moves(SIDE[:8])
    camera.moves(SIDE[:1])
    camera.moves(SIDE[1:8], at=1)
    first, (_, values), after = camera.run(driver, parameters)
    expect_well(first)
    assert values["temporal"].endswith(": stamps jumped back") and fused(values) == 0
    expect_well(after)


def test_images_of_two_cameras_on_one_topic_are_not_mixed(camera, driver, parameters):
    camera.moves(SIDE[:6])
    other = 255 - scene(pose(x=9.0, z=3.0))[0]
    for index in range(6, 10):
        camera.shows(other, camera.stamp(index) + STEP // 2, "other_optical_frame")
        camera.moves(SIDE[index : index + 1], at=index + 1)
    camera.moves(SIDE[10:16], at=11)
    before, *mixed, after = camera.run(driver, parameters)
    expect_well(before)
    for _, values in mixed:
        assert values["temporal"].endswith(f": {NEW_SCENE}") and fused(values) == 0
    expect_well(after)


def test_a_lens_cap_is_reported_and_the_filter_recovers(camera, driver, parameters):
    camera.moves(SIDE[:6])
    dark = np.full((*CAMERA.size[::-1], 3), 2, np.uint8)
    for index in range(6, 10):
        camera.shows(dark, camera.stamp(index))
    camera.steps.append(Report())
    camera.moves(SIDE[10:16], at=10)
    before, (message, values), after = camera.run(driver, parameters)
    expect_well(before)
    assert values["exposure"] == "black" and "the image is black" in message
    expect_well(after)
