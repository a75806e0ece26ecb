# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cache of built engines, each in a folder that is written completely or not at all.

CACHE/engines/NAME/engine.plan   serialized engine
                   engine.json   EngineRecord: source and target of the engine, length and SHA-256
CACHE/engines/.NAME.lock         locked while one process builds NAME
CACHE/engines/timings-*.bin      timing cache of TensorRT, which makes the next build faster
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jasmine_core.cache_folder import ENVIRONMENT, cache_folder
from jasmine_core.config import read_config, write_config
from jasmine_core.errors import ConfigError, EngineError
from jasmine_core.files import atomic_file, atomic_folder, found_in

PLAN, RECORD = "engine.plan", "engine.json"
_BLOCK = 1 << 22  # [bytes] read at once
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineKey:
    """Source and target of an engine; each different key has its own folder in the cache."""

    stage: str  # encoder, unet, decoder, or jasmine for all three
    graph: str  # SHA-256 of the ONNX graph and its weights
    size: str  # of the images, such as 1024x320 [px]
    precision: str
    library: str  # tensorrt or tensorrt_rtx
    version: str
    gpu: str  # name, or ANY_GPU for what TensorRT for RTX builds
    capability: str  # compute capability, such as 8.7

    @property
    def name(self) -> str:
        """Return the name of the folder: the most important fields and a hash of all fields."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        capability = self.capability.replace(".", "")
        return f"{self.stage}-{self.size}-{self.precision}-sm{capability}-{digest[:16]}"


@dataclass(frozen=True)
class EngineRecord:
    """Description of a finished engine; saved beside it."""

    key: EngineKey
    length: int  # [bytes]
    sha256: str
    seconds: float  # that the build took


ANY_GPU = "any GPU"  # TensorRT for RTX builds for all GPUs of one compute capability
_DIFFERENCES = {  # text for each field of a key that can differ, with the value there and here
    "graph": "another model",
    "version": "{library} {there}, not {here}",
    "gpu": "{there}, not {here}",
    "capability": "compute capability {there}, not {here}",
    "library": "{there}, not {here}",
}


class EngineCache:
    """Store of engines by key; engines that are missing or damaged are built."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or cache_folder()) / "engines"

    def path(self, key: EngineKey) -> Path:
        """Return the folder of the engine with this key, whether it exists or not."""
        return self.folder / key.name

    def obtain(self, key: EngineKey, build: Callable[[], tuple[Any, float]]) -> Path:
        """Return the folder of an engine; build the engine if it is missing or damaged.

        `build` returns the plan (a buffer) and the duration of the build [s]. If several processes
        need the same engine, one builds it and the others wait.
        """
        if self.fault(key) is None:
            return self.path(key)
        with self._lock(key):
            fault = self.fault(key)  # another process may have built it meanwhile
            if fault is None:
                return self.path(key)
            _log.warning("%s: %s; building it", key.stage, fault)
            plan, seconds = build()
            self._write(key, memoryview(plan).cast("B"), seconds)
        return self.path(key)

    def fault(self, key: EngineKey) -> str | None:
        """Return why the engine of this key cannot be used, None if it can."""
        folder = self.path(key)
        if not folder.is_dir():
            return self._nearest(key)
        try:
            record = read_config(EngineRecord, folder / RECORD)
            if record.key != key:
                return f"{folder / RECORD} describes another engine"
            return _damage(folder / PLAN, record)
        except (ConfigError, OSError) as err:
            return f"the engine cannot be read ({err})"

    def records(self) -> Iterator[tuple[Path, EngineRecord]]:
        """Yield the folder and record of every engine in the cache, unchecked."""
        for file in found_in(self.folder, f"*/{RECORD}"):
            if not file.parent.name.startswith("."):  # a folder that is still being written
                try:
                    yield file.parent, read_config(EngineRecord, file)
                except ConfigError:
                    continue  # reported by `fault` when this engine is needed

    def read_timings(self, key: EngineKey) -> bytes:
        """Return the timing cache of earlier builds for this GPU and version; empty if none."""
        file = self._timings(key)
        return file.read_bytes() if file.is_file() else b""

    def write_timings(self, key: EngineKey, timings: bytes) -> None:
        """Store the timing cache of a build."""
        if timings:
            with self._writing(self._timings(key)), atomic_file(self._timings(key)) as file:
                file.write_bytes(timings)

    def _timings(self, key: EngineKey) -> Path:
        target = f"{key.library} {key.version} {key.gpu}"
        return self.folder / f"timings-{hashlib.sha256(target.encode()).hexdigest()[:16]}.bin"

    def _nearest(self, key: EngineKey) -> str:
        """Return how the most similar engine of this stage differs from a key, as a sentence."""
        best: dict[str, str] = {}
        for _, record in self.records():
            there, here = asdict(record.key), asdict(key)
            if all(there[part] == here[part] for part in ("stage", "size", "precision")):
                differs = {part: there[part] for part in _DIFFERENCES if there[part] != here[part]}
                if not best or len(differs) < len(best):
                    best = differs
        if not best:
            return "there is no engine yet"
        described = [
            _DIFFERENCES[part].format(there=value, here=getattr(key, part), library=key.library)
            for part, value in best.items()
        ]
        return f"the engine in the cache is for {' and '.join(described)}"

    @contextmanager
    def _lock(self, key: EngineKey) -> Iterator[None]:
        # Opened before the build, which takes minutes, so that a read-only folder fails early.
        with self._writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            stream = (self.folder / f".{key.name}.lock").open("w")
        with stream:  # the kernel releases the lock with the file, even if the process is killed
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _log.warning("%s: waiting for another process that builds this engine", key.stage)
                fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _write(self, key: EngineKey, plan: memoryview, seconds: float) -> None:
        for partial in self.folder.glob(f".{key.name}.partial-*"):  # left by a killed process
            shutil.rmtree(partial, ignore_errors=True)
        record = EngineRecord(key, len(plan), hashlib.sha256(plan).hexdigest(), seconds)
        with self._writing(self.path(key)), atomic_folder(self.path(key)) as folder:
            (folder / PLAN).write_bytes(plan)
            write_config(record, folder / RECORD)

    @contextmanager
    def _writing(self, target: Path) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            raise EngineError(
                f"{target} cannot be written: {err.strerror or err}; free disk space or change the "
                f"permissions of {self.folder.parent}, or set {ENVIRONMENT} to another folder"
            ) from err


