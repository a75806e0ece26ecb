# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Errors of `jasmine export`."""

from __future__ import annotations

import json

import pytest

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.export import checkpoint as program
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


def test_random_checkpoints_have_stable_and_different_fingerprints(tmp_path):
    tiny, medium = (Checkpoint.resolve(f"random:{preset}") for preset in ("tiny", "medium"))
    assert tiny.fingerprint != medium.fingerprint
    assert tiny.fingerprint == Checkpoint.resolve("random:tiny").fingerprint
    assert list(Exports(tiny)) == []
