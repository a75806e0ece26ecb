# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags of rendered sequences, with the topics that a robot records."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import depth_to_sixteen_bits
from jasmine_core.geometry.rigid import BODY_FROM_OPTICAL, Array, inverse, quaternion_of, rigid
from jasmine_core.image_files import write_png
from jasmine_core.synthetic.drive import Drive, WorldConfig, render_drive
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.bags.writer import BagWriter
from jasmine_ros.msgs.camera_info import make_camera_info
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.msgs.types import Message, Odometry, Quaternion, TFMessage, Vector3

CAMERA_FRAME, BASE_FRAME, ODOM_FRAME = "camera_optical_frame", "base_link", "odom"
IMAGE, CAMERA_INFO = "/camera/image_rect/compressed", "/camera/camera_info"
ODOM, TF_STATIC = "/odom", "/tf_static"
START = 1_700_000_000_000_000_000  # [ns] stamp of the first image
JPEG_QUALITY = 92

# The axes of the vehicle are forward, left, up (REP 103); its origin is the camera.
T_BASE_CAMERA = rigid(BODY_FROM_OPTICAL, np.zeros(3))


def write_world_bag(
    seed: int,
    config: WorldConfig,
    bag: Path,
    ground_truth: Path | None = None,
    storage: str = "mcap",
) -> None:
    """Render a sequence into a bag: images, CameraInfo, odometry and extrinsics.

    Args:
        seed: seed of the world and of the camera's motion.
        config: size, rate and kind of the sequence.
        bag: path of the new bag.
        ground_truth: folder for the exact depth, as 16-bit PNG files in metres x 256, 0 for sky,
            named by the stamp of the image [ns].
        storage: storage format of the bag, mcap or sqlite3.
    """
    drive = render_drive(seed, config)
    with BagWriter(bag, storage) as writer:
        for topic, kind in (
            (IMAGE, "sensor_msgs/msg/CompressedImage"),
            (CAMERA_INFO, "sensor_msgs/msg/CameraInfo"),
            (ODOM, "nav_msgs/msg/Odometry"),
            (TF_STATIC, "tf2_msgs/msg/TFMessage"),
        ):
            writer.add(topic, kind)
        messages = RosbagsMessages(writer.typestore)
        writer.write(TF_STATIC, START, _extrinsics(messages))
        for index, elapsed in enumerate(drive.stamps):
            stamp = START + elapsed
            for topic, message in _frame(messages, drive, index, stamp).items():
                writer.write(topic, stamp, message)
            if ground_truth:
                _write_ground_truth(ground_truth / f"{stamp}.png", drive.depths[index, 0].numpy())


def _frame(messages: RosbagsMessages, drive: Drive, index: int, stamp: int) -> dict[str, Message]:
    rgb = (drive.images[index].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    height, width = rgb.shape[:2]
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)[1]
    header = make_header(messages, stamp, CAMERA_FRAME)
    camera = Camera(width, height, drive.K.double().numpy())
    return {
        CAMERA_INFO: make_camera_info(messages, header, camera),
        ODOM: _odometry(messages, drive, index, stamp),
        IMAGE: messages.make(
            "sensor_msgs/msg/CompressedImage", header=header, format="rgb8; jpeg", data=jpeg
        ),
    }


def _odometry(messages: RosbagsMessages, drive: Drive, index: int, stamp: int) -> Odometry:
    """Return pose and twist of the vehicle, relative to its first pose (REP 105)."""
    poses = drive.T_world_camera.double().numpy()
    T_odom_world = T_BASE_CAMERA @ inverse(poses[0])
    T_odom_base = T_odom_world @ poses[index] @ inverse(T_BASE_CAMERA)
    linear = BODY_FROM_OPTICAL @ drive.velocity[index].double().numpy()
    angular = BODY_FROM_OPTICAL @ drive.angular_velocity[index].double().numpy()
    make = messages.make
    pose = make(
        "geometry_msgs/msg/Pose",
        position=_xyz(messages, "Point", T_odom_base[:3, 3]),
        orientation=_rotation(messages, T_odom_base),
    )
    twist = make(
        "geometry_msgs/msg/Twist",
        linear=_xyz(messages, "Vector3", linear),
        angular=_xyz(messages, "Vector3", angular),
    )
    odometry: Odometry = make(
        "nav_msgs/msg/Odometry",
        header=make_header(messages, stamp, ODOM_FRAME),
        child_frame_id=BASE_FRAME,
        pose=make("geometry_msgs/msg/PoseWithCovariance", pose=pose),
        twist=make("geometry_msgs/msg/TwistWithCovariance", twist=twist),
    )
    return odometry


def _extrinsics(messages: RosbagsMessages) -> TFMessage:
    transform = messages.make(
        "geometry_msgs/msg/Transform",
        translation=_xyz(messages, "Vector3", T_BASE_CAMERA[:3, 3]),
        rotation=_rotation(messages, T_BASE_CAMERA),
    )
    stamped = messages.make(
        "geometry_msgs/msg/TransformStamped",
        header=make_header(messages, START, BASE_FRAME),
        child_frame_id=CAMERA_FRAME,
        transform=transform,
    )
    message: TFMessage = messages.make("tf2_msgs/msg/TFMessage", transforms=[stamped])
    return message


def _xyz(messages: RosbagsMessages, kind: str, values: Array) -> Vector3:
    x, y, z = (float(v) for v in values)
    vector: Vector3 = messages.make(f"geometry_msgs/msg/{kind}", x=x, y=y, z=z)
    return vector


def _rotation(messages: RosbagsMessages, T: Array) -> Quaternion:
    x, y, z, w = (float(v) for v in quaternion_of(T[:3, :3]))
    rotation: Quaternion = messages.make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w)
    return rotation


def _write_ground_truth(path: Path, depth: NDArray[np.float32]) -> None:
    write_png(path, depth_to_sixteen_bits(depth, 256.0))
