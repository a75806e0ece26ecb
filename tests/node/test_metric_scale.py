# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metric scale from sensor topics: a synthetic bag, and single messages to a small host."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from helpers.camera_bags import pixels
from helpers.tf_messages import tf

from jasmine_core.errors import ConfigError
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import back_project
from jasmine_core.geometry.rigid import BODY_FROM_OPTICAL, inverse, rigid
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.scale import fixed_scale
from jasmine_core.synthetic.drive import WorldConfig, render_drive
from jasmine_ros.bags.camera_topics import choose_camera
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.bags.writer import BagWriter
from jasmine_ros.commands.run import run_bag
from jasmine_ros.commands.run_request import RunRequest
from jasmine_ros.hosts.bag import BagHost
from jasmine_ros.msgs.camera_info import make_camera_info
from jasmine_ros.msgs.images import decode_depth, encode_image
from jasmine_ros.msgs.messages import make_header, stamp_ns
from jasmine_ros.msgs.point_clouds import make_cloud
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.metric_scale import TOLERANCE, MetricScale, UnscaledDepth
from jasmine_ros.node.parameters import DepthParameters

UNIT = 1 / 23.0  # model units per metre
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
MESSAGES = RosbagsMessages()
UNKNOWN = fixed_scale(None, None)
CAMERA, LIDAR, BASE = "camera_optical_frame", "lidar", "base_link"
T_BASE_CAMERA = rigid(BODY_FROM_OPTICAL, [1.0, 0.0, 1.4])
T_BASE_LIDAR = rigid(np.eye(3), [0.2, 0.1, 1.9])
FIXED = tf((BASE, CAMERA, T_BASE_CAMERA, 0), (BASE, LIDAR, T_BASE_LIDAR, 0))
WIDTH, HEIGHT = 320, 128


# ---------------------------------------------------------------------- synthetic bag


@pytest.fixture(scope="module")
def drive():
    torch.set_num_threads(1)
    config = WorldConfig(
        width=WIDTH,
        height=HEIGHT,
        frames=8,
        rate=5,
        supersample=1,
        shadows=False,
        moving_objects=True,
        texture_banks=1,
    )
    return render_drive(901, config)


@pytest.fixture(scope="module")
def recording(drive, tmp_path_factory):
    """A bag with camera, LiDAR and /tf_static; each cloud is recorded after its image."""
    path = tmp_path_factory.mktemp("world") / "bag"
    T_lidar_camera = inverse(T_BASE_LIDAR) @ T_BASE_CAMERA
    camera = Camera(WIDTH, HEIGHT, drive.K.double().numpy())
    rng = np.random.default_rng(0)
    kinds = {
        "/tf_static": "tf2_msgs/msg/TFMessage",
        "/camera/camera_info": "sensor_msgs/msg/CameraInfo",
        "/camera/image_rect": "sensor_msgs/msg/Image",
        "/lidar/points": "sensor_msgs/msg/PointCloud2",
    }
    with BagWriter(path) as writer:
        for topic, kind in kinds.items():
            writer.add(topic, kind)
        writer.write("/tf_static", START, FIXED)
        for index, since in enumerate(drive.stamps):
            at = START + since
            header = make_header(MESSAGES, at, CAMERA)
            rgb = (255 * drive.images[index].permute(1, 2, 0).numpy()).astype(np.uint8)
            points = back_project(drive.depths[index, 0].numpy(), camera.K).reshape(-1, 3)
            points = points[np.isfinite(points).all(axis=1) & (points[:, 2] < 70)]
            chosen = points[rng.integers(0, len(points), 800)]
            cloud = chosen @ T_lidar_camera[:3, :3].T + T_lidar_camera[:3, 3]
            writer.write("/camera/camera_info", at, make_camera_info(MESSAGES, header, camera))
            writer.write("/camera/image_rect", at, encode_image(MESSAGES, header, rgb, "rgb8"))
            writer.write("/lidar/points", at + 40_000_000, lidar(cloud, at))
    return path


