# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of a bag paired with ground-truth depth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers.calibration_files import write_calibration
from helpers.camera_bags import (
    HEIGHT,
    IMAGE_TOPIC,
    INFO_TOPIC,
    WIDTH,
    frames,
    pixels,
    stamp,
    write_bag,
)
from helpers.log_lines import log_lines
from helpers.raw_mcap import (
    CAMERA,
    chunk,
    described,
    messages,
    ros2_channel,
    serialised,
    write_mcap,
)

from jasmine_core.errors import BagError
from jasmine_ros.bags.ground_truth import TOLERANCE, BagSamples

DEPTH_TOPIC = "/depth"
DEPTH = np.tile(np.linspace(2, 30, WIDTH, dtype=np.float32), (HEIGHT, 1))


def write_depth(folder, indices):
    folder.mkdir()
    for index in indices:
        cv2.imwrite(str(folder / f"{stamp(index)}.png"), (256 * DEPTH).astype(np.uint16))
    return str(folder)


def with_depth_topic(*delays):
    """Return a function that records an image, and its depth after a delay [ns], for each delay."""

    def fill(bag):
        for index, delay in enumerate(delays):
            bag.info(stamp(index))
            bag.image(stamp(index), pixels(index))
            values = {"encoding": "32FC1", "step": 4 * WIDTH, "data": DEPTH.view(np.uint8)}
            bag.image(stamp(index) + delay, DEPTH, DEPTH_TOPIC, **values)

    return fill


def test_files_are_paired_by_the_stamp_of_the_image(tmp_path):
    bag = write_bag(tmp_path / "bag", frames(4))
    samples = BagSamples(bag, write_depth(tmp_path / "depth", (0, 2, 9)))
    pairs = list(samples())
    assert samples.count == 2
    assert [pair.stamp for pair in pairs] == [stamp(0), stamp(2)]
    np.testing.assert_array_equal(pairs[1].image, pixels(2))
    np.testing.assert_allclose(pairs[1].ground_truth, DEPTH, atol=1 / 256)
    assert [len(list(samples())) for _ in range(2)] == [2, 2], "each call reads the bag again"


def test_depth_images_are_paired_if_their_stamps_are_close(tmp_path):
    bag = write_bag(tmp_path / "bag", with_depth_topic(0, TOLERANCE - 1, TOLERANCE + 1))
    pairs = list(BagSamples(bag, DEPTH_TOPIC, IMAGE_TOPIC)())
    assert [pair.stamp for pair in pairs] == [stamp(0), stamp(1)]
    np.testing.assert_array_equal(pairs[0].ground_truth, DEPTH)


def test_a_calibration_file_replaces_a_missing_camera_info(tmp_path):
    bag = write_bag(tmp_path / "bag", lambda bag: bag.image(stamp(0), pixels()))
    depth = write_depth(tmp_path / "depth", [0])
    with pytest.raises(BagError, match="give a calibration file with --calibration"):
        BagSamples(bag, depth)
    samples = BagSamples(bag, depth, calibration=write_calibration(tmp_path / "c.yaml", fx=70))
    assert samples.camera.K[0, 0] == 70
    assert [pair.focal for pair in samples()] == [70]


def test_an_image_that_cannot_be_decoded_is_logged_and_left_out(tmp_path):
    def fill(bag):
        bag.info(stamp(0))
        bag.image(stamp(0), pixels(), encoding="rgb24")
        bag.image(stamp(1), pixels())

    bag = write_bag(tmp_path / "bag", fill)
    with log_lines("jasmine_ros") as lines:
        samples = BagSamples(bag, write_depth(tmp_path / "depth", (0, 1)))
        pairs = list(samples())
    assert [pair.stamp for pair in pairs] == [stamp(1)]
    assert len(lines) == 1 and f"{IMAGE_TOPIC}: encoding 'rgb24'" in lines[0]
    assert samples.damaged.summary()[IMAGE_TOPIC]["count"] == 1


@pytest.mark.parametrize("kind", ["nothing", "an empty folder"])
def test_missing_ground_truth_is_refused_with_its_name(tmp_path, kind):
    bag = write_bag(tmp_path / "bag", frames(1))
    (tmp_path / "empty").mkdir()
    name, words = {
        "nothing": ("/lidar", rf"/lidar is neither a folder.*{IMAGE_TOPIC}"),
        "an empty folder": (str(tmp_path / "empty"), "empty has no PNG file named by a stamp"),
    }[kind]
    with pytest.raises(BagError, match=words):
        BagSamples(bag, name)


