# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of video topics: equal to the encoded ones, with the stamps of their own packets."""

from __future__ import annotations

import re

import numpy as np
import pytest
from helpers.camera_bags import INFO_TOPIC, stamp, write_bag
from helpers.video_bags import (
    FFMPEG,
    FFMPEG_TOPIC,
    FOXGLOVE,
    FOXGLOVE_TOPIC,
    KEYFRAME_EVERY,
    Encoded,
    encode,
    psnr,
    record,
    view,
)

from jasmine_core.errors import FrameError
from jasmine_ros.bags.camera_topics import CameraTopics, choose_camera
from jasmine_ros.bags.reader import Bag
from jasmine_ros.msgs.images import decode
from jasmine_ros.msgs.messages import stamp_ns

GOOD = 40.0  # [dB] of an image that was decoded from the right packets


def images(path, topic=None, start=None, stop=None, max_pixels=1 << 24):
    """Return (index by stamp, PSNR or reason) of each packet of the only camera."""
    found = []
    with Bag(path) as bag:
        camera = choose_camera(bag, topic, max_pixels=max_pixels)
        for message in bag.messages([camera.image], start, stop):
            try:
                image = bag.decode(message)
            except FrameError as err:
                found.append((None, str(err)))
                continue
            index = round((stamp_ns(image.header.stamp) - stamp(0)) / (stamp(1) - stamp(0)))
            assert image.header.frame_id == "camera_optical_frame"
            rgb = decode(image)
            found.append((index, psnr(rgb, view(index, *rgb.shape[1::-1]))))
    return found


def indices(found):
    return [index for index, _ in found]


@pytest.mark.parametrize(
    ("storage", "kind", "codec", "text"),
    [
        ("mcap", FFMPEG, "h264", "h264;yuv420p;bgr8;bgr8"),
        ("sqlite3", FFMPEG, "hevc", "hevc_nvenc"),
        ("mcap-zstd", FOXGLOVE, "h264", "h264"),
        ("sqlite3-zstd", FOXGLOVE, "hevc", "h265"),
    ],
)
def test_images_equal_the_encoded_ones(tmp_path, storage, kind, codec, text):
    bag = write_bag(tmp_path / "bag", record(encode(codec, 10), kind, text=text), storage)
    found = images(bag)
    assert indices(found) == list(range(10))
    assert min(quality for _, quality in found) > GOOD


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_reordered_images_come_in_order_with_the_stamps_of_their_own_packets(tmp_path, codec):
    packets = encode(codec, 20, reorder=True)
    assert [p.index for p in packets] != list(range(20)), "the encoder did not reorder"
    found = images(write_bag(tmp_path / "bag", record(packets, text=codec)))
    assert indices(found) == list(range(20))
    assert min(quality for _, quality in found) > GOOD


def test_messages_of_other_topics_keep_their_place(tmp_path):
    packets = encode("h264", 20, reorder=True)
    with Bag(write_bag(tmp_path / "bag", record(packets))) as bag:
        choose_camera(bag)
        topics = [m.topic for m in bag.messages()]
        assert topics == [INFO_TOPIC, FFMPEG_TOPIC] * 20
        infos = [m.stamp for m in bag.messages() if m.topic == INFO_TOPIC]
        assert infos == [stamp(i) for i in range(20)]
        raw = {m.stamp: m.raw for m in bag.messages([FFMPEG_TOPIC])}
        assert raw == {m.stamp: m.raw for m in bag.packets(FFMPEG_TOPIC, None, None)}


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_images_before_the_first_keyframe_are_skipped_and_named(tmp_path, codec):
    packets = encode(codec, 20)[3:]
    found = images(write_bag(tmp_path / "bag", record(packets, text=codec)))
    assert indices(found) == [None] * (KEYFRAME_EVERY - 3) + list(range(KEYFRAME_EVERY, 20))
    assert f"{FFMPEG_TOPIC}: the image depends on one that is missing" in found[0][1]


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("reorder", [False, True])
def test_a_missing_packet_costs_the_images_up_to_the_next_keyframe(tmp_path, codec, reorder):
    packets = encode(codec, 24, reorder=reorder)
    lost = next(i for i, p in enumerate(packets) if i >= 3 and p.index % 3 == 0)
    fill = record(packets[:lost] + packets[lost + 1 :], text=codec)
    found = images(write_bag(tmp_path / "bag", fill))
    kept = [index for index, _ in found if index is not None]
    assert len(found) == 23 and set(range(16, 24)) <= set(kept)
    assert not set(range(5, KEYFRAME_EVERY)) & set(kept)
    assert min(quality for index, quality in found if index is not None) > GOOD


