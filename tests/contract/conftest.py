# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the contract tests: a test with `driver` runs once for each host."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from contract.bag_driver import BagDriver
from contract.steps import Driver
from jasmine_core import DepthPredictor

DOMAIN = 1 + (os.getpid() + 50) % 101  # Other tests in this process use another domain.
no_cyclone = pytest.mark.skipif(not find_spec("cyclonedds"), reason="no wheel of cyclonedds here")
no_ros = pytest.mark.skipif(not find_spec("rclpy"), reason="rclpy cannot be imported here")
HOSTS = [
    pytest.param("bag"),
    pytest.param("dds", marks=no_cyclone),
    pytest.param("ros2", marks=[pytest.mark.ros, no_cyclone, no_ros]),
]


@pytest.fixture(scope="package", params=HOSTS)  # Its nodes stop before other tests run.
def driver(
    request: pytest.FixtureRequest, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Driver]:
    if request.param == "bag":
        yield BagDriver(checkpoint, lambda: tmp_path_factory.mktemp("bags"))
        return
    from contract.live_driver import LiveDriver, live

    kind = LiveDriver
    if request.param == "ros2":
        from contract.ros2_driver import Ros2Driver as kind
    with live(kind, checkpoint, DOMAIN) as driver:
        yield driver


@pytest.fixture(scope="session")
def predictor(checkpoint: Path) -> Callable[..., DepthPredictor]:
    """Return a factory of predictors whose depth the node must publish."""

    @cache
    def make(**options: object) -> DepthPredictor:
        return DepthPredictor.from_pretrained(checkpoint, device="cpu", **options)

    return make
