# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Errors of `jasmine export`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.export import checkpoint as program
from jasmine_core.locks import exclusive
from jasmine_ros.cli import main


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["random:tiny"], "there is nothing to export to; add --onnx"),
        (["random:tiny", "--onnx"], "has no folder of its own; add --output"),
        (["nowhere", "--onnx"], "no checkpoint at nowhere"),
        (["nowhere"], "no checkpoint at nowhere"),
        (["random:huge", "--onnx", "-o", "{out}"], "preset 'huge' is not one of"),
        (["{checkpoint}", "--onnx", "--size", "100", "64"], "100x64 px cannot be exported"),
        (
            ["{checkpoint}", "--onnx", "--precision", "fp16", "--image", "{out}"],
            "cannot be decoded as an image",
        ),
    ],
)
def test_user_errors_are_reported_in_one_line(checkpoint, tmp_path, capfd, arguments, message):
    places = {"checkpoint": checkpoint, "out": tmp_path / "out"}
    assert main(["export", *(a.format(**places) for a in arguments)]) == 1
    error = capfd.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ") and message in error
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    assert not list(checkpoint.glob("onnx/*"))


def test_export_program_prints_its_error_in_the_last_line(checkpoint, tmp_path, capsys):
    request = {"checkpoint": str(checkpoint), "output": str(tmp_path), "size": [100, 64]}
    assert program.main([json.dumps(request)]) == 1
    assert "100x64 px cannot be exported" in capsys.readouterr().err.splitlines()[-1]


def test_folder_of_the_user_is_not_replaced_by_an_export(checkpoint, tmp_path, capfd):
    mine = tmp_path / "out" / "64x32-fp32" / "thesis.tex"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    arguments = ["export", str(checkpoint), "--onnx", "--size", "64", "32", "-o"]
    assert main([*arguments, str(tmp_path / "out")]) == 1
    assert f"{mine} is in the place of a result" in capfd.readouterr().err
    assert mine.read_text() == "precious"


def test_export_into_the_folder_of_another_process_is_refused(checkpoint, tmp_path, capfd):
    with exclusive(tmp_path / "out"):
        assert main(["export", str(checkpoint), "--onnx", "-o", str(tmp_path / "out")]) == 1
    assert f"is being written by process {os.getpid()}" in capfd.readouterr().err


def test_export_that_another_process_made_meanwhile_is_taken(checkpoint, tmp_path, capfd):
    found = Checkpoint.resolve(checkpoint)
    request = {"checkpoint": str(checkpoint), "output": str(Exports(found).cache)}
    for _ in range(2):
        assert program.main([json.dumps(request)]) == 0
    first, second = capfd.readouterr().out.splitlines()
    assert first == second
    graph = Path(first) / "jasmine.onnx"
    made = graph.stat().st_mtime_ns
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")  # no longer the recorded one
    assert program.main([json.dumps(request)]) == 0
    assert graph.stat().st_mtime_ns > made and Exports(found).find(None, "fp32") == graph.parent


def test_random_checkpoints_have_stable_and_different_fingerprints(tmp_path):
    tiny, medium = (Checkpoint.resolve(f"random:{preset}") for preset in ("tiny", "medium"))
    assert tiny.fingerprint != medium.fingerprint
    assert tiny.fingerprint == Checkpoint.resolve("random:tiny").fingerprint
    assert list(Exports(tiny)) == []
