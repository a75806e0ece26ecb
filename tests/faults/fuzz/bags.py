# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Random small bags of all storages, compressions and ROS versions, with unusual topics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import lz4.frame
import numpy as np
from faults.mutations import NUMBERS, mutate
from helpers.camera_bags import IMAGE_TOPIC, ROS1, ROS2, Recorder
from helpers.raw_mcap import Channel, chunk, described, messages, ros2_channel, write_mcap
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Writer2
from rosbags.typesys import get_types_from_msg

from jasmine_ros.bags.rosbags_messages import RosbagsMessages

Rng = np.random.Generator
STORAGES = ("mcap", "mcap-chunk", "mcap-file", "mcap-lz4", "mcap-no-index", "sqlite3")
STORAGES += ("sqlite3-message", "sqlite3-file", "ros1", "ros1-bz2", "ros1-lz4")
START = 1_600_000_000_000_000_000  # [ns]
PERIOD = 100_000_000  # [ns]
ODOMETRY, TF, TF_STATIC, DEPTH = "/odom", "/tf", "/tf_static", "/depth/image_raw"
TIMES = (0, 1, 10**9, 2**31 * 10**9, 2**32 * 10**9 - 1, 2**63 - 1, 2**64 - 1)  # [ns]
ENCODINGS = (
    *("rgb8", "bgr8", "mono8", "bgra8", "rgba8", "mono16", "rgb16", "16UC1", "32FC1", "8UC3"),
    *("bayer_rggb8", "bayer_grbg16", "yuv422", "yuv422_yuy2", "nv12", "nv21", "uyvy", "8UC1"),
    *("", "rgb8; jpeg", "RGB8", "64FC3", "16SC1", "bayer", "mono10", "\u00e9" * 40),
)
FORMATS = ("jpeg", "png", "rgb8; jpeg compressed bgr8", "", "16UC1; compressedDepth png", "h264")
FOREIGN = (
    Channel("/x/json", "Odom", "jsonschema", b'{"type": "object"}', "json"),
    Channel("/x/grid", "foxglove.Grid", "protobuf", b"\n\xff\xfe\x00binary", "protobuf"),
    Channel("/x/ros1", "std_msgs/String", "ros1msg", b"string data", "ros1"),
    Channel("/x/event", "a/srv/Do_Event", "ros2msg", b"bool a\n---\nbool b\n"),
    Channel("/x/idl", "a/msg/B", "ros2idl", b"module a { struct B { long x; }; };"),
    Channel("/x/none", "my_msgs/msg/A", "", b""),
    Channel("/x/half", "my_msgs/msg/A", "ros2msg", b"other_msgs/B b\n"),
    Channel("", "", "", b"", ""),
    Channel(IMAGE_TOPIC, "foxglove_msgs/msg/CompressedVideo", "ros2msg", b"uint8[] data\n"),
)
TOPICS = (
    IMAGE_TOPIC[1:],
    "/" + "n" * 300,
    "/caf\u00e9/image",
    "/a b/c'd\"",
    "image",
    "/line\nbreak/image",
    "//",
)
TF_TYPES = ("tf2_msgs/msg/TFMessage", "tf/msg/tfMessage")
for _kind in TF_TYPES:
    ROS1.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", _kind))


class Record(NamedTuple):
    """One serialized message."""

    topic: str
    kind: str
    at: int  # [ns] time of recording
    raw: bytes


def maybe(rng: Rng, probability: float) -> bool:
    """Return True with a probability."""
    return bool(rng.random() < probability)


def choice(rng: Rng, values: Any) -> Any:
    """Return one of the values, of any type."""
    return values[int(rng.integers(len(values)))]


def write_random_bag(rng: Rng, folder: Path) -> Path:
    """Write a bag with faults in its messages, times and topics; return its path."""
    storage = choice(rng, STORAGES)
    ros1 = storage.startswith("ros1")
    records = _damaged(rng, _records(rng, ros1))
    path = folder / f"bag{'.bag' if ros1 else ''}"
    if storage in ("mcap-lz4", "mcap-no-index"):
        return _write_channels(rng, path.with_suffix(".mcap"), records, storage == "mcap-lz4")
    if ros1:
        _write_ros1(path, records, storage.partition("-")[2])
    else:
        _write_ros2(path, records, *storage.partition("-")[::2])
    return path


# ---------------------------------------------------------------------- messages


