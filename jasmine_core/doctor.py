# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Report on the hardware, packages, backends and engines of this machine."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from jasmine_core._version import __version__
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.artifacts.weights_header import read_header
from jasmine_core.cache_folder import cache_folder
from jasmine_core.engines.builder import RTX, TENSORRT, find_library
from jasmine_core.engines.cache import EngineCache
from jasmine_core.engines.gpu import Gpu, find_gpu
from jasmine_core.engines.validated_set import read_sets
from jasmine_core.errors import ConfigError, EngineError, JasmineError
from jasmine_core.runtime.backend import choose_backend

GOOD, LACKING, WRONG = "ok", "--", "!!"
_PACKAGES = {  # purpose, and the extra that installs it
    "torch": ("the torch backend, training and export", "torch"),
    "diffusers": ("the torch backend, training and export", "torch"),
    "accelerate": ("training", "train"),
    "onnx": ("export, building engines", "onnx"),
    "onnxscript": ("export", "onnx"),
    "onnxruntime": ("the onnxruntime backend, checking engines", "onnx"),
    "openvino": ("the openvino backend", "openvino"),
    "cuda-bindings": ("running engines", "tensorrt"),
    "cyclonedds": ("live topics without ROS 2", "live"),
    "av": ("H.264 and H.265 topics of recordings", "video"),
}
_GIB = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    topic: str
    name: str
    state: str  # GOOD; LACKING: missing, which may be acceptable; WRONG: present, but not usable
    text: str


def examine(name: str) -> list[Finding]:
    """Examine this machine and a checkpoint without running anything on a GPU.

    Nothing is changed or downloaded. `name` is that of a checkpoint, as in `Checkpoint.resolve`; a
    checkpoint that cannot be found is reported as a finding.
    """
    gpu = find_gpu()
    findings = [*_machine(gpu), *_packages(), *_tensorrt(gpu)]
    try:
        checkpoint = Checkpoint.resolve(name)
    except JasmineError as err:
        missing = Finding("checkpoint", name, WRONG, str(err))
        return [*findings, *_backends(gpu), missing, *_cache()]
    return [
        *findings,
        *_backends(gpu),
        _attempt("backends", "auto", lambda: choose_backend(checkpoint, "auto")),
        *_checkpoint(checkpoint),
        *_cache(),
        *_validated(checkpoint),
    ]


def render(findings: list[Finding]) -> str:
    """Return findings as lines, grouped by topic."""
    lines, topic = [], ""
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        if finding.topic != topic:
            topic = finding.topic
            lines.append(f"{topic}:")
        lines.append(f"  {finding.state}  {finding.name:{width}}  {finding.text}")
    return "\n".join(lines)


def _machine(gpu: Gpu | None) -> Iterator[Finding]:
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    yield Finding("machine", "jasmine", GOOD, f"{__version__} on {system}")
    if gpu:
        size = f"{gpu.memory_bytes / _GIB:.0f} GiB"
        text = f"{gpu.name}, {size}, compute capability {gpu.capability}, CUDA up to {gpu.cuda}"
        yield Finding("machine", "GPU", GOOD, text)
    else:
        text = (
            "no NVIDIA GPU is visible: the network runs on the CPU, fast enough for small ones only"
        )
        yield Finding("machine", "GPU", LACKING, text)


def _packages() -> Iterator[Finding]:
    for name, (purpose, extra) in _PACKAGES.items():
        try:
            yield Finding("packages", name, GOOD, f"{metadata.version(name)}: {purpose}")
        except metadata.PackageNotFoundError:
            text = f"not installed: {purpose}; pip install 'jasmine_ros[{extra}]'"
            yield Finding("packages", name, LACKING, text)


def _tensorrt(gpu: Gpu | None) -> Iterator[Finding]:
    for name in (TENSORRT, RTX):
        if find_spec(name) is None:
            extra = "tensorrt" if name == TENSORRT else "rtx"
            text = f"not installed; pip install 'jasmine_ros[{extra}]'"
            if name == TENSORRT:
                text += ", on a Jetson apt install python3-libnvinfer"
            yield Finding("packages", name, LACKING, text)
            continue
        try:
            library = find_library(name)
        except EngineError as err:
            yield Finding("packages", name, WRONG, str(err))
            continue
        use = "builds and runs engines"
        if gpu is None:
            use = "builds engines, cannot run them" if library.ahead_of_time else "needs a GPU"
        yield Finding("packages", name, GOOD, f"{library.version}: {use}")


