# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images in, a sequence folder out: one image at a time, and interruptible at any moment.

All work happens in a hidden folder that takes its final name when it is whole. A journal in it has
a line for every image seen. A run that was killed is repeated from the journal: its decisions are
taken over, the few images that later decisions compare with are read again, and the result is the
same to the byte as that of a run which nobody disturbed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.config import to_mapping
from jasmine_core.dataset.sequence import (
    IMAGES,
    SEEN,
    VERSION,
    DatasetError,
    FrameRecord,
    Index,
    RgbImage,
    SampleRecord,
    image_name,
    write_index,
)
from jasmine_core.errors import FrameError
from jasmine_core.files import atomic_file
from jasmine_core.geometry.camera import (
    Camera,
    ImageTransform,
    Size,
    crop,
    fit,
    network_size,
    stretch,
)
from jasmine_core.geometry.rigid import to_numbers
from jasmine_core.prepare.health import examine
from jasmine_core.prepare.health_findings import nothing_to_learn
from jasmine_core.prepare.health_plot import draw
from jasmine_core.prepare.jsonl_journal import Journal, Record
from jasmine_core.prepare.keyframes import DROPPED, Selection, Status, Step
from jasmine_core.prepare.odometry import Odometry
from jasmine_core.prepare.optical_flow import PairMotion, allowed_points, sharpness, view_of
from jasmine_core.prepare.options import PrepareOptions
from jasmine_core.prepare.resume import refuse_other_options, unfinished
from jasmine_core.prepare.statistics import OdometryFacts, RecordingStatistics

HEALTH, REPORT, JOURNAL = "health.json", "report.png", "frames.jsonl"
NOMINAL = (640, 192)  # [px] whose area the images have unless a size is asked for
LEAST_METRIC = 0.5  # share of the samples that must know their distances
_PLACES = {"fit": fit, "stretch": stretch, "crop": crop}


def placement(options: PrepareOptions, source: Size) -> ImageTransform:
    """Return how rectified images of a size become those of the sequence."""
    size = (options.width, options.height) if options.width else network_size(source, NOMINAL)
    return _PLACES[options.resize](source, size)


@dataclass(frozen=True)
class Outcome:
    """Tell what a sequence has become."""

    folder: Path
    received: int
    samples: int
    health: dict[str, Any]


