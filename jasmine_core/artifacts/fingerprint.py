# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Hashes of all bytes of a checkpoint, without torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib import metadata, resources
from pathlib import Path

from jasmine_core.artifacts.card import CARD_FILE
from jasmine_core.artifacts.hashes import hash_file
from jasmine_core.artifacts.weights_header import read_header
from jasmine_core.outputs import MARKER

CALIBRATION_FILE = "confidence.json"  # calibrating changes neither weights nor exports
_FOR_TRAINING = ("posenet", "statistics")


def hash_jasmine(folder: Path) -> str:
    """Return a hash of the weights and configurations that prediction uses."""
    files = [
        file
        for file in sorted(folder.glob("*/*"))
        if file.suffix in (".json", ".safetensors") and file.parent.name not in _FOR_TRAINING
        if file.name not in (CARD_FILE, MARKER, CALIBRATION_FILE)
    ]
    return hash_files(folder, [*files, folder / "jasmine.json"])


def hash_files(folder: Path, files: Iterable[Path]) -> str:
    """Return a hash of files and of their paths relative to `folder`.

    Raises:
        CheckpointError: a safetensors file is damaged.
        OSError: a file cannot be read, or is not a regular file.
    """
    digest = hashlib.blake2b(digest_size=32)
    for file in files:
        if file.suffix == ".safetensors":
            read_header(file)
        digest.update(f"{file.relative_to(folder).as_posix()}\0{hash_file(file)}\0".encode())
    return digest.hexdigest()


def hash_preset(name: str) -> str:
    """Return a hash of `random:PRESET`, of the model code and of the version of torch."""
    digest = hashlib.sha256(f"{name} {_version('torch')}".encode())
    for source in sorted(Path(str(resources.files("jasmine_core"))).glob("model/*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
