# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image in, depth out: any size of image, any backend."""

from __future__ import annotations

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

Resize = Literal["fit", "stretch", "crop"]
Resolution = Literal["camera", "network"]


@dataclass(frozen=True)
class DepthPrediction:
    """Hold the depth of one image, all maps [H,W] at the resolution that was asked for."""

    depth: NDArray[np.float32]  # model units along +Z, larger is farther; NaN: not seen
    transform: ImageTransform  # from the image to these maps; gives their camera
    network_size: Size  # (width, height) [px] that the network saw
    seconds: dict[str, float]  # wall time of each stage, in order
    maps: NetworkMaps = field(repr=False)  # as the network gave them
    back: ImageTransform = field(repr=False)  # from the network's maps to these

    @cached_property  # enlarged only for those who look
    def ssi(self) -> NDArray[np.float32]:
        """Return the scale-and-shift-invariant map, in [0,1]."""
        return self.back.map(self.maps.ssi)

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """Return how settled each pixel is, in [0,1]; see `confidence_of`."""
        return self.back.map(confidence_of(self.maps.depths))


class DepthPredictor:
    """Predict depth with a checkpoint, resizing images and maps on the way in and out.

    `resize` is "fit" (letterbox of the image's own aspect ratio), "stretch" (fill the network's
    size, as the paper does) or "crop" (largest centred part; the rest stays NaN). `size` (width,
    height) replaces the checkpoint's own; ConfigError if the backend has no graph for it.
    """

    def __init__(
        self,
        backend: Backend,
        resize: Resize = "fit",
        resolution: Resolution = "camera",
        size: Size | None = None,
    ) -> None:
        if resize not in ("fit", "stretch", "crop"):
            raise ConfigError(f"resize {resize!r} is not one of fit, stretch, crop")
        if resolution not in ("camera", "network"):
            raise ConfigError(f"resolution {resolution!r} is not one of camera, network")
        if size:
            _check_size(size, backend.info)
        self.backend = backend
        self.resize = resize
        self.resolution = resolution
        self.size = size

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
        """Load a checkpoint folder, or a bundled one by name."""
        loaded = load_backend(Checkpoint.resolve(path), backend, device, precision)
        return cls(loaded, resize, resolution, size)

    @property
    def metres_per_unit(self) -> float | None:
        """Return the checkpoint's scale, None where it is up-to-scale."""
        return self.backend.info.metres_per_unit

    def transform(self, source: Size) -> ImageTransform:
        """Return how images of this size reach the network."""
        info = self.backend.info
        target = self.size or (info.sizes and best_size(source, info.sizes))
        if self.resize == "fit":
            return fit(source, target or network_size(source, info.nominal_size, info.multiple))
        place = stretch if self.resize == "stretch" else crop
        return place(source, target or info.nominal_size)

    def __call__(self, image: NDArray[np.uint8], focal: float | None = None) -> DepthPrediction:
        """Predict the depth of one RGB image [H,W,3] uint8.

        `focal` is the camera's f_x in pixels of the image. A checkpoint of a canonical focal length
        needs it for its scale; without it the camera counts as one that has it.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise FrameError(
                f"image is {image.dtype} {list(image.shape)}; expected uint8 RGB [H,W,3]"
            )
        clock = StageClock()

        # 1. Resize to the network's size; intrinsics would go through the same transform.
        with clock.stage("preprocess"):
            to_network = self.transform((image.shape[1], image.shape[0]))
            small = to_network.image(image)  # [h,w,3]
            planes = np.ascontiguousarray(small.transpose(2, 0, 1), np.float32)  # [3,h,w]
            planes /= 255

        # 2. Run the network.
        maps = self.backend(planes)
        clock.seconds.update(maps.seconds)

        # 3. Bring its depth back, to the camera's pixels or to the part that saw the camera.
        with clock.stage("postprocess"):
            back = self._back(to_network)
            depth = back.map(maps.depths[-1])
            depth *= np.float32(self._focal_ratio(to_network, focal))
        published = _image_to_map(to_network, back)
        return DepthPrediction(depth, published, to_network.target, dict(clock.seconds), maps, back)

    def _focal_ratio(self, to_network: ImageTransform, focal: float | None) -> float:
        """Return what the network's depth is multiplied by to be that of the camera."""
        canonical = self.backend.info.canonical_focal
        if canonical is None or focal is None:
            return 1.0
        return focal * to_network.scale[0] / canonical

    def _back(self, to_network: ImageTransform) -> ImageTransform:
        if self.resolution == "camera":
            return to_network.inverse()
        seen = to_network.target_window  # the letterbox's margins show nothing real
        return ImageTransform(
            to_network.target, seen[2:], seen, Window(0, 0, seen.width, seen.height)
        )


def _check_size(size: Size, info: BackendInfo) -> None:
    """Raise ConfigError where a backend cannot be given images of this size."""
    width, height = size
    if min(size) <= 0 or width % info.multiple or height % info.multiple:
        raise ConfigError(
            f"network size {width}x{height} px: both sides must be multiples of {info.multiple}"
        )
    if info.sizes and size not in info.sizes:
        kind = "--tensorrt" if info.name == "tensorrt" else "--onnx"
        raise ConfigError(
            f"network size {width}x{height} px: the {info.name} backend has this model for "
            f"{', '.join(f'{w}x{h}' for w, h in info.sizes)} only; "
            f"`jasmine export CHECKPOINT {kind} --size {width} {height}` makes the other, where "
            "the checkpoint is"
        )


def best_size(source: Size, sizes: Sequence[Size]) -> Size:
    """Return the size whose letterbox around an image has the smallest share of margins."""
    return max(
        sizes, key=lambda size: math.prod(fit(source, size).target_window[2:]) / math.prod(size)
    )


def _image_to_map(to_network: ImageTransform, back: ImageTransform) -> ImageTransform:
    """Return the transform from the image to the maps that `back` makes."""
    if back.target == to_network.source:
        return stretch(to_network.source, to_network.source)
    return ImageTransform(
        to_network.source, back.target, to_network.source_window, back.target_window
    )


def confidence_of(depths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how settled each pixel is, [h,w] in [0,1], from the depths [n,h,w] of the iterations.

        confidence = min(D_n, D_{n-1}) / max(D_n, D_{n-1})

    1 where the last iteration left a pixel alone, 1/2 where it halved or doubled it, 0 where depth
    is zero or not finite. It does not change with the scale of the depths. It measures agreement of
    the network with itself, not the probability of being right.
    """
    if len(depths) < 2:
        return np.asarray(np.isfinite(depths[-1]), np.float32)
    last, before = depths[-1], depths[-2]
    larger = np.maximum(last, before)
    usable = (larger > 0) & np.isfinite(larger)
    ratio = np.divide(np.minimum(last, before), larger, out=np.zeros_like(last), where=usable)
    return np.asarray(np.clip(ratio, 0, 1), np.float32)
