# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoint folders are restored exactly, and damaged ones are refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from jasmine_core import JasmineModel
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.model import checkpoint as checkpoints
from jasmine_core.model.ssg import SSGConfig

WEIGHTS = {
    "unet": "unet/diffusion_pytorch_model.safetensors",
    "vae": "vae/diffusion_pytorch_model.safetensors",
    "ssg": "ssg/model.safetensors",
}
TEXT = "text/empty_prompt.safetensors"
CONFIGS = (
    "jasmine.json",
    "unet/config.json",
    "vae/config.json",
    "ssg/config.json",
    "scheduler/scheduler_config.json",
)


@pytest.fixture
def folder(checkpoint, tmp_path) -> Path:
    """Return a copy that a test may damage."""
    return Path(shutil.copytree(checkpoint, tmp_path / "checkpoint"))


def state(model: JasmineModel) -> dict[str, torch.Tensor]:
    return {**model.state_dict(), "text_embedding": model.text_embedding}


def same(one: JasmineModel, other: JasmineModel) -> bool:
    a, b = state(one), state(other)
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def contents(path: Path) -> dict[str, bytes]:
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


# ---------------------------------------------------------------------------- saving and loading


def test_a_saved_model_is_restored_bit_for_bit(make_model, tmp_path):
    config = {"metres_per_unit": 29.5, "task_depth": (0, 1), "task_reconstruct": (1, 0)}
    ssg = SSGConfig(hidden_dim=8, heads=2, iterations=3, link_mode="mean", depth_max=2.5)
    model = make_model(seed=3, ssg=ssg, **config)
    model.save_pretrained(tmp_path / "saved")
    loaded = JasmineModel.from_pretrained(tmp_path / "saved")

    assert same(model, loaded)
    assert loaded.config == model.config
    assert loaded.ssg.config == ssg
    assert loaded.v_to_x0 == model.v_to_x0
    for part in ("unet", "vae"):
        before, after = (dict(getattr(m, part).config) for m in (model, loaded))
        names = {k for k in before if not k.startswith("_")}
        plain = [{k: json.loads(json.dumps(c[k])) for k in names} for c in (before, after)]
        assert plain[0] == plain[1]
    assert not loaded.training
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        depths = [m.predict_depth(image).depth for m in (loaded, model)]
    torch.testing.assert_close(*depths, rtol=0, atol=1e-4)


def test_layout_is_the_one_that_diffusers_reads(folder):
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

    model = JasmineModel.from_pretrained(folder)
    for kind, name in ((UNet2DConditionModel, "unet"), (AutoencoderKL, "vae")):
        part = kind.from_pretrained(folder, subfolder=name)
        ours = getattr(model, name).state_dict()
        assert all(torch.equal(ours[k], tensor) for k, tensor in part.state_dict().items())
    scheduler = DDIMScheduler.from_pretrained(folder, subfolder="scheduler")
    assert scheduler.config.prediction_type == "v_prediction"
    assert json.loads((folder / "model_index.json").read_text())["_class_name"] == "JasmineModel"
    assert set(contents(folder)) == {"model_index.json", *CONFIGS, *WEIGHTS.values(), TEXT}


def test_the_pose_net_is_saved_with_the_model(make_model, tmp_path):
    posenet = {"decoder.net.0.weight": torch.randn(2, 3)}
    checkpoints.save_checkpoint(make_model(), tmp_path / "saved", posenet)
    saved = load_file(tmp_path / "saved" / "posenet" / "model.safetensors")
    assert torch.equal(saved["decoder.net.0.weight"], posenet["decoder.net.0.weight"])
    JasmineModel.from_pretrained(tmp_path / "saved")


def test_half_precision_weights_load_as_float32(make_model, tmp_path):
    make_model().half().save_pretrained(tmp_path / "half")
    assert load_file(tmp_path / "half" / WEIGHTS["ssg"])["project.weight"].dtype == torch.float16
    loaded = JasmineModel.from_pretrained(tmp_path / "half")
    assert {t.dtype for t in state(loaded).values()} == {torch.float32}
    expected = {k: t.half().float() for k, t in state(make_model()).items()}
    assert all(torch.equal(t, expected[k]) for k, t in state(loaded).items())
    with torch.no_grad():
        assert torch.isfinite(loaded.predict_depth(torch.rand(1, 3, 64, 64)).depth).all()


def test_tensors_of_any_memory_layout_are_saved_correctly(make_model, tmp_path):
    model = make_model()
    expected = {k: t.clone() for k, t in state(model).items()}
    model.to(memory_format=torch.channels_last).save_pretrained(tmp_path / "saved")
    loaded = state(JasmineModel.from_pretrained(tmp_path / "saved"))
    assert all(torch.equal(loaded[k], expected[k]) for k in expected)


