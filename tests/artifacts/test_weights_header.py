# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Headers of safetensors files: tensors that are announced, damage and bounds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from jasmine_core.artifacts.weights_header import Announced, expect_floats, read_header
from jasmine_core.errors import CheckpointError


def write(file: Path, tensors: dict[str, object], data: bytes = b"", length: int = 0) -> Path:
    header = json.dumps(tensors).encode()
    file.write_bytes((length or len(header)).to_bytes(8, "little") + header + data)
    return file


def tensor(shape: object, begin: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_tensors_of_a_real_file_are_announced(tmp_path):
    file = tmp_path / "w.safetensors"
    save_file({"b": np.zeros((2, 3), np.float32), "a": np.zeros(4, np.float16)}, file)
    assert read_header(file) == {"b": Announced("F32", (2, 3)), "a": Announced("F16", (4,))}
    assert sum(t.numbers for t in read_header(file).values()) == 10


def test_tensors_without_numbers_are_read(tmp_path):
    file = tmp_path / "w.safetensors"
    save_file({"a": np.zeros((0, 3), np.float32), "b": np.zeros((), np.float32)}, file)
    assert read_header(file)["a"].numbers == 0 and read_header(file)["b"].numbers == 1


@pytest.mark.parametrize(
    ("tensors", "data", "length"),
    [
        ({}, b"", 1 << 40),
        ({}, b"", (1 << 64) - 1),
        ({"a": tensor([2], 0, 8)}, b"1234", 0),  # cut short
        ({"a": tensor([2], 0, 8)}, b"1234567890", 0),  # more than announced
        ({"a": tensor([3], 0, 8)}, b"12345678", 0),
        ({"a": tensor([1], 0, 4), "b": tensor([1], 0, 4)}, b"1234", 0),  # overlap
        ({"a": tensor([1], 4, 8)}, b"12345678", 0),  # gap
        ({"a": tensor([-1], 0, 4)}, b"1234", 0),
        ({"a": tensor("2", 0, 8)}, b"12345678", 0),
        ({"a": tensor([True], 0, 4)}, b"1234", 0),
        ({"a": tensor([1], 0, 4, "F4")}, b"1234", 0),
        ({"a": {"dtype": "F32"}}, b"", 0),
        ({"a": 7}, b"", 0),
        ([1, 2], b"", 0),
    ],
)
def test_damaged_header_is_refused(tmp_path, tensors, data, length):
    file = write(tmp_path / "w.safetensors", tensors, data, length)
    with pytest.raises(CheckpointError, match=r"w\.safetensors is damaged .*copy the checkpoint"):
        read_header(file)


@pytest.mark.parametrize("content", [b"", b"1234", b"\2" + b"\0" * 7 + b"[[", b"PK\3\4" * 9])
def test_file_of_another_kind_is_refused(tmp_path, content):
    file = tmp_path / "w.safetensors"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged"):
        read_header(file)


def test_deeply_nested_header_is_refused(tmp_path):
    file = tmp_path / "w.safetensors"
    header = b"[" * 100_000 + b"]" * 100_000
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CheckpointError, match="is damaged"):
        read_header(file)


def test_number_of_parameters_is_bounded_before_anything_is_read(tmp_path):
    file = tmp_path / "w.safetensors"
    end = 4 * 5_000_000_000
    write(file, {"a": tensor([5_000_000_000], 0, end)})
    with file.open("r+b") as stream:  # a sparse file: 20 GB that need no disk
        stream.truncate(file.stat().st_size + end)
    with pytest.raises(CheckpointError, match=r"announces 5e\+09 parameters"):
        read_header(file)


def test_quantised_weights_are_named(tmp_path):
    file = tmp_path / "w.safetensors"
    save_file({"a": np.zeros(4, np.int8), "bn.num_batches_tracked": np.array(3)}, file)
    with pytest.raises(CheckpointError, match=r"a has the type I8.*quantised"):
        expect_floats(read_header(file), file)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="is missing"):
        read_header(tmp_path / "w.safetensors")
