# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Builder of a sequence folder from images, one at a time, that can be interrupted at any moment.

The sequence is built in a hidden folder, which gets its final name when it is complete. Its journal
has one record for each image. After an interruption the next run applies the recorded decisions
and reads only those images again that later decisions are compared with. The result has the same
bytes as that of an uninterrupted run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.config import to_mapping
from jasmine_core.dataset.sequence import (
    IMAGES,
    VERSION,
    DatasetError,
    RgbImage,
)
from jasmine_core.errors import FrameError
from jasmine_core.geometry.aspect import require_aspect
from jasmine_core.geometry.camera import (
    Camera,
    ImageTransform,
    Size,
    crop,
    fit,
    network_size,
    stretch,
)
from jasmine_core.prepare.health import examine
from jasmine_core.prepare.health_findings import reason_without_samples
from jasmine_core.prepare.index_builder import build_index
from jasmine_core.prepare.jsonl_journal import Journal, Record
from jasmine_core.prepare.keyframes import DROPPED, Decision, KeyframeSelector, Status
from jasmine_core.prepare.odometry import Odometry
from jasmine_core.prepare.optical_flow import PairMotion, allowed_points, sharpness, view_of
from jasmine_core.prepare.options import PrepareOptions
from jasmine_core.prepare.resume import refuse_other_options, unfinished
from jasmine_core.prepare.sequence_folder import complete_folder, image_is_intact, store_image
from jasmine_core.prepare.statistics import OdometryFacts, RecordingStatistics
from jasmine_core.prepare.timestamps import is_ahead

JOURNAL = "frames.jsonl"
NOMINAL = (640, 192)  # [px] images have its area unless the options set a size
_PLACES = {"fit": fit, "stretch": stretch, "crop": crop}


def placement(options: PrepareOptions, source: Size) -> ImageTransform:
    """Return the transform from rectified images of a size to the images of the sequence.

    Raises:
        FrameError: the images are too thin.
    """
    require_aspect(source, (options.width, options.height) if options.width else NOMINAL)
    size = (options.width, options.height) if options.width else network_size(source, NOMINAL)
    return _PLACES[options.resize](source, size)


@dataclass(frozen=True)
class Outcome:
    """Result of a finished sequence."""

    folder: Path
    received: int
    samples: int
    health: dict[str, Any]


