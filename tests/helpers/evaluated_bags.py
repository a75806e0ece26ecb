# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small bags with a topic of ground-truth depth, and the command that evaluates on them."""

from __future__ import annotations

import numpy as np
from helpers.camera_bags import HEIGHT, WIDTH, pixels, stamp

DEPTH = np.tile(np.linspace(2, 30, HEIGHT, dtype=np.float32)[::-1, None], (1, WIDTH))
TOPIC = "/ground_truth"


def with_ground_truth(count, first=0):
    """Return a function that records images with depth; each depth differs from the others."""

    def fill(bag):
        for index in range(count):
            bag.info(stamp(index))
            bag.image(stamp(index), pixels(first + index))
            values = DEPTH * np.float32(1 + 0.1 * (first + index))
            values[10 : 20 + first, 30:50] = 3
            message = bag.messages.make(
                "sensor_msgs/msg/Image",
                header=bag.header(stamp(index)),
                height=HEIGHT,
                width=WIDTH,
                encoding="32FC1",
                step=4 * WIDTH,
                data=values.view(np.uint8),
            )
            bag.write(TOPIC, "sensor_msgs/msg/Image", stamp(index), message)

    return fill


def arguments(model, bags, file, *options):
    command = ["evaluate", "--checkpoint", str(model), "--bag", *map(str, bags)]
    command += ["--ground-truth", TOPIC, "--image", "/camera/image_raw", "--protocol", "plain"]
    return [*command, "--json", str(file), *options]