def _backends(gpu: Gpu | None) -> Iterator[Finding]:
    def backend(name: str, packages: tuple[str, ...], use: str) -> Finding:
        missing = [package for package in packages if find_spec(package) is None]
        if missing:
            return Finding("backends", name, LACKING, f"needs {', '.join(missing)}")
        return Finding("backends", name, GOOD, use)

    yield backend("torch", ("torch", "diffusers"), "the reference of the other backends")
    yield backend("onnxruntime", ("onnxruntime",), "for the CPU")
    yield backend("openvino", ("openvino",), "for the CPU")
    yield _opencv()
    if gpu is None:
        yield Finding("backends", "tensorrt", LACKING, "needs an NVIDIA GPU")
    elif find_spec(TENSORRT) is None and find_spec(RTX) is None:
        yield Finding("backends", "tensorrt", LACKING, "needs TensorRT")
    else:
        yield backend("tensorrt", ("cuda",), "needs validated engines, see the engine cache")


def _opencv() -> Finding:
    try:
        from jasmine_core.runtime.backend_opencv import fault
    except ImportError as err:
        return Finding("backends", "opencv", WRONG, f"OpenCV cannot be imported ({err})")
    if found := fault():
        return Finding("backends", "opencv", WRONG, found)
    return Finding("backends", "opencv", GOOD, "for the CPU, with plain exports only")


def _checkpoint(checkpoint: Checkpoint) -> Iterator[Finding]:
    if checkpoint.kind == "random":
        text = "random weights, created when they are loaded; the depth has no meaning"
        yield Finding("checkpoint", checkpoint.name, GOOD if find_spec("torch") else LACKING, text)
        return
    if checkpoint.kind == "disparity_net":
        text = "disparity net, such as the teacher of a training; only the torch backend runs it"
        yield Finding("checkpoint", checkpoint.name, GOOD, text)
        return

    def description() -> str:
        if checkpoint.kind == "jasmine":
            _check_weights(checkpoint.jasmine_folder())
        card = Exports(checkpoint).card("fp32")
        known = "in metres" if card.scale_spread is None else "in estimated metres"
        unit = "up-to-scale" if card.metres_per_unit is None else known
        untrained = "; untrained: the depth has no meaning" if card.untrained else ""
        return f"{card.description or 'no description'}; {card.nominal_width}x" + (
            f"{card.nominal_height} px, depth {unit}{untrained}"
        )

    yield _attempt("checkpoint", checkpoint.name, description)
    yield _attempt("checkpoint", "exports", lambda: _exports(checkpoint))


def _check_weights(folder: Path) -> None:
    for file in sorted(folder.glob("*/*.safetensors")):
        read_header(file)  # compares the header with the length of the file


def _exports(checkpoint: Checkpoint) -> str:
    # A bundled export and its complete copy in the cache have the same name.
    names = dict.fromkeys(folder.name for folder, _ in Exports(checkpoint))
    return ", ".join(names) or "none yet; an export is made when a backend needs one"


def _cache() -> Iterator[Finding]:
    try:
        folder, cache = cache_folder(), EngineCache()
    except ConfigError as err:
        yield Finding("engine cache", "folder", WRONG, str(err))
        return
    # os.access, unlike Path.exists, raises nothing in a folder that may not be entered.
    existing = next(p for p in (folder, *folder.absolute().parents) if os.access(p, os.F_OK))
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        free = f"{shutil.disk_usage(existing).free / _GIB:.1f} GiB free"
        yield Finding("engine cache", "folder", GOOD, f"{folder}, {free}")
    else:
        text = f"{folder} cannot be written; set JASMINE_CACHE to another folder"
        yield Finding("engine cache", "folder", WRONG, text)
    for place, record in cache.records():
        key = record.key
        text = f"{key.library} {key.version} for {key.gpu} sm{key.capability.replace('.', '')}"
        fault = cache.fault(key) if place == cache.path(key) else f"{place} has another key"
        size = f"{record.length / (1 << 20):.1f} MiB"
        state, line = (WRONG, fault) if fault else (GOOD, f"{text}, {size}")
        yield Finding("engine cache", f"{key.stage} {key.precision}", state, str(line))


def _validated(checkpoint: Checkpoint) -> Iterator[Finding]:
    try:
        validated = [found for found in read_sets() if found.card.model == checkpoint.fingerprint]
    except JasmineError:
        validated = []
    for found in validated:
        levels = ", ".join(f"{k} {v}" for k, v in found.accuracy.precision.items())
        text = f"{found.card.width}x{found.card.height} on {found.gpu}: {levels}; "
        yield Finding("engine cache", "validated", GOOD, text + found.accuracy.summary())
    if not validated:
        text = (
            "no engines of this checkpoint are validated; build them with "
            "`jasmine export CHECKPOINT --tensorrt`"
        )
        yield Finding("engine cache", "validated", LACKING, text)


def _attempt(topic: str, name: str, describe: Callable[[], str]) -> Finding:
    try:
        return Finding(topic, name, GOOD, describe())
    except (JasmineError, OSError) as err:
        return Finding(topic, name, WRONG, str(err))
