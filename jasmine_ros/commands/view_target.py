# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recording of Rerun that a finished result is written to: the viewer, or a complete file."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from jasmine_core.errors import JasmineError
from jasmine_core.files import atomic_file
from jasmine_ros.commands.view_file import PipedFile, expect_replaceable, written
from jasmine_ros.commands.view_layout import Cloud, layout

STAMP, STEP = "stamp", "step"  # timelines
MOST_BYTES = 2 << 30  # of the data of one call
_PENDING = 32 << 20  # [bytes] that wait for the viewer or the disk
_log = logging.getLogger(__name__)


class Target:
    """Recording of Rerun with the entities that were logged, and a limit of their data.

    Args:
        rerun: module of the SDK.
        recording: its `RecordingStream`.
        max_frames: largest number of images of each entity.
        file: file that the recording writes to; None for the viewer.
    """

    def __init__(
        self, rerun: Any, recording: Any, max_frames: int, file: PipedFile | None = None
    ) -> None:
        self.rr, self.max_frames = rerun, max_frames
        self.shown: Counter[str] = Counter()  # what was logged with a time, by entity
        self.images: list[str] = []  # entities
        self.clouds: dict[str, Cloud] = {}
        self.curves: list[str] = []  # entities
        self._recording, self._file = recording, file
        self.is_arranged = False
        self._bytes = self._pending = 0
        self._warned: set[str] = set()

    @property
    def is_full(self) -> bool:
        """Return whether the limit of the data is reached, or the disk is full."""
        if self._file and self._file.has_failed:
            return True
        if self._bytes > MOST_BYTES:
            self.warn(
                "size",
                f"the limit of {MOST_BYTES / 2**30:.2g} GiB is reached; the rest is left out",
            )
            return True
        return False

    def at(self, stamp: int) -> None:
        """Set the time [ns] of what is logged next."""
        self._recording.set_time(STAMP, timestamp=np.datetime64(stamp, "ns"))

    def at_step(self, step: int) -> None:
        """Set the step of a training to which belongs what is logged next."""
        self._recording.set_time(STEP, sequence=step)

    def log(self, entity: str, archetype: Any, size: int, static: bool = False) -> None:
        """Log an archetype of about `size` bytes; a static one is valid at all times."""
        self._recording.log(entity, archetype, static=static)
        if not static:
            self.shown[entity] += 1
        self._bytes += size
        self._pending += size
        if self._pending > _PENDING:
            self.flush()

    def curve(self, entity: str, value: float) -> None:
        """Log one point of a curve."""
        if entity not in self.shown:
            self.curves.append(entity)
        self.log(entity, self.rr.Scalars(value), 100)

    def image(self, entity: str, data: bytes, static: bool = False) -> None:
        """Log the content of a PNG or JPEG file."""
        kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
        encoded = self.rr.EncodedImage(contents=data, media_type=kind)
        self.log(entity, encoded, len(data), static)

    def flush(self) -> None:
        """Wait until the data is with the viewer or in the file, so that little is in memory."""
        self._pending = 0
        try:
            self._recording.flush()
        except Exception as err:  # Rerun has no error class of its own for a lost viewer.
            raise JasmineError(f"the viewer does not take the data: {err}") from err

    def arrange(self, blueprint: Any = None) -> None:
        """Set the layout of the viewer; by default images, a cloud and the curves."""
        if blueprint is None:
            blueprint = layout(sorted(set(self.images)), self.clouds, self.curves)
        self._recording.send_blueprint(blueprint)
        self.is_arranged = True

    def warn(self, about: str, text: str) -> None:
        """Log a warning, once for each subject."""
        if about not in self._warned:
            self._warned.add(about)
            _log.warning("%s", text)


@contextmanager
def open_target(rerun: Any, save: Path | None, max_frames: int) -> Iterator[Target]:
    """Yield a target: the viewer, or a file that appears when the block succeeds.

    Raises:
        JasmineError: the file exists and is not one of Rerun, or cannot be written.
    """
    rerun.set_strict_mode(True)  # Else it prints errors about values in place of raising them.
    recording = rerun.RecordingStream("jasmine")
    recording.set_log_time_enabled(False)  # The time of this call means nothing in a result.
    recording.set_log_tick_enabled(False)
    if save is None:
        recording.spawn()
        target = Target(rerun, recording, max_frames)
        yield target
        target.flush()
        recording.disconnect()
        return
    expect_replaceable(save)
    with atomic_file(save) as temporary, written(recording, temporary, save) as file:
        yield Target(rerun, recording, max_frames, file)


def label(parts: Sequence[str]) -> str:
    """Return the path of an entity, whose parts may have any characters.

    >>> label(["data", "drive 1"])
    '/data/drive_1'
    """
    return "".join(f"/{_safe(part)}" for part in parts)


def _safe(part: str) -> str:
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in part)
    return kept[:100] or "_"
