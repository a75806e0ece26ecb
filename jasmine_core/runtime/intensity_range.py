# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of 16-bit intensities to 8 bits for sensors that do not use the whole range.

A camera of 12 bits writes 0..4095 into 16-bit samples, and the high bytes of its images are almost
black. A thermal camera writes counts such as 29000..31000, and the high bytes have no contrast.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras use
_SAMPLES = 1 << 14  # pixels of an image that are measured
_PEAK = 99.9  # percentile that counts as the largest value, without hot pixels
_TAILS = (0.5, 99.5)  # percentiles that become 0 and 255 for counts with an offset
_AVERAGED = 30  # images over which these percentiles are averaged
# Counts have an offset if they fill less than this share of their bits; the second value ends it.
_NARROW, _WIDE = 1 / 8, 1 / 4
_MAX_GAIN = 256  # noise of a uniform scene is not amplified beyond this

_BLACK = 3  # of 255, largest value of a black image
_WHITE = 254  # of 255, least value of a saturated pixel
_SATURATED = 0.5  # share of saturated pixels in a saturated image


class IntensityRange:
    """Range of 16-bit intensities that becomes 0..255, set or found from the images of one camera.

    The number of bits is found from the largest value of any two images, so that it can only grow
    and one damaged image does not change it. If the values fill a small part of these bits, far
    from zero, the range is that of percentiles averaged over 30 images.

    Args:
        bits: number of bits that the camera uses, 1..16; 0 finds the range.
    """

    def __init__(self, bits: int = 0) -> None:
        self.given = bits
        self.bits = bits  # 0 before the first image
        self.ambiguous = False  # whether the encoding could also be one of depth
        self.offset = False  # whether the range is that of percentiles instead of whole bits
        self._peaks: list[float] = []  # the two largest values of all images so far
        self._tails = np.zeros(2)  # averaged percentiles
        self._images, self._averaged, self._held = 0, 0, False
        self._limits = (-1, -1)  # of the table
        self._table = np.zeros(1 << 16, np.uint8)

    @property
    def limits(self) -> tuple[int, int]:
        """Return the values that become 0 and 255."""
        if not self.offset:
            return 0, (1 << self.bits) - 1
        low, high = self._tails
        spare = max(0.0, (1 << self.bits) / _MAX_GAIN - (high - low)) / 2
        return round(low - spare), round(high + spare)

    @property
    def assumption(self) -> str:
        """Return what is assumed about the values, as text; empty before the first image."""
        if not self._images:
            return ""
        if self.given:
            return f"{self.given} of 16 bits (set)"
        found = "running percentiles (found)" if self.offset else f"{self.bits} of 16 bits (found)"
        return f"{found}; 16UC1 taken as grey values, not depth" if self.ambiguous else found

    def add(self, pixels: NDArray[np.uint16]) -> None:
        """Measure the values of an image [H,W] or [H,W,C]."""
        self._images += 1
        if self.given or self._held:
            return
        step = max(1, int((pixels.shape[0] * pixels.shape[1] / _SAMPLES) ** 0.5))
        values = pixels[::step, ::step]
        low, high, peak = np.percentile(values, (*_TAILS, _PEAK))
        self._peaks = sorted([*self._peaks, peak])[-2:]
        # A bright image after dark ones uses its own range at once.
        self.bits = _bits_of(max(peak, self._peaks[0]))
        if np.mean(values >= (1 << self.bits) - 1) > _SATURATED:
            return  # Percentiles of a saturated image would show it as grey.
        self._averaged = min(self._averaged + 1, _AVERAGED)
        self._tails += (np.array([low, high]) - self._tails) / self._averaged
        share = (self._tails[1] - self._tails[0]) / (1 << self.bits)
        self.offset = self.bits > DEPTHS[0] and share < (_WIDE if self.offset else _NARROW)

    def hold(self) -> None:
        """Keep the range from now on, whatever images come."""
        self._held = True

    def to_8_bits(self, pixels: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """Return an image with its range as 0..255; values outside are clipped."""
        if not self.bits:
            raise RuntimeError("the range is not known; add an image first")
        if self.limits != self._limits:
            self._limits = low, high = self.limits
            values = np.arange(1 << 16)
            scaled = values * 256 >> self.bits  # exactly the upper 8 bits
            if self.offset:
                scaled = (values - low) * 256 // (high - low + 1)
            self._table = np.clip(scaled, 0, 255).astype(np.uint8)
        return np.asarray(self._table[pixels], np.uint8)


def _bits_of(value: float) -> int:
    """Return the least number of bits of a camera that holds a value."""
    return next((bits for bits in DEPTHS if value < 1 << bits), DEPTHS[-1])


def extreme_exposure(image: NDArray[np.uint8]) -> str:
    """Return "black" or "saturated" if an image [H,W,C] of 8 bits shows nothing, else ""."""
    step = max(1, int((image.shape[0] * image.shape[1] / _SAMPLES) ** 0.5))
    values = image[::step, ::step]
    if np.percentile(values, _PEAK) <= _BLACK:
        return "black"
    white = np.min(values, axis=-1) >= _WHITE
    return "saturated" if float(np.mean(white)) > _SATURATED else ""
