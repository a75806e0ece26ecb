# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Contract: an image gives the same depth on every host."""

from __future__ import annotations

import cv2
import numpy as np
from helpers.camera_bags import HEIGHT, WIDTH, pixels, stamp

from contract.steps import STATUSES, compressed, image, info
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.compressed_images import decode_compressed
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.node.frame_pipeline import MIN_DEPTH
from jasmine_ros.node.topics import COLORIZED, CONFIDENCE, DEPTH, DEPTH_INFO, DIAGNOSTICS, POINTS

ALL = {"publish_points": True, "publish_colorized": True, "publish_confidence": True}
OUTPUTS = (DEPTH, DEPTH_INFO, POINTS, COLORIZED, CONFIDENCE)


def known(depth: np.ndarray) -> np.ndarray:
    """Return predicted depth as it is published, with NaN for unknown pixels."""
    return np.where(depth >= MIN_DEPTH, depth, np.float32(np.nan))


def test_every_output_has_the_timestamp_and_frame_of_its_image(driver):
    messages = RosbagsMessages()
    odd = stamp(4) + 123_456_789
    steps = [
        info(),
        image(3),
        image(4, header=make_header(messages, odd, "left eye/optical")),
        image(5, header=make_header(messages, stamp(5), "")),
    ]
    heard = driver.run(steps, **ALL)
    for topic in OUTPUTS:
        assert heard.stamps(topic) == [stamp(3), odd, stamp(5)], topic
        frames = [message.header.frame_id for message in heard.messages[topic]]
        assert frames == ["camera_optical_frame", "left eye/optical", ""], topic
    assert heard.counts == STATUSES | {"received": 3, "processed": 3}


def test_depth_equals_that_of_the_predictor_at_the_size_of_the_camera(driver, predictor):
    heard = driver.run([info(), image(1)], **ALL)
    (message,), (camera,) = heard.messages[DEPTH], heard.messages[DEPTH_INFO]
    assert (message.width, message.height, message.encoding) == (WIDTH, HEIGHT, "32FC1")
    assert message.step == 4 * WIDTH and not message.is_bigendian
    np.testing.assert_allclose(heard.depth(1), known(predictor()(pixels(1)).depth), rtol=1e-4)
    np.testing.assert_allclose(camera.k, [80, 0, WIDTH / 2, 0, 80, HEIGHT / 2, 0, 0, 1])
    assert not np.any(camera.d)


def test_the_network_s_resolution_scales_K_and_P(driver, predictor):
    w, h = 3 * WIDTH, 3 * HEIGHT
    P = np.array([[80.0, 0, w / 2, -40], [0, 80, h / 2, 0], [0, 0, 1, 0]])  # a right camera
    steps = [info(width=w, height=h, p=P), image(1, pixels(1, w, h))]
    heard = driver.run(steps, resolution="network")
    expected = predictor(resolution="network")(pixels(1, w, h)).depth
    np.testing.assert_allclose(heard.depth(1), known(expected), rtol=1e-4)
    (camera,) = heard.messages[DEPTH_INFO]
    assert (camera.height, camera.width) == expected.shape != (h, w)
    sx, sy = camera.width / w, camera.height / h
    K, P = np.reshape(camera.k, (3, 3)), np.reshape(camera.p, (3, 4))
    np.testing.assert_allclose((K[0, 0], K[1, 1]), (80 * sx, 80 * sy))
    np.testing.assert_allclose(K[:2, 2] + 0.5, np.multiply((w / 2 + 0.5, h / 2 + 0.5), (sx, sy)))
    np.testing.assert_allclose(P[:, :3], K)
    np.testing.assert_allclose(P[0, 3], -40 * sx)


def test_one_scene_gives_the_same_depth_in_every_encoding(driver, predictor):
    rgb = pixels(0)
    padded = np.pad(rgb.reshape(HEIGHT, -1), ((0, 0), (0, 13)))
    deep = (rgb.astype("u2") << 8).astype(">u2")
    ways = [
        {},
        {"encoding": "bgr8", "data": rgb[..., ::-1].reshape(-1)},
        {"encoding": "8UC3", "data": rgb[..., ::-1].reshape(-1)},
        {"step": padded.shape[1], "data": padded.reshape(-1)},
        {
            "encoding": "rgba8",
            "step": 4 * WIDTH,
            "data": np.pad(rgb, ((0, 0), (0, 0), (0, 1))).reshape(-1),
        },
        {
            "encoding": "rgb16",
            "is_bigendian": 1,
            "step": 6 * WIDTH,
            "data": deep.reshape(-1).view(np.uint8),
        },
    ]
    steps = [image(index, rgb, **fields) for index, fields in enumerate(ways)]
    heard = driver.run([info(), *steps])
    expected = known(predictor()(rgb).depth)
    for index, way in enumerate(ways):
        np.testing.assert_allclose(heard.depth(index), expected, rtol=1e-4, err_msg=str(way))


