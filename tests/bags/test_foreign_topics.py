# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags with topics that cannot be described, beside those that are read."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
import yaml
from helpers.camera_bags import (
    IMAGE_TOPIC,
    INFO_TOPIC,
    ROS1,
    Recorder,
    frames,
    pixels,
    stamp,
    write_bag,
)
from helpers.raw_mcap import (
    CAMERA,
    Channel,
    camera_with,
    described,
    messages,
    serialised,
    write_mcap,
)
from helpers.tf_messages import tf
from rosbags.rosbag1 import Writer as Writer1
from rosbags.typesys import get_types_from_msg

from jasmine_core.errors import FrameError
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.bags.scan import fixed_transforms
from jasmine_ros.bags.writer import STORAGES, BagWriter
from jasmine_ros.msgs.transforms import TRANSFORMS

FOREIGN = {
    "json": Channel("/x", "Odom", "jsonschema", b'{"type": "object"}', "json"),
    "protobuf": Channel("/x", "foxglove.Grid", "protobuf", b"\n\xff\xfe\x00binary", "protobuf"),
    "ros1msg": Channel("/x", "std_msgs/String", "ros1msg", b"string data", "ros1"),
    "service event": Channel("/x", "a/srv/Do_Event", "ros2msg", b"bool a\n---\nbool b\n"),
    "no definition": Channel("/x", "my_msgs/msg/A", "", b""),
    "half a definition": Channel("/x", "my_msgs/msg/A", "ros2msg", b"other_msgs/B b\n"),
    "no type": Channel("/x", "", "", b"", ""),
}
DATA = b"\x00\x01\x00\x00any bytes"


def images_of(path):
    with Bag(path) as bag:
        return [bag.decode(m).data.reshape(pixels().shape) for m in bag.messages([IMAGE_TOPIC])]


@pytest.mark.parametrize("kind", FOREIGN)
def test_the_camera_beside_a_foreign_topic_is_read(tmp_path, kind):
    path = camera_with(tmp_path / "in.mcap", [(FOREIGN[kind], DATA)], frames(2))
    for index, image in enumerate(images_of(path)):
        np.testing.assert_array_equal(image, pixels(index))
    with Bag(path) as bag:
        assert bag.topics["/x"].count == 1
        if kind != "ros1msg":
            with pytest.raises(FrameError, match=r"^/x: message at"):
                bag.decode(next(bag.messages(["/x"])))


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", sorted(FOREIGN.keys() - {"ros1msg"}))
def test_foreign_topics_are_copied_as_bytes_with_their_schema(tmp_path, storage, kind):
    path = camera_with(tmp_path / "in.mcap", [(FOREIGN[kind], DATA)], frames(2))
    with Bag(path) as source, BagWriter(tmp_path / "out", storage) as writer:
        for message in source.messages():
            writer.copy(message, source)
    with Bag(tmp_path / "out") as bag:
        copy = next(bag.messages(["/x"]))
        schema, origin = copy.connection.schema, FOREIGN[kind]
        assert copy.raw == DATA and copy.connection.encoding == origin.encoding
        assert (schema.name, schema.encoding) == (origin.kind, origin.format)
        assert schema.data == origin.definition
    assert len(images_of(tmp_path / "out")) == 2


def test_ros_1_messages_of_an_mcap_file_are_read(tmp_path):
    data = b"\x04\x00\x00\x00text"
    path = camera_with(tmp_path / "in.mcap", [(FOREIGN["ros1msg"], data)], frames(1))
    with Bag(path) as bag:
        assert bag.decode(next(bag.messages(["/x"]))).data == "text"


def test_messages_outside_of_chunks_are_read(tmp_path):
    made = serialised(frames(3))
    path = write_mcap(tmp_path / "in.mcap", described(CAMERA) + messages(CAMERA, made))
    assert len(images_of(path)) == 3
    with Bag(path) as bag:
        assert bag.stamps(IMAGE_TOPIC) == [stamp(i) for i in range(3)]
        assert (bag.start, bag.stop) == (stamp(0), stamp(2) + 1)


def test_a_database_with_a_definition_of_unknown_format_is_read(tmp_path):
    path = write_bag(tmp_path / "in", frames(2), "sqlite3")
    with sqlite3.connect(next(path.glob("*.db3"))) as database:
        database.execute("INSERT INTO topics VALUES (9, '/x', 'Odom', 'json', 'not: [yaml', '')")
        database.execute(
            "INSERT INTO message_definitions VALUES (9, 'Odom', 'jsonschema', '{}', '')"
        )
        database.execute("INSERT INTO messages VALUES (99, 9, ?, x'00')", (stamp(0),))
    assert len(images_of(path)) == 2
    with Bag(path) as bag:
        assert bag.topics["/x"].type == "Odom"


# ---------------------------------------------------------------------- metadata.yaml


QOS = {"history": "keep_last", "depth": 5, "reliability": "reliable", "durability": "volatile"}
WRONG = {
    "other QoS": lambda m: m["topics_with_message_count"][1]["topic_metadata"].update(
        offered_qos_profiles=[QOS]
    ),
    "another type": lambda m: m["topics_with_message_count"][1]["topic_metadata"].update(
        type="std_msgs/msg/String"
    ),
    "another encoding": lambda m: m["topics_with_message_count"][1]["topic_metadata"].update(
        serialization_format="json"
    ),
    "no topics": lambda m: m.update(topics_with_message_count=None),
    "another start": lambda m: m.update(starting_time={"nanoseconds_since_epoch": 7}),
    "a later version": lambda m: m.update(version=12),
}


