# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints resolved from names and paths: kind, fingerprint and whether they are untrained."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.engine_graphs import write_export

from jasmine_core.artifacts.card import CARD_FILE, HASH_FILE
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.errors import CheckpointError, ExportError


@pytest.fixture
def disparity_net(tmp_path) -> Path:
    from jasmine_core.model.disparity_net import SMALL_DISPARITY_NET, DisparityNet

    DisparityNet(SMALL_DISPARITY_NET).save_pretrained(tmp_path / "net")
    return tmp_path / "net"


@pytest.fixture
def exports(tmp_path) -> Path:
    pytest.importorskip("onnx")
    return write_export(tmp_path / "exports" / "128x64-fp32", "fp32").parent


def copy(folder: Path, target: Path) -> Path:
    return Path(shutil.copytree(folder, target))


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_each_kind_is_recognised(checkpoint, disparity_net, exports):
    found = [Checkpoint.resolve(path) for path in (checkpoint, disparity_net, exports)]
    assert [each.kind for each in found] == ["jasmine", "disparity_net", "exports"]
    assert [each.folder for each in found] == [checkpoint, disparity_net, exports]
    assert Checkpoint.resolve(exports / "128x64-fp32").kind == "exports"
    random = Checkpoint.resolve("random:tiny")
    assert (random.kind, random.preset, random.folder) == ("random", "tiny", None)


def test_bundled_checkpoint_is_found_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundled = Checkpoint.resolve("jasmine-tiny")
    assert bundled.kind == "jasmine" and not bundled.untrained
    assert bundled.jasmine_folder().is_dir() and str(bundled) == "jasmine-tiny"
    assert Checkpoint.resolve(bundled) is bundled


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*none.*jasmine convert"):
        Checkpoint.resolve(tmp_path / "none")