class SequenceBuilder:
    """Build one sequence; use it as a context manager.

    Leaving the block without `finish` keeps what there is for the next run.
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
    ) -> None:
        self.folder = folder
        self._work = unfinished(folder)
        self._source, self._options = source, options
        self._camera, self._seen = camera, seen
        self._odometry, self._facts = odometry, facts
        self._selection = Selection(options.neighbours, odometry.between if odometry else None)
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
            self._take_over(self._journal)
        except BlockingIOError as err:
            raise DatasetError(
                f"{self.folder} is being prepared by another process; wait for it"
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
        """Return the recording stamp [ns] from which images must be offered; None: from all."""
        return self._resume_at

    @property
    def received(self) -> int:
        """Return how many images were seen so far, in this run and before."""
        return self._statistics.received

    def offer(self, log: int, stamp: int, read: Callable[[], RgbImage]) -> None:
        """Take the next image: recorded at `log`, stamped `stamp` [ns], rectified and resized.

        `read` is called if the image is needed, and may raise a FrameError.
        """
        journal = self._journal
        if journal is None:
            raise RuntimeError("the builder is a context manager; enter it first")
        if (log, stamp) in self._known:
            index = self._known.pop((log, stamp))
            if index is not None and index in self._views_needed:
                self._selection.remember(index, view_of(read(), self._camera, self._allowed))
            return
        record: Record = {"log": log, "stamp": stamp}
        if self._selection.latest is not None and stamp <= self._selection.latest:
            step = Step(Status.BACKWARDS, PairMotion(0.0))
        else:
            try:
                image = read()
            except FrameError as err:
                step = Step(Status.DAMAGED, PairMotion(0.0))
                record["reason"] = str(err)
            else:
                view = view_of(image, self._camera, self._allowed)
                step = self._selection.offer(stamp, view)
                record["sharpness"] = round(sharpness(image), 3)
                record["brightness"] = round(float(view.grey.mean()), 2)
        try:
            if step.status not in DROPPED:
                record["bytes"] = self._store(stamp, image)
            journal.add(record | step.record())
        except OSError as err:
            raise DatasetError(
                f"{self._work}: {err.strerror}; {self.received} images are done; free some space "
                "and run the same command again: it continues from there"
            ) from err
        self._statistics.add(record | step.record())

    def finish(self) -> Outcome:
        """Choose the samples, write index and health report, and give the folder its name."""
        index = self._index()
        if not index.samples:
            reason = nothing_to_learn(self._statistics, self._selection)
            self.discard()
            raise DatasetError(f"{self._source['bag']}: {reason}")
        health = examine(index, self._statistics, self._selection, self._facts)
        try:
            self._write(index, health)
        except OSError as err:
            raise DatasetError(
                f"{self._work}: {err.strerror}; free some space and run the same command again"
            ) from err
        return Outcome(self.folder, self.received, len(index.samples), health)

    def discard(self) -> None:
        """Forget this sequence, on the disk too."""
        shutil.rmtree(self._work, ignore_errors=True)

    # ------------------------------------------------------------------ the journal

    def _take_over(self, journal: Journal) -> None:
        """Read what an earlier run left, and cut off what it did not finish."""
        header = {"version": VERSION, "source": self._source, "options": to_mapping(self._options)}
        earlier: list[tuple[int, int, int | None]] = []  # log, stamp, index if kept
        begun = False
        for record in journal.records():
            if not begun:
                refuse_other_options(record, header, self.folder)
                begun = True
            elif self._intact(record):
                earlier.append(self._replay(record))
            else:
                break
        journal.cut()
        if not begun:
            journal.add(header)
        self._views_needed = set(self._selection.needed())
        if earlier:
            first = next(
                (i for i, (_, _, kept) in enumerate(earlier) if kept in self._views_needed),
                len(earlier) - 1,
            )
            self._resume_at = min(log for log, _, _ in earlier[first:])
            self._known = {
                (log, stamp): kept for log, stamp, kept in earlier if log >= self._resume_at
            }

    def _intact(self, record: dict[str, Any]) -> bool:
        """Tell whether the image of a line is on the disk as it was written."""
        if "bytes" not in record:
            return True
        path = self._work / image_name(record["stamp"], self._options.image_format)
        return path.is_file() and path.stat().st_size == record["bytes"]

    def _replay(self, record: dict[str, Any]) -> tuple[int, int, int | None]:
        step = Step.of_record(record, len(self._selection.kept))
        self._selection.learn(record["stamp"], step)
        self._statistics.add(record)
        index = None if step.status in DROPPED else len(self._selection.kept) - 1
        return record["log"], record["stamp"], index

    # ------------------------------------------------------------------ the folder

    def _store(self, stamp: int, image: RgbImage) -> int:
        """Write an image; return its size [bytes]."""
        suffix = self._options.image_format
        flags = [cv2.IMWRITE_JPEG_QUALITY, self._options.quality] if suffix == "jpg" else []
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        data = cv2.imencode(f".{suffix}", bgr, flags)[1].tobytes()
        (self._work / image_name(stamp, suffix)).write_bytes(data)
        return len(data)

    def _index(self) -> Index:
        """Make samples of the kept images that have a neighbour on both sides."""
        kept = self._selection.kept
        chosen = [
            (i, k.before, k.after) for i, k in enumerate(kept) if k.before and k.after
        ]  # target, pair before, pair after
        used = sorted({i for t, b, a in chosen for i in (t, b.first, a.second)})
        place = {index: new for new, index in enumerate(used)}
        between = self._odometry.between if self._odometry else None
        samples = []
        for target, before, after in chosen:
            sources = (before.first, after.second)
            T = [between and between(kept[target].stamp, kept[s].stamp) for s in sources]
            samples.append(
                SampleRecord(
                    place[target],
                    (place[sources[0]], place[sources[1]]),
                    (round(before.flow, 5), round(after.flow, 5)),
                    (round(before.parallax, 5), round(after.parallax, 5)),
                    (
                        None if T[0] is None else _rounded(to_numbers(T[0])),
                        None if T[1] is None else _rounded(to_numbers(T[1])),
                    ),
                )
            )
        metric = [None not in s.T_target_source for s in samples]
        return Index(
            version=VERSION,
            source=self._source,
            options=to_mapping(self._options),
            width=self._camera.width,
            height=self._camera.height,
            K=self._camera.K.tolist(),
            metric=bool(metric) and sum(metric) >= LEAST_METRIC * len(metric),
            frames=[
                FrameRecord(
                    kept[i].stamp,
                    kept[i].segment,
                    image_name(kept[i].stamp, self._options.image_format),
                )
                for i in used
            ],
            samples=samples,
        )

    def _write(self, index: Index, health: dict[str, Any]) -> None:
        work = self._work
        write_index(index, work)
        if not self._seen.all():
            _write_png(work / SEEN, self._seen.astype(np.uint8) * 255)
        with atomic_file(work / HEALTH) as temporary:
            temporary.write_text(json.dumps(health, indent=2) + "\n")
        _write_png(work / REPORT, draw(health, self._statistics, index, work)[..., ::-1])
        used = {f.image for f in index.frames}
        for path in (work / IMAGES).iterdir():
            if f"{IMAGES}/{path.name}" not in used:
                path.unlink()
        os.sync()  # else a power cut may leave the new name pointing at empty images
        retired = self.folder.with_name(f".{self.folder.name}.retired")
        if self.folder.exists():
            shutil.rmtree(retired, ignore_errors=True)
            self.folder.replace(retired)
        work.replace(self.folder)
        shutil.rmtree(retired, ignore_errors=True)


def _rounded(numbers: list[float]) -> list[float]:
    return [round(n, 9) for n in numbers]


def _write_png(path: Path, values: NDArray[np.uint8]) -> None:
    with atomic_file(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", values)[1].tobytes())
