# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Points and colours as `sensor_msgs/PointCloud2`."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import FrameError
from jasmine_ros.messages import Messages

_FLOAT32 = 7  # sensor_msgs/PointField.FLOAT32
_POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("rgb", "<u4")])


def make_cloud(
    messages: Messages, header: Any, points: NDArray[np.float32], colours: NDArray[np.uint8]
) -> Any:
    """Build an organised cloud from points [H,W,3] and RGB colours [H,W,3]; NaN marks no point.

    The colour is 0x00RRGGBB in the bits of a float, which is how RViz and PCL want it.
    """
    height, width = points.shape[:2]
    cloud = np.empty((height, width), _POINT)
    cloud["x"], cloud["y"], cloud["z"] = points[..., 0], points[..., 1], points[..., 2]
    packed = cv2.cvtColor(colours, cv2.COLOR_RGB2BGRA).view("<u4")[..., 0]  # 0xFFRRGGBB
    np.bitwise_and(packed, 0x00FFFFFF, out=cloud["rgb"])
    fields = [
        messages.make(
            "sensor_msgs/msg/PointField",
            name=name,
            offset=4 * i,
            datatype=_FLOAT32,
            count=1,
        )
        for i, name in enumerate(("x", "y", "z", "rgb"))
    ]
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
    fields = {f.name: f for f in cloud.fields}
    kinds = {7: "f4", 8: "f8"}
    if not all(name in fields and fields[name].datatype in kinds for name in "xyz"):
        raise FrameError(f"{topic}: the cloud has fields {sorted(fields)}, no floating x, y, z")
    order = ">" if cloud.is_bigendian else "<"
    point = np.dtype(
        {
            "names": list("xyz"),
            "formats": [order + kinds[fields[name].datatype] for name in "xyz"],
            "offsets": [fields[name].offset for name in "xyz"],
            "itemsize": cloud.point_step,
        }
    )
    rows, count = int(cloud.height), int(cloud.width)
    data = np.frombuffer(cloud.data, np.uint8)
    if data.size < rows * cloud.row_step or cloud.row_step < count * cloud.point_step:
        raise FrameError(f"{topic}: {data.size} bytes are too few for {rows} x {count} points")
    lines = data[: rows * cloud.row_step].reshape(rows, cloud.row_step)
    packed = np.ascontiguousarray(lines[:, : count * cloud.point_step]).view(point)
    return np.stack([packed[name].reshape(-1) for name in "xyz"], axis=-1).astype(np.float32)
