# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth node's topics and its service; what is not absolute is in the node's namespace."""

from __future__ import annotations

IMAGE, CAMERA_INFO = "image", "camera_info"
DEPTH, DEPTH_INFO = "depth/image_rect", "depth/camera_info"
POINTS, COLORIZED, CONFIDENCE = "depth/points", "depth/colorized", "depth/confidence"
LATENCY = "depth/latency"
DIAGNOSTICS = "/diagnostics"
ENABLE = "~/enable"

IMAGE_TYPE, COMPRESSED_TYPE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
INFO_TYPE = "sensor_msgs/msg/CameraInfo"
# Messages that wait for a subscriber; of all other types the newest only. Each publisher of fixed
# transforms sends its own once, and all at the same moment to who comes late.
QUEUES = {"tf2_msgs/msg/TFMessage": 100}
COMPRESSED = "/compressed"  # how image_transport ends the name of such a topic
OUTPUTS = {
    DEPTH: IMAGE_TYPE,
    DEPTH_INFO: INFO_TYPE,
    POINTS: "sensor_msgs/msg/PointCloud2",
    COLORIZED: IMAGE_TYPE,
    CONFIDENCE: IMAGE_TYPE,
    LATENCY: "std_msgs/msg/Float32",
    DIAGNOSTICS: "diagnostic_msgs/msg/DiagnosticArray",
}
SERVICES = {ENABLE: "std_srvs/srv/SetBool"}
MEANINGS = {
    IMAGE: "the camera's images: raw, or JPEG or PNG with `image_transport: compressed`",
    CAMERA_INFO: "its calibration; may come late, once, or latched",
    DEPTH: "metres along Z, NaN (32FC1) or 0 (16UC1 millimetres) where unknown (REP 118)",
    DEPTH_INFO: "K and P of the published size, without distortion",
    POINTS: "organised, coloured; with `publish_points`",
    COLORIZED: "rgb8 for people, near is bright; with `publish_colorized`",
    CONFIDENCE: "32FC1, how settled each pixel is, 0 to 1; with `publish_confidence`",
    LATENCY: "[s] from the stamp of an image until its depth was published",
    DIAGNOSTICS: "rates, drops, latency of each stage, backend, `metric` or `up-to-scale`",
    ENABLE: "false: images are left alone and the network rests; true: on again",
}


def info_beside(image: str) -> str:
    """Return the topic of the CameraInfo that belongs to a topic of images, as image_transport.

    >>> info_beside("/camera/image_raw/compressed")
    '/camera/camera_info'
    """
    before, slash, _ = image.removesuffix(COMPRESSED).rpartition("/")
    return f"{before}{slash}{CAMERA_INFO}"
