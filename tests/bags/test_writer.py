# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writer of bags, which stay readable after an error or on a full disk."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import yaml
from helpers.camera_bags import (
    IMAGE_TOPIC,
    KINDS,
    ROS1,
    Recorder,
    frames,
    pixels,
    stamp,
    write_bag,
)
from rosbags.rosbag1 import Writer as Writer1

from jasmine_core.errors import BagError
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.bags.writer import STORAGES, BagWriter

TOPIC, KIND = "/depth", "sensor_msgs/msg/Image"


def depth_message(index, size=256):
    messages = RosbagsMessages()
    header = Recorder(None, messages).header(stamp(index))
    data = np.random.default_rng(index).integers(0, 255, 4 * size * size, np.uint8)
    return messages.make(
        KIND, header=header, height=size, width=size, encoding="32FC1", step=4 * size, data=data
    )


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("compress", [False, True])
def test_written_messages_are_read_again(tmp_path, storage, compress):
    with BagWriter(tmp_path / "out", storage, compress) as writer:
        writer.add(TOPIC, KIND)
        for index in range(12):
            writer.write(TOPIC, stamp(index), depth_message(index))
    assert {f.suffix for f in (tmp_path / "out").iterdir()} == {
        ".yaml",
        ".mcap" if storage == "mcap" else ".db3",
    }
    with Bag(tmp_path / "out") as bag:
        read = [(m.stamp, bag.decode(m)) for m in bag.messages()]
    assert [at for at, _ in read] == [stamp(i) for i in range(12)]
    for index, (_, message) in enumerate(read):
        np.testing.assert_array_equal(message.data, depth_message(index).data)


@pytest.mark.parametrize("storage", STORAGES)
def test_a_bag_is_readable_after_an_error_in_its_block(tmp_path, storage):
    with pytest.raises(KeyboardInterrupt), BagWriter(tmp_path / "out", storage) as writer:
        writer.add(TOPIC, KIND)
        for index in range(9):
            writer.write(TOPIC, stamp(index), depth_message(index))
        raise KeyboardInterrupt
    with Bag(tmp_path / "out") as bag:
        assert len(list(bag.messages())) == 9


@pytest.mark.parametrize("kind", KINDS)
def test_messages_of_every_storage_are_copied_to_ros_2(tmp_path, kind):
    def fill(bag):
        frames(3)(bag)
        bag.string(stamp(1), "kept")

    source = write_bag(tmp_path / "in", fill, kind)
    with Bag(source) as bag, BagWriter(tmp_path / "out") as writer:
        for message in bag.messages():
            writer.copy(message, bag)
    with Bag(tmp_path / "out") as bag:
        read = {(m.topic, m.stamp): bag.decode(m) for m in bag.messages()}
    assert len(read) == 7
    assert read["/note", stamp(1)].data == "kept"
    image = read[IMAGE_TOPIC, stamp(2)]
    np.testing.assert_array_equal(np.asarray(image.data).reshape(pixels().shape), pixels(2))
    assert image.header.stamp.nanosec == stamp(2) % 10**9
    assert not hasattr(image.header, "seq")


def test_an_existing_folder_and_an_unknown_storage_are_refused(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(BagError, match="exists already"):
        BagWriter(tmp_path / "out")
    with pytest.raises(BagError, match="storage 'tape'"):
        BagWriter(tmp_path / "new", "tape")


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("limit_mb", [1.1, 3.05, 5.0, 6.4])
def test_a_bag_is_readable_after_its_file_could_not_grow(tmp_path, storage, limit_mb):
    """The limit of the file size makes write(2) fail, as a full disk does."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        import numpy as np
        from jasmine_ros.bags.writer import BagWriter
        from jasmine_core.errors import BagError
        from jasmine_ros.bags.rosbags_messages import RosbagsMessages

        out, storage, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        message = RosbagsMessages().make(
            "sensor_msgs/msg/Image", height=256, width=256, encoding="32FC1", step=1024,
            data=np.random.default_rng(0).integers(0, 255, 256 * 1024, np.uint8),
        )
        written = 0
        try:
            with BagWriter(out, storage) as writer:
                writer.add("/depth", "sensor_msgs/msg/Image")
                for written in range(100):
                    writer.write("/depth", written, message)
        except BagError as err:
            print(written, err)
            sys.exit(7)
        """
    )
    limit = int(limit_mb * 2**20)
    command = [sys.executable, "-c", script, str(tmp_path / "out"), storage, str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert "stay readable" in done.stdout
    with Bag(tmp_path / "out") as bag:
        stamps = [m.stamp for m in bag.messages()]
        promised = int(re.search(r"the first (\d+) messages stay readable", done.stdout)[1])
        assert stamps == list(range(len(stamps)))
        assert len(stamps) == bag.topics["/depth"].count == promised
    lost = int(done.stdout.split()[0]) - len(stamps)
    assert lost <= 10, "more than two chunks were lost"


def offered(folder, topic):
    """Return the QoS of a topic as rosbag2 up to Iron reads it: text, then YAML with numbers."""
    metadata = yaml.safe_load((folder / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    (found,) = (
        each["topic_metadata"]
        for each in metadata["topics_with_message_count"]
        if each["topic_metadata"]["name"] == topic
    )
    assert isinstance(found["offered_qos_profiles"], str)  # as<std::string>() takes no sequence
    return yaml.safe_load(found["offered_qos_profiles"]) or []


@pytest.mark.parametrize("storage", STORAGES)
def test_metadata_is_readable_for_humble_and_iron(tmp_path, storage):
    with BagWriter(tmp_path / "out", storage) as writer:
        writer.add(TOPIC, KIND)
        writer.write(TOPIC, stamp(0), depth_message(0))
    assert offered(tmp_path / "out", TOPIC) == []


RELIABLE, TRANSIENT_LOCAL = 1, 1  # of rmw_qos_reliability_policy_t and rmw_qos_durability_policy_t


@pytest.mark.parametrize("storage", STORAGES)
def test_a_latched_topic_of_ros_1_is_copied_as_transient_local(tmp_path, storage):
    note, moving = "std_msgs/msg/String", "/moving"
    with Writer1(tmp_path / "in.bag") as writer:
        for topic, latching in (("/tf_static", 1), (moving, None)):
            connection = writer.add_connection(topic, note, typestore=ROS1, latching=latching)
            message = RosbagsMessages(ROS1).make(note, data="text")
            writer.write(connection, stamp(0), ROS1.serialize_ros1(message, note))
    with Bag(tmp_path / "in.bag") as bag, BagWriter(tmp_path / "out", storage) as writer:
        for message in bag.messages():
            writer.copy(message, bag)
    (profile,) = offered(tmp_path / "out", "/tf_static")
    assert (profile["reliability"], profile["durability"]) == (RELIABLE, TRANSIENT_LOCAL)
    assert offered(tmp_path / "out", moving) == []


@pytest.mark.parametrize("storage", STORAGES)
def test_static_transforms_without_qos_are_copied_as_transient_local(tmp_path, storage):
    source = write_bag(tmp_path / "in", lambda bag: bag.string(stamp(0), "text", "/tf_static"))
    with Bag(source) as bag, BagWriter(tmp_path / "out", storage) as writer:
        for message in bag.messages():
            writer.copy(message, bag)
    (profile,) = offered(tmp_path / "out", "/tf_static")
    assert (profile["reliability"], profile["durability"]) == (RELIABLE, TRANSIENT_LOCAL)
