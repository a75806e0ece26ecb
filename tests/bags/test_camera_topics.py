# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Choice of the camera in a bag, for `jasmine run`, `prepare`, `evaluate` and `play`."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.calibration_files import write_calibration
from helpers.camera_bags import IMAGE_TOPIC, INFO_TOPIC, ROS2, frames, pixels, stamp, write_bag
from rosbags.typesys import get_types_from_msg

from jasmine_core.errors import BagError, CameraError
from jasmine_ros.bags.camera_topics import (
    CameraTopics,
    choose_calibrated_camera,
    choose_camera,
    find_cameras,
    first_camera_info,
)
from jasmine_ros.bags.reader import Bag


def images_only(bag):
    bag.image(stamp(0), pixels())


def two_cameras(bag):
    for side in ("left", "right"):
        bag.info(stamp(0), topic=f"/{side}/camera_info")
        bag.image(stamp(0), pixels(), topic=f"/{side}/image_rect")


@pytest.fixture
def opened(tmp_path):
    """Return a function that writes a bag and opens it."""
    bags = []

    def open_bag(fill):
        bags.append(Bag(write_bag(tmp_path / f"bag{len(bags)}", fill)))
        return bags[-1].__enter__()

    yield open_bag
    for bag in bags:
        bag.__exit__(None, None, None)


def test_a_raw_and_a_compressed_topic_of_one_camera_are_listed_once(opened):
    def fill(bag):
        frames(1)(bag)
        bag.jpeg(stamp(0), pixels())

    assert find_cameras(opened(fill).topics) == [CameraTopics(IMAGE_TOPIC, INFO_TOPIC)]


def test_depth_images_are_not_listed(opened):
    def fill(bag):
        frames(1)(bag)
        bag.image(stamp(0), pixels(), topic="/camera/depth/image_raw")

    assert find_cameras(opened(fill).topics) == [CameraTopics(IMAGE_TOPIC, INFO_TOPIC)]


def test_the_only_camera_may_be_named_after_depth(opened):
    bag = opened(lambda bag: bag.image(stamp(0), pixels(), topic="/depth_camera/image_raw"))
    words = "/depth_camera/image_raw is named after depth or disparity; .* choose it with --image"
    with pytest.raises(BagError, match=words):
        choose_camera(bag)
    assert choose_camera(bag, "/depth_camera/image_raw").image == "/depth_camera/image_raw"


def test_one_of_several_cameras_must_be_named(opened):
    with pytest.raises(BagError, match=r"--image.*/left/image_rect, /right/image_rect"):
        choose_camera(opened(two_cameras))


def test_a_named_camera_has_the_camera_info_of_its_namespace_unless_another_is_named(opened):
    bag = opened(two_cameras)
    right = CameraTopics("/right/image_rect", "/right/camera_info")
    assert choose_camera(bag, "/right/image_rect") == right
    crossed = choose_camera(bag, "/left/image_rect", "/right/camera_info")
    assert crossed == CameraTopics("/left/image_rect", "/right/camera_info")


@pytest.mark.parametrize(
    ("image", "info", "words"),
    [
        ("/top/image", None, r"no topic /top/image; --image can be: /left/image_rect, /right"),
        ("/left/camera_info", None, r"is sensor_msgs/msg/CameraInfo; --image can be: /left"),
        ("/left/image_rect", "/left/image_rect", r"--camera-info can be: /left/camera_info, /r"),
        ("/left/image_rect", "/none", r"no topic /none; --camera-info can be: /left/camera_info"),
    ],
)
def test_a_topic_that_is_missing_or_of_another_type_is_refused_with_the_choices(
    opened, image, info, words
):
    with pytest.raises(BagError, match=words):
        choose_camera(opened(two_cameras), image, info)


def test_a_compressed_topic_is_found_by_the_name_of_the_raw_one(opened):
    chosen = choose_camera(opened(frames(1, jpeg=True)), IMAGE_TOPIC)
    assert chosen == CameraTopics(f"{IMAGE_TOPIC}/compressed", INFO_TOPIC)