def _records(rng: Rng, ros1: bool) -> list[Record]:
    store = ROS1 if ros1 else ROS2
    serialize = store.serialize_ros1 if ros1 else store.serialize_cdr
    made: list[Record] = []

    def add(topic: str, kind: str, at: int, message: Any) -> None:
        made.append(Record(topic, kind, at, bytes(serialize(message, kind))))

    bag = Recorder(add, RosbagsMessages(store))
    images = choice(rng, (0, 1, 2, 3, 4, 4, 5, 8))
    size = choice(rng, ((48, 32), (64, 48), (31, 17), (9, 40), (3, 2)))
    image = _image_writer(rng, bag, size)
    with_info, with_odometry, with_depth = (maybe(rng, p) for p in (0.92, 0.5, 0.4))
    for index in range(images):
        at = START + index * PERIOD
        if with_info:
            bag.info(at, **_calibration(rng, *size))
        image(at, index)
        if with_depth:
            depth = np.full(size[::-1], 2.0 + index, "<f4").view(np.uint8)
            fields = {"encoding": "32FC1", "step": 4 * size[0], "data": depth.reshape(-1)}
            bag.image(at, np.zeros((*size[::-1], 3), np.uint8), DEPTH, **fields)
        if with_odometry:
            _odometry(bag, at, index)
    if with_odometry:
        _transform(rng, bag, START, TF_STATIC if maybe(rng, 0.7) else TF)
    if maybe(rng, 0.3):
        bag.string(START, choice(rng, ("", "text", "\u00e9" * 200)))
    return made


def _image_writer(rng: Rng, bag: Recorder, size: tuple[int, int]) -> Callable[[int, int], None]:
    width, height = size
    encoding = choice(rng, ENCODINGS) if maybe(rng, 0.5) else "rgb8"
    compressed, extension = maybe(rng, 0.35), choice(rng, (".jpg", ".png"))
    form = choice(rng, FORMATS) if maybe(rng, 0.3) else "jpeg"

    def pixels(index: int) -> np.ndarray:
        u, v = np.meshgrid(np.arange(width), np.arange(height))
        waves = [np.sin((u * (c + 1) + v + 5 * index) / 9) for c in range(3)]
        return np.uint8(127 + 100 * np.stack(waves, -1))

    def write(at: int, index: int) -> None:
        rgb = pixels(index)
        if compressed:
            data = cv2.imencode(extension, rgb)[1].reshape(-1)
            make = bag.messages.make
            kind = "sensor_msgs/msg/CompressedImage"
            message = make(kind, header=bag.header(at), format=form, data=data)
            bag.write(IMAGE_TOPIC + "/compressed", kind, at, message)
            return
        step = width * choice(rng, (1, 2, 3, 4, 6)) if encoding != "rgb8" else 3 * width
        data = np.resize(rgb.reshape(-1), step * height)
        bag.image(at, rgb, encoding=encoding, step=step, data=data)

    return write


def _calibration(rng: Rng, width: int, height: int) -> dict[str, Any]:
    fields: dict[str, Any] = {"width": width, "height": height}
    focal = max(width, height)
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    fields |= {"k": K, "p": np.column_stack([K, np.zeros(3)])}
    if maybe(rng, 0.3):
        fields["d"] = rng.normal(0, choice(rng, (0.01, 1, 1e6)), choice(rng, (0, 4, 5, 8, 12, 14)))
        models = ("plumb_bob", "rational_polynomial", "equidistant", "fisheye", "", "unknown")
        fields["distortion_model"] = choice(rng, models)
    if maybe(rng, 0.15):
        name, count = choice(rng, (("k", 9), ("p", 12), ("r", 9)))
        values = np.array([choice(rng, (*NUMBERS, 1.0, 50.0)) for _ in range(count)])
        fields[name] = values if maybe(rng, 0.5) else np.zeros(count)
    if maybe(rng, 0.05):
        fields["width"] = choice(rng, (0, 1, 7, 2**32 - 1))
    return fields