def test_random_names_build_a_preset():
    model = JasmineModel.from_pretrained("random:tiny")
    assert same(model, JasmineModel.from_preset("tiny"))
    with pytest.raises(ConfigError, match="'giant'"):
        JasmineModel.from_pretrained("random:giant")


# ---------------------------------------------------------------------------- errors


@pytest.mark.parametrize("part", WEIGHTS)
def test_missing_tensor_is_named(folder, part):
    file = folder / WEIGHTS[part]
    weights = load_file(file)
    name = sorted(weights)[3]
    del weights[name]
    save_file(weights, file)
    with pytest.raises(CheckpointError, match=rf"{part}.* lacks {name}"):
        JasmineModel.from_pretrained(folder)


@pytest.mark.parametrize("part", WEIGHTS)
def test_misshapen_tensor_is_named_with_both_shapes(folder, part):
    file = folder / WEIGHTS[part]
    weights = load_file(file)
    name = next(n for n in sorted(weights) if n.endswith("weight") and weights[n].ndim == 4)
    shape = list(weights[name].shape)
    weights[name] = weights[name][:-1].contiguous()
    save_file(weights, file)
    with pytest.raises(CheckpointError) as refusal:
        JasmineModel.from_pretrained(folder)
    message = str(refusal.value)
    assert f"{name} is {[shape[0] - 1, *shape[1:]]}, expected {shape}" in message
    assert str(file.parent) in message


@pytest.mark.parametrize("part", WEIGHTS)
def test_surplus_tensor_is_named(folder, part):
    file = folder / WEIGHTS[part]
    save_file(load_file(file) | {"stranger": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match=rf"{part}.*unknown stranger"):
        JasmineModel.from_pretrained(folder)


def test_error_for_many_tensors_names_only_the_first(folder):
    file = folder / WEIGHTS["unet"]
    weights = load_file(file)
    save_file({k: weights[k] for k in sorted(weights)[:5]}, file)
    with pytest.raises(CheckpointError, match=r"lacks .* and \d+ more") as refusal:
        JasmineModel.from_pretrained(folder)
    assert len(str(refusal.value)) < 600


@pytest.mark.parametrize("file", [*WEIGHTS.values(), TEXT])
@pytest.mark.parametrize("share", [0, 0.999])
def test_truncated_weights_are_damaged(folder, file, share):
    path = folder / file
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match=rf"{file} is damaged"):
        JasmineModel.from_pretrained(folder)


@pytest.mark.parametrize("file", [*WEIGHTS.values(), TEXT, *CONFIGS, "model_index.json"])
def test_missing_file_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(CheckpointError, match=rf"{file}.*; (copy|give)"):
        JasmineModel.from_pretrained(folder)


@pytest.mark.parametrize("file", CONFIGS)
@pytest.mark.parametrize("text", [b'{"a": [1,', b"[1, 2]", b"\xff\xfe"])
def test_config_that_is_no_json_object_is_named(folder, file, text):
    (folder / file).write_bytes(text)
    with pytest.raises(CheckpointError, match=file):
        JasmineModel.from_pretrained(folder)


@pytest.mark.parametrize("file", ["jasmine.json", "ssg/config.json"])
def test_unknown_config_key_is_named(folder, file):
    config = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(config | {"hiden_dim": 4}))
    with pytest.raises(CheckpointError, match=rf"{file}.*'hiden_dim'"):
        JasmineModel.from_pretrained(folder)


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("unet/config.json", {"block_out_channels": [8]}),
        ("unet/config.json", {"norm_num_groups": 7}),
        ("unet/config.json", {"down_block_types": "none"}),
        ("vae/config.json", {"block_out_channels": None}),
        ("ssg/config.json", {"heads": 3}),
        ("unet/config.json", {"layers_per_block": 10**7}),
        ("unet/config.json", {"block_out_channels": [2**20] * 4}),
        ("ssg/config.json", {"iterations": 10**6}),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": 2_000_000_000}),
        ("scheduler/scheduler_config.json", {"beta_end": float("nan")}),
        ("jasmine.json", {"width": 10**6, "height": 10**6}),
        ("jasmine.json", {"metres_per_unit": -1.0}),
    ],
)
def test_config_of_an_impossible_network_is_refused(folder, file, change):
    config = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=file):
        JasmineModel.from_pretrained(folder)


