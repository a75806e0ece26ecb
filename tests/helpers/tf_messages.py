# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages of /tf and /tf_static."""

from __future__ import annotations

from typing import Any

import numpy as np

from jasmine_core.geometry.rigid import quaternion_of
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.messages import make_header

MESSAGES = RosbagsMessages()


def tf(*transforms: tuple[str, str, np.ndarray, int]) -> Any:
    """Return a TFMessage of transforms (parent, child, T_parent_child, stamp [ns])."""
    made = []
    for parent, child, T, at in transforms:
        x, y, z = (float(v) for v in T[:3, 3])
        qx, qy, qz, qw = (float(v) for v in quaternion_of(T[:3, :3]))
        make = MESSAGES.make
        transform = make(
            "geometry_msgs/msg/Transform",
            translation=make("geometry_msgs/msg/Vector3", x=x, y=y, z=z),
            rotation=make("geometry_msgs/msg/Quaternion", x=qx, y=qy, z=qz, w=qw),
        )
        header = make_header(MESSAGES, at, parent)
        made.append(
            make(
                "geometry_msgs/msg/TransformStamped",
                header=header,
                child_frame_id=child,
                transform=transform,
            )
        )
    return MESSAGES.make("tf2_msgs/msg/TFMessage", transforms=made)
