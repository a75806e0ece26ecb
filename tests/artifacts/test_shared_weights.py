# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Graphs that share their weights with the checkpoint beside them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.folded_models import exported_checkpoint

from jasmine_core.artifacts import onnx_exports
from jasmine_core.artifacts.card import read_card
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.artifacts.reference_output import reference_image
from jasmine_core.artifacts.shared_weights import (
    PART,
    WEIGHTS,
    complete_export,
    is_part,
    with_norm,
)
from jasmine_core.errors import ExportError
from jasmine_core.export.checkpoint import export_checkpoint
from jasmine_core.runtime import backend as backends
from jasmine_core.runtime.backend import choose_backend, load_backend

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
from jasmine_core.export.shared import share_weights  # noqa: E402


@pytest.fixture(scope="module")
def made(make_model, tmp_path_factory) -> tuple[Path, Path]:
    """Return a checkpoint with a graph that shares its weights, and the complete plain export."""
    place = tmp_path_factory.mktemp("shared")
    source = exported_checkpoint(make_model, tmp_path_factory.mktemp("source"))
    checkpoint = Path(shutil.copytree(source, place / "smallest"))
    shutil.rmtree(checkpoint / "onnx")
    export = export_checkpoint(Checkpoint.resolve(checkpoint), place / "complete", plain=True)
    share_weights(export, checkpoint, checkpoint / "onnx" / export.name)
    return checkpoint, export


@pytest.fixture
def bundled(made, tmp_path, monkeypatch) -> Path:
    """Return a copy of the checkpoint, on a machine that cannot export."""
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(onnx_exports, "find_spec", lambda name: None)
    return Path(shutil.copytree(made[0], tmp_path / "bundled"))


def test_a_folded_batch_norm_has_every_bit_of_that_of_an_export():
    torch = pytest.importorskip("torch")
    from jasmine_core.export.folded_adapter import _folded
    from jasmine_core.model.efficientnet import EPSILON, InvertedResidual

    block = InvertedResidual(8, 16, 3, 2, 6)
    norm = block._bn1
    with torch.no_grad():
        for values in (norm.weight, norm.running_var):
            values.uniform_(0.1, 3.0)
    weights = {f"_bn1.{name}": values.numpy() for name, values in norm.state_dict().items()}
    weight = block._depthwise_conv.weight.detach().numpy()
    expected = _folded(block._depthwise_conv, norm).weight.detach().numpy()
    assert with_norm(weight, weights, "_bn1", EPSILON).tobytes() == expected.tobytes()


def part_of(checkpoint: Path) -> Path:
    (folder,) = (checkpoint / "onnx").iterdir()
    return folder


def load(checkpoint: Path):
    return load_backend(Checkpoint.resolve(checkpoint), "opencv", "auto", "auto")


def test_the_completed_graph_has_every_bit_of_the_exported_one(made, tmp_path):
    checkpoint, export = made
    complete_export(part_of(checkpoint), checkpoint, tmp_path / "out")
    graphs = [onnx.load(folder / "jasmine.onnx").graph for folder in (export, tmp_path / "out")]
    assert graphs[0].node == graphs[1].node
    weights = [
        {t.name: (tuple(t.dims), onnx.numpy_helper.to_array(t).tobytes()) for t in g.initializer}
        for g in graphs
    ]
    assert weights[0] == weights[1]
    assert read_card(export) == read_card(tmp_path / "out")


def test_most_of_the_weights_are_shared(made):
    checkpoint, export = made
    part, whole = part_of(checkpoint) / PART, export / "jasmine.onnx"
    shared = json.loads((part_of(checkpoint) / WEIGHTS).read_text())
    assert len(shared) > 20
    assert part.stat().st_size < whole.stat().st_size / 2


def test_opencv_runs_it_from_the_cache_without_an_export(made, bundled, tmp_path):
    net, reference = load(bundled), load(made[1])
    width, height = net.info.nominal_size
    assert net.info.sizes == ((width, height),)
    image = np.random.default_rng(0).random((3, height, width), np.float32)
    assert np.array_equal(net(image).depths, reference(image).depths)
    (cached,) = (tmp_path / "cache" / "onnx").glob("*/*/jasmine.onnx")
    before = cached.stat().st_mtime_ns
    load(bundled)
    assert cached.stat().st_mtime_ns == before  # The next start uses the same file.
    cached.write_bytes(cached.read_bytes()[:-1])
    load(bundled)(image)
    assert cached.stat().st_size > 0 and cached.stat().st_mtime_ns > before


