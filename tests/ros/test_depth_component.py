# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The component on a host that keeps everything in memory; the network is real and tiny."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from camera_bags import HEIGHT, WIDTH, Recorder, picture, stamp

from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_ros.conversion import Conversion
from jasmine_ros.depth_component import DepthComponent
from jasmine_ros.diagnostics import ERROR, OK, WARN
from jasmine_ros.host import Publisher
from jasmine_ros.messages import RosbagsMessages, make_header, stamp_ns
from jasmine_ros.parameters import DepthParameters
from jasmine_ros.topics import (
    COLORIZED,
    CONFIDENCE,
    DEPTH,
    DEPTH_INFO,
    DIAGNOSTICS,
    ENABLE,
    LATENCY,
    OUTPUTS,
    POINTS,
)

ALL = {"publish_points": True, "publish_colorized": True, "publish_confidence": True}


class MemoryHost:
    """Keep what is published; run work at once, or when told to."""

    def __init__(self, image_topic="/camera/image_raw", patient=False):
        self.messages = RosbagsMessages()
        self.conversion = Conversion(self.messages)
        self.published = defaultdict(list)
        self.advertised, self.logged, self.frames = {}, [], []
        self.image_topic, self.patient = image_topic, patient
        self.waiting, self.callbacks, self.timers = [], {}, []
        self.services, self.publishers, self.unwanted = {}, [], set()
        self.time = 42

    def resolve(self, topic):
        return {"image": self.image_topic, "camera_info": "/camera/camera_info"}.get(topic, topic)

    def advertise(self, topic, type_name):
        self.advertised[topic] = type_name

    def unadvertise(self):
        self.advertised.clear()

    def publish(self, topic, message):
        assert self.messages.typestore.serialize_cdr(message, self.advertised[topic])
        self.published[topic].append(message)

    def wanted(self, topic):
        return topic not in self.unwanted

    def subscribe(self, topic, type_name, callback, *, latched=False):
        self.callbacks[topic] = type_name

    def unsubscribe(self):
        self.callbacks.clear()
        self.timers.clear()
        self.services.clear()

    def service(self, name, type_name, answer):
        self.services[name] = answer

    def publishers_of(self, topic):
        return self.publishers

    def diagnose(self, source):
        self.report = source

    def timer(self, period_s, callback):
        self.timers.append(callback)

    def schedule(self, work):
        self.waiting.append(work)
        if not self.patient:
            self.work()

    def work(self):
        while self.waiting:
            self.waiting.pop(0)()

    def now(self):
        return self.time

    def log(self, severity, text):
        self.logged.append((severity, text))

    def processed(self, frame):
        self.frames.append(frame)


class Rig:
    """A component on a MemoryHost, with messages to feed it."""

    def __init__(self, checkpoint, host=None, **parameters):
        self.host = host or MemoryHost()
        parameters = DepthParameters(checkpoint=str(checkpoint), **parameters)
        self.component = DepthComponent(self.host, parameters)
        self.component.configure()
        self.component.activate()
        self._sent = []
        self._recorder = Recorder(lambda *m: self._sent.append(m), self.host.messages)

    def info(self, index=0, **fields):
        self._recorder.info(stamp(index), **fields)
        self.component.on_camera_info(self._sent.pop()[3])

    def image(self, index=0, rgb=None, **fields):
        self._recorder.image(stamp(index), picture(index) if rgb is None else rgb, **fields)
        self.component.on_image(self._sent.pop()[3])

    def last(self, topic):
        return self.host.published[topic][-1]

    def depth(self, index=-1):
        message = self.host.published[DEPTH][index]
        dtype = np.float32 if message.encoding == "32FC1" else np.uint16
        return message.data.view(dtype).reshape(message.height, message.width)

    @property
    def tally(self):
        return self.component.tally


class GivenDepth:
    """A backend that answers with given depths instead of running a network."""

    def __init__(self, answer):
        self.answer = answer
        self.info = BackendInfo("given", "cpu", "fp32", "given depths", (128, 64), None)

    def __call__(self, image):
        depth = self.answer(image)
        return NetworkMaps(np.zeros_like(depth), np.stack([depth, depth]), {"encode": 0.0})


