# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Filter over time in a run over a whole bag."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.moving_robot import (
    BASE,
    MESSAGES,
    OPTICAL,
    POSES,
    START,
    T_BASE_CAMERA,
    odometry,
    robot,
    stamp,
)
from helpers.textured_wall import CAMERA, scene
from helpers.tf_messages import tf

from jasmine_core.geometry.rigid import inverse
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.steady_depth import POSE_NET
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.writer import BagWriter
from jasmine_ros.commands.run import run_bag
from jasmine_ros.commands.run_request import RunRequest
from jasmine_ros.msgs.camera_info import make_camera_info
from jasmine_ros.msgs.images import decode_depth, encode_image
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.msgs.transforms import TF_STATIC
from jasmine_ros.node import temporal
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.temporal import PROBLEM

GAINS = [1.0, 1.1, 0.9, 1.08, 0.92, 1.1, 0.95, 1.05]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return record(tmp_path_factory.mktemp("wall") / "bag")


def record(path, delay=0):
    """Write a drive whose odometry is recorded `delay` ns after its timestamp."""
    kinds = {
        TF_STATIC: "tf2_msgs/msg/TFMessage",
        "/odom": "nav_msgs/msg/Odometry",
        "/camera/camera_info": "sensor_msgs/msg/CameraInfo",
        "/camera/image_rect": "sensor_msgs/msg/Image",
    }
    with BagWriter(path) as writer:
        for topic, kind in kinds.items():
            writer.add(topic, kind)
        writer.write(TF_STATIC, START, tf((BASE, OPTICAL, T_BASE_CAMERA, 0)))
        messages = [(stamp(i) + delay, odometry(robot(i), stamp(i))) for i in range(len(POSES))]
        for at, message in messages:
            writer.write("/odom", at, message)
        for index, T in enumerate(POSES):
            at = stamp(index)
            header = make_header(MESSAGES, at, OPTICAL)
            writer.write("/camera/camera_info", at, make_camera_info(MESSAGES, header, CAMERA))
            rgb = encode_image(MESSAGES, header, scene(T)[0], "rgb8")
            writer.write("/camera/image_rect", at, rgb)
    return path


class FlickeringDepth:
    """Backend that returns the exact depth of each image with a scale that flickers."""

    def __init__(self):
        info = ("given", "cpu", "fp32", "given depths", CAMERA.size, 1.0)
        self.info = BackendInfo(*info, multiple=32)
        self._index = 0

    def __call__(self, image):
        depth = np.float32(GAINS[self._index]) * scene(POSES[self._index])[1]
        self._index += 1
        return NetworkMaps(np.zeros_like(depth), np.stack([depth, depth]), {"encode": 0.0})


@pytest.mark.parametrize("mode", ["off", "scale", "fuse"])
def test_a_run_over_a_bag_publishes_steady_depth(mode, recording, tmp_path, monkeypatch):
    predictor = DepthPredictor(FlickeringDepth(), "stretch")
    monkeypatch.setattr(DepthPredictor, "from_pretrained", lambda *_, **__: predictor)
    given = DepthParameters(temporal=mode, odometry_topic="/odom")
    report = run_bag(RunRequest((recording,), tmp_path / "out", parameters=given))
    assert report["frames"]["processed"] == len(POSES)
    assert report["input"].get("temporal", "off").startswith(mode)
    assert ("temporal" in report["latency_ms"]) == (mode != "off")
    with Bag(tmp_path / "out" / "depth") as bag:
        depths = [decode_depth(bag.decode(m)) for m in bag.messages(["/depth/image_rect"])]
    ratios = [np.median(d / scene(T)[1]) for d, T in zip(depths, POSES, strict=True)]
    steps = np.abs(np.diff(np.log(ratios))).mean()
    assert steps > 0.1 if mode == "off" else steps < 0.02


