# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion of Stable Diffusion 2, or of the layout that the authors released, to Jasmine."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import Tensor

from jasmine_core.errors import CheckpointError
from jasmine_core.model.checkpoint import (
    build_part,
    build_scheduler,
    fill,
    read_json,
    read_weights,
)
from jasmine_core.model.diffusers_weights import (
    read_diffusers_weights,
    read_pickle,
    text_variant,
)
from jasmine_core.model.jasmine import JasmineConfig, JasmineModel
from jasmine_core.model.presets import PRESETS, SCHEDULER, VAE
from jasmine_core.model.ssg import ScaleShiftGRU, SSGConfig
from jasmine_core.model.unet import TASK_INPUTS, widen_input, with_task_switch

_log = logging.getLogger(__name__)
LATENT_FACTOR = 0.18215  # of Stable Diffusion's VAE; the authors' code has it as a constant
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def from_stable_diffusion(folder: Path, description: str = "") -> JasmineModel:
    """Build an untrained Jasmine from a Stable Diffusion 2 folder in diffusers layout."""
    unet = _read_unet(folder / "unet")
    if unet.config.in_channels != 4:
        raise CheckpointError(
            f"{folder}/unet takes {unet.config.in_channels} channels, Stable Diffusion 2 takes 4; "
            "give the text-to-image model, or use `jasmine convert --authors` for trained weights"
        )
    widen_input(unet)
    vae = _read_vae(folder / "vae")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the same base each time
        unet = with_task_switch(unet)
        ssg = ScaleShiftGRU(_ssg_config(vae, hidden_dim=64))
    scheduler = _read_scheduler(folder / "scheduler")
    text = empty_prompt_embedding(folder)
    config = JasmineConfig(
        description=description or f"untrained, from {folder.name}", untrained=True
    )
    return JasmineModel(config, unet, vae, ssg, scheduler, text).eval()


def from_authors(
    folder: Path, text_embedding: Tensor, task_depth: tuple[int, int] = (0, 1)
) -> tuple[JasmineModel, dict[str, Tensor]]:
    """Read `unet/`, `vae/` and `gru.pth` as the authors' trainer saves them.

    Returns the model and the PoseNet's tensors (empty where no pose files are), named
    `encoder.*` and `decoder.*`.
    """
    gru = read_pickle(folder / "gru.pth")
    inside = {k.removeprefix("vae."): v for k, v in gru.items() if k.startswith("vae.")}
    ssg_weights = {k: v for k, v in gru.items() if not k.startswith("vae.")}

    unet = _read_unet(folder / "unet")
    if unet.config.in_channels != 8:
        raise CheckpointError(
            f"{folder}/unet takes {unet.config.in_channels} channels, a trained Jasmine takes 8; "
            "use `jasmine convert --stable-diffusion` for an untrained base model"
        )
    vae = _read_authors_vae(folder, _modern_attention(inside))

    hidden = ssg_weights["project.bias"].shape[0] if "project.bias" in ssg_weights else 64
    ssg = ScaleShiftGRU(_ssg_config(vae, hidden_dim=hidden))
    fill(ssg, ssg_weights, folder / "gru.pth")
    scheduler = _read_scheduler(folder / "scheduler")

    config = JasmineConfig(
        task_depth=task_depth,
        task_reconstruct=(task_depth[1], task_depth[0]),
        description=f"the authors' layout, from {folder.name}",
    )
    posenet: dict[str, Tensor] = {}
    for file, part in (("pose_encoder.pth", "encoder"), ("pose.pth", "decoder")):
        if (folder / file).is_file():
            weights = read_pickle(folder / file).items()
            posenet |= {f"{part}.{k.removeprefix('encoder.')}": v for k, v in weights}
    return JasmineModel(config, unet, vae, ssg, scheduler, text_embedding).eval(), posenet


def find_authors_folder(path: Path) -> Path:
    """Return the folder that holds `gru.pth`, which an unpacked archive may have nested."""
    candidates = [path / "gru.pth", *sorted(path.glob("*/gru.pth"))]
    for file in candidates:
        if file.is_file() and (file.parent / "unet").is_dir():
            return file.parent
    raise CheckpointError(
        f"{path} holds no gru.pth beside a unet/ folder; give the folder that the authors' archive "
        "unpacks to"
    )


def find_text_embedding(folder: Path) -> Tensor | None:
    """Look for a tensor named `text_embedding` in the safetensors files of a folder."""
    for file in [*sorted(folder.glob("*.safetensors")), *sorted(folder.glob("text/*.safetensors"))]:
        if (found := read_weights(file).get("text_embedding")) is not None:
            return found
    return None