def test_a_grey_image_is_processed_as_three_equal_channels(driver, predictor):
    grey = pixels(2)[..., 0]
    step = image(2, encoding="mono8", step=WIDTH, data=grey.reshape(-1))
    expected = known(predictor()(np.stack([grey] * 3, axis=-1)).depth)
    np.testing.assert_allclose(driver.run([info(), step]).depth(2), expected, rtol=1e-4)


def test_compressed_images_give_the_depth_of_their_pixels(driver, predictor):
    heard = driver.run([info(), compressed(0, ".png"), compressed(1, ".jpg")])
    np.testing.assert_allclose(heard.depth(0), known(predictor()(pixels(0)).depth), rtol=1e-4)
    jpeg = cv2.imencode(".jpg", pixels(1)[..., ::-1])[1].reshape(-1)
    message = RosbagsMessages().make("sensor_msgs/msg/CompressedImage", format="jpeg", data=jpeg)
    seen = decode_compressed(message)
    np.testing.assert_allclose(heard.depth(1), known(predictor()(seen).depth), rtol=1e-4)


def test_sixteen_bits_are_millimetres_and_zero_is_unknown(driver, predictor):
    heard = driver.run([info(), image(1)], depth_encoding="16UC1", metres_per_unit=2.0)
    metres = 2 * predictor()(pixels(1)).depth
    (message,) = heard.messages[DEPTH]
    assert (message.encoding, message.step) == ("16UC1", 2 * WIDTH)
    expected = np.where(metres > 0, np.minimum(1000 * metres, 65535), 0)
    near = expected < 65000  # The unit test of the conversion covers larger depths.
    np.testing.assert_allclose(heard.depth(1)[near], expected[near], atol=0.51 + 1e-4 * 65535)
    assert heard.messages[DIAGNOSTICS], "the node publishes diagnostics"


def test_lens_distortion_is_removed_and_K_comes_from_P(driver):
    P = np.array([[60.0, 0, 48, 0], [0, 60, 32, 0], [0, 0, 1, 0]])
    distorted = info(d=np.array([-0.3, 0.1, 0, 0, 0]), p=P)
    heard = driver.run([distorted, image(1), info(), image(2)])
    first, second = heard.messages[DEPTH_INFO]
    assert (first.k[0], second.k[0]) == (60, 80) and not np.any(first.d)
    assert np.isnan(heard.depth(1)[0, 0]), "zoomed out: the corner was never seen"
    assert np.isfinite(heard.depth(1)[HEIGHT // 2, WIDTH // 2])


def test_size_and_frame_may_change_at_run_time(driver, predictor):
    small, large = (64, 48), (160, 96)
    steps = []
    for index, (width, height) in enumerate((small, large, small)):
        steps += [info(index, width=width, height=height)]
        steps += [image(index, pixels(index, width, height))]
    stale = image(3, pixels(3, *large))  # Its CameraInfo still has the smaller size.
    heard = driver.run([*steps, stale, image(4, pixels(4, *small))])
    assert heard.stamps() == [stamp(index) for index in (0, 1, 2, 4)]
    for index, (width, height) in ((0, small), (1, large), (2, small), (4, small)):
        expected = known(predictor()(pixels(index, width, height)).depth)
        np.testing.assert_allclose(heard.depth(index), expected, rtol=1e-4)
    sizes = [(camera.width, camera.height) for camera in heard.messages[DEPTH_INFO]]
    assert sizes == [small, large, small, small]
    assert heard.counts["skipped"] == 1


def test_the_cloud_contains_every_n_th_point_of_the_depth(driver):
    heard = driver.run(
        [info(), image(1)], publish_points=True, points_stride=4, points_edge_threshold=0.0
    )
    (cloud,) = heard.messages[POINTS]
    depth = heard.depth(1)[::4, ::4]
    assert (cloud.height, cloud.width) == depth.shape and not cloud.is_dense
    points = cloud.data.view(np.float32).reshape(*depth.shape, 4)
    np.testing.assert_allclose(points[..., 2], depth)
    v, u = 4 * np.indices(depth.shape)
    np.testing.assert_allclose(points[..., 0], (u - WIDTH / 2) / 80 * depth, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(points[..., 1], (v - HEIGHT / 2) / 80 * depth, rtol=1e-5, atol=1e-7)
