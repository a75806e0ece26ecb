# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Weights of a diffusers folder in all forms in which Stable Diffusion is published.

diffusion_pytorch_model.safetensors         whole
diffusion_pytorch_model.fp16.safetensors    variants: fp16, non_ema
*.safetensors.index.json                    names the file of each tensor
diffusion_pytorch_model.bin                 a pickle, of which only tensors are read
"""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import Tensor

from jasmine_core.errors import CheckpointError
from jasmine_core.model.checkpoint import DIFFUSERS_WEIGHTS, read_json, read_weights

_STEM = DIFFUSERS_WEIGHTS.removesuffix(".safetensors")
_VARIANTS = ("", ".fp16", ".non_ema")  # in the order of preference
_SINGLE = (".safetensors", ".ckpt")
_log = logging.getLogger(__name__)


def read_diffusers_weights(folder: Path) -> dict[str, Tensor]:
    """Read the weights of one network as float32.

    Raises:
        CheckpointError: there are none, or they are damaged.
    """
    for variant in _VARIANTS:
        whole = folder / f"{_STEM}{variant}.safetensors"
        indices = (f"{_STEM}.safetensors.index{variant}.json", f"{whole.name}.index.json")
        pickled = folder / f"{_STEM}{variant}.bin"
        index = next((folder / name for name in indices if (folder / name).is_file()), None)
        if whole.exists():
            weights = read_weights(whole)
        elif index is not None:
            weights = _read_shards(index)
        elif pickled.is_file():
            weights = read_pickle(pickled)
        else:
            continue
        if variant == ".non_ema":
            _log.warning(
                "%s has only non_ema weights, which were not averaged over the training", folder
            )
        return {name: tensor.float() for name, tensor in weights.items()}
    raise CheckpointError(
        f"{folder / DIFFUSERS_WEIGHTS} is missing, and there is no variant of it; copy the folder "
        "again"
    )


def expect_diffusers_layout(path: Path) -> None:
    """Raise CheckpointError for a checkpoint in a single file, which has another layout."""
    files = [path] if path.is_file() else [*path.glob("*")] if path.is_dir() else []
    single = [file for file in files if file.suffix in _SINGLE and file.is_file()]
    if single and not (path / "unet").is_dir():
        raise CheckpointError(
            f"{single[0]} is a checkpoint in a single file, with other names of tensors; give the "
            "folder in diffusers layout that the same model is published in (unet/, vae/, "
            "text_encoder/, tokenizer/)"
        )


def text_variant(folder: Path) -> str | None:
    """Return the variant of a text encoder's safetensors weights, None for the plain one.

    Raises:
        CheckpointError: there are only pickles, which may run code when they are loaded.
    """
    if (folder / "model.safetensors").is_file() or [*folder.glob("model.safetensors.index*.json")]:
        return None
    if (folder / "model.fp16.safetensors").is_file():
        return "fp16"
    if pickles := [*folder.glob("pytorch_model*.bin")]:
        raise CheckpointError(
            f"{pickles[0]} may run code when it is loaded and is not read; give a folder whose "
            "text_encoder/ has model.safetensors"
        )
    return None


def _read_shards(index: Path) -> dict[str, Tensor]:
    """Read the weights whose files an index names."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(v, str) for v in places.values()):
        raise CheckpointError(f"{index} has no weight_map; copy the folder again")
    weights: dict[str, Tensor] = {}
    for name in sorted(set(places.values())):
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise CheckpointError(f"{index} names {name!r}, which is not a file of its folder")
        weights |= read_weights(index.parent / name)
    if missing := sorted(places.keys() - weights):
        raise CheckpointError(f"the files of {index} lack {missing[0]}; copy the folder again")
    return weights


def read_pickle(file: Path) -> dict[str, Tensor]:
    """Read a state dict without running code from it; strip a DDP wrapper's `module.`."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as err:
        raise CheckpointError(f"{file} is missing") from err
    except Exception as err:  # the unpickler lets through whatever breaks in it
        reason = (str(err) or type(err).__name__).partition("\n")[0]
        raise CheckpointError(
            f"{file} is damaged, or holds more than tensors and is not loaded for safety ({reason})"
        ) from err
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise CheckpointError(f"{file} is not a plain state dict of tensors")
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}
