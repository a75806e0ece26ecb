# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration files of Kalibr, EuRoC, ORB-SLAM and OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from jasmine_core.errors import CameraError
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.calibration_file import read_camera_info
from jasmine_ros.msgs.camera_info import calibration_of

K = np.array([[458.5, 0, 367.25], [0, 457.25, 248.5], [0, 0, 1]])
D = [-0.28, 0.07, 0.0002, 1e-05]

KALIBR = """
cam0:
  cam_overlaps: []
  camera_model: pinhole
  distortion_coeffs: [-0.28, 0.07, 0.0002, 1e-05]
  distortion_model: radtan
  intrinsics: [458.5, 457.25, 367.25, 248.5]
  resolution: [752, 480]
  rostopic: /cam0/image_raw
"""
EUROC = """
sensor_type: camera
T_BS:
  cols: 4
  rows: 4
  data: [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
rate_hz: 20
resolution: [752, 480]
camera_model: pinhole
intrinsics: [458.5, 457.25, 367.25, 248.5] #fu, fv, cu, cv
distortion_model: radial-tangential
distortion_coefficients: [-0.28, 0.07, 0.0002, 1e-05]
"""
ORB_SLAM_2 = """%YAML:1.0
#--------------------------------------------------------------------------------------------
Camera.fx: 458.5
Camera.fy: 457.25
Camera.cx: 367.25
Camera.cy: 248.5
Camera.k1: -0.28
Camera.k2: 0.07
Camera.p1: 0.0002
Camera.p2: 1e-05
Camera.width: 752
Camera.height: 480
ORBextractor.nFeatures: 1000
"""
ORB_SLAM_3 = (
    ORB_SLAM_2.replace("Camera.", "Camera1.")
    .replace("Camera1.w", "Camera.w")
    .replace("Camera1.h", "Camera.h")
    + 'File.version: "1.0"\nCamera.type: "PinHole"\n'
)
VINS = """%YAML:1.0
---
model_type: PINHOLE
camera_name: camera
image_width: 752
image_height: 480
distortion_parameters:
   k1: -0.28
   k2: 0.07
   p1: 0.0002
   p2: 1e-05
projection_parameters:
   fx: 458.5
   fy: 457.25
   cx: 367.25
   cy: 248.5
"""
VINS_FISHEYE = """%YAML:1.0
---
model_type: KANNALA_BRANDT
camera_name: camera
image_width: 752
image_height: 480
projection_parameters:
   k2: -0.28
   k3: 0.07
   k4: 0.0002
   k5: 1e-05
   mu: 458.5
   mv: 457.25
   u0: 367.25
   v0: 248.5
"""
FILES = {"kalibr": KALIBR, "euroc": EUROC, "orb-slam 2": ORB_SLAM_2, "orb-slam 3": ORB_SLAM_3}
FILES["vins"] = VINS


def read(tmp_path, text):
    path = tmp_path / "camera.yaml"
    path.write_text(text)
    return calibration_of(read_camera_info(path, RosbagsMessages()), str(path))


@pytest.mark.parametrize("name", FILES)
def test_a_calibration_of_each_format_is_read(tmp_path, name):
    calibration = read(tmp_path, FILES[name])
    assert (calibration.width, calibration.height) == (752, 480)
    assert calibration.distortion_model == "plumb_bob"
    np.testing.assert_array_equal(calibration.K, K)
    np.testing.assert_array_equal(calibration.D[:4], D)
    assert not calibration.D[4:].any() and not calibration.P.any()


@pytest.mark.parametrize("count", [5, 8])
def test_a_file_of_opencv_is_read(tmp_path, count):
    d = np.arange(1, count + 1) * 1e-3
    path = tmp_path / "camera.yaml"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("image_width", 752)
    storage.write("image_height", 480)
    storage.write("camera_matrix", K)
    storage.write("distortion_coefficients", d[:, None])
    storage.release()
    assert path.read_text().startswith("%YAML:1.0") and "!!opencv-matrix" in path.read_text()
    calibration = read(tmp_path, path.read_text())
    np.testing.assert_array_equal(calibration.K, K)
    np.testing.assert_array_equal(calibration.D, d)


@pytest.mark.parametrize(
    "text",
    [
        KALIBR.replace("radtan", "equidistant"),
        ORB_SLAM_3.replace("PinHole", "KannalaBrandt8").replace("p1", "k3").replace("p2", "k4"),
        VINS_FISHEYE,
    ],
)
def test_fisheye_cameras_are_equidistant(tmp_path, text):
    calibration = read(tmp_path, text)
    assert calibration.distortion_model == "equidistant"
    np.testing.assert_array_equal(calibration.K, K)
    np.testing.assert_array_equal(calibration.D, D)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (KALIBR + KALIBR.replace("cam0:", "cam1:").strip("\n"), r"2 cameras \(cam0, cam1\)"),
        (ORB_SLAM_3 + "Camera2.fx: 400.0\n", r"2 cameras \(Camera1, Camera2\)"),
        (KALIBR.replace("pinhole", "omni"), "camera model 'omni' is not one of pinhole"),
        (KALIBR.replace("radtan", "fov"), "distortion model 'fov' is not one of radtan"),
        (KALIBR.replace("[752, 480]", "752"), "resolution is 752; it must be a list of 2"),
        (ORB_SLAM_2.replace("Camera.width: 752", ""), "Camera.width or Camera.height is missing"),
        (ORB_SLAM_2.replace("Camera.fy: 457.25", ""), "camera_matrix has no list of numbers"),
        (EUROC.replace("[458.5, 457.25", "[0.61, 0.95"), "fx = 0.61 px.*normalised"),
        (VINS.replace("PINHOLE", "MEI"), "model_type 'MEI' is not one of PINHOLE, KANNALA_BRANDT"),
        (VINS.replace("k2:", "k9:"), "distortion_coefficients has no list of numbers"),
        (VINS.replace("image_width", "width"), "image_width is None"),
        (VINS.partition("projection")[0], "projection_parameters is None"),
        ("K: [1, 0, 0]", "none of the formats that are read"),
    ],
)
def test_an_ambiguous_or_impossible_file_is_refused_by_name(tmp_path, text, words):
    with pytest.raises(CameraError, match=rf"{tmp_path}/camera.yaml.*{words}"):
        read(tmp_path, text)
