# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Decompression of parts of a bag, with a limit on the expanded size.

A file of some kilobytes can expand to any number of gigabytes. Recorded data do not: compressors
shrink images and clouds by a small factor, and black images by some hundreds.
"""

from __future__ import annotations

import bz2
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped]

from jasmine_ros.bags.connection import RefusedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_EXPANDED = 1 << 29  # [bytes] of one chunk or message
_ALWAYS_ALLOWED = 1 << 26  # [bytes]
_MAX_RATIO = 200  # of a larger part to its compressed size
_ZSTD_OPTIONS = {int(zstd.DecompressionParameter.window_log_max): 27}  # 2^27 bytes of memory
_PIECE = 1 << 22  # [bytes]


def _new_zstd() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "zstd": _new_zstd,
    "lz4": LZ4FrameDecompressor,
    "bz2": bz2.BZ2Decompressor,
}


def size_limit(compressed: int) -> int:
    """Return the largest size [bytes] to which so many compressed bytes may expand."""
    return max(_ALWAYS_ALLOWED, _MAX_RATIO * compressed)


def expand(data: bytes, compression: str, announced: int | None = None) -> bytes:
    """Decompress bytes.

    Args:
        data: compressed bytes, of one or several frames.
        compression: "" for none, "zstd", "lz4" or "bz2".
        announced: the size [bytes] that the bag states, if it states one.

    Raises:
        ValueError: the compression is unknown, the data end early, or the result is too large or
            has another size than announced.
    """
    limit = min(size_limit(len(data)), MAX_EXPANDED)
    if compression in ("", "none"):
        result = data
    elif compression not in _DECOMPRESSORS:
        raise RefusedError(f"compression {compression!r} is not supported")
    elif announced is not None and announced > limit:
        raise RefusedError(_too_large(len(data), announced, limit))
    else:
        result = _expand(data, _DECOMPRESSORS[compression], limit)
    if announced is not None and len(result) != announced:
        raise ValueError(f"{announced} bytes are announced, but {len(result)} are there")
    return result


def expand_file(source: Path, target: Path) -> None:
    """Decompress a file with zstd; raise ValueError if it expands too much."""
    compressed = source.stat().st_size
    limit, written = size_limit(compressed), 0
    with zstd.open(source, options=_ZSTD_OPTIONS) as expanded, target.open("wb") as file:
        while piece := expanded.read(_PIECE):
            written += file.write(piece)
            if written > limit:
                raise RefusedError(_too_large(compressed, written, limit))


def _expand(data: bytes, new: Callable[[], Any], limit: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    compressed = len(data)
    while data:
        decompressor = new()
        parts.append(decompressor.decompress(data, limit + 1 - total))
        total += len(parts[-1])
        if total > limit:
            raise RefusedError(_too_large(compressed, total, limit))
        if not decompressor.eof:
            raise ValueError("the compressed data end early")
        data = decompressor.unused_data or b""
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(compressed: int, expanded: int, limit: int) -> str:
    return f"{compressed} bytes expand to {expanded} bytes or more, above the limit of {limit}"