# ---------------------------------------------------------------------- outputs


def test_every_output_has_the_input_s_stamp_and_frame(checkpoint):
    rig = Rig(checkpoint, **ALL)
    rig.info()
    rig.image(3)
    assert rig.host.advertised == {t: k for t, k in OUTPUTS.items() if t != DIAGNOSTICS}
    for topic in (DEPTH, DEPTH_INFO, POINTS, COLORIZED, CONFIDENCE):
        header = rig.last(topic).header
        assert stamp_ns(header.stamp) == stamp(3)
        assert header.frame_id == "camera_optical_frame"
        assert len(rig.host.published[topic]) == 1


def test_depth_has_the_camera_s_size_and_K(checkpoint):
    rig = Rig(checkpoint, **ALL)
    rig.info()
    rig.image()
    depth, info = rig.last(DEPTH), rig.last(DEPTH_INFO)
    assert (depth.width, depth.height, depth.encoding) == (WIDTH, HEIGHT, "32FC1")
    assert depth.step == 4 * WIDTH and not depth.is_bigendian
    np.testing.assert_allclose(info.k, [80, 0, WIDTH / 2, 0, 80, HEIGHT / 2, 0, 0, 1])
    assert np.nanmin(rig.depth()) > 0
    assert rig.last(COLORIZED).encoding == "rgb8"
    sure = rig.last(CONFIDENCE).data.view(np.float32)
    assert sure.min() >= 0 and sure.max() <= 1


def test_network_resolution_scales_K_and_P(checkpoint):
    rig = Rig(checkpoint, resolution="network", network_width=64, network_height=64)
    P = np.array([[80.0, 0, 48, -40], [0, 80, 32, 0], [0, 0, 1, 0]])  # a right camera: P[0,3]
    rig.info(p=P)
    rig.image()
    depth, info = rig.last(DEPTH), rig.last(DEPTH_INFO)
    assert (depth.width, depth.height) == (info.width, info.height) == (64, 43)
    sx, sy = 64 / WIDTH, 43 / HEIGHT
    K, P = np.reshape(info.k, (3, 3)), np.reshape(info.p, (3, 4))
    np.testing.assert_allclose((K[0, 0], K[1, 1]), (80 * sx, 80 * sy))
    np.testing.assert_allclose(K[0, 2] + 0.5, (WIDTH / 2 + 0.5) * sx)
    np.testing.assert_allclose(K[1, 2] + 0.5, (HEIGHT / 2 + 0.5) * sy)
    np.testing.assert_allclose(P[:, :3], K)
    np.testing.assert_allclose(P[0, 3], -40 * sx)


def test_crop_says_nan_where_the_network_saw_nothing(checkpoint):
    rig = Rig(checkpoint)
    ones = GivenDepth(lambda image: np.ones(image.shape[1:], np.float32))
    rig.component._predictor = DepthPredictor(ones, "crop", size=(64, 64))
    rig.info()
    rig.image()
    seen = np.isfinite(rig.depth())
    assert seen[:, 16:80].all() and not seen[:, :16].any() and not seen[:, 80:].any()


def test_sixteen_bit_depth_is_millimetres(checkpoint):
    metres, millimetres = Rig(checkpoint), Rig(checkpoint, depth_encoding="16UC1")
    for rig in (metres, millimetres):
        rig.info()
        rig.image()
    assert millimetres.last(DEPTH).encoding == "16UC1"
    expected = np.nan_to_num(1000 * metres.depth(), nan=0)
    np.testing.assert_allclose(millimetres.depth(), expected, atol=0.51)


