# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Jobs for the workers of Ray that fail in different ways."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from jasmine_ros.commands.pools import Outcome


@dataclass(frozen=True)
class FaultyJob:
    """Job whose `bag` is a file to which each attempt adds a line."""

    bag: Path
    fault: str = "none"


def work(job: FaultyJob, send, stop) -> Outcome:
    with job.bag.open("a") as file:
        file.write("attempt\n")
    if job.fault == "die" or (job.fault == "die once" and len(job.bag.read_text().split()) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if job.fault == "raise":
        raise ZeroDivisionError("by zero")
    return Outcome(f"{job.bag.name} done by {os.getpid()}")


def lost(job: FaultyJob, reason: str) -> Outcome:
    return Outcome(f"{job.bag.name}: {reason}", failed=True)
