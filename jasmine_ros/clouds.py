# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Points and colours as `sensor_msgs/PointCloud2`."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

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
