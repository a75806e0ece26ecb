# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures in, a sequence folder out: one picture at a time, and interruptible at any moment.

All work happens in a hidden folder that takes its final name when it is whole. A journal in it has a
line for every picture seen. A run that was killed is repeated from the journal: its decisions are
taken over, the few pictures that later decisions compare with are read again, and the result is the
same to the byte as that of a run which nobody disturbed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jasmine_core.config import to_mapping
from jasmine_core.data.health import OdometryFacts, Tally, examine, nothing_to_learn
from jasmine_core.data.health_picture import draw
from jasmine_core.data.motion import PairMotion, allowed_points, sharpness, view_of
from jasmine_core.data.odometry import Odometry
from jasmine_core.data.select import DROPPED, Fate, NeighbourRules, Pair, Selection, Step, Verdict
from jasmine_core.data.sequence import (
    INDEX,
    PICTURES,
    SEEN,
    VERSION,
    DatasetError,
    FrameRecord,
    Index,
    Picture,
    SampleRecord,
    picture_name,
    read_index,
    write_index,
)
from jasmine_core.errors import ConfigError, FrameError
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

HEALTH, REPORT = "health.json", "report.png"
NOMINAL = (640, 192)  # [px] area of the pictures unless a size is asked for
LEAST_METRIC = 0.5  # share of the samples that must know their distances
_JOURNAL = "progress.jsonl"
_PLACES = {"fit": fit, "stretch": stretch, "crop": crop}


@dataclass(frozen=True)
class PrepareOptions:
    """Say how pictures become those of a sequence."""

    width: int = 0  # [px] of the pictures; 0: the camera's aspect ratio, area of NOMINAL
    height: int = 0
    resize: str = "fit"  # fit (letterbox), stretch or crop, as at run time
    rectify: str = "auto"  # auto: unless the topic is named *rect*; always; never
    picture: str = "jpg"  # or png, without loss
    quality: int = 95  # of JPEG
    neighbours: NeighbourRules = field(default_factory=NeighbourRules)

    def __post_init__(self) -> None:
        for name, known in (
            ("resize", tuple(_PLACES)),
            ("rectify", ("auto", "always", "never")),
            ("picture", ("jpg", "png")),
        ):
            if (value := getattr(self, name)) not in known:
                raise ConfigError(f"{name} is {value!r}; choose one of {', '.join(known)}")
        sides = (self.width, self.height)
        if sides != (0, 0) and min(sides) < 32:
            raise ConfigError(f"size {sides[0]}x{sides[1]} px: both sides must be 32 px or more")
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"quality {self.quality} must be in 1..100")

    def transform(self, source: Size) -> ImageTransform:
        """Return how rectified pictures of a size become those of the sequence."""
        size = (self.width, self.height) if self.width else network_size(source, NOMINAL)
        return _PLACES[self.resize](source, size)


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
        self._work = _unfinished(folder)
        self._source, self._options = source, options
        self._camera, self._seen = camera, seen
        self._odometry, self._facts = odometry, facts
        self._selection = Selection(options.neighbours, odometry.between if odometry else None)
        self._tally = Tally()
        self._allowed = allowed_points(camera, seen)
        self._known: dict[tuple[int, int], int | None] = {}
        self._views_needed: set[int] = set()
        self._resume_at: int | None = None
        self._journal: IO[str] | None = None

    def __enter__(self) -> SequenceBuilder:
        try:
            (self._work / PICTURES).mkdir(parents=True, exist_ok=True)
            path = self._work / _JOURNAL
            self._journal = path.open("a+")
            try:
                fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as err:
                raise DatasetError(
                    f"{self.folder} is being prepared by another process; wait for it"
                ) from err
            self._take_over(path)
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
        """Return the recording stamp [ns] from which pictures must be offered; None: from all."""
        return self._resume_at

    @property
    def received(self) -> int:
        """Return how many pictures were seen so far, in this run and before."""
        return self._tally.received

    def offer(self, log: int, stamp: int, read: Callable[[], Picture]) -> None:
        """Take the next picture: recorded at `log`, stamped `stamp` [ns], rectified and resized.

        `read` is called if the picture is needed, and may raise a FrameError.
        """
        if (log, stamp) in self._known:
            index = self._known.pop((log, stamp))
            if index is not None and index in self._views_needed:
                self._selection.remember(index, view_of(read(), self._camera, self._allowed))
            return
        record: dict[str, Any] = {"log": log, "stamp": stamp}
        if self._selection.latest is not None and stamp <= self._selection.latest:
            step = Step(Fate.BACKWARDS, PairMotion(0.0))
        else:
            try:
                picture = read()
            except FrameError as err:
                step = Step(Fate.DAMAGED, PairMotion(0.0))
                record["reason"] = str(err)
            else:
                view = view_of(picture, self._camera, self._allowed)
                step = self._selection.offer(stamp, view)
                record["sharpness"] = round(sharpness(picture), 3)
                record["brightness"] = round(float(view.grey.mean()), 2)
        try:
            if step.fate not in DROPPED:
                record["bytes"] = self._store(stamp, picture)
            self._note(record | _plain(step))
        except OSError as err:
            raise DatasetError(
                f"{self._work}: {err.strerror}; {self.received} pictures are done; free some space "
                "and run the same command again: it continues from there"
            ) from err
        self._tally.add(record | _plain(step))

    def finish(self) -> Outcome:
        """Choose the samples, write index and health report, and give the folder its name."""
        index = self._index()
        if not index.samples:
            reason = nothing_to_learn(self._tally, self._selection)
            self.discard()
            raise DatasetError(f"{self._source['bag']}: {reason}")
        health = examine(index, self._tally, self._selection, self._facts)
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

    def _take_over(self, path: Path) -> None:
        """Read what an earlier run left, and cut off what it did not finish."""
        header = {"version": VERSION, "source": self._source, "options": to_mapping(self._options)}
        good = 0  # [bytes]
        last: list[tuple[int, int, int | None]] = []
        with path.open("rb") as stream:
            for number, line in enumerate(stream):
                record = _parsed(line)
                if record is None:
                    break
                if number == 0:
                    refuse_other_options(record, header, self.folder)
                elif not self._intact(record):
                    break
                else:
                    last.append(self._replay(record))
                good += len(line)
        assert self._journal is not None
        self._journal.truncate(good)
        if good == 0:
            self._note(header)
        needed = self._selection.needed()
        self._views_needed = set(needed)
        if last:
            at = [i for i, (_, _, index) in enumerate(last) if index in self._views_needed]
            first = at[0] if at else len(last) - 1
            self._resume_at = min(log for log, _, _ in last[first:])
            self._known = {
                (log, stamp): index for log, stamp, index in last if log >= self._resume_at
            }

    def _intact(self, record: dict[str, Any]) -> bool:
        """Tell whether the picture of a line is on the disk as it was written."""
        if "bytes" not in record:
            return True
        path = self._work / picture_name(record["stamp"], self._options.picture)
        return path.is_file() and path.stat().st_size == record["bytes"]

    def _replay(self, record: dict[str, Any]) -> tuple[int, int, int | None]:
        step = _step(record, len(self._selection.kept))
        self._selection.learn(record["stamp"], step)
        self._tally.add(record)
        index = None if step.fate in DROPPED else len(self._selection.kept) - 1
        return record["log"], record["stamp"], index

    def _note(self, record: dict[str, Any]) -> None:
        assert self._journal is not None
        self._journal.write(json.dumps(record) + "\n")
        self._journal.flush()  # from here on even a kill cannot lose it

    # ------------------------------------------------------------------ the folder

    def _store(self, stamp: int, picture: Picture) -> int:
        """Write a picture; return its size [bytes]."""
        suffix = self._options.picture
        flags = [cv2.IMWRITE_JPEG_QUALITY, self._options.quality] if suffix == "jpg" else []
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        data = cv2.imencode(f".{suffix}", bgr, flags)[1].tobytes()
        (self._work / picture_name(stamp, suffix)).write_bytes(data)
        return len(data)

    def _index(self) -> Index:
        """Make samples of the kept pictures that have a neighbour on both sides."""
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
                    picture_name(kept[i].stamp, self._options.picture),
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
        _write_png(work / REPORT, draw(health, self._tally, index, work)[..., ::-1])
        used = {f.picture for f in index.frames}
        for path in (work / PICTURES).iterdir():
            if f"{PICTURES}/{path.name}" not in used:
                path.unlink()
        (work / _JOURNAL).unlink()
        os.sync()  # else a power cut may leave the new name pointing at empty pictures
        retired = self.folder.with_name(f".{self.folder.name}.retired")
        if self.folder.exists():
            shutil.rmtree(retired, ignore_errors=True)
            self.folder.replace(retired)
        work.replace(self.folder)
        shutil.rmtree(retired, ignore_errors=True)