def read_plan(folder: Path) -> tuple[EngineRecord, bytes]:
    """Read an engine of the cache; raise EngineError if it is incomplete or damaged."""
    try:
        record = read_config(EngineRecord, folder / RECORD)
        plan = (folder / PLAN).read_bytes()
    except (ConfigError, OSError) as err:
        raise EngineError(
            f"the engine in {folder} cannot be read ({err}); `jasmine export --tensorrt` builds it "
            "again"
        ) from err
    if len(plan) != record.length or hashlib.sha256(plan).hexdigest() != record.sha256:
        raise EngineError(
            f"{folder / PLAN} is damaged; `jasmine export --tensorrt` builds it again"
        )
    return record, plan


def _damage(plan: Path, record: EngineRecord) -> str | None:
    if plan.stat().st_size != record.length:
        return f"{plan} is truncated: it has {plan.stat().st_size} of {record.length} bytes"
    if hash_files([plan]) != record.sha256:
        return f"{plan} is damaged: its SHA-256 differs from the recorded one"
    return None


def hash_files(files: list[Path]) -> str:
    """Return the SHA-256 of the concatenated contents of files."""
    digest, block = hashlib.sha256(), memoryview(bytearray(_BLOCK))
    for file in files:
        with file.open("rb", buffering=0) as stream:
            while count := stream.readinto(block):
                digest.update(block[:count])
    return digest.hexdigest()
