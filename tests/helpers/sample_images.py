# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Random samples of images, and Bayer mosaics."""

from __future__ import annotations

import numpy as np


def samples(height, width, channels, bits, seed):
    """Return random samples [H,W,C] of 8 or 16 bits."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 1 << bits, (height, width, channels), f"u{bits // 8}")


def high_byte(values, bits):
    """Return the high byte of samples of 8 or 16 bits."""
    return (values >> (bits - 8)).astype(np.uint8)


def mosaic_of(rgb, pattern):
    """Return the Bayer mosaic [H,W] of an image, and the channel [H,W] of each pixel."""
    v, u = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    channel = np.array(["rgb".index(letter) for letter in pattern])[2 * (v % 2) + u % 2]
    return np.take_along_axis(rgb, channel[..., None], axis=2)[..., 0], channel