def test_onnx_runtime_runs_it_where_nothing_can_be_exported(bundled):
    pytest.importorskip("onnxruntime")
    net = load_backend(Checkpoint.resolve(bundled), "onnxruntime", "cpu", "auto")
    image = reference_image(net.info.nominal_size)
    got, expected = net(image).depths, load(bundled)(image).depths
    assert np.abs(got - expected).max() < 1e-4 * expected.max()


def test_where_graphs_can_be_made_only_opencv_uses_it(made):
    checkpoint = Checkpoint.resolve(made[0])
    assert Exports(checkpoint).can_export
    assert list(Exports(checkpoint)) == []
    assert [is_part(folder) for folder, _ in Exports(checkpoint, plain=True)] == [True]


def test_auto_prefers_torch_to_a_graph_with_shared_weights(bundled, monkeypatch):
    present = {"torch": True, "onnxruntime": True}
    monkeypatch.setattr(backends, "find_spec", lambda name: present.get(name) or None)
    assert choose_backend(Checkpoint.resolve(bundled), "cpu") == "torch"
    present["torch"] = False
    assert choose_backend(Checkpoint.resolve(bundled), "cpu") == "onnxruntime"
    present["onnxruntime"] = False
    assert choose_backend(Checkpoint.resolve(bundled), "cpu") == "opencv"


def damaged(bundled: Path, what: str) -> None:
    folder = part_of(bundled)
    shared = json.loads((folder / WEIGHTS).read_text())
    if what == "no such weight":
        shared[0]["tensor"] = "nothing"
    elif what == "no such norm":
        shared[0] |= {"norm": "nothing", "epsilon": 1e-3}
    elif what == "another shape":
        shared[0]["shape"] = [7]
    elif what == "outside":
        shared[0]["file"] = "../../secret.safetensors"
    elif what == "a number as a name":
        shared[0]["name"] = 3
    elif what == "not a list":
        shared = {"name": 1}
    elif what == "not JSON":
        (folder / WEIGHTS).write_text("[")
        return
    (folder / WEIGHTS).write_text(json.dumps(shared))


@pytest.mark.parametrize(
    "what",
    [
        "no such weight",
        "no such norm",
        "another shape",
        "outside",
        "a number as a name",
        "not a list",
        "not JSON",
    ],
)
def test_weights_that_do_not_fit_the_checkpoint_are_refused_in_one_line(bundled, what):
    damaged(bundled, what)
    with pytest.raises(ExportError, match=r"the graph in .* cannot be completed.*install") as found:
        load(bundled)
    assert "\n" not in str(found.value)


def test_a_graph_that_was_not_exported_like_this_is_not_used(bundled, tmp_path):
    """The hash is that of the complete graph: another weight of the checkpoint changes it."""
    file = part_of(bundled) / PART
    file.write_bytes(file.read_bytes() + b"\x00")
    with pytest.raises(
        ExportError, match=r"cannot be completed: its graphs are not those.*install"
    ):
        load(bundled)
    assert not list((tmp_path / "cache").rglob("*.onnx"))


@pytest.mark.parametrize("name", [PART, WEIGHTS])
def test_a_missing_file_is_named_with_its_remedy(bundled, name):
    (part_of(bundled) / name).unlink()
    match = rf"cannot be completed: .*{re.escape(name)} No such file.*install this package again"
    with pytest.raises(ExportError, match=match):
        load(bundled)


def test_where_torch_is_installed_a_damaged_graph_is_exported_again(made, tmp_path, monkeypatch):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    checkpoint = Path(shutil.copytree(made[0], tmp_path / "damaged"))
    (part_of(checkpoint) / PART).write_bytes(b"")
    exports = Exports(Checkpoint.resolve(checkpoint), plain=True)
    assert exports.can_export and exports.find(None, "fp32") is None


def test_a_cache_that_cannot_be_written_is_named(bundled, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ExportError, match=r"cannot be completed:.*JASMINE_CACHE"):
        load(bundled)
    # Nothing below such a name can be examined: the system refuses it, as in a folder of others.
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / ("long" * 100)))
    with pytest.raises(ExportError, match=r"cannot be completed:.*File name too long.*CACHE"):
        load(bundled)


def test_another_checkpoint_has_no_use_for_the_graph(bundled):
    config = json.loads((bundled / "jasmine.json").read_text())
    (bundled / "jasmine.json").write_text(json.dumps(config | {"description": "other"}))
    with pytest.raises(ExportError, match=r"it has: none.*--plain"):
        load(bundled)
