# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Augmentation for supervised phases: focal lengths and image faults of other cameras.

A rendered world has one kind of image. A network that also has to read blurred, noisy, grey and
badly exposed images, at other focal lengths, cannot rely on what only a renderer does.
"""

from __future__ import annotations

import math
import random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.dataset.samples import Part

Image = NDArray[np.uint8]
WHOLE = 0.25  # share of the samples that are not enlarged
FAULTS = 0.5  # chance of each fault of a camera, where faults are wanted
LUMA = (0.299, 0.587, 0.114)  # weights of R, G and B in grey
KERNEL = 5  # [px] of the largest blur


def random_part(rng: random.Random, zoom: float) -> Part | None:
    """Draw the part of an image to enlarge by up to `zoom`; None is the whole image."""
    if zoom <= 1 or rng.random() < WHOLE:
        return None
    share = math.exp(-rng.uniform(0, math.log(zoom)))
    return Part(share, (rng.random(), rng.random()))


class Degradation:
    """Exposure, gamma, grey, blur and noise of one camera, the same for all its images."""

    def __init__(self, rng: random.Random) -> None:
        def chosen(value: float) -> float | None:
            return value if rng.random() < FAULTS else None

        # Too long an exposure makes walls as white as the sky: white alone must not mean far.
        self.exposure = chosen(math.exp(rng.uniform(-0.5, 0.7))) or 1.0
        self.gamma = chosen(math.exp(rng.uniform(-0.5, 0.5)))
        self.white = [chosen(math.exp(rng.uniform(-0.15, 0.15))) or 1.0 for _ in range(3)]
        self.grey = rng.random() < FAULTS / 4
        self.sigma = chosen(rng.uniform(0.3, 1.2))
        self.motion = (rng.random() < FAULTS / 4) and rng.choice((0, 1))
        self.noise = chosen(rng.uniform(1.0, 10.0))
        self.seed = rng.getrandbits(32)
        # Shadows of trees are as dark as asphalt, and their edges are no edges of depth.
        self.shadow = chosen(rng.uniform(0.25, 0.75))
        self.cell = math.exp(rng.uniform(math.log(6), math.log(40)))  # [px] size of the patches

    def __call__(self, image: Image) -> Image:
        """Return the image [H,W,3] with the faults of that camera."""
        values: NDArray[Any] = image.astype(np.float32) * np.array(self.white, np.float32)
        values *= np.float32(self.exposure)
        if self.shadow is not None:
            values *= self._light(self.shadow, image.shape[0], image.shape[1])
        if self.gamma is not None:
            values = 255 * np.power(values.clip(0, 255) / 255, np.float32(self.gamma))
        if self.grey:
            values = np.repeat(values @ np.array(LUMA, np.float32)[:, None], 3, axis=-1)
        if self.sigma is not None:
            values = cv2.GaussianBlur(values, (KERNEL, KERNEL), self.sigma)
        if self.motion is not False:
            size = (3, 1) if self.motion == 0 else (1, 3)
            values = cv2.blur(values, size)
        if self.noise is not None:
            drawn = np.random.default_rng(self.seed).standard_normal(values.shape, np.float32)
            values = values + self.noise * drawn
        return np.asarray(values.round().clip(0, 255), np.uint8)

    def _light(self, darkest: float, height: int, width: int) -> NDArray[np.float32]:
        """Return the share of light [H,W,1] that patches of shadow let through."""
        cells = math.ceil(height / self.cell) + 1, math.ceil(width / self.cell) + 1
        drawn = np.random.default_rng(self.seed).standard_normal(cells, np.float32)
        field = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_CUBIC)
        lit = (0.5 + 2 * field).clip(0, 1)
        return np.asarray(darkest + (1 - darkest) * lit, np.float32)[..., None]


class Colours:
    """Change of brightness, contrast, saturation and hue, the same for several images."""

    def __init__(self, rng: random.Random) -> None:
        self.brightness, self.contrast, self.saturation = (rng.uniform(0.8, 1.2) for _ in "bcs")
        self.hue = rng.uniform(-0.1, 0.1)

    def __call__(self, image: Image) -> Image:
        """Return the image [H,W,3] in these colours."""
        bright = image.astype(np.float32) * self.brightness
        grey = bright.mean()
        contrasted = np.clip((bright - grey) * self.contrast + grey, 0, 255).astype(np.uint8)
        hsv = cv2.cvtColor(contrasted, cv2.COLOR_RGB2HSV).astype(np.float32)
        hsv[..., 0] = (hsv[..., 0] + 180 * self.hue) % 180
        hsv[..., 1] = np.clip(hsv[..., 1] * self.saturation, 0, 255)
        return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)