@pytest.mark.parametrize("timestep", [-1, 1000])
def test_timestep_must_be_one_of_the_scheduler(folder, timestep):
    config = json.loads((folder / "jasmine.json").read_text())
    (folder / "jasmine.json").write_text(json.dumps(config | {"timestep": timestep}))
    with pytest.raises(CheckpointError, match=f"timestep {timestep} is not one"):
        JasmineModel.from_pretrained(folder)


def test_quantised_weights_are_refused(folder):
    file = folder / WEIGHTS["ssg"]
    save_file({name: tensor.to(torch.int8) for name, tensor in load_file(file).items()}, file)
    with pytest.raises(CheckpointError, match=r"type I8.*quantised"):
        JasmineModel.from_pretrained(folder)


@pytest.mark.parametrize("target", ["/dev/zero", "fifo"])
@pytest.mark.parametrize("file", [WEIGHTS["unet"], "jasmine.json", "unet/config.json"])
def test_device_or_fifo_in_the_place_of_a_file_is_refused(folder, file, target):
    (folder / file).unlink()
    if target == "fifo":
        os.mkfifo(folder / file)
    else:
        (folder / file).symlink_to(target)
    with pytest.raises(CheckpointError, match="FIFO, socket or device"):
        JasmineModel.from_pretrained(folder)


def test_deeply_nested_config_is_refused(folder):
    (folder / "unet" / "config.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(CheckpointError, match=r"unet/config.json .*nested too deeply"):
        JasmineModel.from_pretrained(folder)


def test_config_of_another_network_is_refused(folder):
    config = json.loads((folder / "ssg" / "config.json").read_text())
    (folder / "ssg" / "config.json").write_text(json.dumps(config | {"hidden_dim": 16}))
    with pytest.raises(CheckpointError, match=r"does not fit its config.json.*expected \[16"):
        JasmineModel.from_pretrained(folder)


@pytest.mark.parametrize(
    "tensors", [{"other": torch.zeros(1, 2, 16)}, {"text_embedding": torch.zeros(1, 2, 15)}]
)
def test_text_embedding_must_be_there_and_fit(folder, tensors):
    save_file(tensors, folder / TEXT)
    with pytest.raises(CheckpointError, match="text"):
        JasmineModel.from_pretrained(folder)


def test_a_folder_without_checkpoint_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*nowhere.*jasmine convert"):
        JasmineModel.from_pretrained(tmp_path / "nowhere")
    (tmp_path / "unet").mkdir()
    with pytest.raises(CheckpointError, match="not a Jasmine checkpoint yet"):
        JasmineModel.from_pretrained(tmp_path)


# ---------------------------------------------------------------------------- interrupted saving


class Interrupted(BaseException):
    """Simulated Ctrl-C, which is not an Exception either."""


def break_after(monkeypatch, writes: int, error: BaseException) -> None:
    """Raise an error when one of the weight files of a checkpoint is saved."""
    real, left = checkpoints._save, [writes]

    def save(tensors, file):
        if not left[0]:
            file.write_bytes(b"half of it")
            raise error
        left[0] -= 1
        real(tensors, file)

    monkeypatch.setattr(checkpoints, "_save", save)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Interrupted()])
@pytest.mark.parametrize("writes", [0, 2, 3])
def test_interrupted_save_leaves_the_old_checkpoint(make_model, folder, monkeypatch, writes, error):
    before = contents(folder)
    break_after(monkeypatch, writes, error)
    with pytest.raises(type(error)):
        make_model(seed=1).save_pretrained(folder)
    assert contents(folder) == before
    assert [f.name for f in folder.parent.iterdir()] == [folder.name]
    assert same(JasmineModel.from_pretrained(folder), make_model())


def test_interrupted_first_save_leaves_nothing(make_model, tmp_path, monkeypatch):
    break_after(monkeypatch, 2, Interrupted())
    with pytest.raises(Interrupted):
        make_model().save_pretrained(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_saving_replaces_the_whole_folder(make_model, folder):
    (folder / "posenet").mkdir()
    (folder / "posenet" / "model.safetensors").write_bytes(b"of the old model")
    make_model(seed=1).save_pretrained(folder)
    assert not (folder / "posenet").exists()
    assert same(JasmineModel.from_pretrained(folder), make_model(seed=1))
    assert [f.name for f in folder.parent.iterdir()] == [folder.name]


def test_a_loaded_model_may_be_saved_over_its_own_files(make_model, folder):
    model = JasmineModel.from_pretrained(folder)
    model.save_pretrained(folder)
    assert same(JasmineModel.from_pretrained(folder), make_model())
    assert same(model, make_model())