# ---------------------------------------------------------------------- time


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "ros1"])
def test_the_time_of_recording_replaces_stamps_of_zero(tmp_path, kind):
    """The image that is recorded when a ground truth is stamped is its image, and no other one."""

    def fill(bag):
        for index in range(6):
            bag.info(stamp(index))
            bag.image(stamp(index), pixels(index), header=bag.header(0))
            if index in (1, 4):
                values = {"encoding": "32FC1", "step": 4 * WIDTH, "data": DEPTH.view(np.uint8)}
                bag.image(stamp(index), DEPTH, DEPTH_TOPIC, header=bag.header(0), **values)

    samples = BagSamples(write_bag(tmp_path / "bag", fill, kind), DEPTH_TOPIC, IMAGE_TOPIC)
    pairs = list(samples())
    assert samples.count == 2
    assert [pair.stamp for pair in pairs] == [stamp(1), stamp(4)]
    for pair, index in zip(pairs, (1, 4), strict=True):
        np.testing.assert_array_equal(pair.image, pixels(index))
    files = BagSamples(samples._path, write_depth(tmp_path / "depth", (2,)), IMAGE_TOPIC)
    assert [pair.stamp for pair in files()] == [stamp(2)]


def with_late_depth(delay, image_stamp=stamp):
    """Return a function that records depth `delay` [ns] after its image, with the same stamp."""

    def fill(bag):
        for index in range(8):
            bag.info(stamp(index))
            header = bag.header(image_stamp(index))
            bag.image(stamp(index), pixels(index), header=header)
        for index in (2, 5):
            values = {"encoding": "32FC1", "step": 4 * WIDTH, "data": DEPTH.view(np.uint8)}
            header = bag.header(stamp(index))
            log = stamp(index) + delay
            bag.image(stamp(index), DEPTH, DEPTH_TOPIC, log, header=header, **values)

    return fill


def test_ground_truth_that_is_recorded_late_belongs_to_the_image_of_its_stamp(tmp_path):
    bag = write_bag(tmp_path / "bag", with_late_depth(350_000_000), "sqlite3")
    pairs = list(BagSamples(bag, DEPTH_TOPIC, IMAGE_TOPIC)())
    assert [pair.stamp for pair in pairs] == [stamp(2), stamp(5)]
    np.testing.assert_array_equal(pairs[1].image, pixels(5))


@pytest.mark.parametrize(
    ("image_stamp", "words"),
    [
        (lambda _: 7, "timestamps of 7 of 8 messages .* check the clock"),
        (lambda index: stamp(-index), "timestamps of 7 of 8 messages"),
        (lambda index: 1 + index, r"is within 50 ms of an image .* smallest gap is 16\d+\.\d+ s"),
    ],
)
def test_stamps_of_no_use_are_refused(tmp_path, image_stamp, words):
    """Constant stamps, a clock that runs backwards, and another clock than that of the depth."""
    bag = write_bag(tmp_path / "bag", with_late_depth(0, image_stamp))
    with pytest.raises(BagError, match=words):
        BagSamples(bag, DEPTH_TOPIC, IMAGE_TOPIC)


@pytest.mark.parametrize("faulty", [0, 3])
def test_a_stamp_years_ahead_costs_its_own_image_only(tmp_path, faulty):
    ahead = lambda index: stamp(index) + (10**17 if index == faulty else 0)  # noqa: E731
    bag = write_bag(tmp_path / "bag", with_late_depth(0, ahead))
    with log_lines("jasmine_ros") as lines:
        pairs = list(BagSamples(bag, DEPTH_TOPIC, IMAGE_TOPIC)())
    assert [pair.stamp for pair in pairs] == [stamp(2), stamp(5)]
    assert any("timestamps of 1 of 8 messages" in line for line in lines)


def test_a_file_is_used_for_one_image(tmp_path):
    def fill(bag):
        bag.info(stamp(0))
        for index in (0, 0, 1, 2, 3):
            bag.image(stamp(index), pixels(index))

    bag = write_bag(tmp_path / "bag", fill)
    samples = BagSamples(bag, write_depth(tmp_path / "depth", (0, 2)))
    assert [pair.stamp for pair in samples()] == [stamp(0), stamp(2)]
    with pytest.raises(BagError, match="has the stamp of an image"):
        BagSamples(bag, write_depth(tmp_path / "other", (90,)))


# ---------------------------------------------------------------------- damage


