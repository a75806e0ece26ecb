# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Log lines on the terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

_OWN = ("jasmine_core", "jasmine_ros")


class _ConsoleHandler(logging.Handler):
    """Handler that writes to standard error, above a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # A wrong format string must not end a command.
            self.handleError(record)
            return
        tqdm.write(text, file=sys.stderr)


@contextmanager
def console_log() -> Iterator[None]:
    """Show log records inside the block: own ones from info level on, others from warnings on."""
    root, handler = logging.getLogger(), _ConsoleHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    before = {name: logging.getLogger(name).level for name in _OWN}
    root.addHandler(handler)
    for name in _OWN:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
