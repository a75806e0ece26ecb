# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writer of rosbag2 bags that stay readable if the disk is full or the run is interrupted."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from rosbags.convert.converter import generate_message_converter
from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from jasmine_core.errors import BagError, FrameError
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.bag_path import expect_sqlite_name
from jasmine_ros.bags.connection import Connection as Origin
from jasmine_ros.bags.connection import Schema, full_name
from jasmine_ros.bags.definitions import typestore
from jasmine_ros.bags.qos import offered_qos, usual_qos
from jasmine_ros.bags.reader import Bag
from jasmine_ros.bags.writer_storages import RecoverableWriter
from jasmine_ros.msgs.types import Message

RESERVE = 2**20  # [bytes] of a file that is deleted on a full disk, for index and metadata
STORAGES = ("mcap", "sqlite3")
# Up to Iron, readers expect the QoS profiles as text, which version 9 no longer writes.
METADATA: Literal[8] = 8
_Convert = Callable[[bytes], memoryview | bytes]  # from a message of a bag to ROS 2
_DAMAGE = Exception  # the parsers and converters of rosbags have no other common base
_log = logging.getLogger(__name__)
_FULL = (OSError, sqlite3.Error)  # errors of the file system and of SQLite on a full disk


class BagWriter:
    """Writer of one rosbag2 folder; use it as a context manager.

    The bag is readable after the block, also if an error was raised inside.

    Args:
        path: folder of the new bag.
        storage: "mcap" or "sqlite3".
        compress: compress with zstd.

    Raises:
        BagError: the folder exists or cannot be written, or the storage is unknown.
    """

    def __init__(self, path: Path, storage: str = "mcap", compress: bool = False) -> None:
        if storage not in STORAGES:
            raise BagError(f"storage {storage!r} is not one of {', '.join(STORAGES)}")
        if storage == "sqlite3":
            expect_sqlite_name(path)
        if path.exists():
            raise BagError(f"{path} exists already; remove it or choose another folder")
        self.path = path
        self.typestore = get_typestore(Stores.ROS2_JAZZY)
        self._writer = RecoverableWriter(
            path, version=METADATA, storage_plugin=StoragePlugin[storage.upper()]
        )
        if compress:
            mode = CompressionMode.STORAGE if storage == "mcap" else CompressionMode.MESSAGE
            self._writer.set_compression(mode, CompressionFormat.ZSTD)
        self._connections: dict[str, Connection] = {}
        self._copies: dict[Origin, tuple[Connection, _Convert]] = {}
        self._raw: dict[tuple[str, str, str], Connection] = {}  # by topic, type and encoding
        self._reserve = path / ".reserve"

    def __enter__(self) -> BagWriter:
        try:
            self._writer.open()
            self._reserve.write_bytes(bytes(RESERVE))
        except OSError as err:
            raise BagError(f"{self.path} cannot be written: {err}") from err
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reserve.unlink(missing_ok=True)
        failure: Exception | None = None
        for _ in range(3):  # each attempt keeps fewer messages, so that the index fits
            try:
                self._writer.close()
                break
            except _FULL as err:
                failure = failure or err
                self._writer.go_back(further=failure is not err)
        else:
            self._writer.abort()
        if failure and not isinstance(error, BagError):
            raise BagError(f"{self.path}: {failure}; {self._kept()}") from failure

    def add(self, topic: str, kind: str) -> None:
        """Declare a topic of a standard ROS 2 type."""
        self._connections[topic] = self._writer.add_connection(
            topic,
            kind,
            typestore=self.typestore,
            offered_qos_profiles=usual_qos(topic),
        )

    def write(self, topic: str, stamp: int, message: Message) -> None:
        """Serialize and write a message with its time of recording [ns]."""
        connection = self._connections[topic]
        self._write(connection, stamp, self.typestore.serialize_cdr(message, connection.msgtype))

    def copy(self, message: BagMessage, source: Bag) -> None:
        """Write a message of another bag unchanged; a ROS 1 message becomes a ROS 2 message.

        Messages of any type and encoding are copied, as bytes with their schema.
        """
        origin = message.connection
        if origin not in self._copies:
            self._copies[origin] = self._add_copy(message)
        connection, convert = self._copies[origin]
        try:
            data = convert(message.raw)
        except _DAMAGE as err:
            raise FrameError(
                f"{message.topic}: message at {message.stamp} ns is not copied: it is not a "
                f"{message.type}: {err}"
            ) from err
        self._write(connection, message.stamp, data)

    def _add_copy(self, message: BagMessage) -> tuple[Connection, _Convert]:
        origin, kind = message.connection, message.type
        qos = offered_qos(origin)
        if origin.encoding == "ros1" and origin.schema.encoding == "ros1msg":
            try:
                return self._add_converted(origin, kind, qos)
            except _DAMAGE as err:
                _log.warning("%s is copied as ROS 1 messages: %s", origin.topic, err)
        same = (origin.topic, origin.schema.name, origin.encoding)
        if same not in self._raw:
            self._raw[same] = self._writer.add_raw(_described(origin), qos)
        return self._raw[same], memoryview

    def _add_converted(
        self, origin: Origin, kind: str, qos: list[Qos]
    ) -> tuple[Connection, _Convert]:
        store = typestore(origin.schema, True)
        if kind not in self.typestore.fielddefs:
            _register_missing(self.typestore, store, kind)
        convert = generate_message_converter(
            store,
            self.typestore,
            full_name(origin.schema.name),
            kind,
            {},
            src_is2=False,
            dst_is2=True,
        )
        same = (origin.topic, kind, "cdr")
        if same not in self._raw:
            self._raw[same] = self._writer.add_connection(
                origin.topic, kind, typestore=self.typestore, offered_qos_profiles=qos
            )
        return self._raw[same], convert

    def _write(self, connection: Connection, stamp: int, data: memoryview | bytes) -> None:
        try:
            self._writer.write(connection, stamp, data)
        except _FULL as err:
            self._reserve.unlink(missing_ok=True)
            self._writer.go_back()
            raise BagError(f"{self.path}: {err}; {self._kept()}") from err

    def _kept(self) -> str:
        return f"the first {sum(self._writer.counts.values())} messages stay readable"


def _described(origin: Origin) -> Origin:
    """Return a connection with its definition and hash, if they are missing and can be found."""
    schema = origin.schema
    if origin.encoding != "cdr" or (schema.data and schema.digest):
        return origin
    try:
        store = typestore(schema, False)
        text, _ = store.generate_msgdef(schema.name, ros_version=2)
        digest = schema.digest or store.hash_rihs01(schema.name)
    except _DAMAGE:
        return origin
    if schema.data:
        return replace(origin, schema=replace(schema, digest=digest))
    return replace(origin, schema=Schema(schema.name, "ros2msg", text.encode(), digest))


def _register_missing(store: Typestore, source: Typestore, kind: str) -> None:
    """Add a type of another bag and the types of its fields to `store`, unless it has them."""
    known = set(store.fielddefs)
    wanted: dict[str, Any] = {}

    def collect(name: str) -> None:
        if name in known or name in wanted:
            return
        wanted[name] = source.fielddefs[name]
        for _, (_, description) in source.fielddefs[name][1]:
            while isinstance(description, tuple) and isinstance(description[0], tuple):
                description = description[0][1]  # the element of an array or sequence
            if isinstance(description, str) and description in source.fielddefs:
                collect(description)

    collect(kind)
    store.register(wanted)