@pytest.mark.parametrize("kind", ["mcap", "sqlite3", "sqlite3-zstd"])
@pytest.mark.parametrize("wrong", WRONG)
def test_the_files_of_a_bag_describe_it_whatever_its_metadata_say(tmp_path, kind, wrong):
    path = write_bag(tmp_path / "in", frames(2), kind)
    content = yaml.safe_load((path / "metadata.yaml").read_text())
    WRONG[wrong](content["rosbag2_bagfile_information"])
    (path / "metadata.yaml").write_text(yaml.safe_dump(content))
    assert len(images_of(path)) == 2
    with Bag(path) as bag:
        assert (bag.start, bag.stop) == (stamp(0), stamp(1) + 1)


ALIASES = "\n".join(
    ["a0: &a0 [x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30))]
)


@pytest.mark.parametrize("content", ["", "a: [", "- 1", ALIASES, "\x00", "[" * 5000])
def test_metadata_that_cannot_be_read_are_ignored(tmp_path, content):
    path = write_bag(tmp_path / "in", frames(2))
    (path / "metadata.yaml").write_text(content)
    assert len(images_of(path)) == 2


# ---------------------------------------------------------------------- names and types


def test_topics_of_ros_1_without_a_leading_slash_get_one(tmp_path):
    def fill(bag):
        bag.info(stamp(0), INFO_TOPIC[1:])
        bag.image(stamp(0), pixels(), IMAGE_TOPIC[1:])

    path = write_bag(tmp_path / "in", fill, "ros1")
    assert len(images_of(path)) == 1
    with Bag(path) as bag, BagWriter(tmp_path / "out") as writer:
        assert set(bag.topics) == {IMAGE_TOPIC, INFO_TOPIC}
        for message in bag.messages():
            writer.copy(message, bag)
    assert len(images_of(tmp_path / "out")) == 1


TF_TYPES = ("tf/msg/tfMessage", TRANSFORMS)
for _kind in TF_TYPES:
    ROS1.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", _kind))


@pytest.mark.parametrize("kinds", [TF_TYPES[:1], TF_TYPES])
def test_transforms_of_both_names_of_their_type_are_read_and_copied(tmp_path, kinds):
    """Both types may be on one topic; constant transforms on /tf are fixed."""
    path = tmp_path / "in.bag"
    messages = RosbagsMessages(ROS1)
    header = Recorder(lambda *_: None, messages).header(stamp(0), "base")
    with Writer1(path) as writer:
        for index, kind in enumerate(kinds):
            one = tf(("base", f"child{index}", np.eye(4), 0)).transforms[0]
            made = messages.make(
                "geometry_msgs/msg/TransformStamped",
                header=header,
                child_frame_id=one.child_frame_id,
                transform=one.transform,
            )
            connection = writer.add_connection("/tf", kind, typestore=ROS1)
            data = ROS1.serialize_ros1(messages.make(kind, transforms=[made]), kind)
            writer.write(connection, stamp(index), data)
    with Bag(path) as bag, BagWriter(tmp_path / "out") as out:
        assert bag.topics["/tf"].type == TRANSFORMS and bag.topics["/tf"].count == len(kinds)
        assert set(fixed_transforms(bag)) == {("base", f"child{i}") for i in range(len(kinds))}
        for message in bag.messages():
            out.copy(message, bag)
    with Bag(tmp_path / "out") as bag:
        assert {c.schema.name for c in bag.connections} == {TRANSFORMS}
        assert len(fixed_transforms(bag)) == len(kinds)


def test_of_a_topic_with_two_types_the_more_frequent_one_is_read(tmp_path):
    def fill(bag):
        frames(2)(bag)
        bag.string(stamp(0), "not an image", IMAGE_TOPIC)

    path = write_bag(tmp_path / "in", fill)
    assert len(images_of(path)) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"float64[9] r", b"float64[9] q"),
        (b"uint32 width", b"string width"),
        (b"float64[9] r", b"float64 r"),
        (b"float64[] d", b"std_msgs/Header[] d"),
        (b"string frame_id", b"string frame_is"),
    ],
)
def test_a_standard_type_that_is_defined_otherwise_gives_frame_errors(tmp_path, old, new):
    info, image = CAMERA
    changed = info._replace(definition=info.definition.replace(old, new))
    assert changed.definition != info.definition
    channels = (changed, image)
    made = serialised(frames(1))
    path = write_mcap(tmp_path / "in.mcap", described(channels) + messages(channels, made))
    with Bag(path) as bag, pytest.raises(FrameError, match="lacks the usual field"):
        bag.decode(next(bag.messages([INFO_TOPIC])))
    assert len(images_of(path)) == 1


def test_a_standard_type_may_have_more_fields(tmp_path):
    info, image = CAMERA
    head, mark, rest = info.definition.partition(b"=" * 80)
    longer = info._replace(definition=head + b"float64 added\n" + mark + rest)
    made = [(t, at, raw + bytes(16)) for t, at, raw in serialised(frames(1))]
    channels = (longer, image)
    path = write_mcap(tmp_path / "in.mcap", described(channels) + messages(channels, made))
    with Bag(path) as bag:
        assert bag.decode(next(bag.messages([INFO_TOPIC]))).width == pixels().shape[1]