def _odometry(bag: Recorder, at: int, index: int) -> None:
    make = bag.messages.make
    zero = make("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=0.0)
    point = make("geometry_msgs/msg/Point", x=0.2 * index, y=0.0, z=0.0)
    rotation = make("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0)
    pose = make("geometry_msgs/msg/Pose", position=point, orientation=rotation)
    covariance = np.zeros(36)
    message = make(
        "nav_msgs/msg/Odometry",
        header=bag.header(at, "odom"),
        child_frame_id="base_link",
        pose=make("geometry_msgs/msg/PoseWithCovariance", pose=pose, covariance=covariance),
        twist=make(
            "geometry_msgs/msg/TwistWithCovariance",
            twist=make("geometry_msgs/msg/Twist", linear=zero, angular=zero),
            covariance=covariance,
        ),
    )
    bag.write(ODOMETRY, "nav_msgs/msg/Odometry", at, message)


def _transform(rng: Rng, bag: Recorder, at: int, topic: str) -> None:
    make = bag.messages.make
    transform = make(
        "geometry_msgs/msg/Transform",
        translation=make("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=1.0),
        rotation=make("geometry_msgs/msg/Quaternion", x=-0.5, y=0.5, z=-0.5, w=0.5),
    )
    stamped = make(
        "geometry_msgs/msg/TransformStamped",
        header=bag.header(at, "base_link"),
        child_frame_id="camera_optical_frame",
        transform=transform,
    )
    kind = choice(rng, [k for k in TF_TYPES if k in bag.messages.typestore.fielddefs])
    bag.write(topic, kind, at, make(kind, transforms=[stamped]))


# ---------------------------------------------------------------------- faults of messages


def _damaged(rng: Rng, records: list[Record]) -> list[Record]:
    """Return the messages with damaged bytes, stray times and other topics, or as they are."""
    if not records:
        return records
    if maybe(rng, 0.5):
        share = choice(rng, (0.05, 0.3, 1.0))
        records = [
            r._replace(raw=mutate(rng, r.raw, choice(rng, records).raw)) if maybe(rng, share) else r
            for r in records
        ]
    if maybe(rng, 0.3):
        for _ in range(int(rng.integers(1, 4))):
            index = int(rng.integers(len(records)))
            at = choice(rng, TIMES) if maybe(rng, 0.7) else int(rng.integers(2**63))
            records[index] = records[index]._replace(at=at)
    if maybe(rng, 0.1):  # other stamps in the headers, which begin a message of ROS 2
        records = [
            r._replace(raw=r.raw[:4] + bytes(8) + r.raw[12:]) if maybe(rng, 0.5) else r
            for r in records
        ]
    if maybe(rng, 0.1):
        rng.shuffle(order := list(range(len(records))))
        records = [records[i] for i in order]
    if maybe(rng, 0.1):
        old, new = choice(rng, records).topic, choice(rng, TOPICS)
        records = [r._replace(topic=new) if r.topic == old else r for r in records]
    if maybe(rng, 0.1):  # two types on one topic
        one, other = choice(rng, records), choice(rng, records)
        records.append(one._replace(topic=other.topic))
    return records


# ---------------------------------------------------------------------- storages


def _write_all(writer: Any, store: Any, records: list[Record]) -> None:
    connections: dict[tuple[str, str], Any] = {}
    for topic, kind, at, raw in records:
        if (topic, kind) not in connections:
            connections[topic, kind] = writer.add_connection(topic, kind, typestore=store)
        writer.write(connections[topic, kind], at, raw)


def _write_ros1(path: Path, records: list[Record], compression: str) -> None:
    writer = Writer1(path)
    if compression:
        writer.set_compression(Writer1.CompressionFormat[compression.upper()])
    limit = 2**32 * 10**9 - 1  # times of ROS 1 have 32 bits of seconds
    with writer:
        _write_all(writer, ROS1, [r._replace(at=min(r.at, limit)) for r in records])


def _write_ros2(path: Path, records: list[Record], storage: str, compression: str) -> None:
    writer = Writer2(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if compression:
        mode = {"chunk": "STORAGE"}.get(compression, compression.upper())
        writer.set_compression(CompressionMode[mode], CompressionFormat.ZSTD)
    limit = 2**63 - 1 if storage == "sqlite3" else 2**64 - 1
    with writer:
        _write_all(writer, ROS2, [r._replace(at=min(r.at, limit)) for r in records])


def _write_channels(rng: Rng, path: Path, records: list[Record], compress: bool) -> Path:
    """Write an MCAP file without an index, with channels of other encodings."""
    channels = [ros2_channel(topic, kind) for topic, kind in {r[:2]: None for r in records}]
    foreign = [choice(rng, FOREIGN) for _ in range(int(rng.integers(3)))]
    made = [r[:1] + r[2:] for r in records]
    made += [(c.topic, START, rng.bytes(int(rng.integers(40)))) for c in foreign]
    channels += foreign
    body = described(channels) + messages(channels, made)
    if compress:
        body = chunk(lz4.frame.compress(body), "lz4", len(body))
    elif maybe(rng, 0.5):
        body = chunk(body)
    return write_mcap(path, body)