class SequenceBuilder:
    """Builder of one sequence, used as a context manager.

    Leaving the block without `finish` keeps the unfinished sequence for the next run.

    Args:
        folder: final folder of the sequence.
        source: name of the recording and its topics, stored in the index.
        options: size and format of the images, distances of neighbours.
        camera: camera of the stored images.
        seen: mask [H,W] of the pixels that show the scene.
        odometry: poses of the camera, None for a sequence without metric scale.
        facts: facts about the odometry, for the health report.
        input_facts: what was assumed and found about the recorded images, by subject.
        damaged: damaged messages that are not images, for the health report.
    """

    def __init__(
        self,
        folder: Path,
        source: dict[str, Any],
        options: PrepareOptions,
        camera: Camera,
        seen: NDArray[np.bool_],
        odometry: Odometry | None,
        facts: OdometryFacts,
        input_facts: dict[str, str] | None = None,
        damaged: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self._work = unfinished(folder)
        self._source, self._options = source, options
        self._camera, self._seen = camera, seen
        self._odometry, self._facts, self._damaged = odometry, facts, damaged
        self._input_facts = input_facts
        self._selector = KeyframeSelector(
            options.neighbours, odometry.between if odometry else None
        )
        self._statistics = RecordingStatistics()
        self._allowed = allowed_points(camera, seen)
        self._known: dict[tuple[int, int], int | None] = {}
        self._views_needed: set[int] = set()
        self._resume_at: int | None = None
        self._journal: Journal | None = None

    def __enter__(self) -> SequenceBuilder:
        try:
            (self._work / IMAGES).mkdir(parents=True, exist_ok=True)
            self._journal = Journal(self._work / JOURNAL)
            self._resume(self._journal)
        except BlockingIOError as err:
            raise DatasetError(
                f"{self.folder} is being prepared by another process; wait until it ends"
            ) from err
        except OSError as err:
            raise DatasetError(f"{self._work} cannot be written: {err.strerror}") from err
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._journal:
            self._journal.close()
            self._journal = None

    @property
    def resume_at(self) -> int | None:
        """Return the recording time [ns] from which images must be offered, None for all images."""
        return self._resume_at

    @property
    def received(self) -> int:
        """Return the number of images so far, earlier runs included."""
        return self._statistics.received

    def offer(
        self, log: int, stamp: int, read: Callable[[], RgbImage], following: Sequence[int] = ()
    ) -> None:
        """Process the next image.

        Args:
            log: time [ns] at which the message was recorded.
            stamp: timestamp [ns] of the image.
            read: returns the rectified and resized image [H,W,3]; called only if needed, may raise
                FrameError.
            following: timestamps [ns] of the next images; the image is dropped if it is ahead of
                them.

        Raises:
            DatasetError: the sequence cannot be written.
        """
        journal = self._journal
        if journal is None:
            raise RuntimeError("the builder is a context manager; enter it first")
        if (log, stamp) in self._known:
            index = self._known.pop((log, stamp))
            if index is not None and index in self._views_needed:
                self._selector.add_view(index, view_of(read(), self._camera, self._allowed))
            return
        record: Record = {"log": log, "stamp": stamp}
        latest = self._selector.latest
        if (latest is not None and stamp <= latest) or is_ahead(stamp, latest, following):
            decision = Decision(Status.OUT_OF_ORDER, PairMotion(0.0))
        else:
            try:
                image = read()
            except FrameError as err:
                decision = Decision(Status.DAMAGED, PairMotion(0.0))
                record["reason"] = str(err)
            else:
                view = view_of(image, self._camera, self._allowed)
                decision = self._selector.offer(stamp, view)
                record["sharpness"] = round(sharpness(image), 3)
                record["brightness"] = round(float(view.grey.mean()), 2)
        try:
            if decision.status not in DROPPED:
                record["bytes"] = store_image(self._work, stamp, image, self._options)
            journal.add(record | decision.record())
        except OSError as err:
            raise DatasetError(
                f"{self._work} cannot be written: {err.strerror}; free disk space and run the same "
                f"command again to continue after {self.received} images"
            ) from err
        self._statistics.add(record | decision.record())

    def finish(self) -> Outcome:
        """Select the samples, write index and health report, and give the folder its final name.

        Raises:
            DatasetError: no image has two neighbours, or the sequence cannot be written.
        """
        between = self._odometry.between if self._odometry else None
        index = build_index(
            self._selector.keyframes,
            between,
            self._camera,
            self._source,
            self._options,
            self._input_facts,
        )
        if not index.samples:
            reason = reason_without_samples(self._statistics, self._selector)
            self.discard()
            raise DatasetError(f"{self._source['bag']}: {reason}")
        health = examine(index, self._statistics, self._selector, self._facts, self._damaged)
        try:
            complete_folder(self._work, self.folder, index, self._seen, health, self._statistics)
        except OSError as err:
            raise DatasetError(
                f"{self._work} cannot be written: {err.strerror}; free disk space and run the same "
                "command again"
            ) from err
        return Outcome(self.folder, self.received, len(index.samples), health)

    def discard(self) -> None:
        """Delete the unfinished sequence."""
        shutil.rmtree(self._work, ignore_errors=True)

    # ------------------------------------------------------------------ the journal

    def _resume(self, journal: Journal) -> None:
        """Apply the records of an earlier run and remove the incomplete end of the journal."""
        header = {"version": VERSION, "source": self._source, "options": to_mapping(self._options)}
        earlier: list[tuple[int, int, int | None]] = []  # log, stamp, index if a keyframe
        begun = False
        for record in journal.records():
            if not begun:
                refuse_other_options(record, header, self.folder)
                begun = True
            elif image_is_intact(self._work, record, self._options):
                earlier.append(self._replay(record))
            else:
                break
        journal.cut()
        if not begun:
            journal.add(header)
        self._views_needed = set(self._selector.needed_views())
        if earlier:
            first = next(
                (i for i, (_, _, index) in enumerate(earlier) if index in self._views_needed),
                len(earlier) - 1,
            )
            self._resume_at = min(log for log, _, _ in earlier[first:])
            self._known = {
                (log, stamp): index for log, stamp, index in earlier if log >= self._resume_at
            }

    def _replay(self, record: dict[str, Any]) -> tuple[int, int, int | None]:
        decision = Decision.of_record(record, len(self._selector.keyframes))
        self._selector.apply(record["stamp"], decision)
        self._statistics.add(record)
        index = None if decision.status in DROPPED else len(self._selector.keyframes) - 1
        return record["log"], record["stamp"], index