def test_the_types_in_a_bag_without_camera_are_listed(opened):
    bag = opened(lambda bag: bag.string(stamp(0), "hello"))
    with pytest.raises(BagError, match=r"no camera topic.*std_msgs/msg/String"):
        choose_camera(bag)


# ---------------------------------------------------------------------- calibration


def test_without_calibration_a_camera_may_be_chosen_but_not_used(opened):
    bag = opened(images_only)
    assert choose_camera(bag) == CameraTopics(IMAGE_TOPIC, None)
    words = rf"no CameraInfo beside {IMAGE_TOPIC}; .*--camera-info.*--calibration"
    with pytest.raises(BagError, match=words):
        choose_calibrated_camera(bag, None, None, None)


def test_the_first_camera_info_of_the_bag_calibrates(opened):
    def fill(bag):
        bag.info(stamp(0), d=[0.1, 0, 0, 0, 0])
        frames(2)(bag)

    bag = opened(fill)
    camera = choose_calibrated_camera(bag, None, None, None)
    assert camera == CameraTopics(IMAGE_TOPIC, INFO_TOPIC)
    assert first_camera_info(bag, camera, None).d[0] == 0.1


@pytest.mark.parametrize("fill", [images_only, frames(1)])
def test_a_calibration_file_replaces_camera_info(opened, tmp_path, fill):
    bag, file = opened(fill), write_calibration(tmp_path / "camera.yaml")
    camera = choose_calibrated_camera(bag, None, None, file)
    assert camera == CameraTopics(IMAGE_TOPIC, None)
    assert np.reshape(first_camera_info(bag, camera, file).k, (3, 3))[0, 0] == 70


def test_a_calibration_file_that_cannot_be_read_is_named(opened, tmp_path):
    bag = opened(images_only)
    camera = choose_calibrated_camera(bag, None, None, tmp_path / "none.yaml")
    with pytest.raises(CameraError, match=r"none\.yaml cannot be read"):
        first_camera_info(bag, camera, tmp_path / "none.yaml")


def test_a_camera_info_topic_without_messages_does_not_calibrate(tmp_path):
    from helpers.camera_bags import ROS2
    from rosbags.rosbag2 import StoragePlugin, Writer

    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection(INFO_TOPIC, "sensor_msgs/msg/CameraInfo", typestore=ROS2)
        image = writer.add_connection(IMAGE_TOPIC, "sensor_msgs/msg/Image", typestore=ROS2)
        writer.write(image, stamp(0), bytes(64))
    with Bag(tmp_path / "bag") as bag:
        assert choose_camera(bag).info == INFO_TOPIC
        with pytest.raises(BagError, match="no CameraInfo beside"):
            choose_calibrated_camera(bag, None, None, None)


VIDEO = "foxglove_msgs/msg/CompressedVideo"
ROS2.register(
    get_types_from_msg(
        "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format", VIDEO
    )
)


def h264(bag):
    time = bag.messages.make("builtin_interfaces/msg/Time", sec=1, nanosec=0)
    data = np.array([0, 0, 0, 1, 0x67], np.uint8)
    message = ROS2.types[VIDEO](timestamp=time, frame_id="camera", data=data, format="h264")
    bag.info(stamp(0))
    bag.write("/camera/image_raw/ffmpeg", VIDEO, stamp(0), message)


@pytest.mark.parametrize("image", [None, "/camera/image_raw", "/camera/image_raw/ffmpeg"])
def test_a_video_stream_is_named_with_its_remedies_if_pyav_is_missing(opened, image, monkeypatch):
    monkeypatch.setattr("jasmine_ros.msgs.video.find_spec", lambda name: None)
    words = (
        rf"/camera/image_raw/ffmpeg is a video stream .* of type {VIDEO}.*image_transport republish"
        r".*or install the extra video: pip install 'jasmine_ros\[video\]'"
    )
    with pytest.raises(BagError, match=words):
        choose_camera(opened(h264), image)
