# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Report of `jasmine doctor`: hardware, packages, checkpoint and engine cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.engine_graphs import SIZE, write_export

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.commands.doctor import DoctorRequest, doctor
from jasmine_core.doctor import GOOD, LACKING, WRONG, Finding, examine, render
from jasmine_core.doctor_gpu import IMAGES, time_backend, write_report
from jasmine_core.doctor_page import doctor_page
from jasmine_core.engines.cache import EngineCache, EngineKey
from jasmine_core.engines.gpu import find_gpu
from jasmine_core.engines.sample_images import sample_images
from jasmine_core.errors import ConfigError, EngineError, FrameError
from jasmine_core.report.page import render as render_page
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps, choose_backend, load_backend

ROOT = Path(__file__).parents[1]
KEY = EngineKey("unet", "0" * 64, "128x64", "fp16", "tensorrt", "10.3.0", "Orin", "8.7")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def find(findings: list[Finding], topic: str, name: str) -> Finding:
    (found,) = [f for f in findings if (f.topic, f.name) == (topic, name)]
    return found


def test_report_contains_versions_and_backends(checkpoint):
    findings = examine(str(checkpoint))
    assert find(findings, "packages", "torch").text.startswith(sys.modules["torch"].__version__)
    assert find(findings, "backends", "torch").state == GOOD
    expected = GOOD if find_gpu() else LACKING
    assert find(findings, "machine", "GPU").state == expected
    assert find(findings, "checkpoint", str(checkpoint)).text == (
        "smallest, random, seed 0; 128x64 px, depth up-to-scale"
    )
    assert find(findings, "engine cache", "validated").state == LACKING
    lines = render(findings).splitlines()
    assert lines[0] == "machine:"
    assert all(line.endswith(":") or line[2:4] in (GOOD, LACKING, WRONG) for line in lines)


def test_a_learned_scale_is_reported_as_an_estimate():
    assert (
        "depth in estimated metres"
        in find(examine("jasmine-tiny"), "checkpoint", "jasmine-tiny").text
    )


def test_damaged_checkpoint_is_reported(checkpoint, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(checkpoint, damaged)
    weights = damaged / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    found = find(examine(str(damaged)), "checkpoint", str(damaged))
    assert found.state == WRONG
    assert "unet/diffusion_pytorch_model.safetensors is damaged" in found.text


def test_missing_checkpoint_is_reported(tmp_path):
    findings = examine(str(tmp_path / "nothing"))
    assert find(findings, "checkpoint", str(tmp_path / "nothing")).state == WRONG
    assert find(findings, "machine", "jasmine").state == GOOD  # everything else is examined
    assert find(findings, "engine cache", "folder").state == GOOD


def test_opencv_that_is_too_old_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "__version__", "4.5.4")
    found = find(examine(str(tmp_path / "nothing")), "backends", "opencv")
    assert found.state == WRONG
    assert "older than 4.5.5" in found.text


def test_cache_folder_that_cannot_be_made_is_reported(checkpoint, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "file" / "cache"))
    found = find(examine(str(checkpoint)), "engine cache", "folder")
    assert (found.state, "cannot be written; set JASMINE_CACHE" in found.text) == (WRONG, True)


def test_cache_that_may_not_be_entered_is_reported(checkpoint, tmp_path, monkeypatch):
    # The system refuses such a name, and for root as well.
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / ("long" * 100)))
    assert choose_backend(Checkpoint.resolve(checkpoint), "auto")
    findings = examine(str(checkpoint))
    assert find(findings, "engine cache", "validated").state == LACKING


