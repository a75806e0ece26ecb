# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sample images of the bundled drive, for accuracy checks and precision probes."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader

from jasmine_core.geometry.camera import Size, stretch

_TOPIC = "/camera/image_rect/compressed"


def sample_images(size: Size, count: int) -> NDArray[np.uint8]:
    """Return at most `count` images [n,3,H,W] of the bundled drive, evenly spaced in time."""
    drive = Path(str(resources.files("jasmine_core"))) / "samples" / "street" / "drive"
    with AnyReader([drive]) as bag:
        camera = [connection for connection in bag.connections if connection.topic == _TOPIC]
        messages = list(bag.messages(camera))
        chosen = messages[:: max(len(messages) // count, 1)][:count]
        decoded: list[Any] = [bag.deserialize(raw, c.msgtype) for c, _, raw in chosen]
        images = [_image(message.data, size) for message in decoded]
    return np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2))


def _image(data: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    bgr: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return stretch((bgr.shape[1], bgr.shape[0]), size).image(bgr[..., ::-1])  # [H,W,3]
