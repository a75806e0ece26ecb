# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Header of a safetensors file, checked before anything is built, and its tensors without torch."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import CheckpointError
from jasmine_core.files import expect_regular

MAX_PARAMETERS = 4_000_000_000  # of one network; the U-Net of Stable Diffusion 2 has 0.9e9
MAX_TENSORS = 5_000  # the U-Net of Stable Diffusion 2 has 686
MAX_HEADER = 16 << 20  # [bytes]
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}  # of the types that weights may have
_INTEGERS = {"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}  # counters and masks

_NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}


@dataclass(frozen=True)
class Announced:
    """One tensor of a header."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def numbers(self) -> int:
        """Return how many numbers the tensor has."""
        return math.prod(self.shape)


def read_header(file: Path) -> dict[str, Announced]:
    """Return the tensors that a safetensors file announces.

    Raises:
        CheckpointError: the file is missing or damaged, its tensors do not fill it, or there are
            more than MAX_PARAMETERS numbers or MAX_TENSORS tensors.
    """
    try:
        size = expect_regular(file).st_size
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(size - 8, MAX_HEADER):
                raise ValueError(f"its header would have {length} bytes, the file has {size}")
            values = json.loads(stream.read(length))
        if not isinstance(values, dict):
            raise ValueError("its header has no names")
        values.pop("__metadata__", None)
        if len(values) > MAX_TENSORS:
            raise ValueError(f"it announces {len(values)} tensors, {MAX_TENSORS} are read at most")
        tensors = {name: _tensor(name, value) for name, value in values.items()}
        _expect_filled(tensors, values, size - 8 - length)
    except FileNotFoundError as err:
        raise CheckpointError(f"{file} is missing; copy the checkpoint again") from err
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as err:
        reason = err.strerror if isinstance(err, OSError) else err
        raise CheckpointError(f"{file} is damaged ({reason}); copy the checkpoint again") from err
    numbers = sum(tensor.numbers for tensor in tensors.values())
    if numbers > MAX_PARAMETERS:
        raise CheckpointError(
            f"{file} announces {numbers:.2g} parameters, a network has at most "
            f"{MAX_PARAMETERS:.2g}; it is not a checkpoint of this program"
        )
    return tensors


def read_tensors(file: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a safetensors file whose types numpy has, which are all but bfloat16.

    Raises:
        CheckpointError: as `read_header` does.
    """
    announced = read_header(file)
    data = np.memmap(file, np.uint8, "r")
    length = int(data[:8].view("<u8")[0])
    values = json.loads(data[8 : 8 + length].tobytes())
    found = {}
    for name, tensor in announced.items():
        if tensor.dtype in _NUMPY:
            begin, end = values[name]["data_offsets"]
            raw = data[8 + length + begin : 8 + length + end]
            found[name] = np.frombuffer(raw.tobytes(), _NUMPY[tensor.dtype]).reshape(tensor.shape)
    return found


def expect_floats(tensors: dict[str, Announced], file: Path) -> None:
    """Raise CheckpointError for weights of an integer type: they are quantised or damaged."""
    for name, tensor in tensors.items():
        if tensor.dtype not in _BYTES and not name.endswith("num_batches_tracked"):
            raise CheckpointError(
                f"{file}: {name} has the type {tensor.dtype}, weights are {', '.join(_BYTES)}; "
                "quantised checkpoints are not read, give the original one"
            )


def _tensor(name: str, value: Any) -> Announced:
    dtype, shape = value["dtype"], value["shape"]
    if dtype not in _BYTES | _INTEGERS:
        raise ValueError(f"{name} has the unknown type {dtype!r:.40}")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"the shape of {name} is {shape!r:.40}")
    return Announced(dtype, tuple(shape))


def _expect_filled(tensors: dict[str, Announced], values: dict[str, Any], size: int) -> None:
    """Raise ValueError unless the tensors fill the data of the file without gap or overlap."""
    at = 0
    widths = _BYTES | _INTEGERS
    for name in sorted(tensors, key=lambda name: list(values[name]["data_offsets"])):
        begin, end = values[name]["data_offsets"]
        if begin != at or end - begin != tensors[name].numbers * widths[tensors[name].dtype]:
            raise ValueError(f"{name} lies at {begin} to {end}, which does not fit its shape")
        at = end
    if at != size:
        raise ValueError(f"it has {size} bytes of tensors, its header announces {at}")
