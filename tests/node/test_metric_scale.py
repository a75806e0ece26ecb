# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metres from topics: a world in a bag, and single messages to a host that keeps what is said."""

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
from jasmine_ros.commands.run import BagRun, run_bag
from jasmine_ros.hosts.bag import BagHost
from jasmine_ros.msgs.camera_info import make_camera_info
from jasmine_ros.msgs.images import decode_depth, encode_image
from jasmine_ros.msgs.messages import make_header, stamp_ns
from jasmine_ros.msgs.point_clouds import make_cloud
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.metric_scale import TOLERANCE, Look, MetricScale
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


# ---------------------------------------------------------------------- a world, on the bag host


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


class Answers:
    """A network that errs by some percent: the exact depth of each image in its own unit."""

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
    """Return the component after the bag, the ratio of published to true depth, diagnostics."""
    with Bag(recording) as bag, BagWriter(output) as writer:
        host = BagHost(bag, choose_camera(bag))
        given = DepthParameters(checkpoint=str(checkpoint), **parameters)
        component = DepthComponent(host, given)
        component.configure()
        component._predictor = DepthPredictor(Answers(drive), "stretch")
        component.activate("sensor_msgs/msg/Image")
        host.record(writer)
        for message in bag.messages():
            host.deliver(message)
        component.deactivate()
    ratios, said = [], []
    with Bag(output) as bag:
        for message in bag.messages(["/depth/image_rect", "/diagnostics"]):
            decoded = bag.decode(message)
            if message.topic == "/diagnostics":
                said.append({v.key: v.value for v in decoded.status[0].values})
                continue
            depth = decode_depth(decoded)
            index = drive.stamps.index(stamp_ns(decoded.header.stamp) - START)
            ground_truth = drive.depths[index, 0].numpy()
            known = np.isfinite(depth) & np.isfinite(ground_truth)
            ratios.append(float(np.median(depth[known] / ground_truth[known])))
    return component, np.array(ratios), said


def test_a_lidar_gives_a_world_its_metres(recording, drive, checkpoint, tmp_path):
    component, ratios, said = run(
        recording,
        drive,
        checkpoint,
        tmp_path / "out",
        scale_mode="sparse_depth",
        scale_topic="/lidar/points",
    )
    assert len(ratios) == 8
    assert ratios[0] == pytest.approx(UNIT, rel=0.1), "its cloud has not come yet"
    assert np.abs(ratios[1:] - 1).max() < 0.03
    scale = component.scale
    assert (scale.source, scale.state) == ("sparse_depth", "metric") and scale.confidence > 0.7
    assert said[-1]["scale_source"] == "sparse_depth"


def test_the_camera_s_height_gives_a_world_its_metres(recording, drive, checkpoint, tmp_path):
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


def test_a_run_hears_the_sensor_and_knows_fixed_transforms_wherever_it_begins(
    recording, drive, checkpoint, tmp_path, monkeypatch
):
    answers = DepthPredictor(Answers(drive), "stretch")
    monkeypatch.setattr(DepthPredictor, "from_pretrained", lambda *_, **__: answers)
    given = DepthParameters(scale_mode="sparse_depth", scale_topic="/lidar/points")
    report = run_bag(BagRun(recording, tmp_path / "out", start=0.5), given)
    assert report["frames"]["processed"] == 5
    assert report["scale"]["source"] == "sparse_depth"


# ---------------------------------------------------------------------- single messages

K = np.array([[100.0, 0, 59.5], [0, 100.0, 39.5], [0, 0, 1]])
SMALL = Camera(120, 80, K)


class Ears:
    """The part of a host that a scale needs."""

    def __init__(self):
        self.callbacks, self.logged, self.told = {}, [], []

    def resolve(self, topic):
        return topic

    def subscribe(self, topic, type_name, callback, *, latched=False):
        self.callbacks[topic] = callback

    def log(self, severity, text):
        (self.logged if severity == "warn" else self.told).append(text)