def test_points_are_the_depth_back_projected(checkpoint):
    plain = Rig(checkpoint, **ALL, points_edge_threshold=0.0, points_stride=4)
    plain.info()
    plain.image()
    cloud, depth = plain.last(POINTS), plain.depth()[::4, ::4]
    assert (cloud.height, cloud.width) == depth.shape and not cloud.is_dense
    points = cloud.data.view(np.float32).reshape(*depth.shape, 4)
    v, u = 4 * np.indices(depth.shape)
    np.testing.assert_allclose(points[..., 2], depth)
    np.testing.assert_allclose(points[..., 0], (u - WIDTH / 2) / 80 * depth, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(points[..., 1], (v - HEIGHT / 2) / 80 * depth, rtol=1e-5, atol=1e-7)
    packed = points[..., 3].copy().view(np.uint32)
    rgb = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], -1)
    np.testing.assert_array_equal(rgb, picture()[::4, ::4])


def test_points_leave_out_far_and_flying_pixels(checkpoint):
    rig = Rig(checkpoint, **ALL, points_max_range=5.0, points_edge_threshold=0.2)
    step = np.full((64, 128), 2.0, np.float32)
    step[:, 64:] = 4.0
    step[:16] = 9.0
    rig.component._predictor = DepthPredictor(GivenDepth(lambda image: step), "stretch")
    rig.info()
    rig.image()
    z = rig.last(POINTS).data.view(np.float32).reshape(HEIGHT, WIDTH, 4)[..., 2]
    assert np.isnan(z[:15]).all(), "beyond points_max_range"
    assert np.isnan(z[30, 47:49]).all(), "the jump from 2 m to 4 m"
    assert (z[30, 2:40] == 2).all() and (z[30, 56:94] == 4).all()
    assert np.isfinite(rig.depth()).all(), "the depth picture keeps them"


def test_nothing_is_made_that_nobody_wants(checkpoint):
    rig = Rig(checkpoint, **ALL)
    rig.host.unwanted = {POINTS, COLORIZED}
    rig.info()
    rig.image()
    assert set(rig.host.published) == {DEPTH, DEPTH_INFO, CONFIDENCE, LATENCY}


def test_without_a_listener_the_network_rests_unless_it_is_always_on(checkpoint):
    rig, always = Rig(checkpoint, **ALL), Rig(checkpoint, always_on=True)
    for each in (rig, always):
        each.host.unwanted = set(OUTPUTS)
        each.info()
        each.image()
    assert (rig.tally.processed, rig.tally.ignored, rig.tally.received) == (0, 1, 1)
    assert rig.host.report().message.endswith("nobody subscribes to an output")
    assert always.tally.processed == 1 and not always.host.published
    rig.host.unwanted = set(OUTPUTS) - {COLORIZED}
    rig.image(1)
    assert rig.tally.processed == 1 and set(rig.host.published) == {COLORIZED}


def test_an_output_that_is_switched_off_wakes_nobody(checkpoint):
    rig = Rig(checkpoint)
    rig.host.unwanted = set(OUTPUTS) - {COLORIZED}  # someone waits for it in vain
    rig.info()
    rig.image()
    assert rig.tally.ignored == 1


def test_latency_counts_from_the_stamp(checkpoint):
    rig = Rig(checkpoint)
    rig.host.time = stamp(0) + 300_000_000
    rig.info()
    rig.image(0)
    assert 0.3 < rig.last(LATENCY).data < 2.0


# ---------------------------------------------------------------------- service, lateness


def test_enable_puts_the_network_to_rest_and_wakes_it(checkpoint):
    rig = Rig(checkpoint)
    rig.info()
    for index, enabled in enumerate((False, True)):
        request = rig.host.messages.make("std_msgs/msg/Bool", data=enabled)
        assert rig.host.services[ENABLE](request)["success"]
        rig.image(index)
        assert (rig.tally.processed, rig.tally.ignored) == (int(enabled), 1)
    assert rig.tally.received == 2


def warnings(rig, words):
    return [text for severity, text in rig.host.logged if severity == "warn" and words in text]


def tick(rig, seconds):
    for _ in range(seconds):
        for timer in rig.host.timers:
            timer()


