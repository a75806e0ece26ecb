# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Operations and parameters of each stage of a model before and after constant folding.

    .venv/bin/python benchmarks/operations.py
    .venv/bin/python benchmarks/operations.py --presets sd2

Shapes are enough to count, so nothing is computed and no weights exist. The exact counts are of
convolutions and matrix products (two operations per product and sum), at the size of the preset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import tyro
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from jasmine_core.export.specialise import specialise
from jasmine_core.model.jasmine import JasmineConfig, JasmineModel
from jasmine_core.model.presets import PRESETS, VAE
from jasmine_core.model.ssg import ScaleShiftGRU, SSGConfig

STAGES = ("encode", "denoise", "decode", "refine")


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    presets: tuple[str, ...] = ("tiny", "medium", "sd2")  # Presets to count.


def measure(preset: str) -> list[dict[str, Any]]:
    """Return a row for each stage, and for each form of the network."""
    nothing = FakeTensorMode(allow_non_fake_inputs=True)
    model = without_weights(preset, nothing)
    width, height = model.config.width, model.config.height
    rows = []
    for form in ("as trained", "folded", "folded, transposed"):
        with nothing, torch.no_grad():
            stages, parts = _stages(model, form)
            tensors: dict[str, Any] = {"image": torch.zeros(1, 3, height, width)}
            for stage in STAGES:
                with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
                    stages[stage](tensors)
                rows.append(
                    {
                        "preset": preset,
                        "size": [width, height],
                        "form": form,
                        "stage": stage,
                        "gflop": counter.get_total_flops() / 1e9,
                        "parameters": sum(p.numel() for p in parts[stage].parameters()),
                    }
                )
    return rows


def without_weights(preset: str, nothing: FakeTensorMode) -> JasmineModel:
    """Build a preset from tensors that have a shape, but no memory."""
    sizes, tiny = PRESETS[preset], JasmineModel.from_preset("tiny")
    own = {"norm_num_groups": 32} | sizes["unet"]
    with nothing:
        unet = UNet2DConditionModel.from_config(dict(tiny.unet.config) | own)
        vae = AutoencoderKL(**(VAE | sizes["vae"]))
        ssg = ScaleShiftGRU(SSGConfig(**sizes["ssg"]))
        text = torch.empty(1, 2, unet.config.cross_attention_dim)
    config = JasmineConfig(**sizes["jasmine"])
    return JasmineModel(config, unet, vae, ssg, tiny.scheduler, text).eval()


def _stages(
    model: JasmineModel, form: str
) -> tuple[dict[str, Callable[[dict[str, Any]], None]], dict[str, nn.Module]]:
    """Return a function for each stage that runs it on earlier tensors, and its modules."""
    if form == "as trained":
        vae = model.vae
        encoder = nn.ModuleList([vae.encoder, vae.quant_conv])
        decoder = nn.ModuleList([vae.post_quant_conv, vae.decoder])
        parts = dict(zip(STAGES, (encoder, model.unet, decoder, model.ssg), strict=True))
        return {
            "encode": lambda t: t.update(latent=model.encode(t["image"])),
            "denoise": lambda t: t.update(v=model.denoise(t["latent"], "depth")),
            "decode": lambda t: t.update(decoded=model.decode(t["v"])),
            "refine": lambda t: t.update(maps=model.ssg(t["latent"], t["decoded"])),
        }, parts
    folded = specialise(model, transposed="transposed" in form)
    decoder_vae, ssg = folded.decoder.vae, folded.decoder.ssg
    parts = dict(zip(STAGES, (folded.encoder, folded.unet, decoder_vae, ssg), strict=True))
    return {
        "encode": lambda t: t.update(latent=folded.encoder(t["image"])),
        "denoise": lambda t: t.update(v=folded.unet(t["latent"])),
        "decode": lambda t: t.update(decoded=decoder_vae(t["v"])),
        "refine": lambda t: t.update(maps=ssg(t["latent"], t["decoded"])),
    }, parts


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown."""
    lines = ["| preset | form | " + " | ".join(STAGES) + " | GFLOP | parameters |"]
    lines.append("|---" * (len(STAGES) + 4) + "|")
    forms = dict.fromkeys((row["preset"], row["form"], tuple(row["size"])) for row in rows)
    for preset, form, (width, height) in forms:
        own = [r for r in rows if (r["preset"], r["form"]) == (preset, form)]
        each = " | ".join(f"{row['gflop']:.1f}" for row in own)
        total, count = sum(r["gflop"] for r in own), sum(r["parameters"] for r in own)
        lines.append(
            f"| {preset} {width}x{height} | {form} | {each} | {total:.1f} | {count / 1e6:.2f} M |"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    """Print the table of all presets."""
    print(table([row for preset in options.presets for row in measure(preset)]))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
