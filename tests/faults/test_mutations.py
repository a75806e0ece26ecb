# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Damaged messages: the node does not crash, and a processed image equals its message.

The slow tests send 100,000 messages and the others 3,000, with fixed seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from faults.mutations import mutate
from faults.rig import COMPRESSED, IMAGE, INFO, SimulatedBackend, serialised
from helpers.camera_bags import ROS2, Recorder
from helpers.sample_images import samples

from jasmine_ros.node.topics import DEPTH, DEPTH_INFO

WIDTH, HEIGHT = 12, 10
FEW, MANY = 1_000, {IMAGE: 40_000, COMPRESSED: 30_000, INFO: 30_000}
RGB = samples(HEIGHT, WIDTH, 3, 8, seed=1)
COUNTS = [
    pytest.param(lambda kind: FEW, id="few"),
    pytest.param(MANY.get, id="many", marks=pytest.mark.slow),
]

# Bytes of a sample, samples of a pixel, and indices of the red, green and blue sample.
PACKED = {
    f"{name}{8 * size}": (size, count, order)
    for size in (1, 2)
    for name, count, order in (
        ("rgb", 3, (0, 1, 2)),
        ("bgr", 3, (2, 1, 0)),
        ("rgba", 4, (0, 1, 2)),
        ("bgra", 4, (2, 1, 0)),
        ("mono", 1, (0, 0, 0)),
    )
}
PACKED |= {"8UC1": PACKED["mono8"], "8UC": PACKED["mono8"]}
PACKED |= {f"{8 * s}UC3": PACKED[f"bgr{8 * s}"] for s in (1, 2)}
PACKED |= {f"{8 * s}UC4": PACKED[f"bgra{8 * s}"] for s in (1, 2)}


def raw_image(encoding: str, length: int, padding: int = 0, **fields) -> bytes:
    """Return a message of random pixels whose rows have `length` bytes and padding."""
    step = length + padding
    rows = HEIGHT * 3 // 2 if encoding.startswith("nv") else HEIGHT
    data = samples(rows, step, 1, 8, seed=len(encoding)).reshape(-1)
    values = {"encoding": encoding, "step": step, "data": data, **fields}
    ((_, raw),) = serialised(lambda bag: bag.image(10**18, RGB, **values))
    return raw


RAW = [
    raw_image("rgb8", 3 * WIDTH),
    raw_image("bgr8", 3 * WIDTH, 5),
    raw_image("mono8", WIDTH),
    raw_image("bgra8", 4 * WIDTH),
    raw_image("rgb16", 6 * WIDTH, 4, is_bigendian=1),
    raw_image("mono16", 2 * WIDTH),
    raw_image("8UC3", 3 * WIDTH),
    raw_image("bayer_rggb8", WIDTH),
    raw_image("yuv422", 2 * WIDTH),
    raw_image("nv21", WIDTH),
]


def packed_image(message) -> np.ndarray:
    """Return the image [H,W,3] of a message as sensor_msgs/Image defines it."""
    size, count, order = PACKED[message.encoding]
    v, u, c = np.ix_(range(message.height), range(message.width), order)
    high = 0 if message.is_bigendian else size - 1  # the high byte of 16 bits
    return message.data[v * message.step + (u * count + c) * size + high]


def same(a, b, *names: str) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def check(rig, count: int, kinds: Counter, report: Callable[[str, object], None]) -> None:
    """Assert that no image failed and that each was counted; report the numbers."""
    counts = rig.counts
    assert "failed" not in counts.reasons, counts.reasons["failed"]
    assert counts.received == counts.processed + counts.skipped
    report("messages", count)
    for kind, number in sorted(kinds.items()):
        report(kind, number)


@pytest.mark.parametrize("number", COUNTS)
def test_damaged_images_are_refused_or_decoded_exactly(make_rig, number, record_property):
    rig, rng, seen = make_rig(SimulatedBackend()), np.random.default_rng(6), Counter()
    rig.send(lambda bag: bag.info(0, width=WIDTH, height=HEIGHT))
    originals = [ROS2.deserialize_cdr(raw, IMAGE) for raw in RAW]
    images = []
    for raw in RAW:
        rig.raw(IMAGE, raw)
        images.append(rig.host.frames[-1].image.copy())
    for _ in range(number(IMAGE)):
        one, other = (int(i) for i in rng.integers(len(RAW), size=2))
        damaged = mutate(rng, RAW[one], RAW[other])
        rig.host.clear()
        rig.raw(IMAGE, damaged)
        if not rig.host.frames:
            seen["refused"] += 1
            assert not rig.host.published[DEPTH]
            continue
        message = ROS2.deserialize_cdr(damaged, IMAGE)
        (frame,), (depth,) = rig.host.frames, rig.host.published[DEPTH]
        assert frame.image.shape == (message.height, message.width, 3) == (HEIGHT, WIDTH, 3)
        assert (depth.height, depth.width) == (HEIGHT, WIDTH)
        assert same(depth.header, message.header, "frame_id")
        assert same(depth.header.stamp, message.header.stamp, "sec", "nanosec")
        if message.encoding in PACKED:
            np.testing.assert_array_equal(frame.image, packed_image(message))
            seen["processed, equal to the message"] += 1
        elif same(message, originals[one], "encoding", "step", "is_bigendian", "data"):
            np.testing.assert_array_equal(frame.image, images[one])
            seen["processed, equal to the undamaged image"] += 1
        else:
            seen["processed, Bayer or YUV with other bytes"] += 1
    check(rig, number(IMAGE), seen, record_property)
    assert min(seen.values()) > 0 and len(seen) == 4
    rig.raw(IMAGE, RAW[0])
    np.testing.assert_array_equal(rig.host.frames[-1].image, images[0])


