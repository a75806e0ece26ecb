# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoint folders: a diffusers-style layout of safetensors and JSON.

model_index.json   what this folder is
jasmine.json       JasmineConfig
unet/  vae/        config.json, diffusion_pytorch_model.safetensors
ssg/               config.json, model.safetensors
scheduler/         scheduler_config.json
text/              empty_prompt.safetensors: the constant text embedding
adapter/           optional: config.json, model.safetensors
posenet/           optional, for training: model.safetensors
statistics/        optional: mean_depth.safetensors, the training set's mean depth [h,w] in metres
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from jasmine_core._version import __version__
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.limits import expect_network
from jasmine_core.artifacts.weights_header import MAX_TENSORS, expect_floats, read_header
from jasmine_core.config import from_mapping, to_mapping, write_config
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.files import atomic_folder
from jasmine_core.files import read_json as read_file
from jasmine_core.model.adapter import AdapterConfig, ImageAdapter
from jasmine_core.model.jasmine import JasmineConfig, JasmineModel
from jasmine_core.model.ssg import ScaleShiftGRU, SSGConfig

Part = TypeVar("Part", bound=nn.Module)
Config = TypeVar("Config")

MEAN_DEPTH = Path("statistics") / "mean_depth.safetensors"
ADAPTER = "adapter"
DIFFUSERS_WEIGHTS = "diffusion_pytorch_model.safetensors"


