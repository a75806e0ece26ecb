# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a process holds of the machine."""

from __future__ import annotations

import os
from pathlib import Path


def usage(pid: int) -> tuple[int, int, int]:
    """Return a process's resident memory [bytes], threads and descriptors."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    threads, files = (len([*(process / name).iterdir()]) for name in ("task", "fd"))
    return pages * os.sysconf("SC_PAGE_SIZE"), threads, files