@pytest.mark.parametrize("damage", ["half", "noise", "empty", "no start code", "message"])
def test_a_damaged_packet_is_skipped_and_decoding_recovers(tmp_path, damage):
    packets = encode("h264", 20)
    data = packets[3].data
    noise = np.random.default_rng(1).integers(0, 256, len(data), np.uint8).tobytes()
    broken = {
        "half": data[: len(data) // 2],
        "noise": data[:5] + noise[5:],
        "empty": b"",
        "no start code": noise,
        "message": data,
    }[damage]
    packets[3] = Encoded(broken, 3, False)
    text = "h264"
    fill = record(packets, text=text)

    def cut(bag):
        write = bag.write

        def shorter(topic, kind, log, message):
            if damage == "message" and log == stamp(3) and kind == FFMPEG:
                message.encoding = "h264;16UC1"
            write(topic, kind, log, message)

        bag.write = shorter
        fill(bag)

    found = images(write_bag(tmp_path / "bag", cut))
    expected = [0, 1, 2] + [None] * (KEYFRAME_EVERY - 3) + list(range(KEYFRAME_EVERY, 20))
    assert indices(found) == expected
    assert min(quality for index, quality in found if index is not None) > GOOD


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("reorder", [False, True])
def test_a_section_begins_at_the_keyframe_before_it(tmp_path, codec, reorder):
    packets = encode(codec, 18, reorder=reorder)
    bag = write_bag(tmp_path / "bag", record(packets, text=codec))
    complete = dict(images(bag))
    for first in (1, 8, 13):
        found = images(bag, start=stamp(first), stop=stamp(first + 4))
        wanted = [p.index for p in packets[first : first + 4]]
        assert indices(found) == sorted(wanted)
        assert found == [(i, complete[i]) for i in sorted(wanted)]


def test_a_section_without_a_keyframe_near_counts_what_it_skips(tmp_path, monkeypatch):
    monkeypatch.setattr("jasmine_ros.bags.video_topic._SEARCHED", (2, 4))
    bag = write_bag(tmp_path / "bag", record(encode("h264", 20, every=10)))
    assert indices(images(bag, start=stamp(7))) == [None] * 3 + list(range(10, 20))


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_an_image_beyond_max_image_pixels_is_refused(tmp_path, codec):
    packets = encode(codec, 3, size=(200, 150))
    found = images(write_bag(tmp_path / "bag", record(packets, text=codec)), max_pixels=29999)
    assert indices(found) == [None] * 3
    assert "200x150 px, more than max_image_pixels 29999" in found[0][1]
    assert indices(images(tmp_path / "bag", max_pixels=30000)) == [0, 1, 2]


def test_a_packet_with_many_images_is_refused(tmp_path):
    packets = encode("h264", 8)
    many = Encoded(b"".join(p.data for p in packets), 0, True)
    found = images(write_bag(tmp_path / "bag", record([many, *encode("h264", 2)])))
    assert indices(found) == [None, 0, 1]
    assert "holds 8 images instead of one" in found[0][1]


def test_parameters_in_a_packet_of_their_own_are_used(tmp_path):
    packets = encode("h264", 4)
    first = packets[0].data
    at = first.find(b"\x00\x00\x01\x65")
    parts = [Encoded(first[:at], 0, False), Encoded(b"\x00" + first[at:], 0, True)]
    found = images(write_bag(tmp_path / "bag", record([*parts, *packets[1:]])))
    assert indices(found) == [None, 0, 1, 2, 3] and "only parameters" in found[0][1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vp9", "format 'vp9' is neither H.264 nor H.265.*republish"),
        ("av1", "format 'av1' is neither H.264 nor H.265"),
        ("", "format '' is neither"),
        ("hevc;yuv420p;mono16;16UC1", "holds depth, not an image"),
    ],
)
def test_other_streams_are_named(tmp_path, text, words):
    found = images(write_bag(tmp_path / "bag", record(encode("h264", 2), text=text)))
    assert indices(found) == [None, None] and re.search(words, found[0][1])


def test_a_camera_is_found_by_its_video(tmp_path):
    path = write_bag(tmp_path / "a", record(encode("h264", 2)))
    with Bag(path) as bag:
        for name in (None, "/camera/image_raw", FFMPEG_TOPIC):
            assert choose_camera(bag, name) == CameraTopics(FFMPEG_TOPIC, INFO_TOPIC)
    path = write_bag(tmp_path / "b", record(encode("h264", 2), FOXGLOVE))
    with Bag(path) as bag:
        assert choose_camera(bag) == CameraTopics(FOXGLOVE_TOPIC, INFO_TOPIC)


def test_images_are_preferred_to_video(tmp_path):
    def both(bag):
        record(encode("h264", 2), topic="/other/video")(bag)
        bag.image(stamp(3), view(0))

    with Bag(write_bag(tmp_path / "bag", both)) as bag:
        assert choose_camera(bag).image == "/camera/image_raw"
        assert choose_camera(bag, "/other/video").image == "/other/video"
