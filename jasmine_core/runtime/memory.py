# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the process does with the memory of a frame once the frame is over."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's mallopt(3)
_KEPT, _LARGEST = 256 << 20, 32 << 20  # [bytes] all that is kept, and of one array (glibc's limit)


def keep_freed_memory() -> None:
    """Keep what one frame frees for the next one, up to 256 MiB.

    Left alone, glibc hands a frame's arrays back to the kernel, and gets them again page by page,
    zeroed: at 1280x720 that takes longer than to fill them. Other C libraries stay as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no glibc; TypeError is Windows's
        return
    mallopt(_TRIM_THRESHOLD, _KEPT)
    mallopt(_MMAP_THRESHOLD, _LARGEST)
