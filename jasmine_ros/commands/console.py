# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Log lines and errors on the terminal."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from jasmine_core.store.paths import with_urls

_LONGEST = 4000  # characters of a line
_OWN = ("jasmine_core", "jasmine_ros")
# Control characters, line breaks, and characters that change the direction of a line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """Return a text with its control characters escaped, and without its middle if it is long.

    Names of topics, frames and files come from strangers. A terminal would obey the control
    characters in them, and a line break would hide the rest of an error.
    """
    if len(text) > _LONGEST:  # An untrusted name or value may have megabytes.
        text = f"{text[: _LONGEST // 2]} [...] {text[-_LONGEST // 2 :]}"
    escaped = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return with_urls(escaped)


class _OneLine(logging.Formatter):
    """Formatter whose own messages have one line; a traceback follows them unchanged."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        text = super().formatMessage(record)
        return one_line(text) if record.name.startswith(_OWN) else text


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
    handler.setFormatter(_OneLine("%(levelname)s: %(message)s"))
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
