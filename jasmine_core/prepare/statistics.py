# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Statistics of the images and the odometry of a recording, for the health report."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.rigid import Array
from jasmine_core.prepare.keyframes import Status


class OdometryProblem(str, Enum):
    """Reason why the odometry of a recording gives no metric scale."""

    MISSING = "missing"
    TOO_FEW_SAMPLES = "too_few_samples"
    NO_TRANSFORM = "no_transform"  # from the odometry's child frame to the camera
    JUMPS = "jumps"
    OTHER_CLOCK = "other_clock"  # than that of the images
    NOT_CHECKED = "not_checked"  # too few places show the motion in the images
    CONTRADICTS_IMAGES = "contradicts_images"
    INCOMPLETE = "incomplete"  # too few samples of the sequence have poses


@dataclass(frozen=True)
class OdometryFacts:
    """Facts about the odometry of a recording."""

    topic: str | None = None
    samples: int = 0
    jumps: int = 0
    problem: OdometryProblem | None = OdometryProblem.MISSING  # None: its poses are used
    detail: str = "the recording has no odometry"  # the problem with its values, as a clause
    checked: int = 0  # pairs of images that were compared with it


class RecordingStatistics:
    """Per-image statistics of a recording: a few numbers for each image."""

    def __init__(self) -> None:
        self.statuses: Counter[Status] = Counter()
        self.reasons: list[str] = []  # the first errors of images that could not be read
        self.codes = array("b")  # index of the status in Status, for each image
        self.stamps = array("q")  # [ns]
        self.flow, self.rotation = array("f"), array("f")  # since the last keyframe
        self.sharpness, self.brightness = array("f"), array("f")

    @property
    def received(self) -> int:
        """Return the number of images."""
        return len(self.stamps)

    def add(self, record: dict[str, Any]) -> None:
        """Add one image, given as its record of the journal."""
        status = Status(record["status"])
        self.statuses[status] += 1
        if "reason" in record and len(self.reasons) < 3:
            self.reasons.append(record["reason"])
        self.codes.append(list(Status).index(status))
        self.stamps.append(record["stamp"])
        _, _, _, flow, _, rotation = record["motion"]
        self.flow.append(flow)
        self.rotation.append(rotation)
        self.sharpness.append(record.get("sharpness", np.nan))
        self.brightness.append(record.get("brightness", np.nan))

    def has_status(self, *statuses: Status) -> NDArray[np.bool_]:
        """Return a mask [N] of the images that have one of these statuses."""
        codes = [list(Status).index(status) for status in statuses]
        return np.isin(np.frombuffer(self.codes, np.int8), codes)

    def times(self) -> Array:
        """Return the time [N] s of each image since the earliest one."""
        stamps = np.array(self.stamps, np.int64)
        seconds: Array = (stamps - (stamps.min() if len(stamps) else 0)) * 1e-9
        return seconds