def test_missing_inputs_are_said_once_with_who_publishes_there(checkpoint):
    rig = Rig(checkpoint)
    rig.host.publishers = [Publisher("/cam", "sensor_msgs/msg/Image", "reliable, volatile")]
    tick(rig, 4)
    assert not warnings(rig, "no picture")
    tick(rig, 10)
    (picture_warning,) = warnings(rig, "no picture on /camera/image_raw for 5 s")
    assert "/cam (sensor_msgs/msg/Image, reliable, volatile)" in picture_warning
    (info_warning,) = warnings(rig, "no CameraInfo on /camera/camera_info for 5 s")
    assert "expects sensor_msgs/msg/CameraInfo" in info_warning
    rig.info()
    rig.image()
    said = [text for severity, text in rig.host.logged if severity == "info"]
    assert any("picture comes on /camera/image_raw now" in text for text in said)
    tick(rig, 20)
    assert len(warnings(rig, "no picture")) == 2, "the camera stopped: pictures are needed for ever"
    assert len(warnings(rig, "no CameraInfo")) == 1, "one is enough"


def test_nobody_there_is_said(checkpoint):
    rig = Rig(checkpoint)
    tick(rig, 5)
    assert "nobody publishes there" in warnings(rig, "no picture")[0]


@pytest.mark.parametrize(
    ("topic", "transport", "expected", "kind"),
    [
        ("/cam/image_raw", "raw", "/cam/image_raw", "Image"),
        ("/cam/image_raw", "compressed", "/cam/image_raw/compressed", "CompressedImage"),
        ("/cam/image_raw/compressed", "raw", "/cam/image_raw/compressed", "CompressedImage"),
        ("/cam/image_raw/compressed", "compressed", "/cam/image_raw/compressed", "CompressedImage"),
    ],
)
def test_compressed_pictures_come_from_their_own_topic(
    checkpoint, topic, transport, expected, kind
):
    rig = Rig(checkpoint, MemoryHost(topic), image_transport=transport)
    assert rig.host.callbacks[expected] == f"sensor_msgs/msg/{kind}"
    assert rig.component.image_topic == expected
    rig.host.publishers = [Publisher("", "sensor_msgs/msg/PointCloud2", "reliable, volatile")]
    tick(rig, 5)
    assert "image_transport" not in warnings(rig, "no picture")[0]
    rig = Rig(checkpoint, MemoryHost(topic), image_transport=transport)
    other = {"Image": "CompressedImage", "CompressedImage": "Image"}[kind]
    rig.host.publishers = [Publisher("", f"sensor_msgs/msg/{other}", "reliable, volatile")]
    tick(rig, 5)
    assert "image_transport" in warnings(rig, "no picture")[0]


# ---------------------------------------------------------------------- diagnostics


def test_diagnostics_tell_rates_latency_and_counts(checkpoint):
    rig = Rig(checkpoint, MemoryHost(patient=True), metres_per_unit=2.0)
    rig.info()
    rig.host.report()
    for second in range(1, 6):
        rig.host.time = 42 + second * 10**9
        for index in range(4):
            rig.host.waiting.clear()
            rig.image(4 * second + index)
        rig.host.work()
        report = rig.host.report()
    values = report.values
    assert (values["input_rate"], values["output_rate"]) == ("4.00 Hz", "1.00 Hz")
    assert (values["received"], values["processed"], values["dropped"]) == ("20", "5", "15")
    assert (values["scale"], values["scale_source"]) == ("metric", "parameter")
    assert values["backend"] == "torch on cpu, fp32" and values["state"] == "active"
    for stage in ("read", "encode", "denoise", "publish", "total"):
        assert all(f"p{n} " in values[f"latency_{stage}"] for n in (50, 95, 99))


