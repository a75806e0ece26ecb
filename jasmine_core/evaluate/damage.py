# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of a failing camera, on which a calibrated confidence must be low."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FAULTS = ("noise", "dark", "bright", "defocus")
Image = NDArray[np.uint8]  # [H,W,3]


def damaged(image: Image, fault: str, rng: np.random.Generator) -> Image:
    """Return the image of a camera with a fault, which may hide the scene in part or in whole.

    Args:
        image: image [H,W,3].
        fault: one of FAULTS: noise of all values, too short or too long an exposure, or defocus.
        rng: source of the strength of the fault and of its noise.

    Raises:
        ValueError: the fault is not one of FAULTS.
    """
    values: NDArray[Any] = image.astype(np.float32)
    strength = np.float32(1 - 0.7 * rng.random() ** 2)  # Mostly strong, at least 0.3.
    if fault == "noise":
        height, width = image.shape[:2]
        cell = rng.integers(1, 5)  # [px]; smaller grains disappear in a smaller image
        grains = rng.integers(0, 256, (height // cell + 1, width // cell + 1, 3), np.uint8)
        noise = np.repeat(np.repeat(grains, cell, 0), cell, 1)[:height, :width]
        values = (1 - strength) * values + strength * noise.astype(np.float32)
    elif fault == "dark":
        values = values * np.float32(0.2) * (1 - strength) + 4 * rng.standard_normal(
            image.shape, np.float32
        )
    elif fault == "bright":
        values = values + 255 * strength
    elif fault == "defocus":
        values = cv2.GaussianBlur(values, (0, 0), float(strength) * image.shape[1] / 24)
    else:
        raise ValueError(f"the fault {fault!r} is unknown; the faults are {', '.join(FAULTS)}")
    return np.asarray(values.round().clip(0, 255), np.uint8)
