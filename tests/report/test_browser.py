# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pages in headless Chromium: no errors, no requests, and sliders that move."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
from helpers.chromium import needs_chromium, opened_tab

from jasmine_core.report.blocks import Chart, Link, Page, Section, Series, Slider, Table, Text
from jasmine_core.report.images import data_uri
from jasmine_core.report.page import write_page

pytestmark = needs_chromium
HOSTILE = "<img src=x onerror='document.title=1'><script src=https://example.org/a.js></script>"
BORDER = "getComputedStyle(document.querySelector('.over')).clipPath"


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    with opened_tab(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def page() -> Page:
    dark, bright = (data_uri(np.full((60, 100, 3), level, np.uint8)) for level in (20, 220))
    curves = tuple(Series(name, range(9), np.arange(9.0)) for name in ("a", HOSTILE))
    rows = tuple((HOSTILE, "1.0", "x" * 90) for _ in range(3))
    blocks = (
        Slider(dark, bright, HOSTILE),
        Chart(HOSTILE, HOSTILE, curves, marks=(3.0,), mark_name="dropped"),
        Table(("name", "number", HOSTILE), rows, (1,)),
        Text(HOSTILE),
    )
    return Page(HOSTILE, HOSTILE, (Section(HOSTILE, blocks),))


def opened(tab, file, **options):
    tab.requests.clear()
    tab.blocked.clear()
    tab.errors.clear()
    tab.open(file, **options)
    return tab


def test_page_opens_without_errors_and_requests_nothing(tab, tmp_path):
    write_page(tmp_path / "report.html", page())
    opened(tab, tmp_path / "report.html")
    assert tab.errors == []
    assert [url for url in tab.requests if not url.startswith("data:")] == [
        (tmp_path / "report.html").as_uri()
    ]
    assert tab.evaluate("document.title") == HOSTILE
    assert tab.evaluate("document.scripts.length") == 1
    assert tab.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")


def test_slider_moves_by_mouse_and_by_keys(tab, tmp_path):
    write_page(tmp_path / "report.html", page())
    opened(tab, tmp_path / "report.html")
    assert tab.evaluate(BORDER) == "inset(0px 50% 0px 0px)"
    x, y, width, height = tab.evaluate(
        "(({x, y, width, height}) => [x, y, width, height])"
        "(document.querySelector('.pair').getBoundingClientRect())"
    )
    tab.click(x + 0.2 * width, y + height / 2)
    left = tab.evaluate("Number(document.querySelector('.pair input').value)")
    assert 15 <= left <= 25
    assert tab.evaluate(BORDER) == f"inset(0px {100 - left}% 0px 0px)"
    tab.press("ArrowRight")
    assert tab.evaluate(BORDER) == f"inset(0px {99 - left}% 0px 0px)"


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(tab, tmp_path, width):
    write_page(tmp_path / "report.html", page())
    opened(tab, tmp_path / "report.html", width=width)
    root = "document.documentElement"
    assert tab.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


def test_dark_mode_has_light_text_on_a_dark_page(tab, tmp_path):
    write_page(tmp_path / "report.html", page())
    colours = (
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    opened(tab, tmp_path / "report.html", dark=True)
    assert tab.evaluate(colours) == ["rgb(21, 23, 27)", "rgb(230, 232, 236)"]
    opened(tab, tmp_path / "report.html")
    assert tab.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(29, 32, 37)"]


def test_even_text_that_is_not_escaped_could_run_nothing(tab, tmp_path):
    write_page(tmp_path / "report.html", page())
    file = tmp_path / "report.html"
    file.write_text(file.read_text().replace("</main>", f"{HOSTILE}</main>"))
    opened(tab, file)
    assert tab.evaluate("document.title") == HOSTILE
    assert any("Content Security Policy" in error for error in tab.errors)
    assert {url for url in tab.requests if not url.startswith("data:")} - tab.blocked == {
        file.as_uri()
    }
    assert "https://example.org/a.js" in tab.blocked


def test_page_of_several_results_shows_the_images_beside_it(tab, tmp_path):
    image = data_uri(np.zeros((6, 10, 3), np.uint8))
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "preview.html").write_text("")
    (tmp_path / "a b" / "preview.jpg").write_bytes(b64decode(image.partition(",")[2]))
    table = Table(("recording",), ((Link("a b", "a%20b/preview.html", "a%20b/preview.jpg"),),))
    shown = replace(page(), sections=(Section("all", (table,)),), linked_images=True)
    write_page(tmp_path / "summary.html", shown)
    opened(tab, tmp_path / "summary.html")
    assert tab.errors == []
    tab.evaluate("document.querySelector('td img').loading = 'eager'")
    tab.evaluate("document.querySelector('td img').decode()")
    assert tab.evaluate("document.querySelector('td img').naturalWidth") == 10
