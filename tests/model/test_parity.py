# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of the authors' layout, against outputs of their released code.

tests/data/authors_pipeline holds random weights and numbers only.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from jasmine_core import JasmineModel
from jasmine_core.errors import CheckpointError
from jasmine_core.model.convert import find_authors_folder, from_authors
from jasmine_ros.cli import main

AUTHORS = Path(__file__).parents[1] / "data" / "authors_pipeline"
EXPECTED = load_file(AUTHORS / "expected.safetensors")
UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}

torch.set_num_threads(1)


@pytest.fixture
def authors(tmp_path) -> Path:
    """Return a copy of the authors' folder that a test may change."""
    return Path(shutil.copytree(AUTHORS, tmp_path / "ckpt"))


def convert(folder: Path, output: Path, *options: str) -> JasmineModel:
    assert main(["convert", "--authors", str(folder), "-o", str(output), *options]) == 0
    return JasmineModel.from_pretrained(output)


def refusal(folder: Path, output: Path, capsys, *options: str) -> str:
    """Return the error line of a refused conversion, which must not leave any files."""
    assert main(["convert", "--authors", str(folder), "-o", str(output), *options]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ") and message.count("\n") == 1
    assert "bug" not in message
    assert not output.exists()
    return message


@torch.no_grad()
def assert_parity(model: JasmineModel) -> None:
    torch.testing.assert_close(model.text_embedding, EXPECTED["text_embedding"])
    output = model.predict_depth(EXPECTED["image"])
    for name in ("image_latent", "v", "decoded", "depth"):
        torch.testing.assert_close(
            getattr(output, name), EXPECTED[name], rtol=0, atol=1e-4, msg=lambda m, n=name: n + m
        )


def load_gru(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "gru.pth", weights_only=True)


# ---------------------------------------------------------------------------- the numbers


def test_outputs_equal_those_of_the_released_code(tmp_path, capsys):
    model = convert(AUTHORS, tmp_path / "out")
    assert_parity(model)
    assert model.config.task_depth == (0, 1) and model.config.task_reconstruct == (1, 0)
    assert model.ssg.config.link_mode == "first"
    assert sum(p.numel() for p in model.ssg.parameters()) == 372_515
    assert str(tmp_path / "out") in capsys.readouterr().out
    # The comparison is meaningful: the maps are neither constant nor at the ends of their range.
    depth = EXPECTED["depth"]
    assert depth.std() > 0.01 and ((depth > 0) & (depth < 3)).float().mean() > 0.2


@torch.no_grad()
def test_other_task_vector_is_the_other_task(tmp_path):
    theirs = convert(AUTHORS, tmp_path / "01", "--depth-task", "01")
    model = convert(AUTHORS, tmp_path / "10", "--depth-task", "10")
    assert model.config.task_depth == (1, 0) and model.config.task_reconstruct == (0, 1)
    image = EXPECTED["image"]
    assert (model.predict_depth(image).v - EXPECTED["v"]).abs().max() > 1e-3
    torch.testing.assert_close(
        model.reconstruct(image), (EXPECTED["decoded"] + 1) / 2, rtol=0, atol=1e-4
    )
    torch.testing.assert_close(
        theirs.reconstruct(image), (model.predict_depth(image).decoded + 1) / 2
    )


# ---------------------------------------------------------------------------- its variants


def test_keys_of_a_distributed_run_are_renamed(authors, tmp_path):
    torch.save({f"module.{k}": v for k, v in load_gru(authors).items()}, authors / "gru.pth")
    assert_parity(convert(authors, tmp_path / "out"))


def test_gru_file_without_the_vae_is_read(authors, tmp_path):
    own = {k: v for k, v in load_gru(authors).items() if not k.startswith("vae.")}
    assert len(own) < len(load_gru(authors))
    torch.save(OrderedDict(own), authors / "gru.pth")
    assert_parity(convert(authors, tmp_path / "out"))


@pytest.mark.parametrize("depth", [1, 2])
def test_nested_folder_is_found(authors, tmp_path, depth):
    outer = tmp_path / "unpacked"
    target = outer / "Jasmine" if depth == 1 else outer
    target.parent.mkdir(parents=True, exist_ok=True)
    authors.rename(target)
    assert_parity(convert(outer, tmp_path / "out"))


def as_old(weights: dict[str, torch.Tensor], conv: bool) -> dict[str, torch.Tensor]:
    """Rename the attention of the VAE as in old diffusers; `conv` makes 1x1 convolutions of it."""
    old = {}
    for name, tensor in weights.items():
        if "attentions" in name and "group_norm" not in name:
            for new, former in OLD_NAMES.items():
                name = name.replace(f".{new}.", f".{former}.")
            if conv and tensor.ndim == 2:
                tensor = tensor[:, :, None, None]
        old[name] = tensor.contiguous()
    assert sum("proj_attn" in name for name in old) == 4  # encoder and decoder, weight and bias
    return old


@pytest.mark.parametrize("conv", [False, True], ids=["matrices", "convolutions"])
@pytest.mark.parametrize("where", ["vae", "gru", "both"])
def test_old_names_of_the_vae_attention_are_renamed(authors, tmp_path, where, conv):
    if where != "gru":
        save_file(as_old(load_file(authors / VAE), conv), authors / VAE)
    if where != "vae":
        gru = load_gru(authors)
        inside = {k: v for k, v in gru.items() if k.startswith("vae.")}
        torch.save(
            {k: v for k, v in gru.items() if k not in inside} | as_old(inside, conv),
            authors / "gru.pth",
        )
    assert_parity(convert(authors, tmp_path / "out"))


@pytest.mark.parametrize("part", ["unet", "vae"])
def test_pickled_weights_are_read(authors, tmp_path, part):
    file = authors / part / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(file), file.with_suffix(".bin"))
    file.unlink()
    assert_parity(convert(authors, tmp_path / "out"))


