# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Handler that passes the log records of `jasmine_core` to the log of a host."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jasmine_ros.node.host import Severity


class _HostHandler(logging.Handler):
    def __init__(self, log: Callable[[Severity, str], None]) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # a wrong format string must not end the node
            self.handleError(record)
            return
        if record.levelno >= logging.ERROR:
            self._log("error", text)
        elif record.levelno >= logging.WARNING:
            self._log("warn", text)
        else:
            self._log("info", text)


@contextmanager
def core_log(log: Callable[[Severity, str], None]) -> Iterator[None]:
    """Pass records from info level on to `log(severity, text)` inside the block."""
    logger, handler = logging.getLogger("jasmine_core"), _HostHandler(log)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
