# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Limit of the size of the cached exports."""

from __future__ import annotations

import os

from jasmine_core.artifacts.cache_limit import delete_oldest


def export(cache, name, age, size=1000):
    folder = cache / "hash" / name
    folder.mkdir(parents=True)
    (folder / "jasmine.onnx").write_bytes(bytes(size))
    card = folder / "export.json"
    card.write_text("")
    os.utime(card, (age, age))
    return folder


def test_the_oldest_exports_are_deleted_until_the_rest_fits(tmp_path):
    folders = [export(tmp_path, f"{age}x64-fp32", age) for age in (3, 1, 2, 4)]
    delete_oldest(tmp_path, folders[3], most=2500)
    assert [folder.exists() for folder in folders] == [True, False, False, True]


def test_the_new_export_and_foreign_files_are_kept(tmp_path):
    new = export(tmp_path, "64x64-fp32", 1, size=5000)
    foreign = tmp_path / "hash" / "notes"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine" * 1000)
    delete_oldest(tmp_path, new, most=10)
    assert new.exists() and (foreign / "notes.txt").exists()