@pytest.mark.parametrize(
    ("limits", "level", "words"),
    [
        ({"rate_warn": 0.5, "rate_error": 0.1}, OK, "metric depth"),
        ({"rate_warn": 2.0, "rate_error": 0.1}, WARN, "1.0 Hz come out, less than 2 Hz"),
        ({"rate_warn": 9.0, "rate_error": 5.0}, ERROR, "less than 5 Hz"),
        ({"latency_warn": 20.0, "latency_error": 500.0}, WARN, "more than 20 s"),
        ({"latency_warn": 10.0, "latency_error": 20.0}, ERROR, "more than 20 s"),
        ({"age": 1e6}, WARN, "stamps and clock are 1000000 s apart"),
        ({"age": -5}, WARN, "stamps and clock are 5 s apart"),
    ],
)
def test_thresholds_make_the_level(checkpoint, limits, level, words):
    never = {"latency_warn": 0.0, "latency_error": 0.0}
    limits = dict(limits)
    age = round(limits.pop("age", 30) * 10**9)
    rig = Rig(checkpoint, metres_per_unit=2.0, **(never | limits))
    rig.info()
    rig.host.time = stamp(0)
    rig.host.report()
    for _ in range(3):
        rig.host.time += 10**9
        rig.image(0, header=make_header(rig.host.messages, rig.host.time - age, ""))
        report = rig.host.report()
    assert report.level == level and words in report.message


def test_diagnostics_tell_the_whole_life(checkpoint, tmp_path, monkeypatch):
    host = MemoryHost()
    component = DepthComponent(host, DepthParameters(checkpoint=str(tmp_path / "none")))
    assert host.report().message == "unconfigured"
    with pytest.raises(CheckpointError):
        component.configure()
    assert host.report().level == ERROR and "no checkpoint at" in host.report().message
    component.parameters = DepthParameters(checkpoint=str(checkpoint), metres_per_unit=1.0)
    during = []
    host.log = lambda severity, text: during.append(host.report().values["state"])
    monkeypatch.setattr("jasmine_ros.depth_component.PROGRESS", 0.001)
    component.configure()
    assert "loading" in during, "a word while it lasts, and diagnostics meanwhile"
    assert host.report().values["state"] == "inactive"
    component.activate()
    assert (host.report().level, host.report().values["state"]) == (OK, "active")
    component.deactivate()
    component.cleanup()
    assert host.report().values["state"] == "unconfigured"


def test_a_skipped_picture_shows_in_the_diagnostics(checkpoint):
    rig = Rig(checkpoint, metres_per_unit=1.0)
    rig.info()
    rig.host.report()
    rig.image(0, encoding="rgb24")
    rig.host.time += 10**9
    report = rig.host.report()
    assert report.level == WARN and "1 pictures skipped" in report.message
    assert "'rgb24'" in report.message


# ---------------------------------------------------------------------- scale


def test_unknown_scale_is_said_aloud(checkpoint):
    rig = Rig(checkpoint)
    assert any(s == "warn" and "up-to-scale" in text for s, text in rig.host.logged)
    report = rig.host.report()
    assert report.level == WARN and report.message == "depth is up-to-scale"
    assert report.values["scale"] == "up-to-scale"


def test_metres_per_unit_scales_depth_and_says_metric(checkpoint):
    plain, metric = Rig(checkpoint), Rig(checkpoint, metres_per_unit=30.0)
    for rig in (plain, metric):
        rig.info()
        rig.image()
    np.testing.assert_allclose(metric.depth(), 30 * plain.depth(), rtol=1e-6)
    assert not any("up-to-scale" in text for _, text in metric.host.logged)
    report = metric.host.report()
    assert (report.level, report.message) == (OK, "metric depth")


def test_range_limits_hold_in_metres(checkpoint):
    ramp = np.tile(np.linspace(0, 2, 128, dtype=np.float32), (64, 1))
    rig = Rig(checkpoint, metres_per_unit=10.0, min_depth=5.0, max_depth=12.0)
    rig.component._predictor = DepthPredictor(GivenDepth(lambda image: ramp), "stretch")
    rig.info()
    rig.image()
    known = rig.depth()[np.isfinite(rig.depth())]
    assert known.min() >= 5 and known.max() <= 12 and known.size > 0.3 * WIDTH * HEIGHT


def test_zero_depth_is_unknown(checkpoint):
    rig = Rig(checkpoint)
    half = np.zeros((64, 128), np.float32)
    half[:, 64:] = 1.0
    rig.component._predictor = DepthPredictor(GivenDepth(lambda image: half), "stretch")
    rig.info()
    rig.image()
    assert np.isnan(rig.depth()[:, :40]).all() and (rig.depth()[:, 56:] == 1).all()


