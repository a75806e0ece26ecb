# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Protocols of published benchmarks: valid pixels, alignment and depth range.

Ground truth covers the full image, 0 or NaN where unknown. A prediction covers the input of the
network, `Protocol.image` of that image, at any resolution. The steps are:

    1. crop ground truth to the window     2. resize the prediction to it, bilinear
    3. select valid pixels     4. align on them     5. clip     6. compute metrics
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import ConfigError, FrameError
from jasmine_core.evaluate.metrics import (
    DepthMetrics,
    FloatArray,
    align_least_squares,
    align_median,
    depth_metrics,
)
from jasmine_core.geometry.camera import Size, Window
from jasmine_core.image_files import read_pixels

Alignment = Literal["median", "least_squares", "none"]


@dataclass(frozen=True)
class Protocol:
    """Rules of one benchmark.

    Predicted depth is clipped to [min_depth, max_depth] m. With `caps_ground_truth` pixels whose
    ground truth is outside this range are invalid. Valid pixels lie inside `rows` and `columns`,
    fractions of the window.
    """

    name: str
    min_depth: float = 1e-3
    max_depth: float = 80.0
    caps_ground_truth: bool = True
    rows: tuple[float, float] = (0.0, 1.0)
    columns: tuple[float, float] = (0.0, 1.0)
    bottom_centre: Size | None = None  # size [px] of the window, as in KITTI's depth benchmark
    top: float = 1.0  # share of the height in the window; the rest is the bonnet of the car
    intermediate: Size | None = None  # size [px] to which the window is reduced first

    def __post_init__(self) -> None:
        if not 0 < self.min_depth < self.max_depth:
            raise ConfigError(
                f"protocol {self.name!r} has an empty depth range {self.min_depth:g}.."
                f"{self.max_depth:g} m; raise max_depth above a positive min_depth"
            )

    def window(self, size: Size) -> Window:
        """Return the window of an image of `size` [px] that is predicted and evaluated."""
        width, height = size
        if self.bottom_centre is None:
            return Window(0, 0, width, round(self.top * height))
        w, h = self.bottom_centre
        if width < w or height < h:
            raise FrameError(
                f"image of {width}x{height} px is smaller than the {w}x{h} px window of protocol "
                f"{self.name!r}; evaluate it with 'eigen' or 'plain'"
            )
        return Window((width - w) // 2, height - h, w, h)

    def image(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the input of the network from an image [H,W,3]."""
        shown = image[self.window((image.shape[1], image.shape[0])).slices]
        return shown if self.intermediate is None else _lanczos(shown, self.intermediate)

    def in_range(self, ground_truth: FloatArray) -> NDArray[np.bool_]:
        """Return the mask of depth [m] inside the range of the protocol."""
        if not self.caps_ground_truth:
            return np.isfinite(ground_truth) & (ground_truth > 0)
        return (ground_truth > self.min_depth) & (ground_truth < self.max_depth)

    def valid(self, ground_truth: FloatArray) -> NDArray[np.bool_]:
        """Return the mask [H,W] of valid pixels of the window's ground truth [H,W] m."""
        height, width = ground_truth.shape
        rows = slice(*(int(edge * height) for edge in self.rows))  # rounded down, as published
        columns = slice(*(int(edge * width) for edge in self.columns))
        valid = np.zeros(ground_truth.shape, np.bool_)
        valid[rows, columns] = self.in_range(ground_truth[rows, columns])
        return valid


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        # Garg's crop, which papers use and call the Eigen crop.
        Protocol("eigen", rows=(0.40810811, 0.99189189), columns=(0.03594771, 0.96405229)),
        # KITTI's improved ground truth, evaluated as in monodepth2.
        Protocol(
            "eigen_improved",
            rows=(0.3324324, 0.91351351),
            columns=(0.0359477, 0.96405229),
            bottom_centre=(1216, 352),
        ),
        Protocol("eigen_improved_uncropped", caps_ground_truth=False),
        Protocol("driving_stereo"),
        Protocol(
            "cityscapes",
            rows=(256 / 768, 1.0),
            columns=(192 / 2048, 1856 / 2048),
            top=0.75,
            intermediate=(640, 192),
        ),
        Protocol("indoor", min_depth=0.1, max_depth=10.0),
        Protocol("plain"),
    )
}


