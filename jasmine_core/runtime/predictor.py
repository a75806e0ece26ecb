# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth prediction for images of any size, with any backend."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.errors import ConfigError, FrameError
from jasmine_core.geometry.aspect import require_aspect
from jasmine_core.geometry.camera import (
    ImageTransform,
    Size,
    Window,
    crop,
    fit,
    network_size,
    stretch,
)
from jasmine_core.runtime.backend import (
    Backend,
    BackendInfo,
    NetworkMaps,
    StageClock,
    load_backend,
)
from jasmine_core.runtime.confidence import Calibration, read_calibration, with_parallax
from jasmine_core.runtime.graph_backend import GraphBackend
from jasmine_core.runtime.scale import Scale, fixed_scale

Resize = Literal["fit", "stretch", "crop"]
Resolution = Literal["camera", "network"]
LEAST_FILLED = 0.6  # share of the network's image below which another size is recommended
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DepthPrediction:
    """Depth of one image, with all maps [H,W] in the requested resolution."""

    depth: NDArray[np.float32]  # model units along +Z, larger is farther; NaN: outside the crop
    transform: ImageTransform  # from the image to these maps, also for the intrinsics
    network_size: Size  # (width, height) [px] of the network's image
    seconds: dict[str, float]  # wall time of each stage, in order
    maps: NetworkMaps = field(repr=False)  # output of the network
    back: ImageTransform = field(repr=False)  # from the network's maps to these
    shown: NDArray[np.uint8] = field(repr=False)  # [h,w,3] image of the network
    calibration: Calibration | None = field(default=None, repr=False)  # of the confidence
    parallax: NDArray[np.float32] | None = field(default=None, repr=False)  # weight, see `Steadied`

    @cached_property  # resized only if it is used
    def ssi(self) -> NDArray[np.float32]:
        """Return the scale-and-shift-invariant map, in [0,1]."""
        return self.back.map(self.maps.ssi)

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """Return the confidence of each pixel, in [0,1].

        With a calibration it is the probability that the relative error is below 10 %; without one
        it is the convergence over the iterations, see `confidence_of`. Depth that was corrected by
        parallax after the prediction has a higher one.
        """
        if self.calibration is None:
            return self.back.map(confidence_of(self.maps.depths))
        rows, columns = self.back.source_window.slices  # without the margins of the letterbox
        inner = self.calibration(self.maps.depths[:, rows, columns], self.shown[rows, columns])
        whole = np.zeros(self.shown.shape[:2], np.float32)
        whole[rows, columns] = inner
        confidence = self.back.map(whole)
        return confidence if self.parallax is None else with_parallax(confidence, self.parallax)

    @cached_property
    def spread(self) -> NDArray[np.float32] | None:
        """Return the standard deviation of the relative error; None without a calibration."""
        return None if self.calibration is None else self.calibration.spread(self.confidence)


