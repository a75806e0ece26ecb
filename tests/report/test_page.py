# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pages as files: texts of strangers are escaped, and a fault of a page fails nothing else."""

from __future__ import annotations

import sys
from html.parser import HTMLParser

import pytest

from jasmine_core.errors import JasmineError
from jasmine_core.report import page as page_module
from jasmine_core.report.blocks import (
    Chart,
    Code,
    Facts,
    Figure,
    Finding,
    Findings,
    Gallery,
    Link,
    Page,
    Section,
    Series,
    Slider,
    Table,
    Text,
    Tiles,
)
from jasmine_core.report.origin import ENVIRONMENT, remember_command
from jasmine_core.report.page import render, save_page, write_page

HOSTILE = "<script>alert(1)</script>\" onload='x' {{ 7*7 }} </style>&\x1b[2J\u202e\ud800"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


def page_of(text: str, image: str = PIXEL) -> Page:
    """Return a page with a text in every place where one can be."""
    figure = Figure(image, text)
    blocks = (
        Text(text),
        Code(text, text),
        Tiles(((text, text),)),
        Facts(((text, text),)),
        Table((text,), ((text,), (Link(text, "a%20b/report.html"),)), marked=(0,)),
        Gallery((figure,)),
        Slider(image, image, text, text, text),
        Findings((Finding("warning", text, text, (figure,)),)),
        Chart(text, text, (Series(text, (0, 1), (0, 1)),) * 2, None, (0.5,), text),
    )
    return Page(text, text, (Section(text, blocks),), "warning", text)


class Parsed(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_hostile_texts_change_no_element_of_a_page(monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, "jasmine run")
    usual, hostile = render(page_of("text")), render(page_of(HOSTILE))
    assert Parsed(hostile).tags == Parsed(usual).tags
    assert Parsed(hostile).attributes == Parsed(usual).attributes
    assert hostile.count("<script") == 1 and "alert(1)" in hostile and "49" not in hostile
    assert "\\x1b[2J\\u202e\\ud800" in hostile
    assert not {"\x1b", "\u202e", "\ud800"} & set(hostile)


def test_long_texts_are_shortened():
    assert len(render(page_of("x" * 3_000_000))) < 4_000_000


def test_page_names_the_command_and_the_versions(monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, "")
    remember_command(["run", "a b/<bag>", "-o", "caf\udce9\0"])
    text = render(page_of("text"))
    assert "jasmine run &#39;a b/&lt;bag&gt;&#39; -o &#39;caf\\udce9&#39;" in text
    assert "jasmine_ros</dt>" in text and "numpy</dt>" in text


def test_page_above_the_limit_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "MOST", 10_000)
    with pytest.raises(JasmineError, match="10000 are written at most"):
        write_page(tmp_path / "report.html", page_of("text", f"data:,{'x' * 10_000}"))
    assert list(tmp_path.iterdir()) == []


def test_fault_of_a_page_is_one_line(tmp_path, caplog):
    def broken() -> Page:
        raise ZeroDivisionError("no images")

    assert not save_page(tmp_path / "report.html", broken)
    assert caplog.messages == [
        f"{tmp_path / 'report.html'} is not written: ZeroDivisionError: no images"
    ]


def test_fault_of_a_page_removes_the_earlier_one_but_no_other_file(tmp_path, caplog):
    def broken() -> Page:
        raise OSError("no images")

    page, mine = tmp_path / "report.html", tmp_path / "mine.html"
    assert save_page(page, lambda: page_of("text"))
    assert not save_page(page, broken)
    assert not page.exists()
    mine.write_text("<!doctype html> years of work")
    assert not save_page(mine, lambda: page_of("text"))
    assert mine.read_text() == "<!doctype html> years of work"
    assert "a file that is no report is in its place" in caplog.messages[-1]


def test_missing_jinja2_is_one_line_with_the_remedy(tmp_path, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    page_module._log_missing.cache_clear()
    for _ in range(2):
        assert not save_page(tmp_path / "report.html", lambda: page_of("text"))
    assert len(caplog.messages) == 1 and "apt install python3-jinja2" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_page_is_written_completely(tmp_path):
    assert save_page(tmp_path / "new" / "report.html", lambda: page_of("text"))
    (file,) = (tmp_path / "new").iterdir()
    assert file.read_text("utf-8").rstrip().endswith("</html>")
