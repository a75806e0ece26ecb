# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time of the network of the predictor, compared with plain diffusers with the same weights.

    .venv/bin/python benchmarks/against_diffusers.py
    .venv/bin/python benchmarks/against_diffusers.py --preset tiny --frames 20 --threads 2

Plain diffusers is the pipeline of the authors in eager torch: VAE, 8-channel U-Net, DDIM step, VAE,
Scale-Shift GRU. Images alternate between the forms, so that other programs affect all of them
equally, and the results are compared. Only the ratios can be transferred to other machines.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
import tyro
from numpy.typing import NDArray

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.export.checkpoint import export_checkpoint
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.runtime.backend import load_backend

WARM_UP = 1  # [images]


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    preset: str = "medium"  # Preset of the network.
    frames: int = 5  # Number of images per form.
    threads: int = 0  # Number of threads of torch; 0 is its own choice.
    backends: tuple[str, ...] = ("torch", "onnxruntime")  # Backends to compare.
    exports: Path | None = None  # Folder with exports of the preset; it is exported if empty.


def diffusers_way(model: JasmineModel, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return D_SSI and the depths [1+n,H,W] as the authors' pipeline computes them."""
    vae, scheduler = model.vae, model.scheduler
    scale = vae.config.scaling_factor
    with torch.inference_mode():
        rgb = 2 * torch.from_numpy(image)[None] - 1
        latent = vae.encode(rgb).latent_dist.mode() * scale
        scheduler.set_timesteps(1)
        (step,) = scheduler.timesteps
        noise = torch.zeros_like(latent)
        v = model.unet(
            torch.cat([latent, noise], dim=1),
            step,
            encoder_hidden_states=model.text_embedding,
            class_labels=model.tasks[:1],
        ).sample
        x0 = scheduler.step(v, step, noise).pred_original_sample
        decoded = vae.decode(x0 / scale).sample
        return torch.cat(model.ssg(latent, decoded))[:, 0].numpy()


def measure(options: Options) -> dict[str, Any]:
    """Run all forms in turn; return their times, ratios and differences."""
    if options.threads:
        torch.set_num_threads(options.threads)
    name = f"random:{options.preset}"
    model = JasmineModel.from_pretrained(name)
    size = model.config.width, model.config.height
    image = np.random.default_rng(0).random((3, size[1], size[0]), np.float32)
    ways: dict[str, Callable[[], NDArray[np.float32]]] = {
        "diffusers": lambda: diffusers_way(model, image)
    }
    with tempfile.TemporaryDirectory() as temporary:
        graphs = options.exports or Path(temporary)
        if options.exports is None and set(options.backends) - {"torch"}:
            export_checkpoint(Checkpoint.resolve(name), graphs)
        for backend in options.backends:
            source = name if backend == "torch" else str(graphs)
            network = load_backend(Checkpoint.resolve(source), backend, "cpu", "fp32")
            ways[backend] = _ours(network, image)
        return {"preset": options.preset, "size": size} | _alternate(ways, options.frames)


def _ours(network: Any, image: NDArray[np.float32]) -> Callable[[], NDArray[np.float32]]:
    def run() -> NDArray[np.float32]:
        maps = network(image)
        return np.concatenate([maps.ssi[None], maps.depths])

    return run


def _alternate(ways: dict[str, Callable[[], NDArray[np.float32]]], frames: int) -> dict[str, Any]:
    wall: dict[str, list[float]] = {name: [] for name in ways}
    processor: dict[str, list[float]] = {name: [] for name in ways}
    answers = {}
    for _ in range(WARM_UP + frames):
        for name, way in ways.items():
            began, used = perf_counter(), process_time()
            answers[name] = way()
            wall[name].append(perf_counter() - began)
            processor[name].append(process_time() - used)
    reference = answers["diffusers"]
    rows = {}
    for name in ways:
        rows[name] = {
            "seconds": float(np.median(wall[name][WARM_UP:])),
            "processor_seconds": float(np.median(processor[name][WARM_UP:])),
            "speedup": _ratio(wall, name),
            "processor_ratio": _ratio(processor, name),
            "relative_difference": float(
                np.abs(answers[name] - reference).max() / np.abs(reference).max()
            ),
        }
    return {"threads": torch.get_num_threads(), "frames": frames, "ways": rows}


def _ratio(seconds: dict[str, list[float]], name: str) -> float:
    """Return the median over the rounds of the time of diffusers divided by that of a form."""
    pairs = zip(seconds["diffusers"][WARM_UP:], seconds[name][WARM_UP:], strict=True)
    return float(np.median([a / b for a, b in pairs]))


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    width, height = result["size"]
    lines = [
        f"{result['preset']}, {width}x{height} px, {result['threads']} threads of torch",
        "",
        "| form | s per image | CPU s per image | faster | less CPU | difference |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {row['seconds']:.2f} | {row['processor_seconds']:.2f} | {row['speedup']:.2f}x "
        f"| {row['processor_ratio']:.2f}x | {row['relative_difference']:.1e} |"
        for name, row in result["ways"].items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(measure(tyro.cli(Options, description=__doc__))))
