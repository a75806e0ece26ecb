# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two processes on one private DDS domain: the one under test, and the test itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from jasmine_ros.dds.uri import domain_config
from jasmine_ros.messages import RosbagsMessages

if find_spec("cyclonedds") is None:  # no wheel for this machine
    collect_ignore_glob = ["test_*.py"]
else:
    from jasmine_ros.dds.wire import Participant


@pytest.fixture(autouse=True, scope="session")
def loopback() -> Iterator[None]:
    """Hold every participant, of the processes started here too, to this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CYCLONEDDS_URI", domain_config())
        patch.delenv("ROS_DOMAIN_ID", raising=False)
        yield


@pytest.fixture(scope="session")
def domain() -> int:
    """Return a domain of this test run's own, so that parallel ones do not meet."""
    return 1 + os.getpid() % 101


@pytest.fixture(scope="session")
def messages() -> RosbagsMessages:
    return RosbagsMessages()


@pytest.fixture
def participant(messages: RosbagsMessages, domain: int) -> Iterator[Participant]:
    with Participant(messages.typestore, domain) as participant:
        yield participant


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that runs Python code in another process, for as long as the tests run."""
    running = []

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=10)