@pytest.mark.parametrize("claimed", ["projection", None], ids=["config says so", "config silent"])
@torch.no_grad()
def test_unet_without_class_embedding_ignores_the_task(authors, tmp_path, claimed):
    weights = load_file(authors / UNET)
    kept = {k: v for k, v in weights.items() if not k.startswith("class_embedding.")}
    assert len(kept) == len(weights) - 4
    save_file(kept, authors / UNET)
    config = json.loads((authors / "unet" / "config.json").read_text())
    config["class_embed_type"] = claimed
    (authors / "unet" / "config.json").write_text(json.dumps(config))

    model = convert(authors, tmp_path / "out")
    assert model.unet.class_embedding is None
    output = model.predict_depth(EXPECTED["image"])
    latent = EXPECTED["image_latent"]
    text = EXPECTED["text_embedding"].repeat(2, 1, 1)
    v = model.unet(torch.cat([latent, 0 * latent], 1), 999, text).sample
    torch.testing.assert_close(output.v, v, rtol=0, atol=1e-4)
    assert (v - EXPECTED["v"]).abs().max() > 1e-3  # the embedding did something
    torch.testing.assert_close(model.reconstruct(EXPECTED["image"]), (output.decoded + 1) / 2)


@pytest.mark.parametrize("claimed", [None, "projection"])
def test_weights_decide_about_the_class_embedding(authors, tmp_path, claimed):
    config = json.loads((authors / "unet" / "config.json").read_text())
    config["class_embed_type"] = claimed
    config["projection_class_embeddings_input_dim"] = None
    config["in_channels"] = 4
    (authors / "unet" / "config.json").write_text(json.dumps(config))
    assert_parity(convert(authors, tmp_path / "out"))


@pytest.mark.parametrize("prefix", ["", "module."])
def test_pose_files_are_kept(authors, tmp_path, prefix, capsys):
    encoder = {"encoder.conv1.weight": torch.randn(4, 6, 7, 7), "encoder.fc.bias": torch.ones(2)}
    decoder = {"net.0.weight": torch.randn(4, 8, 1, 1), "net.3.bias": torch.randn(12)}
    torch.save({prefix + k: v for k, v in encoder.items()}, authors / "pose_encoder.pth")
    torch.save({prefix + k: v for k, v in decoder.items()}, authors / "pose.pth")
    assert_parity(convert(authors, tmp_path / "out"))
    assert "PoseNet" in capsys.readouterr().out
    saved = load_file(tmp_path / "out" / "posenet" / "model.safetensors")
    expected = encoder | {f"decoder.{k}": v for k, v in decoder.items()}
    assert saved.keys() == expected.keys()
    assert all(torch.equal(saved[k], expected[k]) for k in expected)


def test_text_embedding_is_read_from_its_file(authors, tmp_path, capsys):
    text = tmp_path / "text.safetensors"
    save_file({"text_embedding": EXPECTED["text_embedding"]}, text)
    (authors / "expected.safetensors").unlink()
    message = refusal(authors, tmp_path / "out", capsys)
    assert "--text-embedding" in message and "--stable-diffusion" in message
    assert_parity(convert(authors, tmp_path / "out", "--text-embedding", str(text)))


def test_scheduler_folder_may_be_missing(authors, tmp_path):
    shutil.rmtree(authors / "scheduler")
    assert_parity(convert(authors, tmp_path / "out"))


# ---------------------------------------------------------------------------- what is refused


def test_different_copies_of_the_vae_are_refused(authors, tmp_path, capsys):
    gru = load_gru(authors)
    gru["vae.decoder.conv_in.bias"] = gru["vae.decoder.conv_in.bias"] + 1e-6
    torch.save(gru, authors / "gru.pth")
    message = refusal(authors, tmp_path / "out", capsys)
    assert "decoder.conv_in.bias" in message and "1 tensors" in message
    with pytest.raises(CheckpointError, match="differ"):
        from_authors(authors, EXPECTED["text_embedding"])


