# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Graphs that share weights with the checkpoint beside them, completed without torch and onnx.

A plain graph holds the weights of its checkpoint once more, in float32. The folder of a small graph
has in its place

jasmine.part.onnx   the graph without the weights that equal those of the checkpoint
weights.json        for each of them: name in the graph, file and name in the checkpoint, shape,
                    and the batch norm of the checkpoint that is folded into it, if there is one

A graph is a message of protocol buffers, and messages that are concatenated are merged: the
complete graph is the part, followed by a message that holds nothing but the missing weights.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.card import CARD_FILE, HASH_FILE, WHOLE, damage, read_card
from jasmine_core.artifacts.reference_output import FILE as REFERENCE
from jasmine_core.artifacts.weights_header import read_tensors
from jasmine_core.errors import CheckpointError, ConfigError, ExportError
from jasmine_core.files import atomic_folder, expect_regular, read_json

PART = "jasmine.part.onnx"
WEIGHTS = "weights.json"
MAX_PART = 64 << 20  # [bytes]
MAX_GRAPH = 1 << 30  # [bytes] of the complete graph
_GRAPH, _INITIALIZER = 7, 5  # numbers of the fields of onnx.proto
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9
_FLOAT = 1


def is_part(folder: Path) -> bool:
    """Return whether the graph in a folder of an export lacks the weights of the checkpoint."""
    return any((folder / name).is_file() for name in (PART, WEIGHTS))


def complete_export(folder: Path, checkpoint: Path, target: Path) -> None:
    """Write the export whose graph in `folder` lacks the weights of a checkpoint to `target`.

    Raises:
        ExportError: the files do not belong to each other, the graph is not the one that was
            exported, or a file cannot be read or written.
    """
    try:
        graph = complete_graph(folder, checkpoint)
        with atomic_folder(target) as temporary:
            (temporary / WHOLE[0]).write_bytes(graph)
            for name in (CARD_FILE, HASH_FILE, REFERENCE):
                shutil.copyfile(folder / name, temporary / name)
            if damaged := damage(read_card(temporary), temporary):
                raise ValueError(damaged)
    except (CheckpointError, ConfigError, OSError, ValueError, KeyError, TypeError) as err:
        where = f" {err.filename}" if isinstance(err, OSError) else ""
        reason = err.strerror if isinstance(err, OSError) else err
        if isinstance(err, KeyError):
            reason = f"{WEIGHTS} or the checkpoint has no {err}"
        raise ExportError(
            f"the graph in {folder} cannot be completed:{where} {reason}; install this package "
            "again, or set JASMINE_CACHE to a folder that can be written"
        ) from err


def complete_graph(folder: Path, checkpoint: Path) -> bytes:
    """Return the graph of an export folder with the weights of a checkpoint."""
    part = folder / PART
    if expect_regular(part).st_size > MAX_PART:
        raise ValueError(f"{PART} has more than {MAX_PART} bytes")
    try:
        shared = read_json(folder / WEIGHTS)
    except json.JSONDecodeError as err:
        raise ValueError(f"{WEIGHTS} is not JSON ({err})") from err
    read: dict[str, Mapping[str, NDArray[Any]]] = {}
    weights, size = [], 0
    for entry in shared:
        file = str(entry["file"])
        if file not in read:
            read[file] = read_tensors(_inside(checkpoint, file))
        values = read[file][entry["tensor"]].astype(np.float32)
        if "norm" in entry:
            values = with_norm(values, read[file], str(entry["norm"]), float(entry["epsilon"]))
        values = (values.squeeze().T if entry["turned"] else values).reshape(entry["shape"])
        size += values.nbytes
        if size > MAX_GRAPH:
            raise ValueError(f"its weights have more than {MAX_GRAPH} bytes")
        weights.append(_field(_INITIALIZER, b"".join(_tensor(str(entry["name"]), values))))
    return part.read_bytes() + _field(_GRAPH, b"".join(weights))


def with_norm(
    weight: NDArray[np.float32], weights: Mapping[str, NDArray[Any]], norm: str, epsilon: float
) -> NDArray[np.float32]:
    """Return a weight [O,...] with a batch norm folded into it, with the bits of an export.

    w' = w g / sqrt(var + epsilon)
    """
    g, var = (weights[f"{norm}.{part}"].astype(np.float64) for part in ("weight", "running_var"))
    factor = g / np.sqrt(var + epsilon)  # [O]
    folded = weight.astype(np.float64) * factor.reshape(-1, *[1] * (weight.ndim - 1))
    return folded.astype(np.float32)


def _inside(checkpoint: Path, name: str) -> Path:
    file = checkpoint / name
    if not file.resolve().is_relative_to(checkpoint.resolve()):
        raise ValueError(f"{name} is not inside the checkpoint")
    return file


# ---------------------------------------------------------------------- protocol buffers


def _tensor(name: str, values: NDArray[np.float32]) -> Iterator[bytes]:
    """Yield the fields of a TensorProto."""
    for side in values.shape:
        yield _number(_DIMS << 3) + _number(side)
    yield _number(_DATA_TYPE << 3) + _number(_FLOAT)
    yield _field(_NAME, name.encode())
    yield _field(_RAW_DATA, values.astype("<f4").tobytes())


def _field(number: int, content: bytes) -> bytes:
    """Return a field with its length, as of text, bytes and messages."""
    return _number(number << 3 | 2) + _number(len(content)) + content


def _number(value: int) -> bytes:
    """Return a number as a varint: seven bits a byte, the lowest first."""
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