class DepthPredictor:
    """Predictor of depth that resizes the image for the network and the maps for the caller.

    Args:
        backend: Backend that runs the network.
        resize: "fit" keeps the aspect ratio of the image and pads it (letterbox), "stretch" fills
            the size of the network as in the paper, "crop" uses the largest centred part; the depth
            of the rest is NaN.
        resolution: Resolution of the returned maps: "camera" or "network".
        size: (width, height) [px] of the network's image instead of that of the checkpoint.
        calibration: Calibration of the confidence; None for one that is not calibrated.

    Raises:
        ConfigError: `resize` or `resolution` is unknown, or the backend does not support `size`.
    """

    def __init__(
        self,
        backend: Backend,
        resize: Resize = "fit",
        resolution: Resolution = "camera",
        size: Size | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        if resize not in ("fit", "stretch", "crop"):
            raise ConfigError(f"resize {resize!r} is not one of fit, stretch, crop")
        if resolution not in ("camera", "network"):
            raise ConfigError(f"resolution {resolution!r} is not one of camera, network")
        if size:
            _check_multiple(size, backend.info)
        if isinstance(backend, GraphBackend):
            backend.require_size(size)
        if size:
            _check_size(size, backend.info)
        self.backend = backend
        self.resize = resize
        self.resolution = resolution
        self.size = size
        self.calibration = calibration
        self._source: Size | None = None  # of the last image

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | Checkpoint,
        backend: str = "auto",
        device: str = "auto",
        precision: str = "auto",
        resize: Resize = "fit",
        resolution: Resolution = "camera",
        size: Size | None = None,
    ) -> DepthPredictor:
        """Load a checkpoint folder, or a bundled checkpoint by its name."""
        checkpoint = Checkpoint.resolve(path)
        calibration = read_calibration(checkpoint)
        loaded = load_backend(checkpoint, backend, device, precision)
        return cls(loaded, resize, resolution, size, calibration)

    @property
    def metres_per_unit(self) -> float | None:
        """Return the scale stored in the checkpoint, None if depth is up-to-scale."""
        return self.backend.info.metres_per_unit

    @property
    def scale(self) -> Scale:
        """Return the scale stored in the checkpoint; its state is "up-to-scale" if it has none."""
        return fixed_scale(None, self.metres_per_unit, self.backend.info.scale_spread)

    def transform(self, source: Size) -> ImageTransform:
        """Return the transform from an image of this size to the network's image.

        Raises:
            FrameError: the image is too thin.
        """
        info = self.backend.info
        require_aspect(source, self.size or info.nominal_size)
        target = self.size or (info.sizes and best_size(source, info.sizes))
        if self.resize == "fit":
            return fit(source, target or network_size(source, info.nominal_size, info.multiple))
        place = stretch if self.resize == "stretch" else crop
        return place(source, target or info.nominal_size)

    def __call__(self, image: NDArray[np.uint8], focal: float | None = None) -> DepthPrediction:
        """Predict the depth of one RGB image [H,W,3] uint8.

        `focal` is f_x of the camera in pixels of the image. A checkpoint with a canonical focal
        length needs it for its scale; without it, the canonical focal length is assumed.

        Raises:
            FrameError: The image is not uint8 RGB, the focal length is not above 0, or the backend
                cannot process the image.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise FrameError(
                f"image is {image.dtype} {list(image.shape)}; expected uint8 RGB [H,W,3]"
            )
        if focal is not None and not 0 < focal < np.inf:
            raise FrameError(f"focal is {focal}; it is f_x of the camera in pixels and above 0")
        clock = StageClock()

        # 1. Resize to the network's size. Intrinsics use the same transform.
        with clock.stage("preprocess"):
            to_network = self.transform((image.shape[1], image.shape[0]))
            if to_network.source != self._source:
                self._source = to_network.source
                self._recommend(to_network)
            small = to_network.image(image)  # [h,w,3]
            planes = np.ascontiguousarray(small.transpose(2, 0, 1), np.float32)  # [3,h,w]
            planes /= 255

        # 2. Run the network.
        maps = self.backend(planes)
        clock.seconds.update(maps.seconds)

        # 3. Resize the depth to the camera's pixels, or remove the margins of the letterbox.
        with clock.stage("postprocess"):
            back = self._back(to_network)
            depth = back.map(maps.depths[-1])
            depth *= np.float32(self._focal_ratio(to_network, focal))
        published = _image_to_map(to_network, back)
        return DepthPrediction(
            depth,
            published,
            to_network.target,
            dict(clock.seconds),
            maps,
            back,
            small,
            self.calibration,
        )

    def _recommend(self, to_network: ImageTransform) -> None:
        """Warn if the size was not chosen by the user, and an image fills little of it."""
        info, target = self.backend.info, to_network.target
        filled = math.prod(to_network.target_window[2:]) / math.prod(target)
        better = network_size(to_network.source, info.nominal_size, info.multiple)
        if self.size or self.resize != "fit" or filled >= LEAST_FILLED or better == target:
            return
        _log.warning(
            "an image of %dx%d px fills %.0f %% of the network's %dx%d px, which makes depth "
            "worse; use the backend torch, or `jasmine export CHECKPOINT %s --size %d %d`",
            *to_network.source, 100 * filled, *target, _export_option(info), *better,
        )  # fmt: skip

    def _focal_ratio(self, to_network: ImageTransform, focal: float | None) -> float:
        """Return the factor from the network's depth to that of a camera with this f_x [px]."""
        canonical = self.backend.info.canonical_focal
        if canonical is None or focal is None:
            return 1.0
        return focal * to_network.scale[0] / canonical

    def _back(self, to_network: ImageTransform) -> ImageTransform:
        if self.resolution == "camera":
            return to_network.inverse()
        window = to_network.target_window  # without the margins of the letterbox
        return ImageTransform(
            to_network.target, window[2:], window, Window(0, 0, window.width, window.height)
        )


def _check_multiple(size: Size, info: BackendInfo) -> None:
    """Raise ConfigError if the sides of a size are not multiples of the network's."""
    width, height = size
    if min(size) <= 0 or width % info.multiple or height % info.multiple:
        raise ConfigError(
            f"network size {width}x{height} px: both sides must be multiples of {info.multiple} px"
        )


def _check_size(size: Size, info: BackendInfo) -> None:
    """Raise ConfigError if a backend has no model for images of this size."""
    width, height = size
    if info.sizes and size not in info.sizes:
        raise ConfigError(
            f"network size {width}x{height} px: the {info.name} backend has this model only for "
            f"{', '.join(f'{w}x{h}' for w, h in info.sizes)} px; export the missing size with "
            f"`jasmine export CHECKPOINT {_export_option(info)} --size {width} {height}`"
        )


def _export_option(info: BackendInfo) -> str:
    return {"tensorrt": "--tensorrt", "opencv": "--onnx --plain"}.get(info.name, "--onnx")


def best_size(source: Size, sizes: Sequence[Size]) -> Size:
    """Return the size whose letterbox for an image has the smallest share of margins."""
    return max(
        sizes, key=lambda size: math.prod(fit(source, size).target_window[2:]) / math.prod(size)
    )


def _image_to_map(to_network: ImageTransform, back: ImageTransform) -> ImageTransform:
    """Return the transform from the image to the maps made by `back`."""
    if back.target == to_network.source:
        return stretch(to_network.source, to_network.source)
    return ImageTransform(
        to_network.source, back.target, to_network.source_window, back.target_window
    )


def confidence_of(depths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the convergence [h,w] in [0,1] of the depths [n,h,w] over the SSG iterations.

        confidence = min(D_n, D_{n-1}) / max(D_n, D_{n-1})

    It is 1 if the last iteration did not change a pixel, 1/2 if it halved or doubled its depth, and
    0 if the depth is zero or not finite. It does not depend on the scale of the depths. It is not a
    probability that the depth is correct.
    """
    if len(depths) < 2:
        return np.asarray(np.isfinite(depths[-1]), np.float32)
    last, before = depths[-1], depths[-2]
    larger = np.maximum(last, before)
    usable = (larger > 0) & np.isfinite(larger)
    ratio = np.divide(np.minimum(last, before), larger, out=np.zeros_like(last), where=usable)
    return np.asarray(np.clip(ratio, 0, 1), np.float32)
