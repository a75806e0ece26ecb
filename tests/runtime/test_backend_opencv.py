# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backend of OpenCV: plain graphs, compared with torch when they are loaded."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.folded_models import exported_checkpoint

from jasmine_core import DepthPredictor
from jasmine_core.artifacts.card import HASH_FILE
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.artifacts.reference_output import FILE
from jasmine_core.errors import ConfigError, ExportError
from jasmine_core.export.checkpoint import export_checkpoint
from jasmine_core.runtime import backend as backends
from jasmine_core.runtime.backend import choose_backend, load_backend
from jasmine_core.runtime.backend_opencv import fault

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

VERSION = f"OpenCV {re.escape(cv2.__version__)}"


@pytest.fixture(scope="module")
def exported(make_model, tmp_path_factory) -> Path:
    """Return a checkpoint with a usual and a plain export inside it."""
    source = exported_checkpoint(make_model, tmp_path_factory.mktemp("source"))
    folder = tmp_path_factory.mktemp("plain") / "smallest"
    shutil.copytree(source, folder)
    export_checkpoint(Checkpoint.resolve(folder), folder / "onnx", plain=True)
    return folder


@pytest.fixture
def alone(exported, tmp_path) -> Path:
    """Return a folder of exports without a checkpoint."""
    return Path(shutil.copytree(exported / "onnx", tmp_path / "exports"))


def load(folder, device="auto", precision="auto"):
    return load_backend(Checkpoint.resolve(folder), "opencv", device, precision)


def plain_folder(alone) -> Path:
    (folder,) = alone.glob("*-plain")
    return folder


def test_output_equals_that_of_torch(exported):
    reference = load_backend(Checkpoint.resolve(exported), "torch", "cpu", "fp32")
    net = load(exported)
    assert (net.info.name, net.info.device, net.info.precision) == ("opencv", "cpu", "fp32")
    width, height = net.info.nominal_size
    for seed in (1, 2):
        image = np.random.default_rng(seed).random((3, height, width), np.float32)
        expected, got = reference(image), net(image)
        for ours, theirs in ((got.depths, expected.depths), (got.ssi, expected.ssi)):
            assert ours.shape == theirs.shape and ours.dtype == np.float32
            assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


def test_a_folder_of_plain_exports_is_enough(alone):
    folder = plain_folder(alone)
    predictor = DepthPredictor.from_pretrained(folder, backend="opencv")
    assert predictor(np.zeros((100, 200, 3), np.uint8)).depth.shape == (100, 200)
    shutil.rmtree(folder)
    with pytest.raises(ExportError, match=r"no export for fp32 of plain operators .*--plain"):
        load(alone)


def test_other_backends_prefer_the_usual_graph(exported):
    assert Exports(Checkpoint.resolve(exported)).find(None, "fp32").name.endswith("-fp32")


def test_other_devices_and_precisions_are_refused(exported):
    for options in ({"device": "cuda"}, {"precision": "fp16"}):
        with pytest.raises(ConfigError, match="the opencv backend runs in fp32 on the CPU"):
            load(exported, **options)


def test_opencv_without_its_dnn_module_is_refused(exported, monkeypatch):
    monkeypatch.delattr(cv2, "dnn")
    with pytest.raises(ConfigError, match=rf"{VERSION} was built without the DNN module"):
        load(exported)


def test_opencv_that_computes_something_else_is_refused(alone):
    file = plain_folder(alone) / FILE
    values = json.loads(file.read_text())
    values["depth"][3][4] += 0.01 * max(map(max, values["depth"]))
    file.write_text(json.dumps(values))
    net = load(alone)
    width, height = net.info.nominal_size
    image = np.zeros((3, height, width), np.float32)
    for _ in range(2):
        with pytest.raises(ExportError, match=rf"{VERSION} computes another depth than torch"):
            net(image)
    file.write_text("{}")
    with pytest.raises(ExportError, match=rf"{FILE} cannot be read .*--plain"):
        load(alone)(image)