def lidar(points, at, frame=LIDAR):
    points = np.asarray(points, np.float32).reshape(1, -1, 3)
    header = make_header(MESSAGES, at, frame)
    return make_cloud(MESSAGES, header, points, np.zeros(points.shape, np.uint8))


class NoisyDepth:
    """A backend that returns the exact depth of each image in model units, with an error of 5 %."""

    def __init__(self, drive):
        self.info = BackendInfo("given", "cpu", "fp32", "given depths", (WIDTH, HEIGHT), None)
        self._depths = iter(drive.depths[:, 0].numpy())
        self._rng = np.random.default_rng(1)

    def __call__(self, image):
        errors = self._rng.normal(0, 0.05, (HEIGHT // 12 + 2, WIDTH // 12 + 2))
        errors = cv2.resize(errors, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        depth = (UNIT * next(self._depths) * np.exp(errors)).astype(np.float32)
        return NetworkMaps(np.zeros_like(depth), np.stack([depth, depth]), {"encode": 0.0})


def run(recording, drive, checkpoint, output, **parameters):
    """Return the component, the median ratio of depth to ground truth by image, and diagnostics."""
    with Bag(recording) as bag, BagWriter(output) as writer:
        host = BagHost(bag, choose_camera(bag))
        given = DepthParameters(checkpoint=str(checkpoint), **parameters)
        component = DepthComponent(host, given)
        component.configure()
        component._predictor = DepthPredictor(NoisyDepth(drive), "stretch")
        component.activate("sensor_msgs/msg/Image")
        host.record(writer)
        for message in bag.messages():
            host.deliver(message)
        component.deactivate()
    ratios, reports = [], []
    with Bag(output) as bag:
        for message in bag.messages(["/depth/image_rect", "/diagnostics"]):
            decoded = bag.decode(message)
            if message.topic == "/diagnostics":
                reports.append({v.key: v.value for v in decoded.status[0].values})
                continue
            depth = decode_depth(decoded)
            index = drive.stamps.index(stamp_ns(decoded.header.stamp) - START)
            ground_truth = drive.depths[index, 0].numpy()
            known = np.isfinite(depth) & np.isfinite(ground_truth)
            ratios.append(float(np.median(depth[known] / ground_truth[known])))
    return component, np.array(ratios), reports


def test_a_lidar_gives_the_metric_scale_of_a_bag(recording, drive, checkpoint, tmp_path):
    component, ratios, reports = run(
        recording,
        drive,
        checkpoint,
        tmp_path / "out",
        scale_mode="sparse_depth",
        scale_topic="/lidar/points",
    )
    assert len(ratios) == 8
    assert ratios[0] == pytest.approx(UNIT, rel=0.1), "the first cloud is late"
    assert np.abs(ratios[1:] - 1).max() < 0.03
    scale = component.scale
    assert (scale.source, scale.state) == ("sparse_depth", "metric") and scale.confidence > 0.7
    assert reports[-1]["scale_source"] == "sparse_depth"


def test_the_height_of_the_camera_gives_the_metric_scale_of_a_bag(
    recording, drive, checkpoint, tmp_path
):
    component, ratios, _ = run(
        recording,
        drive,
        checkpoint,
        tmp_path / "out",
        scale_mode="camera_height",
        camera_height=-float(drive.T_world_camera[0, 1, 3]),
    )
    assert len(ratios) == 8 and np.abs(ratios - 1).max() < 0.08
    assert (component.scale.source, component.scale.state) == ("camera_height", "metric")


def test_a_run_that_starts_late_uses_the_static_transforms_of_the_whole_bag(
    recording, drive, checkpoint, tmp_path, monkeypatch
):
    predictor = DepthPredictor(NoisyDepth(drive), "stretch")
    monkeypatch.setattr(DepthPredictor, "from_pretrained", lambda *_, **__: predictor)
    given = DepthParameters(scale_mode="sparse_depth", scale_topic="/lidar/points")
    report = run_bag(RunRequest((recording,), tmp_path / "out", start=0.5, parameters=given))
    assert report["frames"]["processed"] == 5
    assert report["scale"]["source"] == "sparse_depth"


# ---------------------------------------------------------------------- single messages

K = np.array([[100.0, 0, 59.5], [0, 100.0, 39.5], [0, 0, 1]])
SMALL = Camera(120, 80, K)


class ScaleHost:
    """The methods of a host that MetricScale calls; warnings and other lines are kept."""

    def __init__(self):
        self.callbacks, self.warnings, self.infos = {}, [], []

    def resolve(self, topic):
        return topic

    def subscribe(self, topic, type_name, callback, *, latched=False):
        self.callbacks[topic] = callback

    def log(self, severity, text):
        (self.warnings if severity == "warn" else self.infos).append(text)


class Rig:
    """A MetricScale with its host; the depth is a wall at 2 units unless given."""

    def __init__(self, transforms=FIXED, **parameters):
        self.host = ScaleHost()
        self.parameters = DepthParameters(**parameters)
        self.metric = MetricScale(self.host, self.parameters.scale_mode)
        self.metric.subscribe(self.parameters)
        if transforms is not None and "/tf_static" in self.host.callbacks:
            self.receive("/tf_static", transforms)

    def receive(self, topic, message):
        self.host.callbacks[topic](message)

    def measure(self, at, depth=2.0):
        full = np.broadcast_to(np.asarray(depth, np.float32), (80, 120))
        self.metric.measure(self.parameters, UnscaledDepth(at, CAMERA, full, SMALL))
        return self.metric.scale(UNKNOWN)


POINTS = {"scale_mode": "sparse_depth", "scale_topic": "/points"}


def wall(metres, at, frame=CAMERA):
    """Return a cloud of a wall in front of the camera."""
    points = back_project(np.full((80, 120), metres, np.float32), K)[::4, ::4].reshape(-1, 3)
    if frame == LIDAR:
        T = inverse(T_BASE_LIDAR) @ T_BASE_CAMERA
        points = points @ T[:3, :3].T + T[:3, 3]
    return lidar(points, at, frame)


def test_a_cloud_is_transformed_by_tf():
    rig = Rig(**POINTS)
    rig.receive("/points", wall(8.0, START, LIDAR))
    assert rig.measure(START).metres_per_unit == pytest.approx(4.0, rel=1e-4)


def test_a_late_cloud_is_compared_with_the_earlier_image():
    rig = Rig(**POINTS)
    assert rig.measure(START, 2.0).state == "up-to-scale"
    rig.receive("/points", wall(8.0, START + 10_000_000))
    scale = rig.measure(START + 100_000_000, 1.0)
    assert scale.metres_per_unit == pytest.approx(4.0), "the first image is nearer in time"


def test_a_cloud_that_is_newer_than_the_image_waits_for_the_next():
    rig = Rig(**POINTS)
    rig.receive("/points", wall(8.0, START + SECOND // 2))
    assert rig.measure(START, 1.0).state == "up-to-scale"
    assert rig.measure(START + SECOND // 2, 2.0).metres_per_unit == pytest.approx(4.0)


def test_an_old_cloud_is_not_used():
    rig = Rig(**POINTS)
    rig.receive("/points", wall(8.0, START))
    assert rig.measure(START + 2 * TOLERANCE).state == "up-to-scale"
    assert not rig.host.warnings


@pytest.mark.parametrize("offset", [-50 * SECOND, 50 * SECOND])
def test_clocks_that_are_not_synchronised_are_warned_about(offset):
    rig = Rig(**POINTS)
    for index in range(3):
        rig.receive("/points", wall(8.0, START + offset + index))
        assert rig.measure(START + index).state == "up-to-scale"
    (warning,) = rig.host.warnings
    assert "/points" in warning and "clocks" in warning


def test_a_missing_transform_is_warned_about_once():
    rig = Rig(transforms=None, **POINTS)
    for index in range(3):
        rig.receive("/points", wall(8.0, START + index, LIDAR))
        assert rig.measure(START + index).state == "up-to-scale"
    (warning,) = rig.host.warnings
    assert "'lidar'" in warning and CAMERA in warning and "/tf_static" in warning


def test_the_motion_between_cloud_and_image_is_compensated():
    rig = Rig(**POINTS)
    for index in range(3):
        T_odom_base = rigid(np.eye(3), [index * 1.0, 0, 0])
        rig.receive("/tf", tf(("odom", BASE, T_odom_base, START + index * SECOND // 10)))
    rig.receive("/points", wall(9.0, START, LIDAR))
    scale = rig.measure(START + SECOND // 10)
    assert scale.metres_per_unit == pytest.approx(4.0, rel=1e-3), "1 m of 9 m was driven"


@pytest.mark.parametrize(
    "damage",
    [
        {"data": np.zeros(7, np.uint8)},
        {"point_step": 3},
        {"point_step": 0},
        {"row_step": 1},
        {"fields": []},
        {"width": 2**31},
    ],
)
def test_a_damaged_cloud_is_warned_about_and_not_used(damage):
    rig = Rig(**POINTS)
    rig.receive("/points", wall(8.0, START))
    rig.measure(START)
    message = wall(8.0, START + 1)
    for name, value in damage.items():
        setattr(message, name, value)
    rig.receive("/points", message)
    assert rig.measure(START + 1).metres_per_unit == pytest.approx(4.0)
    (warning,) = rig.host.warnings
    assert warning.startswith("/points: ")


def beam(metres, at, kind=1, least=0.1, most=20.0):
    return MESSAGES.make(
        "sensor_msgs/msg/Range",
        header=make_header(MESSAGES, at, "sonar"),
        radiation_type=kind,
        field_of_view=0.3,
        min_range=least,
        max_range=most,
        range=metres,
    )


def test_a_range_sensor_gives_the_scale():
    ahead = rigid(BODY_FROM_OPTICAL.T, [0, 0, 0.5])  # its x axis is the z axis of the camera
    rig = Rig(tf((CAMERA, "sonar", ahead, 0)), **POINTS | {"scale_sensor": "range"})
    for value in (np.inf, -np.inf, np.nan, 30.0, 0.01):
        rig.receive("/points", beam(value, START))
        assert rig.measure(START).state == "up-to-scale", "REP 117: nothing was detected"
    for index, kind in enumerate((1, 0)):
        rig.receive("/points", beam(7.5, START + index, kind))
        assert rig.measure(START + index).metres_per_unit == pytest.approx(4.0, rel=0.02)


@pytest.mark.parametrize("encoding", ["32FC1", "16UC1"])
def test_another_depth_camera_gives_the_scale(encoding):
    rig = Rig(
        tf((CAMERA, "tof", rigid(np.eye(3), [0.1, 0, 0]), 0)),
        scale_mode="sparse_depth",
        scale_sensor="depth",
        scale_topic="/tof/depth",
    )
    header = make_header(MESSAGES, START, "tof")
    metres = np.full((40, 60), 8.0, np.float32)
    values = metres if encoding == "32FC1" else (1000 * metres).astype(np.uint16)
    measured = encode_image(MESSAGES, header, values, encoding)
    rig.receive("/tof/depth", measured)
    assert rig.measure(START).state == "up-to-scale"
    assert "/tof/camera_info" in rig.host.warnings[-1]
    camera = Camera(60, 40, np.diag([0.5, 0.5, 1]) @ K)
    rig.receive("/tof/camera_info", make_camera_info(MESSAGES, header, camera))
    rig.receive("/tof/depth", measured)
    assert rig.measure(START).metres_per_unit == pytest.approx(4.0, rel=1e-4)
    colour = encode_image(MESSAGES, header, pixels(0), "rgb8")
    rig.receive("/tof/depth", colour)
    assert rig.measure(START).metres_per_unit == pytest.approx(4.0, rel=1e-4)
    assert "'rgb8' is not depth" in rig.host.warnings[-1]


# ---------------------------------------------------------------------- camera_height


def floor(pitch, height=2.0):
    """Return the depth of a floor that a camera sees from `height`, looking down by `pitch`."""
    v = (np.arange(80) - 39.5) / 100
    down = np.cos(pitch) * v + np.sin(pitch)
    depth = np.where(down > 0.02, height / np.maximum(down, 0.02), np.nan)
    return np.repeat(depth[:, None], 120, axis=1)


@pytest.mark.parametrize("pitch", [0.0, 0.3, 0.6])
def test_the_height_above_a_floor_gives_the_scale(pitch):
    rig = Rig(scale_mode="camera_height", camera_height=0.5, camera_pitch=pitch)
    assert rig.measure(START, floor(pitch)).metres_per_unit == pytest.approx(0.25, rel=1e-3)
    assert not rig.host.callbacks, "camera_height needs no topic"


def test_the_pitch_of_the_imu_replaces_the_parameter():
    pitch = 0.5
    rig = Rig(
        transforms=None,
        scale_mode="camera_height",
        camera_height=0.5,
        imu_topic="/imu",
    )
    g = 9.81
    up = (g * np.sin(pitch) * -1, 0.0, g * np.cos(pitch))  # pitched down, in the axes of base_link
    make = MESSAGES.make
    imu = make(
        "sensor_msgs/msg/Imu",
        header=make_header(MESSAGES, START, BASE),
        linear_acceleration=make("geometry_msgs/msg/Vector3", x=up[0], y=up[1], z=up[2]),
    )
    assert rig.measure(START, floor(pitch)).state == "up-to-scale", "the pitch is 30 degrees off"
    rig.receive("/imu", imu)
    assert rig.measure(START + 1, floor(pitch)).state == "up-to-scale"
    assert "'base_link'" in rig.host.warnings[-1]
    rig.receive("/tf_static", FIXED)
    assert rig.measure(START + 2, floor(pitch)).metres_per_unit == pytest.approx(0.25, rel=1e-3)


def test_the_scale_is_held_while_no_ground_is_visible():
    rig = Rig(scale_mode="camera_height", camera_height=0.5)
    rig.measure(START, floor(0.0))
    held = rig.measure(START + 3 * SECOND, 2.0)
    assert held.metres_per_unit == pytest.approx(0.25, rel=1e-3)
    assert held.state == "holding" and held.age == pytest.approx(3.0) and held.confidence < 0.5
    rig.measure(START + 4 * SECOND, 2.0)
    (warning,) = rig.host.warnings
    assert "held: 0.25 m per unit" in warning
    rig.measure(START + 5 * SECOND, floor(0.0))
    assert len(rig.host.infos) == 2 and "depth is metric: 0.25 m per unit" in rig.host.infos[1]


# ---------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scale_mode": "camera_height"}, "camera_height is 0"),
        ({"scale_mode": "sparse_depth"}, "scale_topic"),
        ({"scale_mode": "guess"}, "'guess'"),
        ({"camera_pitch": 90.0}, "camera_pitch is 90"),
    ],
)
def test_invalid_scale_parameters_are_refused(given, words):
    with pytest.raises(ConfigError, match=words):
        DepthParameters(**given)


def test_the_default_mode_is_fixed_and_subscribes_to_nothing():
    rig = Rig()
    assert rig.parameters.scale_mode == "fixed" and not rig.host.callbacks
