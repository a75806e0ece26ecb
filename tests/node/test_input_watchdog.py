# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Warnings of the input watchdog; test_camera_input.py has its use by the component."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.component_rig import MemoryHost

from jasmine_ros.node.host import Publisher
from jasmine_ros.node.input_watchdog import TIMEOUT, InputWatchdog
from jasmine_ros.node.topics import COMPRESSED_TYPE, IMAGE_TYPE, INFO_TYPE

TROUBLESHOOTING = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
COMPRESSED = Publisher("/cam", COMPRESSED_TYPE, "reliable, volatile")


def warning(topic, type_name, *publishers):
    """Return the warning about a topic that is silent for `TIMEOUT`."""
    host = MemoryHost()
    host.publishers = list(publishers)
    watchdog = InputWatchdog(host, "image", topic, type_name)
    for _ in range(TIMEOUT):
        assert host.logged == []
        watchdog.on_second()
    ((severity, text),) = host.logged
    assert severity == "warn"
    return text


@pytest.mark.parametrize(
    ("topic", "publishers"), [("/image", ()), ("/cam/image_raw", (COMPRESSED,))]
)
def test_the_documentation_quotes_the_warnings(topic, publishers):
    text = warning(topic, IMAGE_TYPE, *publishers)
    assert f"[WARN] {text}\n" in TROUBLESHOOTING.read_text()


@pytest.mark.parametrize(
    ("type_name", "remedy"),
    [
        (IMAGE_TYPE, "set the parameter image_transport"),
        (INFO_TYPE, "check the remappings"),
        (COMPRESSED_TYPE, "check the network and the receive buffer"),
    ],
)
def test_the_remedy_depends_on_the_types(type_name, remedy):
    assert warning("/cam/image_raw", type_name, COMPRESSED).endswith(remedy)


def test_a_video_stream_is_named_with_its_remedy():
    video = Publisher("/cam", "ffmpeg_image_transport_msgs/msg/FFMPEGPacket", "reliable, volatile")
    text = warning("/cam/image_raw/ffmpeg", IMAGE_TYPE, video)
    assert "video stream" in text and "republish --ros-args -p in_transport:=ffmpeg" in text
