# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Code blocks, inline code and links of the project's Markdown files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "*/README.md", "jasmine_core/checkpoints/*/*.md")
    for path in ROOT.glob(pattern)
)

_FENCED = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+?) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_INDENTED = re.compile(r"(?<=\n\n)(?P<text>(?: {4}[^\n]*\n)+)")
_INLINE = re.compile(r"`(?P<text>[^`]+)`")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Snippet:
    """A piece of a Markdown file."""

    file: Path
    line: int  # of its first line of text
    text: str
    language: str = ""
    reason: str | None = None  # of `<!-- not run: REASON -->` on the line above a block

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line}"


def blocks(file: Path) -> list[Snippet]:
    """Return the fenced and indented code blocks of a file."""
    text = file.read_text()
    fenced = [
        Snippet(file, _line(text, m.start("text")), m["text"], m["language"], m["reason"])
        for m in _FENCED.finditer(text)
    ]
    rest = _without(text, _FENCED)
    indented = [Snippet(file, _line(text, m.start()), m["text"]) for m in _INDENTED.finditer(rest)]
    return fenced + indented


def inline_code(file: Path) -> list[Snippet]:
    """Return the code between backquotes in the text of a file; line breaks become spaces."""
    text = file.read_text()
    rest = _without(text, _FENCED)
    return [
        Snippet(file, _line(text, m.start()), " ".join(m["text"].split()))
        for m in _INLINE.finditer(rest)
    ]


def links(file: Path) -> list[Snippet]:
    """Return the targets of the links and images of a file."""
    text = file.read_text()
    rest = _without(text, _FENCED)
    return [Snippet(file, _line(text, m.start()), m["target"]) for m in _LINK.finditer(rest)]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _without(text: str, pattern: re.Pattern[str]) -> str:
    """Return the text with every match blanked, so that positions and lines stay."""
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
