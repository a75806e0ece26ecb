# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""One HTML file of a report: it needs no other file, and its only script moves the sliders.

A content security policy forbids every request and every other script, even if a text from a
recording were not escaped.
"""

from __future__ import annotations

import logging
import os
import re
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jasmine_core.errors import JasmineError
from jasmine_core.files import atomic_file
from jasmine_core.report.blocks import Page
from jasmine_core.report.chart import draw
from jasmine_core.report.origin import origin

MOST = 8_000_000  # [bytes] of a page
_MARK = '<meta name="generator" content="jasmine_ros">'
_LONGEST = 60_000  # characters of a text
_TEMPLATES = Path(__file__).with_name("templates")
# Control characters but tabs and line breaks, and characters that change the direction of a text.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
logger = logging.getLogger(__name__)


def render(page: Page) -> str:
    """Return a page as HTML; needs jinja2."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.globals["draw"] = draw
    sections = (*page.sections, origin()) if page.with_origin else page.sections
    style, script = ((_TEMPLATES / f"report.{kind}").read_text("utf-8") for kind in ("css", "js"))
    if not any(block.kind == "slider" for section in sections for block in section.blocks):
        script = ""
    text: str = environment.get_template("report.html.j2").render(
        page=page,
        sections=sections,
        style=Markup(style),
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
    )
    return text.strip() + "\n"


def visible(text: str) -> str:
    """Return a text of at most 60,000 characters, in which control characters are escaped."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} [...] {text[-_LONGEST // 2 :]}"
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def write_page(path: Path, page: Page, announce: Callable[[int], None] | None = None) -> None:
    """Write a page; raise JasmineError if it is larger than 8 MB.

    `announce` is called with its size [bytes] before it takes the place of an earlier one.
    """
    data = render(page).encode()
    if len(data) > MOST:
        raise JasmineError(f"the page has {len(data)} bytes; {MOST} are written at most")
    if announce:
        announce(len(data))
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


def _is_page(path: Path) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return _MARK in file.read(2000)


@cache
def _log_missing() -> None:
    """Log once in a process that there are no reports."""
    logger.warning(
        "reports (.html) are not written, because jinja2 is missing; pip install jinja2, or "
        "apt install python3-jinja2"
    )


def save_page(
    path: Path, make: Callable[[], Page], announce: Callable[[int], None] | None = None
) -> bool:
    """Write the page that `make` returns; log one line and return False if that fails.

    Then the page of an earlier result is removed. A file that is no page is never replaced.
    """
    try:
        if os.path.lexists(path) and not _is_page(path):
            raise JasmineError("a file that is no report is in its place; move it")
        import jinja2  # noqa: F401

        write_page(path, make(), announce)
        return True
    # The work of the command is done by now; no fault of its report may fail it.
    except Exception as err:
        if isinstance(err, ImportError) and err.name == "jinja2":
            _log_missing()
        else:
            logger.warning("%s is not written: %s: %s", path, type(err).__name__, err)
    with suppress(OSError):
        if _is_page(path):
            path.unlink()
    return False