@pytest.mark.parametrize("delay", [0, 250_000_000])
def test_odometry_that_is_recorded_after_its_image_is_used(delay, tmp_path, monkeypatch, caplog):
    recording = record(tmp_path / "bag", delay)
    predictor = DepthPredictor(FlickeringDepth(), "stretch")
    monkeypatch.setattr(DepthPredictor, "from_pretrained", lambda *_, **__: predictor)
    given = DepthParameters(temporal="fuse", odometry_topic="/odom", metres_per_unit=1.0)
    report = run_bag(RunRequest((recording,), tmp_path / "out", parameters=given))
    assert report["frames"]["processed"] == len(POSES)
    assert "of the pixels fused" in report["input"]["temporal"]
    assert "temporal fuse:" not in caplog.text


class HalfWrongDepth(FlickeringDepth):
    """Backend whose depth of one half of the wall is 20 % too near, in units of 10 m."""

    def __call__(self, image):
        T = POSES[self._index]
        self._index += 1
        depth = scene(T)[1]
        x = T[0, 3] + CAMERA.rays()[..., 0] * depth  # [m] of the wall
        depth = np.where(x < 0, np.float32(0.8) * depth, depth) / np.float32(10)
        return NetworkMaps(np.zeros_like(depth), np.stack([depth, depth]), {"encode": 0.0})


def last_error(recording, output, **parameters):
    """Return ln of the ratio of both halves in the last image of a run."""
    given = DepthParameters(odometry_topic="/odom", scale_mode="odometry", **parameters)
    report = run_bag(RunRequest((recording,), output, parameters=given))
    assert report["scale"]["source"] == "odometry"
    with Bag(output / "depth") as bag:
        depths = [decode_depth(bag.decode(m)) for m in bag.messages(["/depth/image_rect"])]
    exact = scene(POSES[-1])[1]
    x = POSES[-1][0, 3] + CAMERA.rays()[..., 0] * exact
    error = np.log(depths[-1] / exact)
    return float(np.median(error[x < -0.5]) - np.median(error[x > 0.5]))


def test_the_pixels_are_corrected_while_odometry_gives_the_scale(recording, tmp_path, monkeypatch):
    def errors(temporal):
        predictor = DepthPredictor(HalfWrongDepth(), "stretch")
        monkeypatch.setattr(DepthPredictor, "from_pretrained", lambda *_, **__: predictor)
        return last_error(recording, tmp_path / temporal, temporal=temporal)

    assert errors("off") == pytest.approx(np.log(0.8), abs=0.01)
    assert abs(errors("fuse")) < 0.7 * abs(np.log(0.8))


def test_a_run_names_the_odometry_that_it_does_not_use(recording, tmp_path, monkeypatch, caplog):
    predictor = DepthPredictor(FlickeringDepth(), "stretch")
    monkeypatch.setattr(DepthPredictor, "from_pretrained", lambda *_, **__: predictor)
    given = DepthParameters(temporal="fuse")
    run_bag(RunRequest((recording,), tmp_path / "out", parameters=given))
    assert "the recording has /odom: add --odometry-topic /odom" in caplog.text


def test_without_an_odometry_topic_the_pose_net_is_used(recording, tmp_path, monkeypatch):
    asked = []

    def motion(before, image):
        asked.append((before, image))
        return inverse(POSES[len(asked) - 1]) @ POSES[len(asked)]

    monkeypatch.setattr(temporal, "pose_motion_of", lambda checkpoint: motion)
    predictor = DepthPredictor(FlickeringDepth(), "stretch")
    monkeypatch.setattr(DepthPredictor, "from_pretrained", lambda *_, **__: predictor)
    for topic, count, problem in ("", len(POSES) - 1, POSE_NET), ("/odom", 0, ""):
        asked.clear()
        predictor.backend = FlickeringDepth()
        given = DepthParameters(temporal="fuse", odometry_topic=topic)
        report = run_bag(RunRequest((recording,), tmp_path / f"out{count}", parameters=given))
        assert len(asked) == count
        assert report["input"].get(PROBLEM, "") == problem
