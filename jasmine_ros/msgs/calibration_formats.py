# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Formats of calibration files, each converted to the entries of `camera_calibration` of ROS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FORMATS = (
    "camera_calibration of ROS, cv::FileStorage of OpenCV (YAML with camera_matrix, image_width "
    "and image_height), Kalibr (camchain of one camera), EuRoC (sensor.yaml), ORB-SLAM (with "
    "Camera.width and Camera.height), VINS-Mono and VINS-Fusion (model_type PINHOLE or "
    "KANNALA_BRANDT)"
)
_KALIBR_CAMERA = re.compile(r"cam\d+")
_ORB_SLAM_CAMERA = re.compile(r"(Camera\d?)\.fx")
_POLYNOMIAL, _FISHEYE = "plumb_bob", "equidistant"
_MODELS = {  # of Kalibr and EuRoC
    "radtan": _POLYNOMIAL,
    "radial-tangential": _POLYNOMIAL,
    "plumb_bob": _POLYNOMIAL,
    "none": _POLYNOMIAL,
    "equi": _FISHEYE,
    "equidistant": _FISHEYE,
}


def yaml_of_opencv(text: str) -> str:
    """Return the text of cv::FileStorage as YAML: `%YAML:1.0` and `!!opencv-matrix` are not."""
    text = re.sub(r"\A\ufeff?%YAML[: ]1\.\d[^\n]*\n", "", text)
    return re.sub(r"!!opencv-matrix\b", "", text)


def entries(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of `camera_calibration` for the values of a calibration file.

    Raises:
        ValueError: the format is not known or not unambiguous; the text gives the reason.
    """
    cameras = sorted(k for k in values if _KALIBR_CAMERA.fullmatch(str(k)))
    prefixes = sorted(m[1] for k in values if (m := _ORB_SLAM_CAMERA.fullmatch(str(k))))
    if len(cameras) > 1 or len(prefixes) > 1:
        raise ValueError(
            f"it holds {len(cameras or prefixes)} cameras ({', '.join(cameras or prefixes)}); "
            "write the one of the images into a file of its own"
        )
    if cameras and isinstance(values[cameras[0]], Mapping):
        return _kalibr(values[cameras[0]])
    if prefixes:
        return _orb_slam(values, prefixes[0])
    if "model_type" in values:
        return _vins(values)
    if "intrinsics" in values and "resolution" in values:
        return _kalibr(values)
    # OpenCV's calibration sample wrote Camera_Matrix and image_Width in older versions.
    lower = {str(k).lower(): v for k, v in values.items()}
    if "camera_matrix" not in lower and "image_width" not in lower:
        raise ValueError(f"it is in none of the formats that are read: {FORMATS}")
    if lower.get("fisheye_model"):
        lower["distortion_model"] = _FISHEYE
    return lower


def _kalibr(camera: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries for a camera of Kalibr or EuRoC."""
    _require("camera model", str(camera.get("camera_model", "pinhole")).lower(), ("pinhole",))
    model = str(camera.get("distortion_model", "none")).lower()
    _require("distortion model", model, tuple(_MODELS))
    numbers = _list(camera, "intrinsics", 4)
    width, height = _list(camera, "resolution", 2)
    name = "distortion_coeffs" if "distortion_coeffs" in camera else "distortion_coefficients"
    d = [0.0] * 4 if model == "none" else _list(camera, name)
    return _entries(width, height, numbers, _MODELS[model], d)


def _vins(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries for a camera file of VINS-Mono or VINS-Fusion.

    The polynomial of KANNALA_BRANDT has the coefficients k2 to k5, which OpenCV calls k1 to k4.
    """
    model = str(values["model_type"]).upper()
    _require("model_type", model, ("PINHOLE", "KANNALA_BRANDT"))
    fisheye = model == "KANNALA_BRANDT"
    projection = _mapping(values, "projection_parameters")
    lens = projection if fisheye else _mapping(values, "distortion_parameters")
    names = ("mu", "mv", "u0", "v0") if fisheye else ("fx", "fy", "cx", "cy")
    d = [
        lens.get(name)
        for name in (("k2", "k3", "k4", "k5") if fisheye else ("k1", "k2", "p1", "p2"))
    ]
    numbers = [projection.get(name) for name in names]
    width, height = values.get("image_width"), values.get("image_height")
    return _entries(width, height, numbers, _FISHEYE if fisheye else _POLYNOMIAL, d)


def _orb_slam(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the entries for a settings file of ORB-SLAM 2 or 3."""
    kind = str(values.get("Camera.type", "PinHole")).lower()
    _require("Camera.type", kind, ("pinhole", "kannalabrandt8", "rectified"))
    fisheye = kind == "kannalabrandt8"
    names = ("k1", "k2", "k3", "k4") if fisheye else ("k1", "k2", "p1", "p2", "k3")
    d = [values.get(f"{prefix}.{name}", 0.0) for name in names]
    if kind == "rectified":
        d = [0.0] * 5
    numbers = [values.get(f"{prefix}.{name}") for name in ("fx", "fy", "cx", "cy")]
    width, height = (values.get(f"Camera.{name}") for name in ("width", "height"))
    if width is None or height is None:
        raise ValueError("Camera.width or Camera.height is missing; add the size of the images")
    return _entries(width, height, numbers, _FISHEYE if fisheye else _POLYNOMIAL, d)


def _entries(
    width: Any, height: Any, numbers: list[Any], model: str, d: list[Any]
) -> dict[str, Any]:
    """Return the entries for fx, fy, cx, cy [px] and the distortion coefficients."""
    fx, fy, cx, cy = numbers
    return {
        "image_width": width,
        "image_height": height,
        "distortion_model": model,
        "distortion_coefficients": {"data": d},
        "camera_matrix": {"data": [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]},
    }


def _list(camera: Mapping[str, Any], name: str, count: int | None = None) -> list[Any]:
    value = camera.get(name)
    if not isinstance(value, list) or (count is not None and len(value) != count):
        length = "a list of numbers" if count is None else f"a list of {count} numbers"
        raise ValueError(f"{name} is {value!r}; it must be {length}")
    return value


def _mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = values.get(name)
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {value!r}; it must hold the parameters of the camera")
    return value


def _require(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{what} {value!r} is not one of {', '.join(known)}")