class Rig:
    """A scale that hears messages and sees a wall 2 units ahead, or a given depth."""

    def __init__(self, transforms=FIXED, **parameters):
        self.ears = Ears()
        self.parameters = DepthParameters(**parameters)
        self.metric = MetricScale(self.ears, self.parameters.scale_mode)
        self.metric.subscribe(self.parameters)
        if transforms is not None and "/tf_static" in self.ears.callbacks:
            self.hear("/tf_static", transforms)

    def hear(self, topic, message):
        self.ears.callbacks[topic](message)

    def look(self, at, depth=2.0):
        full = np.broadcast_to(np.asarray(depth, np.float32), (80, 120))
        self.metric.look(self.parameters, Look(at, CAMERA, full, SMALL))
        return self.metric.scale(UNKNOWN)


POINTS = {"scale_mode": "sparse_depth", "scale_topic": "/points"}


def wall(metres, at, frame=CAMERA):
    """Return a cloud of a wall in front of the camera."""
    points = back_project(np.full((80, 120), metres, np.float32), K)[::4, ::4].reshape(-1, 3)
    if frame == LIDAR:
        T = inverse(T_BASE_LIDAR) @ T_BASE_CAMERA
        points = points @ T[:3, :3].T + T[:3, 3]
    return lidar(points, at, frame)


def test_a_cloud_comes_through_tf():
    rig = Rig(**POINTS)
    rig.hear("/points", wall(8.0, START, LIDAR))
    assert rig.look(START).metres_per_unit == pytest.approx(4.0, rel=1e-4)


def test_a_cloud_that_comes_after_its_image_meets_that_image_later():
    rig = Rig(**POINTS)
    assert rig.look(START, 2.0).state == "up-to-scale"
    rig.hear("/points", wall(8.0, START + 10_000_000))
    scale = rig.look(START + 100_000_000, 1.0)
    assert scale.metres_per_unit == pytest.approx(4.0), "the first image was the nearer one"


