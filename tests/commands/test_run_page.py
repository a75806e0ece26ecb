# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`report.html` of `jasmine run`: what it shows, and that its faults fail no run."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from helpers.camera_bags import frames, pixels, several, stamp, write_bag
from helpers.chromium import needs_chromium, opened_tab

from jasmine_core.report import page as page_module
from jasmine_ros.cli import main

HOSTILE = "/<img src=x onerror=alert(1)>/image"


@pytest.fixture
def jasmine(checkpoint, tmp_path, capsys):
    """Run a bag with the smallest checkpoint; return status, standard output and error."""

    def run(bag, *options):
        capsys.readouterr()
        out = ["-o", str(tmp_path / "out"), "--checkpoint", str(checkpoint)]
        status = main(["run", str(bag), *out, *options])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


def hostile(bag):
    """Record three images on a topic with markup in its name; the second is damaged."""
    for index in range(3):
        bag.info(stamp(index))
        wrong = {"encoding": "<b>rgb8</b>"} if index == 1 else {}
        bag.image(stamp(index), pixels(index), HOSTILE, **wrong)


def test_page_shows_images_skipped_ones_and_the_command(jasmine, tmp_path):
    bag = write_bag(tmp_path / "in", hostile)
    status, shown, _ = jasmine(bag, "--image", HOSTILE, "--camera-info", "/camera/camera_info")
    assert status == 0
    assert shown.splitlines()[-1] == f"report: {tmp_path / 'out' / 'report.html'}"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "&lt;b&gt;rgb8&lt;/b&gt;" in page and "not processed (1)" in page
    assert "jasmine run" in page and f"-o {tmp_path / 'out'}" in page
    assert page.count('type="range"') >= 2


@needs_chromium
def test_page_of_a_run_opens_without_errors_and_requests_nothing(jasmine, tmp_path):
    bag = write_bag(tmp_path / "in", hostile)
    jasmine(bag, "--image", HOSTILE, "--camera-info", "/camera/camera_info")
    page = tmp_path / "out" / "report.html"
    with opened_tab(tmp_path) as tab:
        tab.open(page, width=390)
        assert tab.errors == []
        assert [u for u in tab.requests if not u.startswith("data:")] == [page.as_uri()]
        assert tab.evaluate("document.querySelectorAll('.pair').length") >= 2
        assert tab.evaluate("document.documentElement.scrollWidth <= 390")


def test_run_without_jinja2_has_no_page_and_removes_an_earlier_one(jasmine, tmp_path, monkeypatch):
    bag = write_bag(tmp_path / "in", frames(2))
    assert jasmine(bag)[0] == 0
    assert (tmp_path / "out" / "report.html").is_file()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    page_module._log_missing.cache_clear()
    status, shown, error = jasmine(bag, "--overwrite")
    assert status == 0 and "report.html" not in shown
    assert error.count("jinja2 is missing") == 1
    assert not (tmp_path / "out" / "report.html").exists()
    assert json.loads((tmp_path / "out" / "report.json").read_text())["frames"]["processed"] == 2


def test_fault_of_the_page_does_not_fail_the_run(jasmine, tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "MOST", 1)
    status, _, error = jasmine(write_bag(tmp_path / "in", frames(2)))
    assert status == 0
    assert "report.html is not written: JasmineError: the page has" in error
    assert (tmp_path / "out" / "report.json").is_file()


def test_page_of_a_run_without_depth_states_the_reasons(jasmine, tmp_path):
    def damaged(bag):
        bag.image(stamp(1), np.zeros((64, 96, 3), np.uint8), encoding="yuv9")

    bag = write_bag(tmp_path / "in", several((lambda bag: bag.info(stamp(0)), damaged)))
    status, _, _ = jasmine(bag)
    assert status == 1
    page = (tmp_path / "out" / "report.html").read_text()
    assert "no depth" in page and "yuv9" in page
    assert "<svg" not in page


def test_summary_of_several_runs_links_to_their_pages(jasmine, tmp_path):
    for name in ("a", "b"):
        write_bag(tmp_path / "fleet" / name, frames(1))
    assert jasmine(tmp_path / "fleet")[0] == 0
    page = (tmp_path / "out" / "summary.html").read_text()
    assert 'href="a/report.html"' in page and 'src="b/preview.png"' in page
    assert "jasmine run" in (tmp_path / "out" / "a" / "report.html").read_text()
