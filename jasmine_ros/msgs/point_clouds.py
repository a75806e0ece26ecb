# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Points and colours as `sensor_msgs/PointCloud2`."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import FrameError
from jasmine_ros.msgs.messages import Messages

_FLOAT32 = 7  # sensor_msgs/PointField.FLOAT32
_FLOATS = {_FLOAT32: "f4", 8: "f8"}
_POINT = np.dtype([(name, "<f4") for name in ("x", "y", "z", "rgb")])


def pack_points(
    messages: Messages, points: NDArray[np.float32], colours: NDArray[np.uint8]
) -> tuple[list[Any], NDArray[Any]]:
    """Return the fields of a cloud and its records [H,W] from points and RGB colours [H,W,3].

    The colour is 0x00RRGGBB in the bits of a float, which is how RViz and PCL want it.
    """
    packed = cv2.cvtColor(colours, cv2.COLOR_RGB2BGRA).view("<u4")  # [H,W,1] 0xFFRRGGBB
    packed &= 0x00FFFFFF
    x, y, z = np.moveaxis(points, -1, 0)  # [H,W] each
    records = np.asarray(cv2.merge((x, y, z, packed.view("<f4"))), "<f4")  # [H,W,4]
    cloud = records.view(_POINT)[..., 0]
    fields = [
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
    messages: Messages, header: Any, points: NDArray[np.float32], colours: NDArray[np.uint8]
) -> Any:
    """Build an organised cloud from points [H,W,3] and RGB colours [H,W,3]; NaN marks no point."""
    fields, cloud = pack_points(messages, points, colours)
    height, width = cloud.shape
    return messages.make(
        "sensor_msgs/msg/PointCloud2",
        header=header,
        height=height,
        width=width,
        fields=fields,
        is_bigendian=False,
        point_step=_POINT.itemsize,
        row_step=_POINT.itemsize * width,
        data=cloud.view(np.uint8),
        is_dense=False,
    )


def read_points(cloud: Any, topic: str = "points") -> NDArray[np.float32]:
    """Return the points [N,3] of a `PointCloud2`, whatever else it carries; NaN is no point."""
    kinds = {f.name: _FLOATS[f.datatype] for f in cloud.fields if f.datatype in _FLOATS}
    if not all(name in kinds for name in "xyz"):
        names = sorted(f.name for f in cloud.fields)
        raise FrameError(f"{topic}: the cloud has fields {names}, no floating x, y, z")
    columns = _columns(cloud, topic, {name: kinds[name] for name in "xyz"})
    return np.stack(columns, axis=-1).astype(np.float32)


def read_colours(cloud: Any, topic: str = "points") -> NDArray[np.uint8] | None:
    """Return the RGB colours [N,3] of the points of a `PointCloud2`, None if it has none."""
    name = next((f.name for f in cloud.fields if f.name in ("rgb", "rgba")), None)
    if name is None:
        return None
    (packed,) = _columns(cloud, topic, {name: "u4"})
    return np.stack([packed >> 16, packed >> 8, packed], axis=-1).astype(np.uint8)


def _columns(cloud: Any, topic: str, kinds: dict[str, str]) -> list[NDArray[Any]]:
    """Return the values [N] of some fields, by their numpy kinds; raise FrameError for damage."""
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
            f"{topic}: {', '.join(kinds)} lie outside points of {cloud.point_step} bytes"
        ) from err
    rows, count = int(cloud.height), int(cloud.width)
    data = np.frombuffer(cloud.data, np.uint8)
    if data.size < rows * cloud.row_step or cloud.row_step < count * cloud.point_step:
        raise FrameError(f"{topic}: {data.size} bytes are too few for {rows} x {count} points")
    lines = data[: rows * cloud.row_step].reshape(rows, cloud.row_step)
    packed = np.ascontiguousarray(lines[:, : count * cloud.point_step]).view(point)
    return [packed[name].reshape(-1) for name in kinds]