def find_protocol(protocol: str | Protocol) -> Protocol:
    """Return the protocol of a name."""
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PROTOCOLS:
        raise ConfigError(f"protocol {protocol!r} is not one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[protocol]


def check_alignment(alignment: str) -> None:
    """Raise ConfigError for an unknown alignment."""
    if alignment not in get_args(Alignment):
        raise ConfigError(f"alignment {alignment!r} is not one of {', '.join(get_args(Alignment))}")


class Aligned(NamedTuple):
    """Prediction with the size, scale and range of its ground truth."""

    depth: FloatArray  # [H,W] m, clipped to the protocol's range
    ground_truth: FloatArray  # [H,W] m, the protocol's window
    valid: NDArray[np.bool_]  # [H,W] valid pixels
    ratio: float  # median(ground truth) / median(prediction), whatever the alignment
    unaligned: FloatArray  # [H,W] the prediction in its own unit, not clipped

    def metrics(self) -> DepthMetrics:
        """Return the metrics of the valid pixels."""
        return depth_metrics(self.depth[self.valid], self.ground_truth[self.valid])


def evaluate_depth(
    prediction: NDArray[Any],
    ground_truth: NDArray[Any],
    protocol: str | Protocol = "eigen",
    alignment: Alignment = "median",
) -> DepthMetrics:
    """Return the metrics of one predicted depth map [h,w] against ground truth [H,W] m."""
    return align(prediction, ground_truth, protocol, alignment).metrics()


def align(
    prediction: NDArray[Any],
    ground_truth: NDArray[Any],
    protocol: str | Protocol = "eigen",
    alignment: Alignment = "median",
) -> Aligned:
    """Align a prediction [h,w] with its ground truth [H,W] m, steps 1 to 5 of this module.

    Alignment "median" multiplies by a scale, "least_squares" clips and then fits scale and shift in
    depth, and "none" assumes metres.

    Raises:
        FrameError: no pixel is valid, or the prediction is not finite and positive.
    """
    rules = find_protocol(protocol)
    check_alignment(alignment)
    for name, values in (("prediction", prediction), ("ground truth", ground_truth)):
        if values.ndim != 2 or 0 in values.shape:
            raise FrameError(f"{name} has shape {list(values.shape)}; pass one depth map [H,W]")

    # 1. + 2. Window and size; integers and half precision become single precision.
    precision = np.result_type(prediction, ground_truth, np.float32)
    ground_truth = ground_truth[
        rules.window((ground_truth.shape[1], ground_truth.shape[0])).slices
    ].astype(precision)
    depth = np.ascontiguousarray(prediction, precision)
    if depth.shape != ground_truth.shape:
        depth = cv2.resize(depth, ground_truth.shape[::-1], interpolation=cv2.INTER_LINEAR)

    # 3. Valid pixels.
    valid = rules.valid(ground_truth)
    p, t = depth[valid], ground_truth[valid]  # [N] each
    if not t.size:
        raise FrameError(
            f"no pixel of the {ground_truth.shape[1]}x{ground_truth.shape[0]} px ground truth is "
            f"valid in protocol {rules.name!r}, {np.count_nonzero(ground_truth > 0)} have depth; "
            "check that its unit is metres, or choose another protocol"
        )
    if unusable := np.count_nonzero(~np.isfinite(p)):
        raise FrameError(
            f"prediction is NaN or infinite at {unusable} of {p.size} pixels with ground truth; "
            "every pixel needs a depth"
        )
    if (middle := np.median(p)) <= 0:
        raise FrameError(
            f"median of the prediction is {middle:g} over {p.size} pixels with ground truth; "
            "depth must be positive"
        )

    # 4. + 5. Alignment and range.
    low, high = rules.min_depth, rules.max_depth
    ratio = align_median(p, t)
    unaligned = depth
    if alignment == "median":
        depth = depth * ratio
    elif alignment == "least_squares":
        s, shift = align_least_squares(np.clip(p, low, high), t)
        depth = s * np.clip(depth, low, high) + shift
    return Aligned(np.clip(depth, low, high), ground_truth, valid, ratio, unaligned)


def read_depth_image(path: Path, units_per_metre: float = 256.0) -> NDArray[np.float32]:
    """Read ground truth [H,W] m from a 16-bit image, 0 where unknown.

    KITTI stores 256 units per metre, indoor datasets mostly 1000.
    """
    try:
        image = read_pixels(path, cv2.IMREAD_UNCHANGED)
    except OSError as err:
        raise FrameError(f"{path} cannot be read: {err.strerror}; check the path") from err
    if image is None:
        raise FrameError(f"{path} cannot be decoded as an image; check the path")
    if image.dtype != np.uint16 or image.ndim != 2:
        raise FrameError(
            f"{path} is {image.dtype} {list(image.shape)}; a depth image must be uint16 [H,W]"
        )
    return np.asarray(image / np.float32(units_per_metre), np.float32)


def _lanczos(image: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """Reduce an image [H,W,3] with a Lanczos-3 filter scaled to avoid aliasing.

    OpenCV's Lanczos filter always has eight pixels and aliases when it reduces an image.
    """
    for axis, target in ((1, size[0]), (0, size[1])):
        source = image.shape[axis]
        scale = source / target
        centres = (np.arange(target) + 0.5) * scale - 0.5
        x = (np.arange(source) - centres[:, None]) / max(scale, 1.0)  # [target,source] lobes
        weights = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)
        weights /= weights.sum(axis=1, keepdims=True)
        values = np.moveaxis(np.tensordot(weights, image, axes=(1, axis)), 0, axis)
        image = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return image