# ---------------------------------------------------------------------- camera

DISTORTED = {"d": np.array([-0.3, 0.1, 0, 0, 0])}


def test_distorted_pictures_are_rectified(checkpoint):
    rig = Rig(checkpoint)
    rig.info(**DISTORTED, p=np.array([[60.0, 0, 48, 0], [0, 60, 32, 0], [0, 0, 1, 0]]))
    rig.image()
    assert not np.array_equal(rig.host.frames[0].image, picture())
    np.testing.assert_allclose(np.reshape(rig.last(DEPTH_INFO).k, (3, 3))[0, 0], 60)
    assert not np.any(rig.last(DEPTH_INFO).d)
    assert np.isnan(rig.depth()[0, 0]), "zoomed out: the corner was never seen"
    assert np.isfinite(rig.depth()[HEIGHT // 2, WIDTH // 2])


@pytest.mark.parametrize(
    ("topic", "mode", "rectified"),
    [
        ("/camera/image_rect", "auto", False),
        ("/camera/image_rect_color/compressed", "auto", False),
        ("/rectangle/image_raw", "auto", True),
        ("/camera/image_raw", "never", False),
        ("/camera/image_rect", "always", True),
    ],
)
def test_rectified_topics_are_not_rectified_again(checkpoint, topic, mode, rectified):
    """image_proc's image_rect shares the raw camera's CameraInfo, D included."""
    rig = Rig(checkpoint, MemoryHost(topic), rectify=mode)
    rig.info(**DISTORTED)
    rig.image()
    assert np.array_equal(rig.host.frames[0].image, picture()) is not rectified


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"k": np.zeros((3, 3))}, "not calibrated"),
        ({"width": 2 * WIDTH, "height": 2 * HEIGHT}, f"{WIDTH}x{HEIGHT} px but its CameraInfo"),
        ({"distortion_model": "magic", "d": np.ones(5)}, "'magic'"),
        ({"d": np.ones(3)}, "calibrate"),
    ],
)
def test_a_bad_camera_info_spoils_frames_until_a_good_one_comes(checkpoint, fields, words):
    rig = Rig(checkpoint)
    rig.info(**fields)
    rig.image(0)
    assert (rig.tally.processed, rig.tally.skipped) == (0, 1)
    (reason,) = rig.tally.reasons["unusable"]
    assert words in reason and "/camera/camera_info" in reason
    rig.info()
    rig.image(1)
    assert (rig.tally.processed, rig.tally.skipped) == (1, 1)


def test_pictures_wait_for_a_camera_info(checkpoint):
    rig = Rig(checkpoint)
    rig.image(0)
    assert "no message on /camera/camera_info yet" in rig.tally.reasons["unusable"][0]
    rig.info()
    rig.image(1)
    assert rig.tally.processed == 1


# ---------------------------------------------------------------------- bad frames


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"encoding": "rgb24"}, "'rgb24'"),
        ({"data": np.zeros(100, np.uint8)}, "100 bytes"),
        ({"step": 7}, "step 7"),
        ({"height": 0}, "x0 px"),
    ],
)
def test_one_bad_picture_is_counted_and_skipped(checkpoint, fields, words):
    rig = Rig(checkpoint)
    rig.info()
    rig.image(0)
    rig.image(1, **fields)
    rig.image(2)
    assert (rig.tally.received, rig.tally.processed, rig.tally.skipped) == (3, 2, 1)
    assert words in rig.tally.reasons["unusable"][0]
    assert "/camera/image_raw" in rig.tally.reasons["unusable"][0]
    assert [s for s, text in rig.host.logged if "skipped" in text] == ["warn"]


