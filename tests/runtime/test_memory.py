# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reuse of freed memory by the next frame, in every thread."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FRAMES = """
import resource
from threading import Thread

import numpy as np

from jasmine_core.runtime.memory import keep_freed_memory

PAGES = 8 * (3 << 20) // resource.getpagesize()

def frame():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    maps = [np.ones(3 << 20, np.uint8) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def frames():
    frame(), frame()
    counts.append(min(frame() for _ in range(5)))

counts = []
frames()
keep_freed_memory()
frames()
thread = Thread(target=frames)
thread.start()
thread.join()
by_default, kept, kept_in_thread = counts
assert by_default > PAGES // 4, counts  # otherwise this allocator needs no settings
assert kept < PAGES // 100 and kept_in_thread < PAGES // 100, counts
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_memory_is_reused_by_the_next_frame_in_any_thread():
    subprocess.run([sys.executable, "-c", FRAMES], check=True, timeout=60)
