# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Robot that drives past the textured wall, with the messages of its odometry and a host."""

from __future__ import annotations

from helpers.textured_wall import STEP, drive

from jasmine_core.geometry.rigid import BODY_FROM_OPTICAL, inverse, quaternion_of, rigid
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.messages import make_header

MESSAGES = RosbagsMessages()
OPTICAL, BASE, ODOM = "camera_optical_frame", "base_link", "odom"
T_BASE_CAMERA = rigid(BODY_FROM_OPTICAL, [1.0, 0.0, 1.4])
START = 1_700_000_000_000_000_000
POSES = drive(8, x=0.08, z=0.05)


class TopicHost:
    """The methods of a host that the filter and the scale call."""

    def __init__(self):
        self.callbacks, self.types, self.warnings = {}, {}, []

    def subscribe(self, topic, type_name, callback, *, latched=False):
        assert topic not in self.callbacks
        self.callbacks[topic], self.types[topic] = callback, type_name

    def resolve(self, topic):
        return topic

    def log(self, severity, text):
        self.warnings.append(text)


def robot(index):
    """Return T_odom_base of the robot when the camera has the pose POSES[index]."""
    T_odom_camera = T_BASE_CAMERA @ POSES[index]
    return T_odom_camera @ inverse(T_BASE_CAMERA)


def odometry(T, at, child=BASE):
    """Return an Odometry message of a pose [4,4] at a timestamp [ns]."""
    return MESSAGES.make(
        "nav_msgs/msg/Odometry",
        header=make_header(MESSAGES, at, ODOM),
        child_frame_id=child,
        pose=MESSAGES.make("geometry_msgs/msg/PoseWithCovariance", pose=pose_message(T)),
    )


def pose_stamped(T, at):
    """Return a PoseStamped message of a pose [4,4] at a timestamp [ns]."""
    header = make_header(MESSAGES, at, ODOM)
    return MESSAGES.make("geometry_msgs/msg/PoseStamped", header=header, pose=pose_message(T))


def pose_message(T):
    make = MESSAGES.make
    x, y, z = (float(v) for v in T[:3, 3])
    qx, qy, qz, qw = (float(v) for v in quaternion_of(T[:3, :3]))
    return make(
        "geometry_msgs/msg/Pose",
        position=make("geometry_msgs/msg/Point", x=x, y=y, z=z),
        orientation=make("geometry_msgs/msg/Quaternion", x=qx, y=qy, z=qz, w=qw),
    )


def stamp(index):
    """Return the timestamp [ns] of an image."""
    return START + index * STEP