def save_checkpoint(
    model: JasmineModel,
    path: Path,
    posenet: Mapping[str, Tensor] | None = None,
    mean_depth: Tensor | None = None,
) -> None:
    """Write a checkpoint folder; it appears whole or not at all, replacing an older one."""
    with atomic_folder(path) as folder:
        for name in ("unet", "vae", "ssg", "text"):
            (folder / name).mkdir()
        for name, part in (("unet", model.unet), ("vae", model.vae)):
            part.save_config(folder / name)
            _save(part.state_dict(), folder / name / DIFFUSERS_WEIGHTS)
        write_config(model.ssg.config, folder / "ssg" / "config.json")
        _save(model.ssg.state_dict(), folder / "ssg" / "model.safetensors")
        model.scheduler.save_config(folder / "scheduler")
        _save(
            {"text_embedding": model.text_embedding}, folder / "text" / "empty_prompt.safetensors"
        )
        if model.adapter:
            (folder / ADAPTER).mkdir()
            write_config(model.adapter.config, folder / ADAPTER / "config.json")
            _save(model.adapter.state_dict(), folder / ADAPTER / "model.safetensors")
        if posenet:
            (folder / "posenet").mkdir()
            _save(posenet, folder / "posenet" / "model.safetensors")
        if mean_depth is not None:
            (folder / "statistics").mkdir()
            _save({"mean_depth": mean_depth}, folder / MEAN_DEPTH)
        write_config(model.config, folder / "jasmine.json")
        index = {"_class_name": "JasmineModel", "_jasmine_version": __version__}
        (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def load_checkpoint(checkpoint: Checkpoint) -> JasmineModel:
    """Read a checkpoint into a model in evaluation mode, in the dtype it was saved in.

    For `random:PRESET` it builds an untrained model.
    """
    if checkpoint.kind == "random":
        return JasmineModel.from_preset(checkpoint.preset)
    folder = checkpoint.jasmine_folder()
    config = _read_config(JasmineConfig, folder / "jasmine.json")
    ssg_config = _read_config(SSGConfig, folder / "ssg" / "config.json")
    unet_config, vae_config = (read_json(folder / name / "config.json") for name in ("unet", "vae"))
    unet = load_part(UNet2DConditionModel.from_config, unet_config, folder / "unet")
    vae = load_part(AutoencoderKL.from_config, vae_config, folder / "vae")
    ssg = load_part(ScaleShiftGRU, ssg_config, folder / "ssg")
    text = read_weights(folder / "text" / "empty_prompt.safetensors").get("text_embedding")
    if text is None:
        raise CheckpointError(f"{folder}/text holds no text_embedding; convert the model again")
    scheduler = build_scheduler(
        read_json(folder / "scheduler" / "scheduler_config.json"), folder / "scheduler"
    )
    adapter = _load_adapter(folder / ADAPTER)
    return JasmineModel(config, unet, vae, ssg, scheduler, text, adapter).eval()


def _read_config(cls: type[Config], file: Path) -> Config:
    """Read a configuration of this project; raise CheckpointError if it cannot be used."""
    values = read_json(file)
    try:
        return from_mapping(cls, values, str(file))
    except ConfigError as err:
        raise CheckpointError(f"checkpoint {file.parent} cannot be read: {err}") from err


def _load_adapter(folder: Path) -> ImageAdapter | None:
    if not folder.is_dir():
        return None
    return load_part(ImageAdapter, _read_config(AdapterConfig, folder / "config.json"), folder)


def load_part(make: Callable[[Any], Part], config: Any, folder: Path) -> Part:
    """Read a part of the model; its header is compared with its configuration before its weights.

    Args:
        make: builds the network of a configuration.
        config: a mapping or a dataclass.
        folder: folder of its weights.
    """
    diffusers = folder / DIFFUSERS_WEIGHTS
    file = diffusers if isinstance(config, Mapping) else folder / "model.safetensors"
    header = read_header(file)
    expect_floats(header, file)
    module = build_part(make, config, folder, len(header))
    _expect_same(module, {name: tensor.shape for name, tensor in header.items()}, folder)
    fill(module, read_weights(file), folder)
    return module


def build_scheduler(values: Mapping[str, Any], source: Path, **own: Any) -> DDIMScheduler:
    """Build a scheduler; raise CheckpointError for a noise schedule that cannot be."""
    try:
        expect_network(values, MAX_TENSORS)
        scheduler = DDIMScheduler.from_config(values, **own)
        if not bool(torch.isfinite(scheduler.alphas_cumprod).all()):
            raise ConfigError("its noise schedule is not finite")
        return scheduler
    except Exception as err:  # a config is not checked as such: anything may break under it
        raise CheckpointError(
            f"{source}/scheduler_config.json describes no scheduler that can be built: {err}"
        ) from err


def build_part(
    make: Callable[[Any], Part], config: Any, source: Path, tensors: int = MAX_TENSORS
) -> Part:
    """Build a part of the model without memory for weights; `fill` brings them.

    `tensors` is how many its weights announce.
    """
    try:
        expect_network(config if isinstance(config, Mapping) else to_mapping(config), tensors)
        with torch.device("meta"):
            return make(config)
    except Exception as err:  # a config is not checked as such: anything may break under it
        raise CheckpointError(
            f"{source}/config.json describes no network that can be built: {err}"
        ) from err


def read_mean_depth(checkpoint: Checkpoint) -> Tensor | None:
    """Return the mean-depth map [h,w] [m] of a checkpoint's training set, None if it has none."""
    if checkpoint.kind != "jasmine":
        return None
    file = checkpoint.jasmine_folder() / MEAN_DEPTH
    return read_weights(file).get("mean_depth") if file.is_file() else None


def read_weights(file: Path) -> dict[str, Tensor]:
    """Read a safetensors file; raise CheckpointError if it is missing or cut short."""
    read_header(file)
    try:
        # The tensors are copied, because the mapped file may be overwritten while they are in use.
        return {name: tensor.clone() for name, tensor in load_file(file).items()}
    except FileNotFoundError as err:
        raise CheckpointError(f"{file} is missing; copy the checkpoint again") from err
    except (SafetensorError, OSError) as err:
        raise CheckpointError(f"{file} is damaged ({err}); copy the checkpoint again") from err


def fill(module: nn.Module, weights: Mapping[str, Tensor], source: Path) -> None:
    """Load the weights of a module; the names and shapes of all tensors must match."""
    _expect_same(module, {name: tuple(tensor.shape) for name, tensor in weights.items()}, source)
    module.load_state_dict(dict(weights), assign=True)


def _expect_same(module: nn.Module, weights: Mapping[str, tuple[int, ...]], source: Path) -> None:
    """Raise CheckpointError unless the names and shapes are those of a module."""
    wanted = module.state_dict()
    missing, surplus = sorted(wanted.keys() - weights), sorted(weights.keys() - wanted)
    misshapen = [
        f"{name} is {list(weights[name])}, expected {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in weights and weights[name] != tuple(tensor.shape)
    ]
    problems = [f"lacks {_some(missing)}"] if missing else []
    problems += [f"has unknown {_some(surplus)}"] if surplus else []
    problems += [_some(misshapen)] if misshapen else []
    if problems:
        raise CheckpointError(
            f"{source} does not fit its config.json: {'; '.join(problems)}; "
            "weights and config come from different models or the file was altered"
        )


def _some(names: list[str], count: int = 3) -> str:
    rest = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + rest


def _save(tensors: Mapping[str, Tensor], file: Path) -> None:
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, file)


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON file of a checkpoint; raise CheckpointError if it cannot be read."""
    try:
        values: Any = read_file(file)
    except FileNotFoundError as err:
        raise CheckpointError(f"{file} is missing; copy the checkpoint again") from err
    except (ValueError, OSError) as err:
        raise CheckpointError(f"{file} is not valid JSON ({err}); copy it again") from err
    if not isinstance(values, dict):
        raise CheckpointError(f"{file} holds no keys and values; copy the checkpoint again")
    return values