def test_a_cloud_from_the_future_waits_for_its_image():
    rig = Rig(**POINTS)
    rig.hear("/points", wall(8.0, START + SECOND // 2))
    assert rig.look(START, 1.0).state == "up-to-scale"
    assert rig.look(START + SECOND // 2, 2.0).metres_per_unit == pytest.approx(4.0)


def test_an_old_cloud_is_not_compared():
    rig = Rig(**POINTS)
    rig.hear("/points", wall(8.0, START))
    assert rig.look(START + 2 * TOLERANCE).state == "up-to-scale"
    assert not rig.ears.logged


@pytest.mark.parametrize("offset", [-50 * SECOND, 50 * SECOND])
def test_clocks_out_of_step_are_named(offset):
    rig = Rig(**POINTS)
    for index in range(3):
        rig.hear("/points", wall(8.0, START + offset + index))
        assert rig.look(START + index).state == "up-to-scale"
    (said,) = rig.ears.logged
    assert "/points" in said and "clocks" in said


def test_a_missing_transform_is_named_once():
    rig = Rig(transforms=None, **POINTS)
    for index in range(3):
        rig.hear("/points", wall(8.0, START + index, LIDAR))
        assert rig.look(START + index).state == "up-to-scale"
    (said,) = rig.ears.logged
    assert "'lidar'" in said and CAMERA in said and "/tf_static" in said


def test_what_the_robot_drove_since_the_cloud_is_taken_off():
    rig = Rig(**POINTS)
    for index in range(3):
        drove = rigid(np.eye(3), [index * 1.0, 0, 0])
        rig.hear("/tf", tf(("odom", BASE, drove, START + index * SECOND // 10)))
    rig.hear("/points", wall(9.0, START, LIDAR))
    scale = rig.look(START + SECOND // 10)
    assert scale.metres_per_unit == pytest.approx(4.0, rel=1e-3), "1 m of 9 in 0.1 s"


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
def test_a_hostile_cloud_is_named_and_does_no_harm(damage):
    rig = Rig(**POINTS)
    rig.hear("/points", wall(8.0, START))
    rig.look(START)
    message = wall(8.0, START + 1)
    for name, value in damage.items():
        setattr(message, name, value)
    rig.hear("/points", message)
    assert rig.look(START + 1).metres_per_unit == pytest.approx(4.0)
    (said,) = rig.ears.logged
    assert said.startswith("/points: ")


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


def test_a_range_sensor():
    ahead = rigid(BODY_FROM_OPTICAL.T, [0, 0, 0.5])  # its x axis is the camera's z
    rig = Rig(tf((CAMERA, "sonar", ahead, 0)), **POINTS | {"scale_sensor": "range"})
    for value in (np.inf, -np.inf, np.nan, 30.0, 0.01):
        rig.hear("/points", beam(value, START))
        assert rig.look(START).state == "up-to-scale", "REP 117: nothing was measured"
    for index, kind in enumerate((1, 0)):
        rig.hear("/points", beam(7.5, START + index, kind))
        assert rig.look(START + index).metres_per_unit == pytest.approx(4.0, rel=0.02)


@pytest.mark.parametrize("encoding", ["32FC1", "16UC1"])
def test_another_depth_camera(encoding):
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
    rig.hear("/tof/depth", measured)
    assert rig.look(START).state == "up-to-scale"
    assert "/tof/camera_info" in rig.ears.logged[-1]
    camera = Camera(60, 40, np.diag([0.5, 0.5, 1]) @ K)
    rig.hear("/tof/camera_info", make_camera_info(MESSAGES, header, camera))
    rig.hear("/tof/depth", measured)
    assert rig.look(START).metres_per_unit == pytest.approx(4.0, rel=1e-4)
    colour = encode_image(MESSAGES, header, pixels(0), "rgb8")
    rig.hear("/tof/depth", colour)
    assert rig.look(START).metres_per_unit == pytest.approx(4.0, rel=1e-4)
    assert "'rgb8' is not depth" in rig.ears.logged[-1]


# ---------------------------------------------------------------------- camera_height


def floor(pitch, height=2.0):
    """Return the depth of a floor that a camera sees from `height`, looking down by `pitch`."""
    v = (np.arange(80) - 39.5) / 100
    down = np.cos(pitch) * v + np.sin(pitch)
    depth = np.where(down > 0.02, height / np.maximum(down, 0.02), np.nan)
    return np.repeat(depth[:, None], 120, axis=1)


@pytest.mark.parametrize("pitch", [0.0, 0.3, 0.6])
def test_the_height_above_a_floor(pitch):
    rig = Rig(scale_mode="camera_height", camera_height=0.5, camera_pitch=pitch)
    assert rig.look(START, floor(pitch)).metres_per_unit == pytest.approx(0.25, rel=1e-3)
    assert not rig.ears.callbacks, "it needs no topic"


def test_an_imu_knows_the_pitch_better_than_the_parameter():
    pitch = 0.5
    rig = Rig(
        transforms=None,
        scale_mode="camera_height",
        camera_height=0.5,
        imu_topic="/imu",
    )
    g = 9.81
    up = (g * np.sin(pitch) * -1, 0.0, g * np.cos(pitch))  # nose down, in the body's axes
    make = MESSAGES.make
    imu = make(
        "sensor_msgs/msg/Imu",
        header=make_header(MESSAGES, START, BASE),
        linear_acceleration=make("geometry_msgs/msg/Vector3", x=up[0], y=up[1], z=up[2]),
    )
    assert rig.look(START, floor(pitch)).state == "up-to-scale", "30 degrees off are too many"
    rig.hear("/imu", imu)
    assert rig.look(START + 1, floor(pitch)).state == "up-to-scale"
    assert "'base_link'" in rig.ears.logged[-1]
    rig.hear("/tf_static", FIXED)
    assert rig.look(START + 2, floor(pitch)).metres_per_unit == pytest.approx(0.25, rel=1e-3)


def test_the_scale_is_held_while_there_is_no_ground():
    rig = Rig(scale_mode="camera_height", camera_height=0.5)
    rig.look(START, floor(0.0))
    held = rig.look(START + 3 * SECOND, 2.0)
    assert held.metres_per_unit == pytest.approx(0.25, rel=1e-3)
    assert held.state == "holding" and held.age == pytest.approx(3.0) and held.confidence < 0.5
    rig.look(START + 4 * SECOND, 2.0)
    (said,) = rig.ears.logged
    assert "holding 0.25 m per unit" in said
    rig.look(START + 5 * SECOND, floor(0.0))
    assert len(rig.ears.told) == 2 and "depth is metric: 0.25 m per unit" in rig.ears.told[1]


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
def test_parameters_that_cannot_be(given, words):
    with pytest.raises(ConfigError, match=words):
        DepthParameters(**given)


def test_fixed_is_the_default_and_listens_to_nothing():
    rig = Rig()
    assert rig.parameters.scale_mode == "fixed" and not rig.ears.callbacks
