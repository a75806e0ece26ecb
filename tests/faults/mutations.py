# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Random damage of serialised messages."""

from __future__ import annotations

import struct

import numpy as np

HEAD = 96  # [bytes] at the start of a message that hold its stamp, strings and sizes
EXTREMES = (0, 1, 2, 3, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
NAMES = (b"rgb8", b"bgr8", b"mono8", b"32FC1", b"16UC1", b"nv21", b"jpeg", b"png\0", b"\xff" * 4)
NUMBERS = (0.0, -1.0, 1e-300, 1e300, float("inf"), float("-inf"), float("nan"))


def mutate(rng: np.random.Generator, raw: bytes, other: bytes) -> bytes:
    """Return damaged bytes; `other` is a message of the same type whose parts can be spliced in."""
    data = bytearray(raw)
    for _ in range(int(rng.integers(1, 4))):
        data = _MUTATIONS[int(rng.integers(len(_MUTATIONS)))](rng, data, other)
    return bytes(data)


def _place(rng: np.random.Generator, data: bytes) -> int:
    """Return a random index, in 70 % of the cases in the head, because the rest is pixels."""
    return int(rng.integers(max(1, min(len(data), HEAD if rng.random() < 0.7 else len(data)))))


def _flip_bits(rng: np.random.Generator, data: bytearray, other: bytes) -> bytearray:
    for _ in range(int(rng.integers(1, 9))):
        if data:
            data[_place(rng, data)] ^= 1 << int(rng.integers(8))
    return data


def _write_extreme(rng: np.random.Generator, data: bytearray, other: bytes) -> bytearray:
    at, width = _place(rng, data) & ~3, int(rng.choice((1, 2, 4)))
    value = EXTREMES[int(rng.integers(len(EXTREMES)))] & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, "little")
    return data


def _write_number(rng: np.random.Generator, data: bytearray, other: bytes) -> bytearray:
    at = int(rng.integers(max(1, len(data)))) & ~3
    data[at : at + 8] = struct.pack("<d", NUMBERS[int(rng.integers(len(NUMBERS)))])
    return data


def _cut(rng: np.random.Generator, data: bytearray, other: bytes) -> bytearray:
    del data[int(rng.integers(len(data) + 1)) :]
    return data


def _delete(rng: np.random.Generator, data: bytearray, other: bytes) -> bytearray:
    at = _place(rng, data)
    del data[at : at + int(rng.integers(1, 33))]
    return data


def _insert(rng: np.random.Generator, data: bytearray, other: bytes) -> bytearray:
    at = _place(rng, data)
    data[at:at] = rng.bytes(int(rng.integers(1, 33)))
    return data


def _splice(rng: np.random.Generator, data: bytearray, other: bytes) -> bytearray:
    at = _place(rng, data)
    return data[:at] + other[at:]


def _swap_text(rng: np.random.Generator, data: bytearray, other: bytes) -> bytearray:
    """Replace the name of an encoding by another one, of any length."""
    old, new = (NAMES[int(i)] for i in rng.integers(len(NAMES), size=2))
    at = data.find(old)
    if at >= 0:
        data[at : at + len(old)] = new
    return data


def _garbage(rng: np.random.Generator, data: bytearray, other: bytes) -> bytearray:
    return data[:4] + bytearray(rng.bytes(int(rng.integers(len(data) + 1))))


_MUTATIONS = (
    *(_flip_bits,) * 4,
    *(_write_extreme,) * 4,
    *(_write_number,) * 2,
    _cut,
    _delete,
    _insert,
    _splice,
    _swap_text,
    _garbage,
)