def test_graph_that_opencv_cannot_read_is_refused(alone, monkeypatch):
    folder = plain_folder(alone)
    graph = folder / "jasmine.onnx"
    usual = next(f for f in alone.glob("*-fp32"))
    shutil.copy(usual / "jasmine.onnx", graph)
    shutil.copy(usual / HASH_FILE, folder / HASH_FILE)
    net = load(alone)
    width, height = net.info.nominal_size
    with pytest.raises(
        ExportError, match=rf"{VERSION} cannot read .*jasmine.onnx \(.*\w.*\); .*--plain"
    ) as found:
        net(np.zeros((3, height, width), np.float32))
    assert "\n" not in str(found.value)


def test_opencv_that_is_too_old_is_named_with_its_reason(alone, monkeypatch):
    """Ubuntu 22.04 has 4.5.4, whose message ends with an empty line."""

    def read(file):
        raise cv2.error(f"OpenCV(4.5.4) {file}:\n> Node parse error: Can't create Erf\n> ")

    monkeypatch.setattr(cv2.dnn, "readNetFromONNX", read)
    net = load(alone)
    width, height = net.info.nominal_size
    match = r"cannot read .* \(Node parse error: Can't create Erf\); 4\.5\.5 and newer .*pip"
    with pytest.raises(ExportError, match=match):
        net(np.zeros((3, height, width), np.float32))


def test_opencv_that_cannot_run_the_graph_is_refused_at_the_start(alone, monkeypatch):
    """A node that comes up and fails at its first image would look healthy until then."""

    class Net:
        def setPreferableBackend(self, backend):
            pass

        def setInput(self, values, name):
            raise cv2.error("OpenCV(4.5.5) dnn.cpp:\n> Layer of unknown type\n> ")

    monkeypatch.setattr(cv2.dnn, "readNetFromONNX", lambda file: Net())
    match = rf"{VERSION} cannot run .*jasmine.onnx \(Layer of unknown type\); .*pip"
    with pytest.raises(ExportError, match=match) as found:
        DepthPredictor.from_pretrained(alone, backend="opencv")
    assert "\n" not in str(found.value)


def test_known_faults_of_a_version_are_named(monkeypatch):
    assert fault() is None
    monkeypatch.setattr(cv2, "__version__", "4.5.4-dev")
    assert "older than 4.5.5" in str(fault())
    monkeypatch.delattr(cv2, "dnn")
    assert "without the DNN module" in str(fault())


def test_auto_takes_opencv_last(exported, alone, monkeypatch):
    present = {"torch": True, "onnxruntime": True}
    monkeypatch.setattr(backends, "find_spec", lambda name: present.get(name) or None)
    assert choose_backend(Checkpoint.resolve(exported), "cpu") == "onnxruntime"
    present["onnxruntime"] = False
    assert choose_backend(Checkpoint.resolve(exported), "cpu") == "torch"
    present["torch"] = False
    assert choose_backend(Checkpoint.resolve(alone), "cpu") == "opencv"


def test_a_plain_graph_does_not_change_what_torch_can_run(exported, tmp_path, monkeypatch):
    present = {"torch": True, "onnxruntime": True}
    monkeypatch.setattr(backends, "find_spec", lambda name: present.get(name) or None)
    plain = Path(shutil.copytree(exported, tmp_path / "plain"))
    (usual,) = (f for f in (plain / "onnx").iterdir() if not f.name.endswith("-plain"))
    shutil.rmtree(usual)
    assert choose_backend(Checkpoint.resolve(plain), "cpu") == "torch"
    assert choose_backend(Checkpoint.resolve(plain / "onnx"), "cpu") == "onnxruntime"
    present["torch"] = False
    assert choose_backend(Checkpoint.resolve(plain), "cpu") == "onnxruntime"
