# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Published outputs of one image: sizes, units, intrinsics, points and subscribers."""

from __future__ import annotations

import numpy as np
from helpers.camera_bags import HEIGHT, WIDTH, pixels, stamp
from helpers.component_rig import ALL, GivenDepth, Rig

from jasmine_core.runtime.confidence import FEATURES, Calibration, Line
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.scale import fixed_scale
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.diagnostics import OK, WARN
from jasmine_ros.node.topics import (
    COLORIZED,
    CONFIDENCE,
    DEPTH,
    DEPTH_INFO,
    DIAGNOSTICS,
    LATENCY,
    OUTPUTS,
    POINTS,
    UNCERTAINTY,
)


def test_every_output_has_the_stamp_and_frame_of_its_image(checkpoint):
    rig = Rig(checkpoint, **ALL)
    rig.info()
    rig.image(3)
    assert rig.host.advertised == {t: k for t, k in OUTPUTS.items() if t != DIAGNOSTICS}
    for topic in (DEPTH, DEPTH_INFO, POINTS, COLORIZED, CONFIDENCE):
        header = rig.last(topic).header
        assert stamp_ns(header.stamp) == stamp(3)
        assert header.frame_id == "camera_optical_frame"
        assert len(rig.host.published[topic]) == 1


def test_depth_has_the_size_and_intrinsics_of_the_camera(checkpoint):
    rig = Rig(checkpoint, **ALL)
    rig.info()
    rig.image()
    depth, info = rig.last(DEPTH), rig.last(DEPTH_INFO)
    assert (depth.width, depth.height, depth.encoding) == (WIDTH, HEIGHT, "32FC1")
    assert depth.step == 4 * WIDTH and not depth.is_bigendian
    np.testing.assert_allclose(info.k, [80, 0, WIDTH / 2, 0, 80, HEIGHT / 2, 0, 0, 1])
    assert np.nanmin(rig.depth()) > 0
    assert rig.last(COLORIZED).encoding == "rgb8"
    confidence = rig.last(CONFIDENCE).data.view(np.float32)
    assert confidence.min() >= 0 and confidence.max() <= 1


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


def test_cropped_pixels_are_nan(checkpoint):
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


def test_points_are_the_back_projected_depth(checkpoint):
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
    np.testing.assert_array_equal(rgb, pixels()[::4, ::4])


def test_far_pixels_and_pixels_on_edges_are_not_in_the_point_cloud(checkpoint):
    rig = Rig(checkpoint, **ALL, points_max_range=5.0, points_edge_threshold=0.2)
    step = np.full((64, 128), 2.0, np.float32)
    step[:, 64:] = 4.0
    step[:16] = 9.0
    rig.component._predictor = DepthPredictor(GivenDepth(lambda image: step), "stretch")
    rig.info()
    rig.image()
    z = rig.last(POINTS).data.view(np.float32).reshape(HEIGHT, WIDTH, 4)[..., 2]
    assert np.isnan(z[:15]).all(), "beyond points_max_range"
    assert np.isnan(z[30, 47:49]).all(), "the edge between 2 m and 4 m"
    assert (z[30, 2:40] == 2).all() and (z[30, 56:94] == 4).all()
    assert np.isfinite(rig.depth()).all(), "the depth image keeps these pixels"


def test_outputs_without_subscriber_are_not_published(checkpoint):
    rig = Rig(checkpoint, **ALL)
    rig.host.unwanted = {POINTS, COLORIZED}
    rig.info()
    rig.image()
    assert set(rig.host.published) == {DEPTH, DEPTH_INFO, CONFIDENCE, LATENCY}


def test_without_a_subscriber_the_network_runs_only_with_always_on(checkpoint):
    rig, always = Rig(checkpoint, **ALL), Rig(checkpoint, always_on=True)
    for each in (rig, always):
        each.host.unwanted = set(OUTPUTS)
        each.info()
        each.image()
    assert (rig.counts.processed, rig.counts.ignored, rig.counts.received) == (0, 1, 1)
    assert rig.host.report().message.endswith("no output has a subscriber")
    assert always.counts.processed == 1 and not always.host.published
    rig.host.unwanted = set(OUTPUTS) - {COLORIZED}
    rig.image(1)
    assert rig.counts.processed == 1 and set(rig.host.published) == {COLORIZED}


def test_a_subscriber_of_a_disabled_output_does_not_start_the_network(checkpoint):
    rig = Rig(checkpoint)
    rig.host.unwanted = set(OUTPUTS) - {COLORIZED}  # the disabled output has a subscriber
    rig.info()
    rig.image()
    assert rig.counts.ignored == 1


