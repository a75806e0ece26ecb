# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Records of written files: what this program did not write is neither deleted nor replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jasmine_core.errors import JasmineError
from jasmine_core.outputs import MARKER, announce, expect_outside, expect_own, record


@pytest.fixture
def result(tmp_path) -> Path:
    folder = tmp_path / "result"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "0.jpg").write_bytes(b"123")
    (folder / "index.json").write_text("{}")
    record(folder)
    return folder


def test_own_folder_and_missing_folder_may_be_replaced(result, tmp_path):
    expect_own(result)
    expect_own(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    expect_own(tmp_path / "empty")


@pytest.mark.parametrize("name", ["notes.txt", "images/1.jpg", "deep/er/thesis.tex", ".hidden"])
def test_file_of_the_user_is_named(result, name):
    (result / name).parent.mkdir(parents=True, exist_ok=True)
    (result / name).write_text("precious")
    with pytest.raises(JasmineError, match=f"{name} is in the place of a result"):
        expect_own(result)


def test_file_that_was_changed_is_of_the_user(result):
    (result / "index.json").write_text('{"mine": 1}')
    with pytest.raises(JasmineError, match=r"index\.json is in the place"):
        expect_own(result)


def test_a_file_is_of_this_program_at_every_moment_of_its_replacement(result):
    """A process may be killed between any two of these lines."""
    file = result / "index.json"
    for text in ("[1, 2, 3]", "[1, 2, 3, 4]"):
        announce(result, "index.json", len(text))
        expect_own(result, "index.json")
        announce(result, "index.json", len(text))  # The next process begins again.
        expect_own(result, "index.json")
        file.write_text(text)
        expect_own(result, "index.json")
        record(result, "index.json")
        expect_own(result)
    file.write_text("the text of somebody")
    with pytest.raises(JasmineError, match=r"index\.json is in the place"):
        expect_own(result)


@pytest.mark.parametrize("target", ["index.json", "images", "/nowhere"])
def test_link_is_of_the_user(result, target):
    (result / "link").symlink_to(target)
    with pytest.raises(JasmineError, match="link is in the place"):
        expect_own(result)


@pytest.mark.parametrize("marker", [None, "", "[]", '{"files": 3}', '{"files": {"a": "b"}}'])
def test_folder_without_a_usable_record_is_of_the_user(result, marker):
    if marker is None:
        (result / MARKER).unlink()
    else:
        (result / MARKER).write_text(marker)
    with pytest.raises(JasmineError, match="did not write it"):
        expect_own(result)


def test_file_or_link_in_the_place_of_a_folder_is_of_the_user(result, tmp_path):
    (tmp_path / "link").symlink_to(result)
    for place in (result / "index.json", tmp_path / "link"):
        with pytest.raises(JasmineError, match="is not a folder that this program wrote"):
            expect_own(place)


def test_names_are_recorded_one_by_one(tmp_path):
    (tmp_path / "report.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(JasmineError, match=r"report\.json is in the place"):
        expect_own(tmp_path, "report.json")
    record(tmp_path, "report.json", "never_written.png")
    expect_own(tmp_path, "report.json", "never_written.png")
    with pytest.raises(JasmineError, match=r"notes\.txt"):
        expect_own(tmp_path)


def test_folder_in_a_folder_has_its_own_record(result):
    (result / "masks").mkdir()
    (result / "masks" / "0.png").write_text("x")
    record(result / "masks")
    expect_own(result)


def test_names_that_are_not_utf_8_are_recorded(result):
    (result / os.fsdecode(b"caf\xe9.png")).write_text("x")
    record(result)
    expect_own(result)


def test_input_in_the_output_is_refused_by_real_path(result, tmp_path):
    (tmp_path / "link").symlink_to(result)
    for given in (
        result,
        result / "images",
        tmp_path / "link",
        tmp_path / "result" / ".." / "link",
    ):
        with pytest.raises(JasmineError, match="would be replaced"):
            expect_outside(result, None, given)
    expect_outside(result, None, tmp_path, tmp_path / "result2")