def empty_prompt_embedding(folder: Path) -> Tensor:
    """Compute the embedding [1,T,C] of the empty prompt with the text encoder of a folder.

    The prompt is not padded: T = 2, begin and end of text.
    """
    try:
        from transformers import CLIPTextModel, CLIPTokenizer
    except ImportError as err:
        raise CheckpointError(
            "computing the empty-prompt embedding needs transformers; "
            "pip install 'jasmine_ros[convert]'"
        ) from err
    words, network = (folder.resolve() / name for name in ("tokenizer", "text_encoder"))
    try:
        # What is not there transformers would make up, or look for on the hub under that name.
        if not any((words / file).is_file() for file in ("vocab.json", "tokenizer.json")):
            raise OSError("tokenizer/ lacks its vocabulary")
        if not (network / "config.json").is_file():
            raise OSError("text_encoder/ lacks its config.json")
        tokenizer = CLIPTokenizer.from_pretrained(words, local_files_only=True)
        encoder, found = CLIPTextModel.from_pretrained(
            network,
            variant=text_variant(network),
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
        if found["missing_keys"]:
            raise ValueError(f"text_encoder/ lacks {min(found['missing_keys'])}")
    except (OSError, ValueError) as err:
        reason = str(err).partition("\n")[0]
        raise CheckpointError(
            f"{folder} has no usable tokenizer/ and text_encoder/ ({reason}); "
            "give a complete Stable Diffusion 2 folder in diffusers layout"
        ) from err
    tokens = tokenizer("", padding="do_not_pad", return_tensors="pt").input_ids  # [1,2]
    with torch.inference_mode():
        embedding: Tensor = encoder.float().eval()(tokens).last_hidden_state
    return embedding.clone()


def resolve_hub_id(name: str, allow_download: bool) -> Path:
    """Return a local folder as it is; fetch a hub repository only when downloads are allowed.

    ID@REVISION fetches a pinned revision: a commit, a tag or a branch.
    """
    if (folder := Path(name)).is_dir():
        return folder
    if not allow_download:
        raise CheckpointError(
            f"{name} is not a folder; give one, or add --allow-download to fetch it as a hub id"
        )
    from huggingface_hub import snapshot_download

    try:
        wanted = ["*.json", "*.txt", "*.safetensors"]
        repository, _, revision = name.partition("@")
        found = snapshot_download(
            repository,
            revision=revision or None,
            allow_patterns=wanted,
            ignore_patterns=["*/*fp16*"],
        )
        if not revision:
            commit = Path(found).name  # the hub's cache has a folder for each commit
            _log.warning("%s is not pinned; %s@%s gives this revision", name, name, commit)
        return Path(found)
    except Exception as err:  # the hub's errors share no base class
        raise CheckpointError(f"hub repository {name} could not be fetched: {err}") from err


def _ssg_config(vae: AutoencoderKL, hidden_dim: int) -> SSGConfig:
    return SSGConfig(
        hidden_dim=hidden_dim,
        latent_channels=vae.config.latent_channels,
        latent_scale=2 ** (len(vae.config.block_out_channels) - 1),
    )


def _read_unet(folder: Path) -> UNet2DConditionModel:
    """Read a U-Net; its weights, not its config, decide whether it has a class embedding."""
    weights = read_diffusers_weights(folder)
    config: dict[str, Any] = read_json(folder / "config.json")
    switched = any(name.startswith("class_embedding.") for name in weights)
    config["class_embed_type"] = "projection" if switched else None
    config["projection_class_embeddings_input_dim"] = TASK_INPUTS if switched else None
    if "conv_in.weight" in weights:
        config["in_channels"] = weights["conv_in.weight"].shape[1]
    unet = build_part(UNet2DConditionModel.from_config, config, folder)
    fill(unet, weights, folder)
    return unet


def _read_vae(folder: Path) -> AutoencoderKL:
    vae = build_part(AutoencoderKL.from_config, read_json(folder / "config.json"), folder)
    fill(vae, _modern_attention(read_diffusers_weights(folder)), folder)
    if abs(vae.config.scaling_factor - LATENT_FACTOR) > 1e-6:
        raise CheckpointError(
            f"{folder} scales its latents by {vae.config.scaling_factor}, Stable Diffusion 2 by "
            f"{LATENT_FACTOR}; this VAE belongs to another model"
        )
    return vae


def _read_authors_vae(folder: Path, inside: Mapping[str, Tensor]) -> AutoencoderKL:
    """Read the VAE from `vae/`, or the copy `inside` gru.pth; refuse two that disagree."""
    if (folder / "vae").is_dir():
        vae = _read_vae(folder / "vae")
        if inside:
            _expect_equal(vae.state_dict(), inside, folder)
        return vae
    if not inside:
        raise CheckpointError(
            f"{folder} holds no VAE, neither in vae/ nor in gru.pth; copy vae/ of Stable Diffusion "
            "2 there, which the authors never changed"
        )
    with torch.device("meta"):
        vae = AutoencoderKL(**VAE | PRESETS["sd2"]["vae"])
    fill(vae, inside, folder / "gru.pth")
    return vae


def _read_scheduler(folder: Path) -> DDIMScheduler:
    """Read a scheduler's noise schedule; a folder without one has Stable Diffusion 2's."""
    file = folder / "scheduler_config.json"
    values = read_json(file) if file.is_file() else SCHEDULER
    own = {"timestep_spacing": "trailing", "clip_sample": False, "thresholding": False}
    return build_scheduler(values, folder, **own)


def _modern_attention(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the VAE attention of old diffusers versions; 1x1 convolutions become matrices."""
    renamed = {}
    for name, tensor in weights.items():
        *path, layer, kind = name.split(".")
        if "attentions" in path:
            layer = _OLD_ATTENTION.get(layer, layer)
            if kind == "weight" and tensor.ndim == 4:
                tensor = tensor[:, :, 0, 0]
        renamed[".".join([*path, layer, kind])] = tensor
    return renamed


def _expect_equal(vae: Mapping[str, Tensor], inside: Mapping[str, Tensor], folder: Path) -> None:
    """Refuse a checkpoint whose two copies of the frozen VAE disagree."""
    differing = [
        name
        for name, tensor in vae.items()
        if name not in inside or not torch.equal(tensor.float(), inside[name].float())
    ]
    if differing:
        raise CheckpointError(
            f"{folder}: vae/ and the copy inside gru.pth differ in {len(differing)} tensors "
            f"(first: {differing[0]}); one of the files comes from another run"
        )
