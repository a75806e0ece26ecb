# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tell checkpoints apart in a moment, without torch."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata, resources
from pathlib import Path

from jasmine_core.errors import CheckpointError
from jasmine_core.model.folder import RANDOM

_SAMPLE = 4096  # [bytes] read of every tensor


def fingerprint(checkpoint: str) -> str:
    """Return a hash of a checkpoint folder, or of a `random:PRESET`.

    Of the weights it takes names, shapes and the beginning of every tensor: a step of training
    changes all of a tensor, and a checkpoint of gigabytes is read in a fraction of a second.
    """
    digest = hashlib.sha256()
    if checkpoint.startswith(RANDOM):
        digest.update(f"{checkpoint} {_version('torch')}".encode())
        for source in sorted(Path(str(resources.files("jasmine_core"))).glob("model/*.py")):
            digest.update(source.read_bytes())
        return digest.hexdigest()
    try:
        return _of_folder(Path(checkpoint))
    except (OSError, ValueError, KeyError) as err:
        raise CheckpointError(f"{checkpoint} cannot be read ({err}); copy it again") from err


def _of_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for part in ("unet", "vae", "ssg", "scheduler", "text"):
        for file in sorted((folder / part).iterdir()):
            digest.update(f"{part}/{file.name}".encode())
            digest.update(_tensors(file) if file.suffix == ".safetensors" else file.read_bytes())
    digest.update((folder / "jasmine.json").read_bytes())
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