def test_user_without_a_home_folder_is_reported(checkpoint, monkeypatch):
    """A container with a user id that has no account, and without HOME."""
    for name in ("JASMINE_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    found = find(examine(str(checkpoint)), "engine cache", "folder")
    assert (found.state, "no home folder; set JASMINE_CACHE" in found.text) == (WRONG, True)


def test_engines_in_the_cache_are_reported_with_their_damage(checkpoint):
    cache = EngineCache()
    folder = cache.obtain(KEY, lambda: (bytes(3 << 20), 1.0))
    found = find(examine(str(checkpoint)), "engine cache", "unet fp16")
    assert (found.state, found.text) == (GOOD, "tensorrt 10.3.0 for Orin sm87, 3.0 MiB")

    (folder / "engine.plan").write_bytes(b"short")
    found = find(examine(str(checkpoint)), "engine cache", "unet fp16")
    assert found.state == WRONG
    assert "is truncated: it has 5 of 3145728 bytes" in found.text


def test_missing_packages_are_reported_with_their_installation():
    # A new Python process in which some packages cannot be imported.
    script = f"""
import sys
from importlib import metadata, util
gone = ("torch", "onnxruntime", "tensorrt_rtx", "tensorrt")
real_version, real_spec = metadata.version, util.find_spec

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in gone:
            raise ModuleNotFoundError(name)

def version(name):
    if name in gone:
        raise metadata.PackageNotFoundError(name)
    return real_version(name)

metadata.version = version
util.find_spec = lambda name, package=None: None if name in gone else real_spec(name, package)
sys.meta_path.insert(0, Gone())
from jasmine_core.doctor import examine, render
print(render(examine({str(ROOT / "nothing")!r})))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "--  torch" in done.stdout
    assert "pip install 'jasmine_ros[torch]'" in done.stdout
    assert "apt install python3-libnvinfer" in done.stdout
    assert "needs onnxruntime" in done.stdout


@pytest.mark.skipif(find_gpu() is not None, reason="there is a GPU")
def test_gpu_report_without_a_gpu_is_refused_in_one_line():
    from jasmine_core.doctor_gpu import examine_gpu

    with pytest.raises(EngineError, match="need an NVIDIA GPU with its driver, and none"):
        examine_gpu(Checkpoint.resolve("random:tiny"), None)


def test_latencies_of_a_real_backend(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    exports = write_export(tmp_path / "128x64-fp32", "fp32")
    backend = load_backend(Checkpoint.resolve(exports), "onnxruntime", "cpu", "fp32")
    images = np.float32(1 / 255) * sample_images(SIZE, IMAGES)

    report = time_backend(backend, images, runs=20)

    assert (report["runs"], report["not_finite"]) == (20, 0)
    stages = report["milliseconds"]
    assert 0 < stages["encode"]["p50"] < stages["total"]["p50"] <= stages["total"]["p99"]
    write_report(report, tmp_path / "doctor.json")
    assert json.loads((tmp_path / "doctor.json").read_text()) == report


class FailingBackend:
    """Backend that raises FrameError for every second image."""

    info = BackendInfo("failing", "cpu", "fp32", "", SIZE, None)

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        if self.calls % 2:
            raise FrameError("not finite")
        flat = np.zeros(image.shape[1:], np.float32)
        return NetworkMaps(flat, flat[None], {"network": 0.001})


def test_images_with_outputs_that_are_not_finite_are_counted():
    report = time_backend(FailingBackend(), np.zeros((2, 3, 8, 8), np.float32), runs=20)
    assert report["not_finite"] == 15  # half of 10 warm-up runs and 20 measured ones
    assert report["milliseconds"]["network"]["p50"] == 1.0


def test_page_lists_problems_first_with_their_escaped_texts():
    findings = [
        Finding("packages", "torch", GOOD, "2.9: training"),
        Finding("packages", "onnx", LACKING, "not installed; pip install 'jasmine_ros[onnx]'"),
        Finding("checkpoint", "<b>mine</b>", WRONG, "weights are <i>cut</i>"),
    ]
    page = doctor_page("<b>mine</b>", findings)
    assert [section.title for section in page.sections][:2] == ["Problems", "Missing"]
    assert (page.level, page.verdict) == ("problem", "1 problem")
    text = render_page(page)
    assert "&lt;i&gt;cut&lt;/i&gt;" in text and "<b>mine" not in text
    assert doctor_page("x", findings[:2]).verdict == "no problem"


def test_page_shows_measurements_of_a_gpu_and_what_failed():
    measured = {
        "date": "2026-01-01",
        "gpu": {"name": "Orin"},
        "run fp16": {
            "milliseconds": {"total": {"p50": 1.5, "p95": 2.5, "p99": 3.5}},
            "memory_mib": 300.0,
        },
        "engines fp16": {"size": [64, 32], "accuracy": {"abs_rel": 0.001}},
        "failed": {"run torch": "out of memory"},
    }
    page = doctor_page("x", [Finding("machine", "GPU", GOOD, "Orin")], measured)
    text = render_page(page)
    assert "1.50" in text and "abs_rel 0.001" in text
    assert page.verdict == "1 problem" and "run torch: out of memory" in text


def test_command_writes_a_page_and_keeps_a_file_of_the_user(checkpoint, tmp_path, caplog, capsys):
    page = tmp_path / "doctor.html"
    assert doctor(DoctorRequest(str(checkpoint), html=page)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"report: {page}"
    assert doctor(DoctorRequest(str(checkpoint), html=page)) == 0  # It replaces its own report.
    page.write_text("years of work")
    capsys.readouterr()
    assert doctor(DoctorRequest(str(checkpoint), html=page)) == 0
    assert page.read_text() == "years of work"
    assert "a file that is no report is in its place" in caplog.text
    assert "report:" not in capsys.readouterr().out


def test_file_of_measurements_that_cannot_be_written_is_refused_before_the_work(capsys):
    with pytest.raises(ConfigError, match=r"--json is /proc/x\.json, which cannot be written"):
        doctor(DoctorRequest("no such checkpoint", gpu=True, json=Path("/proc/x.json")))
    assert capsys.readouterr().out == ""
