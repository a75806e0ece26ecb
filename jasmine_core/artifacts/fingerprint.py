# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Hashes that tell checkpoints apart within a fraction of a second, without torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib import metadata, resources
from pathlib import Path

from jasmine_core.artifacts.card import CARD_FILE

_FOR_TRAINING = ("posenet", "statistics")
_SAMPLE = 4096  # [bytes] read of every tensor


def hash_jasmine(folder: Path) -> str:
    """Return a hash of all weights and configurations of a Jasmine that prediction uses.

    Of the weights it covers names, shapes and the first bytes of every tensor: a training step
    changes all values of a tensor, and a checkpoint of gigabytes need not be read as a whole.
    """
    files = [
        file
        for file in sorted(folder.glob("*/*"))
        if file.suffix in (".json", ".safetensors") and file.parent.name not in _FOR_TRAINING
        if file.name != CARD_FILE
    ]
    return hash_files(folder, [*files, folder / "jasmine.json"])


def hash_files(folder: Path, files: Iterable[Path]) -> str:
    """Return a hash of some files of a folder, and of their names in it; see `hash_jasmine`."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(_tensors(file) if file.suffix == ".safetensors" else file.read_bytes())
    return digest.hexdigest()


def hash_preset(name: str) -> str:
    """Return a hash of `random:PRESET`, of the code that makes its weights and of torch."""
    digest = hashlib.sha256(f"{name} {_version('torch')}".encode())
    for source in sorted(Path(str(resources.files("jasmine_core"))).glob("model/*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _tensors(file: Path) -> bytes:
    """Return the header of a safetensors file and the first bytes of each tensor."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = stream.read(length)
        parts = [header]
        for name, tensor in sorted(json.loads(header).items()):
            if name != "__metadata__":
                begin, end = tensor["data_offsets"]
                stream.seek(8 + length + begin)
                parts.append(stream.read(min(_SAMPLE, end - begin)))
    return b"".join(parts)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
