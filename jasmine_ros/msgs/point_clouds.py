# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion between points with colours and `sensor_msgs/PointCloud2`."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import FrameError
from jasmine_ros.msgs.messages import Messages
from jasmine_ros.msgs.types import Header, PointCloud2, PointField

_FLOAT32, _FLOAT64 = 7, 8  # constants of sensor_msgs/PointField
_FLOATS = {_FLOAT32: "f4", _FLOAT64: "f8"}
_POINT = np.dtype([(name, "<f4") for name in ("x", "y", "z", "rgb")])


def pack_points(
    messages: Messages, points: NDArray[np.float32], colours: NDArray[np.uint8]
) -> tuple[list[PointField], NDArray[Any]]:
    """Return the fields of a cloud and its records [H,W] from points and RGB colours [H,W,3].

    A colour is 0x00RRGGBB in the bits of a float32, as RViz and PCL expect.
    """
    packed = cv2.cvtColor(colours, cv2.COLOR_RGB2BGRA).view("<u4")  # [H,W,1] 0xFFRRGGBB
    packed &= 0x00FFFFFF
    x, y, z = np.moveaxis(points, -1, 0)  # [H,W] each
    records = np.asarray(cv2.merge((x, y, z, packed.view("<f4"))), "<f4")  # [H,W,4]
    cloud = records.view(_POINT)[..., 0]
    fields: list[PointField] = [
        messages.make(
            "sensor_msgs/msg/PointField",
            name=name,
            offset=4 * i,
            datatype=_FLOAT32,
            count=1,
        )
        for i, name in enumerate(_POINT.names or ())
    ]
    return fields, cloud


def make_cloud(
    messages: Messages, header: Header, points: NDArray[np.float32], colours: NDArray[np.uint8]
) -> PointCloud2:
    """Build an organized cloud of points [H,W,3] m, NaN where unknown, with RGB colours [H,W,3]."""
    fields, records = pack_points(messages, points, colours)
    height, width = records.shape
    cloud: PointCloud2 = messages.make(
        "sensor_msgs/msg/PointCloud2",
        header=header,
        height=height,
        width=width,
        fields=fields,
        is_bigendian=False,
        point_step=_POINT.itemsize,
        row_step=_POINT.itemsize * width,
        data=records.view(np.uint8),
        is_dense=False,
    )
    return cloud


def read_points(cloud: PointCloud2, topic: str = "points") -> NDArray[np.float32]:
    """Return the points [N,3] m of a `PointCloud2`, NaN where unknown; other fields are ignored.

    Raises:
        FrameError: x, y or z is missing or not a floating-point field, or the data is damaged.
    """
    kinds = {f.name: _FLOATS[f.datatype] for f in cloud.fields if f.datatype in _FLOATS}
    if not all(name in kinds for name in "xyz"):
        names = sorted(f.name for f in cloud.fields)
        raise FrameError(f"{topic}: the cloud has fields {names}, but no floating-point x, y, z")
    columns = _columns(cloud, topic, {name: kinds[name] for name in "xyz"})
    return np.stack(columns, axis=-1).astype(np.float32)


def read_colours(cloud: PointCloud2, topic: str = "points") -> NDArray[np.uint8] | None:
    """Return the RGB colours [N,3] of a `PointCloud2`, None if it has no field rgb or rgba."""
    name = next((f.name for f in cloud.fields if f.name in ("rgb", "rgba")), None)
    if name is None:
        return None
    (packed,) = _columns(cloud, topic, {name: "u4"})
    return np.stack([packed >> 16, packed >> 8, packed], axis=-1).astype(np.uint8)


def _columns(cloud: PointCloud2, topic: str, kinds: dict[str, str]) -> list[NDArray[Any]]:
    """Return the values [N] of the fields in `kinds`, which maps a name to its numpy type code."""
    offsets, order = {f.name: f.offset for f in cloud.fields}, ">" if cloud.is_bigendian else "<"
    try:
        point = np.dtype(
            {
                "names": list(kinds),
                "formats": [order + kind for kind in kinds.values()],
                "offsets": [offsets[name] for name in kinds],
                "itemsize": cloud.point_step,
            }
        )
    except (ValueError, OverflowError) as err:
        raise FrameError(
            f"{topic}: {', '.join(kinds)} do not lie inside points of {cloud.point_step} bytes"
        ) from err
    rows, count = int(cloud.height), int(cloud.width)
    data = np.frombuffer(cloud.data, np.uint8)
    if data.size < rows * cloud.row_step or cloud.row_step < count * cloud.point_step:
        raise FrameError(f"{topic}: {data.size} bytes are too few for {rows} x {count} points")
    lines = data[: rows * cloud.row_step].reshape(rows, cloud.row_step)
    packed = np.ascontiguousarray(lines[:, : count * cloud.point_step]).view(point)
    return [packed[name].reshape(-1) for name in kinds]
