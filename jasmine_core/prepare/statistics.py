# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is noted of every image of a bag, and of its odometry, for the health report."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.rigid import Array
from jasmine_core.prepare.keyframes import Status


@dataclass(frozen=True)
class OdometryFacts:
    """Say what is known of a bag's odometry, and why it is not believed if it is not."""

    topic: str | None = None
    samples: int = 0
    jumps: int = 0
    reason: str | None = "the bag has no odometry"  # None: believed
    checked: int = 0  # pairs of images with which it was compared


class RecordingStatistics:
    """Gather what every image of a bag adds to its health; a few numbers each."""

    def __init__(self) -> None:
        self.statuses: Counter[Status] = Counter()
        self.reasons: list[str] = []  # why images could not be read, some examples
        self.codes = array("b")  # index of the status, for each image in order
        self.stamps = array("q")  # [ns]
        self.flow, self.turn = array("f"), array("f")  # since the last kept image
        self.sharpness, self.brightness = array("f"), array("f")

    @property
    def received(self) -> int:
        """Return how many images there were."""
        return len(self.stamps)

    def add(self, record: dict[str, Any]) -> None:
        """Take over a line of the journal."""
        status = Status(record["status"])
        self.statuses[status] += 1
        if "reason" in record and len(self.reasons) < 3:
            self.reasons.append(record["reason"])
        self.codes.append(list(Status).index(status))
        self.stamps.append(record["stamp"])
        _, _, _, flow, _, turn = record["motion"]
        self.flow.append(flow)
        self.turn.append(turn)
        self.sharpness.append(record.get("sharpness", np.nan))
        self.brightness.append(record.get("brightness", np.nan))

    def has_status(self, *statuses: Status) -> NDArray[np.bool_]:
        """Mark the images [N] that met one of these statuses."""
        codes = [list(Status).index(status) for status in statuses]
        return np.isin(np.frombuffer(self.codes, np.int8), codes)

    def times(self) -> Array:
        """Return the time [N] s of each image since the earliest."""
        stamps = np.array(self.stamps, np.int64)
        seconds: Array = (stamps - (stamps.min() if len(stamps) else 0)) * 1e-9
        return seconds
