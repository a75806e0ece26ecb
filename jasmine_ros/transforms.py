# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fixed transforms of a bag."""

from __future__ import annotations

from typing import Any

import numpy as np

from jasmine_core.data.bag import Bag
from jasmine_core.geometry.rigid import Array, from_numbers

TRANSFORMS = "tf2_msgs/msg/TFMessage"


def numbers_of(translation: Any, rotation: Any) -> tuple[float, ...] | None:
    """Return a transform as seven numbers, None if they are not one."""
    t, q = translation, rotation
    numbers = tuple(float(v) for v in (t.x, t.y, t.z, q.x, q.y, q.z, q.w))
    usable = np.isfinite(numbers).all() and np.linalg.norm(numbers[3:]) > 0.5
    return numbers if usable else None


def static_transforms(bag: Bag) -> dict[tuple[str, str], Array]:
    """Return {(parent, child): T_parent_child} of a bag's /tf_static."""
    topics = [
        t.name
        for t in bag.topics.values()
        if t.type == TRANSFORMS and t.count and t.name.endswith("tf_static")
    ]
    transforms = {}
    for message in bag.messages(topics) if topics else ():
        for stamped in bag.decode(message).transforms:
            names = stamped.header.frame_id.lstrip("/"), stamped.child_frame_id.lstrip("/")
            numbers = numbers_of(stamped.transform.translation, stamped.transform.rotation)
            if numbers:
                transforms[names] = from_numbers(numbers)
    return transforms
