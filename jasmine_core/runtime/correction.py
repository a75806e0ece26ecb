# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Correction of the depth of single pixels, by the parallax that they show.

The depth of a network has no single scale. Where the scale s(u) of the pixels is measured, see
`scale_sweep`, the depth is multiplied by its smooth relative deviation from the scale s of all:

    ln f(u) = sum_i w_i(u) ln(s_i(u) / s_i) / (sum_i w_i(u) + PRIOR)

over the measurements i, whose weights are carried along the motion and decrease with time.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from jasmine_core.geometry.camera import Size, stretch
from jasmine_core.geometry.carry import Map, Places, sample
from jasmine_core.runtime.scale_sweep import PARALLAX, PixelScales

# Largest logarithm of a factor that makes the depth larger. An object that moves in the direction
# of the camera shows too little parallax, and must not be seen much too far.
FARTHER = 0.15
PRIOR = np.float32(0.1)  # weight of the depth of the network
_SMOOTH = 4.0  # [px of the grid] standard deviation of the neighbourhood of a pixel
_ALIKE = 0.1  # logarithmic distance from the neighbours up to which a pixel counts
_EXACT = 3.0  # [px] parallax, beyond the least one, of a pixel with the full weight
_LEAST = 0.05  # weight of a pixel with the least parallax
_TINY = np.float32(1e-4)  # weight of neighbourhoods without a pixel


class Correction(NamedTuple):
    """Sums over the measurements of the pixels of an image."""

    total: Map  # [h,w] weights times ln of the factor of the depth
    weight: Map  # [h,w]

    @classmethod
    def none(cls, size: Size) -> Correction:
        """Return the sums without a measurement."""
        return cls(np.zeros(size[::-1], np.float32), np.zeros(size[::-1], np.float32))

    def log_factor(self) -> Map:
        """Return ln of the factor [h,w] of the depth."""
        return np.asarray(self.total / (self.weight + PRIOR), np.float32)

    def resized(self, size: Size) -> Correction:
        """Return the sums for an image of another size."""
        whole = stretch((self.total.shape[1], self.total.shape[0]), size)
        return Correction(whole.map(self.total), whole.map(self.weight))

    def carried(self, places: Places | None) -> Correction:
        """Return the sums at the places of the pixels of the next image, zero outside."""
        if places is None:
            return self
        return Correction(sample(self.total, places), sample(self.weight, places))

    def times(self, share: Map) -> Correction:
        """Return the sums with a share [h,w] of their weights."""
        return Correction(self.total * share, self.weight * share)

    def plus(self, other: Correction | None) -> Correction:
        """Return the sums of both."""
        if other is None:
            return self
        return Correction(self.total + other.total, self.weight + other.weight)


def correction_of(pixels: PixelScales, log_scale: float) -> Correction:
    """Return the correction of depth whose pixels have these scales.

    Pixels count more with more parallax, and those that differ from their neighbours not at all.
    No pixel becomes farther by more than e^FARTHER.

    Args:
        pixels: scales of the pixels of one image.
        log_scale: ln of the scale of the whole image, which the correction does not change.
    """
    known = np.isfinite(pixels.log_scale)
    change = np.where(known, pixels.log_scale - np.float32(log_scale), 0).astype(np.float32)
    weight = np.clip((pixels.parallax - PARALLAX) / np.float32(_EXACT), _LEAST, 1) * known
    around = _smooth(change * weight) / (_smooth(weight) + _TINY)
    weight = weight * np.clip(2 - np.abs(change - around) / np.float32(_ALIKE), 0, 1)
    change = np.minimum(change, np.float32(FARTHER))
    return Correction(_smooth(change * weight), _smooth(weight))


def _smooth(values: Map) -> Map:
    return np.asarray(cv2.GaussianBlur(values.astype(np.float32), (0, 0), _SMOOTH), np.float32)
