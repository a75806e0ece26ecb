# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of a bag paired with ground-truth depth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers.calibration_files import write_calibration
from helpers.camera_bags import HEIGHT, IMAGE_TOPIC, WIDTH, frames, pixels, stamp, write_bag
from helpers.log_lines import log_lines

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
    assert samples.count == 3
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
        pairs = list(BagSamples(bag, write_depth(tmp_path / "depth", (0, 1)))())
    assert [pair.stamp for pair in pairs] == [stamp(1)]
    assert len(lines) == 1 and lines[0].startswith(f"{IMAGE_TOPIC}: encoding 'rgb24'")


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