def test_a_network_without_an_answer_does_not_stop_the_node(checkpoint):
    answers = iter([np.full((64, 128), np.nan), np.ones((64, 128))])
    rig = Rig(checkpoint)
    given = GivenDepth(lambda image: next(answers).astype(np.float32))
    rig.component._predictor = DepthPredictor(given, "stretch")
    rig.info()
    rig.image(0)
    rig.image(1)
    assert (rig.tally.processed, rig.tally.skipped) == (1, 1)
    assert "found no depth" in rig.tally.reasons["unusable"][0]


def test_a_failing_library_does_not_stop_the_node(checkpoint):
    def out_of_memory(image):
        raise RuntimeError("out of memory")

    rig = Rig(checkpoint)
    good = rig.component._predictor
    rig.info()
    rig.component._predictor = DepthPredictor(GivenDepth(out_of_memory))
    rig.image(0)
    rig.component._predictor = good
    rig.image(1)
    assert (rig.tally.processed, rig.tally.skipped) == (1, 1)
    assert rig.tally.reasons["failed"] == ["RuntimeError: out of memory"]


def test_repeated_failures_do_not_flood_the_log(checkpoint):
    rig = Rig(checkpoint)
    rig.info()
    for index in range(250):
        rig.image(index, encoding="rgb24")
    assert sum("skipped" in text for _, text in rig.host.logged) == 3  # the 1st, 100th, 200th


def test_stamps_that_jump_back_are_processed_and_counted(checkpoint):
    rig = Rig(checkpoint)
    rig.info()
    for index in (5, 6, 1, 2):
        rig.image(index)
    assert (rig.tally.processed, rig.tally.backwards) == (4, 1)


# ---------------------------------------------------------------------- life-cycle, parameters


def test_only_the_newest_picture_is_processed(checkpoint):
    rig = Rig(checkpoint, MemoryHost(patient=True))
    rig.info()
    for index in range(5):
        rig.image(index)
    rig.host.work()
    assert (rig.tally.received, rig.tally.processed, rig.tally.dropped) == (5, 1, 4)
    assert rig.host.frames[0].stamp == stamp(4)


def test_deactivate_drops_what_waits_and_cleanup_frees_the_model(checkpoint):
    rig = Rig(checkpoint, MemoryHost(patient=True))
    rig.info()
    rig.image(0)
    rig.component.deactivate()
    rig.host.work()
    assert (rig.tally.processed, rig.tally.ignored) == (0, 1)
    assert not (rig.host.callbacks or rig.host.timers or rig.host.advertised)
    rig.component.cleanup()
    with pytest.raises(ConfigError, match="not configured"):
        _ = rig.component.predictor
    rig.component.configure()
    rig.component.activate()
    rig.info()
    rig.image(1)
    rig.host.work()
    assert rig.tally.processed == 1


def test_a_frame_that_is_done_after_deactivate_is_not_published(checkpoint):
    rig = Rig(checkpoint)

    def answer(image):
        rig.component.deactivate()
        return np.ones(image.shape[1:], np.float32)

    rig.component._predictor = DepthPredictor(GivenDepth(answer))
    rig.info()
    rig.image()
    assert not rig.host.published and not rig.host.frames
    assert (rig.tally.processed, rig.tally.ignored) == (0, 1)


def test_a_missing_checkpoint_fails_configure(tmp_path):
    component = DepthComponent(MemoryHost(), DepthParameters(checkpoint=str(tmp_path / "none")))
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        component.configure()


def test_parameters_change_all_or_none(checkpoint):
    rig = Rig(checkpoint)
    before = rig.component.parameters
    for changes, words in (
        ({"publish_points": True, "points_stride": 0}, "points_stride is 0"),
        ({"publish_points": True, "checkpoint": "other"}, "at start only"),
        ({"publish_points": True, "nonsense": 1}, "nonsense"),
        ({"publish_points": "yes"}, "publish_points"),
        ({"min_depth": 5.0, "max_depth": 2.0}, "raise max_depth"),
    ):
        with pytest.raises(ConfigError, match=words):
            rig.component.on_parameters(changes)
        assert rig.component.parameters == before
    rig.component.on_parameters({"publish_points": True, "points_stride": 2})
    rig.info()
    rig.image()
    assert rig.last(POINTS).width == WIDTH // 2