@pytest.mark.parametrize("topic", [IMAGE_TOPIC, INFO_TOPIC, DEPTH_TOPIC])
def test_damaged_messages_are_skipped_and_counted(tmp_path, topic):
    made = serialised(with_depth_topic(0, 0, 0))
    damaged = [(topic, stamp(0), b"\0\1\0\0cut"), (topic, stamp(1), b"")]
    channels = [*CAMERA, ros2_channel(DEPTH_TOPIC, "sensor_msgs/msg/Image")]
    body = chunk(described(channels) + messages(channels, [*damaged, *made]))
    samples = BagSamples(write_mcap(tmp_path / "in.mcap", body), DEPTH_TOPIC, IMAGE_TOPIC)
    for _ in range(2):
        assert [pair.stamp for pair in samples()] == [stamp(i) for i in range(3)]
    assert samples.damaged.summary()[topic]["count"] == 2


def test_one_calibration_is_used_for_all_images(tmp_path):
    """A first CameraInfo that differs from all others is a fault, and a later change is refused."""

    def recorded(focals):
        def fill(bag):
            for index, focal in enumerate(focals):
                K = np.array([[focal, 0, WIDTH / 2], [0, focal, HEIGHT / 2], [0, 0, 1]])
                bag.info(stamp(index), k=K, p=np.column_stack([K, np.zeros(3)]))
                bag.image(stamp(index), pixels(index))

        return fill

    depth = write_depth(tmp_path / "depth", (0, 1))
    samples = BagSamples(write_bag(tmp_path / "odd", recorded([60.0, 80.0, 80.0])), depth)
    for _ in range(2):
        assert [pair.focal for pair in samples()] == [80, 80]
    assert samples.damaged.summary()[INFO_TOPIC]["count"] == 1
    samples = BagSamples(write_bag(tmp_path / "zoom", recorded([60.0, 60.0, 80.0])), depth)
    with pytest.raises(BagError, match=r"changes 0\.2 s after the first image"):
        list(samples())


def test_ground_truth_that_is_no_depth_is_skipped(tmp_path):
    def fill(bag):
        with_depth_topic(0)(bag)
        bag.image(stamp(3), pixels(3))
        bag.image(stamp(3), pixels(3), DEPTH_TOPIC)

    samples = BagSamples(write_bag(tmp_path / "bag", fill), DEPTH_TOPIC, IMAGE_TOPIC)
    assert [pair.stamp for pair in samples()] == [stamp(0)]
    assert samples.damaged.summary()[DEPTH_TOPIC]["count"] == 1


def test_images_of_which_none_can_be_decoded_are_an_error(tmp_path):
    made = serialised(with_depth_topic(0))
    damaged = [(t, at, raw[:9] if t == IMAGE_TOPIC else raw) for t, at, raw in made]
    channels = [*CAMERA, ros2_channel(DEPTH_TOPIC, "sensor_msgs/msg/Image")]
    body = chunk(described(channels) + messages(channels, damaged))
    with pytest.raises(BagError, match="no message on /depth is within 50 ms of an image"):
        BagSamples(write_mcap(tmp_path / "in.mcap", body), DEPTH_TOPIC)


@pytest.mark.parametrize("bits", [0, 12])
def test_16_bit_images_use_the_range_that_is_set_or_found(tmp_path, bits):
    """A thermal camera publishes its counts as 16UC1, the encoding of depth, too."""
    grey = pixels()[..., 0]

    def fill(bag):
        bag.info(stamp(0))
        data = (grey.astype("<u2") << 4).view(np.uint8).reshape(-1)
        bag.image(stamp(0), pixels(), encoding="16UC1", step=2 * WIDTH, data=data)
        values = {"encoding": "32FC1", "step": 4 * WIDTH, "data": DEPTH.view(np.uint8)}
        bag.image(stamp(0), DEPTH, DEPTH_TOPIC, **values)

    samples = BagSamples(write_bag(tmp_path / "bag", fill), DEPTH_TOPIC, bits=bits)
    (sample,) = samples()
    assert abs(sample.image[..., 0].astype(int) - grey).max() <= 1
    assert samples.assumption.startswith("12 of 16 bits")


def test_images_with_too_many_pixels_are_left_out(tmp_path):
    bag = write_bag(tmp_path / "bag", with_depth_topic(0))
    samples = BagSamples(bag, DEPTH_TOPIC, max_pixels=WIDTH * HEIGHT - 1)
    assert not list(samples())
    assert "more than max_image_pixels" in samples.damaged.summary()[IMAGE_TOPIC]["example"]