def test_error_for_a_stable_diffusion_folder_names_jasmine_convert(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    with pytest.raises(CheckpointError, match=r"not a Jasmine checkpoint yet.*jasmine convert"):
        Checkpoint.resolve(tmp_path)


def test_other_kinds_have_no_jasmine_folder(disparity_net, exports):
    for name in (disparity_net, exports, "random:tiny"):
        with pytest.raises(CheckpointError, match=r"give a folder written by `jasmine convert`"):
            Checkpoint.resolve(name).jasmine_folder()


def test_disparity_net_has_no_exports(disparity_net):
    with pytest.raises(CheckpointError, match="which only the torch backend runs"):
        Exports(Checkpoint.resolve(disparity_net))


# ---------------------------------------------------------------------------- fingerprint


def test_fingerprint_does_not_depend_on_the_folder(checkpoint, disparity_net, tmp_path):
    for folder in (checkpoint, disparity_net):
        moved = copy(folder, tmp_path / f"moved-{folder.name}")
        assert Checkpoint.resolve(moved).fingerprint == Checkpoint.resolve(folder).fingerprint


@pytest.mark.parametrize("part", ["unet", "vae", "ssg", "text"])
def test_fingerprint_changes_with_any_weight_that_is_used(checkpoint, tmp_path, part):
    mine = copy(checkpoint, tmp_path / "mine")
    before = Checkpoint.resolve(mine).fingerprint
    file = next((mine / part).glob("*.safetensors"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert Checkpoint.resolve(mine).fingerprint != before


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_fingerprint_changes_with_any_byte_of_a_tensor(checkpoint, tmp_path, place):
    mine = copy(checkpoint, tmp_path / "mine")
    before = Checkpoint.resolve(mine).fingerprint
    file = mine / "unet" / "diffusion_pytorch_model.safetensors"
    content = bytearray(file.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    content[header + int(place * (len(content) - header))] ^= 1
    times = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as if nothing had happened
    assert Checkpoint.resolve(mine).fingerprint != before


def test_fingerprint_ignores_what_prediction_does_not_use(checkpoint, tmp_path):
    mine = copy(checkpoint, tmp_path / "mine")
    before = Checkpoint.resolve(mine).fingerprint
    (mine / "MODEL_CARD.md").write_text("a model")
    for folder in ("posenet", "onnx/128x64-fp32", "128x64-fp32"):
        (mine / folder).mkdir(parents=True)
    (mine / "posenet" / "config.json").write_text("{}")
    (mine / "onnx" / "128x64-fp32" / CARD_FILE).write_text("{}")
    (mine / "128x64-fp32" / CARD_FILE).write_text("{}")
    assert Checkpoint.resolve(mine).fingerprint == before


def test_fingerprint_is_computed_once(checkpoint, tmp_path):
    mine = copy(checkpoint, tmp_path / "mine")
    found = Checkpoint.resolve(mine)
    before = found.fingerprint
    shutil.rmtree(mine)
    assert found.fingerprint == before


def test_fingerprint_of_exports_is_that_of_their_weights(exports):
    assert Checkpoint.resolve(exports).fingerprint == "a model"


def test_damaged_weights_have_no_fingerprint(checkpoint, tmp_path):
    mine = copy(checkpoint, tmp_path / "mine")
    file = mine / "ssg" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(CheckpointError, match=r"model.safetensors is damaged .*copy the"):
        _ = Checkpoint.resolve(mine).fingerprint


def test_fifo_among_the_weights_has_no_fingerprint(checkpoint, tmp_path):
    mine = copy(checkpoint, tmp_path / "mine")
    (mine / "ssg" / "model.safetensors").unlink()
    os.mkfifo(mine / "ssg" / "model.safetensors")
    with pytest.raises(CheckpointError, match="FIFO, socket or device"):
        _ = Checkpoint.resolve(mine).fingerprint


# ---------------------------------------------------------------------------- untrained


def test_untrained_is_a_field_of_the_checkpoint(checkpoint, tmp_path):
    mine = copy(checkpoint, tmp_path / "mine")
    assert not Checkpoint.resolve(mine).untrained
    change(mine / "jasmine.json", untrained=True)
    assert Checkpoint.resolve(mine).untrained


def test_older_checkpoints_count_as_trained(checkpoint, tmp_path):
    mine = copy(checkpoint, tmp_path / "mine")
    values = json.loads((mine / "jasmine.json").read_text())
    del values["untrained"]
    (mine / "jasmine.json").write_text(json.dumps(values))
    assert not Checkpoint.resolve(mine).untrained


def test_random_weights_are_untrained():
    assert Checkpoint.resolve("random:tiny").untrained


def test_exports_keep_whether_their_weights_are_untrained(exports):
    assert not Checkpoint.resolve(exports).untrained
    change(exports / "128x64-fp32" / CARD_FILE, untrained=True)
    assert Checkpoint.resolve(exports).untrained


# ---------------------------------------------------------------------------- cards


def test_card_of_an_older_version_is_refused_in_one_line(exports, caplog):
    change(exports / "128x64-fp32" / CARD_FILE, fp32_layers="")
    with pytest.raises(ExportError, match="has no export for fp32") as refusal:
        Exports(Checkpoint.resolve(exports)).obtain(None, "fp32")
    assert "\n" not in str(refusal.value)
    assert "fp32_layers" in caplog.text and "export it again" in caplog.text


@pytest.mark.parametrize("fault", ["altered", "missing", "no record"])
def test_export_whose_graphs_are_not_the_recorded_ones_is_refused(exports, caplog, fault):
    folder = exports / "128x64-fp32"
    assert Exports(Checkpoint.resolve(exports)).obtain(None, "fp32") == folder
    graph = folder / "unet.onnx"
    if fault == "altered":
        content = bytearray(graph.read_bytes())
        content[len(content) // 2] ^= 1
        graph.write_bytes(content)
    else:
        (graph if fault == "missing" else folder / HASH_FILE).unlink()
    with pytest.raises(ExportError, match="has no export for fp32"):
        Exports(Checkpoint.resolve(exports)).obtain(None, "fp32")
    assert f"{folder} is not used" in caplog.text and "export it again" in caplog.text


# ---------------------------------------------------------------------------- imports


def test_resolving_imports_nothing_heavy(checkpoint):
    script = (
        "import sys; from jasmine_core.artifacts.checkpoint import Checkpoint; "
        "found = Checkpoint.resolve(sys.argv[1]); found.fingerprint, found.untrained; "
        "print({'torch', 'safetensors', 'onnx', 'tyro', 'rosbags'} & set(sys.modules) or '')"
    )
    command = [sys.executable, "-c", script, str(checkpoint)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
