# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Topics and service of the depth node; relative names are in the namespace of the node."""

from __future__ import annotations

IMAGE, CAMERA_INFO = "image", "camera_info"
DEPTH, DEPTH_INFO = "depth/image_rect", "depth/camera_info"
POINTS, COLORIZED, CONFIDENCE = "depth/points", "depth/colorized", "depth/confidence"
UNCERTAINTY, LATENCY = "depth/uncertainty", "depth/latency"
DIAGNOSTICS = "/diagnostics"
ENABLE = "~/enable"

IMAGE_TYPE, COMPRESSED_TYPE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
INFO_TYPE = "sensor_msgs/msg/CameraInfo"
# Length of the input queue [messages]; other types have 1. Every publisher of static transforms
# sends its message once, and a late subscriber receives those of all publishers at the same time.
QUEUES = {"tf2_msgs/msg/TFMessage": 100}
COMPRESSED = "/compressed"  # suffix of image_transport
OUTPUTS = {
    DEPTH: IMAGE_TYPE,
    DEPTH_INFO: INFO_TYPE,
    POINTS: "sensor_msgs/msg/PointCloud2",
    COLORIZED: IMAGE_TYPE,
    CONFIDENCE: IMAGE_TYPE,
    UNCERTAINTY: IMAGE_TYPE,
    LATENCY: "std_msgs/msg/Float32",
    DIAGNOSTICS: "diagnostic_msgs/msg/DiagnosticArray",
}
SERVICES = {ENABLE: "std_srvs/srv/SetBool"}
MEANINGS = {
    IMAGE: "Images of the camera: raw, or JPEG or PNG with `image_transport: compressed`.",
    CAMERA_INFO: "Calibration of the camera; it may arrive late, once, or latched.",
    DEPTH: "Depth along the optical axis [m]; unknown is NaN (32FC1) or 0 (16UC1, [mm]) (REP 118).",
    DEPTH_INFO: "Intrinsics K and P of the published depth image, without distortion.",
    POINTS: "Organised point cloud with colours; needs `publish_points`.",
    COLORIZED: "Depth as an rgb8 image, near is bright; needs `publish_colorized`.",
    CONFIDENCE: "Confidence of each pixel, 0 to 1 (32FC1); needs `publish_confidence`. If it is "
    "calibrated, it is the probability of a relative error below 10 %.",
    UNCERTAINTY: "Standard deviation of the depth [m] (32FC1); needs `publish_uncertainty` and a "
    "checkpoint with calibrated confidence.",
    LATENCY: "Time from the image's stamp to the publication of its depth [s].",
    DIAGNOSTICS: "Rates, dropped images, latency of each stage, backend and state of the scale.",
    ENABLE: "Stops (false) or restarts (true) the processing of images.",
}


def info_beside(image: str) -> str:
    """Return the topic of the CameraInfo in the namespace of an image topic (image_transport).

    >>> info_beside("/camera/image_raw/compressed")
    '/camera/camera_info'
    """
    before, slash, _ = image.removesuffix(COMPRESSED).rpartition("/")
    return f"{before}{slash}{CAMERA_INFO}"