FILES = {
    extension: cv2.imencode(extension, RGB[..., ::-1], flags)[1].reshape(-1)
    for extension, flags in ((".png", ()), (".jpg", (cv2.IMWRITE_JPEG_QUALITY, 90)))
}


def compressed_message(data: np.ndarray) -> bytes:
    ((_, raw),) = serialised(lambda bag: bag.compressed(10**18, data))
    return raw


@pytest.mark.parametrize("number", COUNTS)
def test_damaged_compressed_images_are_refused_or_decoded(make_rig, number, record_property):
    """A PNG has checksums, so it is unchanged or refused; a JPEG has none and may change."""
    rig, rng, seen = (
        make_rig(SimulatedBackend(), compressed=True),
        np.random.default_rng(7),
        Counter(),
    )
    rig.send(lambda bag: bag.info(0, width=WIDTH, height=HEIGHT))
    raws = [compressed_message(data) for data in FILES.values()]
    for _ in range(number(COMPRESSED)):
        one = int(rng.integers(2))
        damaged = mutate(rng, raws[one], raws[1 - one])
        rig.host.clear()
        rig.raw(COMPRESSED, damaged)
        if not rig.host.frames:
            seen["refused"] += 1
            continue
        message = ROS2.deserialize_cdr(damaged, COMPRESSED)
        (frame,), (depth,) = rig.host.frames, rig.host.published[DEPTH]
        assert same(depth.header, message.header, "frame_id")
        assert same(depth.header.stamp, message.header.stamp, "sec", "nanosec")
        data = message.data.tobytes()
        if data.startswith(b"\x89PNG"):
            np.testing.assert_array_equal(frame.image, RGB)
            seen["processed, an undamaged PNG"] += 1
            continue
        assert b"\xff\xd9" in data[data.index(b"\xff\xda") :], "only a complete JPEG is decoded"
        expected = cv2.imdecode(message.data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        np.testing.assert_array_equal(frame.image, expected[..., ::-1])
        whole = np.array_equal(message.data, FILES[".jpg"])
        seen["processed, an undamaged JPEG" if whole else "processed, a JPEG of other bytes"] += 1
    check(rig, number(COMPRESSED), seen, record_property)
    assert min(seen.values()) > 0 and len(seen) == 4
    rig.raw(COMPRESSED, raws[0])
    np.testing.assert_array_equal(rig.host.frames[-1].image, RGB)


@pytest.mark.parametrize("number", COUNTS)
def test_damaged_camera_infos_are_refused_or_used(make_rig, number, record_property):
    """A valid image follows each CameraInfo; its depth has those intrinsics, or it is refused."""
    rig, rng, seen = make_rig(SimulatedBackend()), np.random.default_rng(8), Counter()

    def plain(bag: Recorder) -> None:
        bag.info(0, width=WIDTH, height=HEIGHT)

    def distorted(bag: Recorder) -> None:
        bag.info(0, width=WIDTH, height=HEIGHT, d=np.array([-0.2, 0.05, 0, 0, 0]))

    raws = [raw for fill in (plain, distorted) for _, raw in serialised(fill)]
    originals = [ROS2.deserialize_cdr(raw, INFO) for raw in raws]
    for _ in range(number(INFO)):
        one = int(rng.integers(2))
        damaged = mutate(rng, raws[one], raws[1 - one])
        rig.raw(INFO, raws[one])
        rig.raw(INFO, damaged)
        rig.host.clear()
        rig.raw(IMAGE, RAW[0])
        if not rig.host.frames:
            seen["image refused"] += 1
            continue
        (published,) = rig.host.published[DEPTH_INFO]
        (depth,) = rig.host.published[DEPTH]
        size = (published.height, published.width)
        assert size == (depth.height, depth.width) == rig.host.frames[0].image.shape[:2]
        assert np.isfinite(published.k).all() and published.k[0] > 0 and published.k[4] > 0
        assert np.isfinite(published.p).all() and not np.any(published.d)
        try:
            message = ROS2.deserialize_cdr(damaged, INFO)
        except Exception:  # the parser can raise anything for damaged bytes
            message = originals[one]
        whole_sensor = (
            message.binning_x <= 1
            and message.binning_y <= 1
            and not any(
                getattr(message.roi, side) for side in ("x_offset", "y_offset", "width", "height")
            )
        )
        if whole_sensor and one == 0 and same(message, originals[0], "d", "r", "p"):
            np.testing.assert_array_equal(published.p, originals[0].p)
            seen["depth, with the intrinsics of the CameraInfo"] += 1
        else:
            seen["depth, with other valid intrinsics"] += 1
    check(rig, number(INFO), seen, record_property)
    assert min(seen.values()) > 0 and len(seen) == 3
