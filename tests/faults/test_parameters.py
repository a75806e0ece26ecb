# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters that several threads change while images are processed."""

from __future__ import annotations

import threading

import numpy as np
from faults.rig import SimulatedBackend
from helpers.camera_bags import pixels, stamp

from jasmine_core.errors import ConfigError
from jasmine_ros.node.topics import DEPTH, POINTS

# Two sets of parameters; a mixture would publish no depth, or depth in the wrong unit.
NEAR = {
    "metres_per_unit": 1.0,
    "min_depth": 0.1,
    "max_depth": 10.0,
    "depth_encoding": "32FC1",
    "publish_points": False,
}
FAR = {
    "metres_per_unit": 1000.0,
    "min_depth": 100.0,
    "max_depth": 10_000.0,
    "depth_encoding": "16UC1",
    "publish_points": True,
}
IMAGES = 400


def test_each_image_is_processed_with_one_consistent_set_of_parameters(make_rig, record_property):
    rig = make_rig(
        SimulatedBackend(lambda image: np.full(image.shape[1:], 2.0, np.float32)), **NEAR
    )
    rig.send(lambda bag: bag.info(0, width=16, height=12))
    over, accepted, refused = threading.Event(), [], []

    def change_parameters(seed: int) -> None:
        rng = np.random.default_rng(seed)
        while not over.is_set():
            changes = (NEAR, FAR, FAR | {"points_stride": 0}, NEAR | {"checkpoint": "x"})
            try:
                rig.component.on_parameters(changes[int(rng.integers(4))])
                accepted.append(1)
            except ConfigError:
                refused.append(1)
            over.wait(1e-4)  # A busy thread would leave the others hardly any time.

    threads = [threading.Thread(target=change_parameters, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    kinds = set()
    for index in range(IMAGES):
        rig.host.clear()
        rig.send(lambda bag, i=index: bag.image(stamp(i), pixels(i, 16, 12)))
        (depth,), clouds = rig.host.published[DEPTH], rig.host.published[POINTS]
        kinds.add(depth.encoding)
        if depth.encoding == "32FC1":
            assert (depth.data.view(np.float32) == 2).all() and not clouds
        else:
            assert (depth.data.view(np.uint16) == 65535).all() or not depth.data.any()
            assert len(clouds) == 1 and (clouds[0].data.view(np.float32)[2::4] == 2000).all()
    over.set()
    for thread in threads:
        thread.join()
    assert rig.counts.processed == IMAGES and rig.counts.skipped == 0
    for name, value in (
        ("images", IMAGES),
        ("changes accepted", len(accepted)),
        ("changes refused", len(refused)),
    ):
        record_property(name, value)
    assert kinds == {"32FC1", "16UC1"} and len(accepted) > IMAGES and len(refused) > IMAGES