def test_latency_is_measured_from_the_stamp(checkpoint):
    rig = Rig(checkpoint)
    rig.host.time = stamp(0) + 300_000_000
    rig.info()
    rig.image(0)
    assert 0.3 < rig.last(LATENCY).data < 2.0


# ---------------------------------------------------------------------- scale


def test_an_unknown_scale_is_logged_and_reported(checkpoint):
    rig = Rig(checkpoint)
    assert any(s == "warn" and "up-to-scale" in text for s, text in rig.host.logged)
    report = rig.host.report()
    assert report.level == WARN and report.message == "depth is up-to-scale"
    assert report.values["scale"] == "up-to-scale"


def test_metres_per_unit_scales_the_depth_and_makes_it_metric(checkpoint):
    plain, metric = Rig(checkpoint), Rig(checkpoint, metres_per_unit=30.0)
    for rig in (plain, metric):
        rig.info()
        rig.image()
    np.testing.assert_allclose(metric.depth(), 30 * plain.depth(), rtol=1e-6)
    assert not any("up-to-scale" in text for _, text in metric.host.logged)
    report = metric.host.report()
    assert (report.level, report.message) == (OK, "depth is metric")


def test_range_limits_are_in_metres(checkpoint):
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


def by_texture():
    """Return a calibration whose confidence is 0.9 on plain pixels and 0.1 on textured ones."""
    logit = float(np.log(9))
    lines = dict.fromkeys(FEATURES, Line((0.0,), (0.0,)))
    lines["gradient"] = Line((1.0, 2.0), (logit, -logit))
    return Calibration(0.0, lines, Line((0.1, 0.9), (0.5, 0.02)))


def half_textured(checkpoint, **parameters):
    """Return a rig after an image whose right half is textured, and whose depth is 2."""
    rig = Rig(checkpoint, publish_points=True, publish_confidence=True, **parameters)
    twos = GivenDepth(lambda image: np.full(image.shape[1:], 2.0, np.float32))
    rig.component._predictor = DepthPredictor(twos, "stretch", calibration=by_texture())
    image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    rng = np.random.default_rng(0)
    image[:, WIDTH // 2 :] = rng.integers(0, 256, (HEIGHT, WIDTH // 2, 3))
    rig.info()
    rig.image(rgb=image)
    return rig


LEFT, RIGHT = np.s_[:, : WIDTH // 2 - 4], np.s_[:, WIDTH // 2 + 4 :]


def test_the_uncertainty_is_the_standard_deviation_in_metres(checkpoint):
    rig = half_textured(checkpoint, publish_uncertainty=True, metres_per_unit=3.0)
    message = rig.last(UNCERTAINTY)
    deviation = message.data.view(np.float32).reshape(HEIGHT, WIDTH)
    assert message.encoding == "32FC1"
    np.testing.assert_allclose(deviation[LEFT], 6 * 0.02, rtol=1e-3)
    assert np.median(deviation[RIGHT]) > 6 * 0.3


def test_the_uncertainty_contains_that_of_a_learned_scale(checkpoint):
    rig = half_textured(checkpoint)
    rig.component.parameters = rig.component.parameters.changed({"publish_uncertainty": True})
    own = DepthPredictor.scale
    try:
        DepthPredictor.scale = property(lambda _: fixed_scale(None, 3.0, 0.15))
        rig.image(1, rgb=np.full((HEIGHT, WIDTH, 3), 100, np.uint8))
    finally:
        DepthPredictor.scale = own
    deviation = rig.last(UNCERTAINTY).data.view(np.float32)
    np.testing.assert_allclose(deviation, 6 * np.hypot(0.02, 0.15), rtol=1e-3)


def test_without_a_calibration_no_uncertainty_is_published(checkpoint):
    rig = Rig(checkpoint, publish_uncertainty=True)
    rig.info()
    rig.image()
    assert not rig.host.published[UNCERTAINTY] and rig.host.published[DEPTH]
    assert any("run jasmine calibrate" in text for _, text in rig.host.logged)


def test_pixels_of_low_confidence_are_not_in_the_point_cloud(checkpoint):
    rig = half_textured(checkpoint, points_min_confidence=0.5)
    points = rig.last(POINTS).data.view(np.float32).reshape(HEIGHT, WIDTH, 4)
    known = np.isfinite(points[..., 2])
    assert known[LEFT].all() and known[RIGHT].mean() < 0.2
    assert np.isfinite(rig.depth()).all(), "the depth image keeps them"
