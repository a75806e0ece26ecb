# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Limits on what the bytes and the definitions of a bag can cost."""

from __future__ import annotations

import bz2
import sqlite3
import struct
import sys
import time

import lz4.frame
import pytest
from helpers.camera_bags import IMAGE_TOPIC, ROS1, frames, stamp, write_bag
from helpers.raw_mcap import (
    CAMERA,
    Channel,
    camera_with,
    chunk,
    described,
    messages,
    serialised,
    write_mcap,
)
from rosbags.rosbag1 import Writer as Writer1

from jasmine_core.errors import BagError, FrameError
from jasmine_ros.bags import definitions, expansion
from jasmine_ros.bags.connection import Schema
from jasmine_ros.bags.expansion import expand, expand_file, size_limit
from jasmine_ros.bags.reader import Bag

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESS = {"zstd": zstd.compress, "lz4": lz4.frame.compress, "bz2": bz2.compress}
LIMIT = 1 << 20


@pytest.fixture
def small_limit(monkeypatch):
    """Limit expanded parts to 1 MiB, so that the tests need little memory."""
    monkeypatch.setattr(expansion, "_ALWAYS_ALLOWED", LIMIT)
    monkeypatch.setattr(expansion, "_MAX_RATIO", 1)


@pytest.mark.parametrize("name", COMPRESS)
def test_parts_of_the_usual_size_are_expanded_whole(small_limit, name):
    first, second = bytes(range(256)) * 40, bytes(LIMIT // 2)
    data = COMPRESS[name](first) + COMPRESS[name](second)
    assert expand(data, name) == first + second
    assert expand(data, name, len(first + second)) == first + second


@pytest.mark.parametrize("name", COMPRESS)
def test_parts_that_expand_too_much_are_refused(small_limit, name):
    data = COMPRESS[name](bytes(LIMIT + 1))
    for announced in (None, 10, LIMIT + 1):
        with pytest.raises(ValueError, match=f"{len(data)} bytes expand to .* above the limit"):
            expand(data, name, announced)
    assert expand(COMPRESS[name](bytes(LIMIT)), name) == bytes(LIMIT)


@pytest.mark.parametrize("name", COMPRESS)
def test_damaged_and_cut_parts_are_refused(name):
    data = COMPRESS[name](bytes(range(256)) * 40)
    with pytest.raises(ValueError, match="end early"):
        expand(data[:-3], name)
    with pytest.raises(ValueError, match="9 bytes are announced, but 10240"):
        expand(data, name, 9)
    with pytest.raises(ValueError, match="compression 'rar' is not supported"):
        expand(data, "rar")


def test_a_large_window_of_zstd_is_refused():
    options = {zstd.CompressionParameter.window_log: 30}
    compressor = zstd.ZstdCompressor(options=options)
    data = compressor.compress(bytes(1 << 16)) + compressor.flush()
    with pytest.raises(zstd.ZstdError):
        expand(data, "zstd")


def test_large_parts_are_limited_by_their_compressed_size():
    assert size_limit(1000) == 1 << 26
    assert size_limit(1 << 24) == 200 << 24


@pytest.mark.parametrize("name", ["zstd", "lz4"])
def test_a_chunk_that_expands_too_much_ends_the_bag_there(tmp_path, small_limit, name):
    good = chunk(described(CAMERA) + messages(CAMERA, serialised(frames(2))))
    path = write_mcap(tmp_path / "in.mcap", good)
    bomb = chunk(COMPRESS[name](bytes(2 * LIMIT)), name, 2 * LIMIT, stamp(5))
    with Bag(path) as bag:
        assert len(list(bag.messages())) == 4
    path = write_mcap(tmp_path / "bomb.mcap", good + bomb)
    with pytest.raises(BagError, match="above the limit") as caught, Bag(path):
        pass
    assert "recover" not in str(caught.value)


def test_a_compressed_message_that_expands_too_much_ends_the_bag_there(tmp_path, small_limit):
    path = write_bag(tmp_path / "in", frames(3), "sqlite3-zstd")
    with sqlite3.connect(next(path.glob("*.db3"))) as database:
        bomb = zstd.compress(bytes(2 * LIMIT))
        database.execute("UPDATE messages SET data = ? WHERE timestamp = ?", (bomb, stamp(2)))
    with pytest.raises(BagError, match=r"after 2 messages: .* above the limit"), Bag(path) as bag:
        list(bag.messages([IMAGE_TOPIC]))


@pytest.mark.parametrize("name", ["bz2", "lz4"])
def test_a_chunk_of_ros_1_that_expands_too_much_ends_the_bag_there(tmp_path, small_limit, name):
    path, kind = tmp_path / "in.bag", "std_msgs/msg/String"
    writer = Writer1(path)
    writer.set_compression(writer.CompressionFormat[name.upper()])
    with writer:
        connection = writer.add_connection("/x", kind, typestore=ROS1)
        for size in (10, 2 * LIMIT, 10):
            message = ROS1.types[kind](data="x" * size)
            writer.write(connection, stamp(size), ROS1.serialize_ros1(message, kind))
    with pytest.raises(BagError, match="above the limit"), Bag(path) as bag:
        list(bag.messages())


def test_a_compressed_file_expands_to_a_limited_size(tmp_path, small_limit):
    source, target = tmp_path / "in.zstd", tmp_path / "out"
    source.write_bytes(zstd.compress(bytes(LIMIT)))
    expand_file(source, target)
    assert target.read_bytes() == bytes(LIMIT)
    source.write_bytes(zstd.compress(bytes(100 * LIMIT)))
    with pytest.raises(ValueError, match="above the limit"):
        expand_file(source, target)
    assert target.stat().st_size < 10 * LIMIT


def test_a_column_that_is_computed_is_not_expanded(tmp_path):
    path = write_bag(tmp_path / "in", frames(1), "sqlite3")
    with sqlite3.connect(next(path.glob("*.db3"))) as database:
        database.execute("ALTER TABLE messages RENAME TO old")
        database.execute(
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, "
            "data BLOB GENERATED ALWAYS AS (zeroblob(900000000)))"
        )
        database.execute("INSERT INTO messages SELECT id, topic_id, timestamp FROM old")
    with pytest.raises(BagError, match="more than the file"), Bag(path) as bag:
        list(bag.messages())


@pytest.mark.parametrize("kind", ["mcap", "sqlite3"])
def test_a_bag_of_compressed_files_is_read(tmp_path, kind):
    path = write_bag(tmp_path / "in", frames(2), kind)
    file = next(f for f in path.iterdir() if f.suffix in (".mcap", ".db3"))
    (path / f"{file.name}.zstd").write_bytes(zstd.compress(file.read_bytes()))
    file.unlink()
    metadata = (path / "metadata.yaml").read_text()
    metadata = metadata.replace("compression_mode: ''", "compression_mode: FILE")
    (path / "metadata.yaml").write_text(metadata.replace(file.suffix, f"{file.suffix}.zstd"))
    with Bag(path) as bag:
        assert len(list(bag.messages([IMAGE_TOPIC]))) == 2


def test_a_record_of_a_sparse_file_is_not_read(tmp_path):
    size = 1 << 33
    body = struct.pack("<BQ", 6, size)
    path = write_mcap(tmp_path / "in.mcap", body)
    with path.open("r+b") as file:
        end = path.read_bytes()[-37:]
        file.seek(size + 10_000)
        file.write(end)
    with pytest.raises(BagError, match="above the limit"), Bag(path):
        pass


# ---------------------------------------------------------------------- definitions

KIND = "a/msg/B"


def store(text, encoding="ros2msg"):
    return definitions.typestore(Schema(KIND, encoding, text.encode()), False)


REFUSED = {
    "large": ("int32 x\n" * 50_000, "above the limit"),
    "array of strings": ("string[100000000] x\n", "more than 20000 fields"),
    "array of types": (
        "std_msgs/Header[30000000] h\n" + "=" * 80 + "\nMSG: std_msgs/Header\nstring s\n",
        "more than 20000 fields",
    ),
    "arrays in arrays": (
        "a/C[200] c\n"
        + "".join("=" * 80 + f"\nMSG: a/{name}\na/{inner}[200] c\n" for name, inner in ("CD", "DE"))
        + "=" * 80
        + "\nMSG: a/E\nint32 x\n",
        "more than 20000 fields",
    ),
    "itself": ("a/B b\n", "nested deeper than 32"),
    "a type that is missing": ("c/D d\n", "no definition of c/msg/D"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_definitions_that_cost_too_much_are_refused(name):
    text, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        store(text)


def test_a_camera_whose_definition_is_refused_gives_frame_errors(tmp_path):
    bomb = Channel("/x", KIND, definition=b"string[100000000] x\n")
    path = camera_with(tmp_path / "in.mcap", [(bomb, b"\0\1\0\0" + bytes(100))], frames(1))
    with Bag(path) as bag:
        with pytest.raises(FrameError, match="more than 20000 fields"):
            bag.decode(next(bag.messages(["/x"])))
        assert bag.decode(next(bag.messages([IMAGE_TOPIC]))).encoding == "rgb8"


IDL = "module a {{ module msg {{ {before} struct B {{ long x; sequence<octet> data; }}; }}; }};"


def test_idl_is_parsed_in_a_process_with_a_time_limit(monkeypatch):
    usual = store(IDL.format(before=""), "ros2idl")
    message = usual.types[KIND](x=3, data=[])
    assert usual.fielddefs[KIND][1][0][0] == "x" and message.x == 3
    monkeypatch.setattr(definitions, "MAX_SECONDS", 3)
    deep = "const long X = " + "(" * 16 + "1" + ")" * 16 + ";"
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"IDL definition of a/msg/B cannot be parsed"):
        store(IDL.format(before=deep), "ros2idl")
    assert time.monotonic() - began < 60


def test_sequences_cannot_be_longer_than_their_message(tmp_path):
    """An element without fields takes no byte, so that the count alone would decide the cost."""
    empty = Channel("/x", KIND, definition=b"a/C[] c\n" + b"=" * 80 + b"\nMSG: a/C\nuint8[0] n\n")
    data = b"\0\1\0\0" + (2**31).to_bytes(4, "little") + bytes(100)
    path = camera_with(tmp_path / "in.mcap", [(empty, data)], frames(1))
    with Bag(path) as bag, pytest.raises(FrameError):
        bag.decode(next(bag.messages(["/x"])))
