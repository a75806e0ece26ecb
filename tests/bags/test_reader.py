# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reader of bags: every storage, time windows and damaged files."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from helpers.camera_bags import (
    HEIGHT,
    IMAGE_TOPIC,
    INFO_TOPIC,
    KINDS,
    RATE,
    WIDTH,
    frames,
    pixels,
    stamp,
    write_bag,
)

from jasmine_core.errors import BagError, FrameError
from jasmine_ros.bags.reader import LAST_TIME, Bag


@pytest.mark.parametrize("kind", KINDS)
def test_bags_of_every_storage_have_the_same_content(tmp_path, kind):
    path = write_bag(tmp_path / "recording", frames(4), kind)
    with Bag(path) as bag:
        assert {t.name: t.count for t in bag.topics.values()} == {IMAGE_TOPIC: 4, INFO_TOPIC: 4}
        images = [(m.stamp, bag.decode(m)) for m in bag.messages([IMAGE_TOPIC])]
    assert [at for at, _ in images] == [stamp(i) for i in range(4)]
    for index, (_, message) in enumerate(images):
        rgb = np.asarray(message.data).reshape(HEIGHT, WIDTH, 3)
        np.testing.assert_array_equal(rgb, pixels(index))


@pytest.mark.parametrize("kind", KINDS)
def test_a_time_window_excludes_its_end(tmp_path, kind):
    path = write_bag(tmp_path / "recording", frames(5), kind)
    with Bag(path) as bag:
        window = list(bag.messages([IMAGE_TOPIC], stamp(1), stamp(3)))
        assert [m.stamp for m in window] == [stamp(1), stamp(2)]
        assert bag.start == stamp(0)
        assert stamp(4) < bag.stop <= stamp(4) + 1e9 / RATE


def test_a_bag_without_metadata_is_opened(tmp_path):
    folder = write_bag(tmp_path / "recording", frames(2))
    (folder / "metadata.yaml").unlink()
    for path in (folder, folder / "recording.mcap"):
        with Bag(path) as bag:
            assert bag.topics[IMAGE_TOPIC].count == 2


# ---------------------------------------------------------------------- damage


def test_a_path_that_is_not_a_bag_is_refused(tmp_path):
    with pytest.raises(BagError, match=r"nowhere.*does not exist"), Bag(tmp_path / "nowhere"):
        pass
    (tmp_path / "notes.txt").write_text("some text")
    with pytest.raises(BagError, match=r"notes\.txt is not a bag"), Bag(tmp_path / "notes.txt"):
        pass
    (tmp_path / "empty").mkdir()
    with (
        pytest.raises(BagError, match=r"no metadata.yaml and 0 bag files"),
        Bag(tmp_path / "empty"),
    ):
        pass


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_truncated_bag_is_a_bag_error(tmp_path, kind, keep):
    path = write_bag(tmp_path / "recording", frames(6), kind)
    file = path if path.is_file() else next(f for f in path.iterdir() if f.name != "metadata.yaml")
    data = file.read_bytes()
    file.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(BagError, match="repairs it"), Bag(path) as bag:
        for message in bag.messages():
            bag.decode(message)


@pytest.mark.parametrize("kind", ["mcap", "mcap-zstd", "ros1"])
def test_damaged_bytes_raise_errors_of_this_package_only(tmp_path, kind):
    path = write_bag(tmp_path / "recording", frames(2), kind)
    file = path if path.is_file() else next(path.glob("*.mcap"))
    original = file.read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(original)
        for at in rng.integers(0, len(damaged), 8):
            damaged[at] ^= int(rng.integers(1, 256))
        file.write_bytes(damaged)
        try:
            with Bag(path) as bag:
                for message in bag.messages():
                    bag.decode(message)
            outcomes.add("read")
        except (BagError, FrameError):
            outcomes.add("refused")
    assert "refused" in outcomes


def test_a_message_that_does_not_fit_its_type_is_a_frame_error(tmp_path):
    from helpers.camera_bags import ROS2
    from rosbags.rosbag2 import StoragePlugin, Writer

    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection(IMAGE_TOPIC, "sensor_msgs/msg/Image", typestore=ROS2)
        writer.write(connection, stamp(0), b"\x00\x01\x00\x00\x07\x00")
    with Bag(tmp_path / "bag") as bag:
        message = next(iter(bag.messages()))
        with pytest.raises(FrameError, match=rf"{IMAGE_TOPIC}.*is not a sensor_msgs/msg/Image"):
            bag.decode(message)


def test_times_of_recording_that_no_clock_has_become_the_nearest_possible_ones(tmp_path):
    def fill(bag):
        for at in (stamp(0), 2**64 - 1, 2**63, stamp(1)):
            bag.image(min(at, stamp(2)), pixels(), log=at)

    with Bag(write_bag(tmp_path / "recording", fill)) as bag:
        times = [stamp(0), stamp(1), LAST_TIME, LAST_TIME]
        assert [m.stamp for m in bag.messages()] == bag.stamps(IMAGE_TOPIC) == times
        assert (bag.start, bag.stop) == (stamp(0), LAST_TIME + 1)


@pytest.mark.parametrize("value", ["'text'", "x'00'", "-5", "1.6e300"])
def test_a_time_in_a_database_that_is_no_time_is_0(tmp_path, value):
    path = write_bag(tmp_path / "recording", frames(2), "sqlite3")
    with sqlite3.connect(next(path.glob("*.db3"))) as database:
        database.execute(f"UPDATE messages SET timestamp = {value} WHERE id = 2")
    with Bag(path) as bag:
        assert bag.stamps(IMAGE_TOPIC) == [0, stamp(1)]
        assert sorted(m.stamp for m in bag.messages([IMAGE_TOPIC])) == [0, stamp(1)]
        assert bag.start in (0, stamp(0)) and bag.stop == stamp(1) + 1
