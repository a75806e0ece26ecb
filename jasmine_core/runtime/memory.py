# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reuse of freed memory between frames, by settings of glibc's allocator."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's mallopt(3)
_KEPT = 256 << 20  # [bytes] of freed memory that is kept
_LARGEST = 32 << 20  # [bytes] of the largest array that is kept; glibc allows no more


def keep_freed_memory() -> None:
    """Let glibc keep up to 256 MiB of freed memory for the next frame.

    By default, glibc returns the arrays of a frame to the kernel and gets them again page by page,
    zeroed. At 1280x720 this takes longer than to fill them. With other C libraries nothing changes.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; Windows raises TypeError
        return
    mallopt(_TRIM_THRESHOLD, _KEPT)
    mallopt(_MMAP_THRESHOLD, _LARGEST)