class Bomb:
    """Pickle that writes a file if its code is run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    "write",
    [torch.save, lambda value, file: file.write_bytes(pickle.dumps(value, protocol=2))],
    ids=["torch", "pickle"],
)
@pytest.mark.parametrize("file", ["gru.pth", "pose.pth", "unet/diffusion_pytorch_model.bin"])
def test_code_in_pickles_is_not_run(authors, tmp_path, capsys, write, file):
    mark = tmp_path / "mark"
    payload = {**load_gru(authors), "bomb": Bomb(mark)}
    assert pickle.loads(pickle.dumps(payload["bomb"])) is None and mark.exists()  # it would work
    mark.unlink()
    write(payload, authors / file)
    (authors / UNET).unlink() if file.startswith("unet") else None
    message = refusal(authors, tmp_path / "out", capsys)
    assert not mark.exists()
    assert file in message and "safety" in message


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_truncated_gru_is_damaged(authors, tmp_path, capsys, share):
    data = (authors / "gru.pth").read_bytes()
    (authors / "gru.pth").write_bytes(data[: int(share * len(data))])
    assert "gru.pth is damaged" in refusal(authors, tmp_path / "out", capsys)


@settings(max_examples=150)
@given(noise=st.binary(max_size=60))
def test_noise_in_place_of_the_gru_is_refused(tmp_path_factory, noise):
    folder = tmp_path_factory.mktemp("noise")
    (folder / "unet").mkdir()
    (folder / "gru.pth").write_bytes(noise)
    with pytest.raises(CheckpointError, match=r"gru\.pth"):
        from_authors(folder, EXPECTED["text_embedding"])


@pytest.mark.parametrize("value", [[1, 2], {"epoch": 3}, torch.zeros(2)], ids=repr)
def test_gru_that_is_not_a_state_dict_is_refused(authors, tmp_path, capsys, value):
    torch.save(value, authors / "gru.pth")
    assert "not a plain state dict" in refusal(authors, tmp_path / "out", capsys)


@pytest.mark.parametrize("change", ["lacks", "unknown", "expected"])
def test_gru_of_another_model_is_refused(authors, tmp_path, capsys, change):
    gru = load_gru(authors)
    if change == "lacks":
        del gru["gru.convq2.weight"]
    elif change == "unknown":
        gru["gru.convq3.weight"] = torch.zeros(1)
    else:
        gru["gru.convq2.weight"] = torch.zeros(64, 128, 3, 1)
    torch.save(gru, authors / "gru.pth")
    message = refusal(authors, tmp_path / "out", capsys)
    assert change in message and "gru.convq" in message and "gru.pth" in message


def test_unet_of_four_channels_is_refused(authors, tmp_path, capsys):
    weights = load_file(authors / UNET)
    weights["conv_in.weight"] = weights["conv_in.weight"][:, :4].contiguous()
    save_file(weights, authors / UNET)
    message = refusal(authors, tmp_path / "out", capsys)
    assert "4 channels" in message and "--stable-diffusion" in message


def test_text_embedding_of_another_width_is_refused(authors, tmp_path, capsys):
    save_file({"text_embedding": torch.zeros(1, 2, 1024)}, tmp_path / "text.safetensors")
    option = ("--text-embedding", str(tmp_path / "text.safetensors"))
    assert "[1, 2, 1024]" in refusal(authors, tmp_path / "out", capsys, *option)


def test_folders_of_another_layout_are_refused(tmp_path, capsys):
    with pytest.raises(CheckpointError, match=r"holds no gru\.pth"):
        find_authors_folder(tmp_path)
    assert "holds no gru.pth" in refusal(tmp_path, tmp_path / "out", capsys)


def test_refused_conversion_keeps_the_older_result(authors, tmp_path):
    convert(AUTHORS, tmp_path / "out")
    (authors / "gru.pth").write_bytes(b"")
    assert main(["convert", "--authors", str(authors), "-o", str(tmp_path / "out")]) == 1
    assert_parity(JasmineModel.from_pretrained(tmp_path / "out"))


def test_vae_in_the_gru_file_has_the_config_of_stable_diffusion(authors, tmp_path, monkeypatch):
    """Without vae/ there is no config, and the frozen VAE has the size of the base model."""

    from jasmine_core.model.presets import PRESETS

    small = {"block_out_channels": (8, 16, 16, 16), "layers_per_block": 1, "norm_num_groups": 4}
    monkeypatch.setitem(PRESETS["sd2"], "vae", small)
    shutil.rmtree(authors / "vae")
    assert_parity(convert(authors, tmp_path / "out"))


def test_folder_without_a_vae_is_refused(authors, tmp_path, capsys):

    gru = {k: v for k, v in load_gru(authors).items() if not k.startswith("vae.")}
    torch.save(gru, authors / "gru.pth")
    shutil.rmtree(authors / "vae")
    assert main(["convert", "--authors", str(authors), "-o", str(tmp_path / "out")]) == 1
    assert "holds no VAE" in capsys.readouterr().err
