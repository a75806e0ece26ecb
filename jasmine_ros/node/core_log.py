# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Log records of `jasmine_core` in the log of a host."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

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


def core_log(log: Callable[[Severity, str], None]) -> AbstractContextManager[None]:
    """Pass records of `jasmine_core` from level info to `log(severity, text)` inside the block."""
    return log_to(_HostHandler(log), "jasmine_core")


@contextmanager
def log_to(handler: logging.Handler, *names: str) -> Iterator[None]:
    """Pass records of the named loggers from level info to `handler` only, inside the block."""
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
