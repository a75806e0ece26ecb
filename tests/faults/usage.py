# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Resources that a process uses."""

from __future__ import annotations

import os
from pathlib import Path


def usage(pid: int) -> tuple[int, int, int]:
    """Return the resident memory [bytes], the threads and the file descriptors of a process."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    threads, files = (len([*(process / name).iterdir()]) for name in ("task", "fd"))
    return pages * os.sysconf("SC_PAGE_SIZE"), threads, files