def finished(folder: Path, source: dict[str, Any], options: PrepareOptions) -> bool:
    """Tell whether a sequence is there already; refuse one of another bag or other options."""
    if not (folder / INDEX).is_file():
        if folder.exists():
            raise DatasetError(f"{folder} exists and is no sequence; write elsewhere with -o")
        return False
    index = read_index(folder)
    header = {"version": VERSION, "source": source, "options": to_mapping(options)}
    refuse_other_options(asdict(index), header, folder)
    return True


def forget_unfinished(folder: Path) -> None:
    """Remove what an interrupted run left."""
    shutil.rmtree(_unfinished(folder), ignore_errors=True)


def refuse_other_options(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise a DatasetError that names what differs between two runs."""
    if before.get("version") != now["version"]:
        raise DatasetError(f"{folder} is of another version; add --overwrite to prepare it anew")
    for part in ("source", "options"):
        was, is_now = _flat(before[part]), _flat(now[part])
        differing = [key for key in was.keys() | is_now.keys() if was.get(key) != is_now.get(key)]
        if differing:
            changes = ", ".join(
                f"{key} {was.get(key)} is now {is_now.get(key)}" for key in sorted(differing)[:3]
            )
            raise DatasetError(
                f"{folder} was prepared differently ({changes}); repeat its options, write "
                "elsewhere with -o, or add --overwrite to prepare it anew"
            )


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value) if isinstance(value, dict) else {key: value}
    return flat


def _unfinished(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.unfinished")


def _plain(step: Step) -> dict[str, Any]:
    m = step.motion
    return {
        "fate": step.fate.value,
        "motion": [m.overlap, m.gain, m.median_flow, m.flow, m.parallax, m.turn],
        "pairs": [[p.first, p.verdict.value, *_measures(p)] for p in step.pairs],
    }


def _measures(pair: Pair) -> list[float | None]:
    return [pair.flow, pair.parallax, pair.overlap, pair.depth]


def _step(record: dict[str, Any], second: int) -> Step:
    pairs = tuple(
        Pair(first, second, Verdict(verdict), *measures)
        for first, verdict, *measures in record["pairs"]
    )
    return Step(Fate(record["fate"]), PairMotion(*record["motion"]), pairs)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Read a line of the journal, None if it was cut while being written."""
    if not line.endswith(b"\n"):
        return None
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return record


def _rounded(numbers: list[float]) -> list[float]:
    return [round(n, 9) for n in numbers]


def _write_png(path: Path, values: NDArray[np.uint8]) -> None:
    with atomic_file(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", values)[1].tobytes())
