# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""A runtime of your own behind DepthPredictor: python examples/custom_backend.py IMAGE.

A backend takes an image [3,h,w] in [0,1] and returns the maps of the network. This one has no
network: it sees a level, flat ground below the horizon and nothing above it. Put your own runtime
into __call__. Resizing, borders and intrinsics stay with the predictor.

The commands and the node choose their backend by name; CONTRIBUTING.md describes how to add one.
"""

from __future__ import annotations

import sys
from time import perf_counter

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core import DepthPredictor
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps

FARTHEST = 3.0  # model units


class FlatGround:
    """Backend whose depth is that of a level ground, with the horizon in the middle row."""

    info = BackendInfo(
        name="flat_ground",
        device="cpu",
        precision="fp32",
        model="a level ground, without a network",
        nominal_size=(320, 96),
        metres_per_unit=None,
        multiple=32,
    )

    def __call__(self, image: NDArray[np.float32]) -> NetworkMaps:
        """Return the maps of one image [3,h,w]: Z = f h / (v - v_horizon) up to a factor."""
        start = perf_counter()
        height, width = image.shape[1:]
        below = np.arange(height, dtype=np.float32) - (height - 1) / 2  # [h] rows below the horizon
        nearest = np.maximum(below, height / 2 / (10 * FARTHEST))
        rows = np.minimum(height / 2 / (10 * nearest), FARTHEST)  # [h] units
        depth = np.repeat(rows[:, None], width, axis=1).astype(np.float32)  # [h,w]
        seconds = {"network": perf_counter() - start}
        return NetworkMaps(ssi=depth / FARTHEST, depths=depth[None], seconds=seconds)


def main(file: str) -> None:
    """Print the depth of the middle column of an image, in ten rows."""
    image = cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2RGB)
    prediction = DepthPredictor(FlatGround())(image)
    column = prediction.depth[:: max(1, len(image) // 10), image.shape[1] // 2]
    print("depth from top to bottom:", np.round(column, 2))


if __name__ == "__main__":
    main(sys.argv[1])
