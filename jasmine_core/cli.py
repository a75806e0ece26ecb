# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The commands that need no ROS. Heavy imports stay inside them: `--help` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from jasmine_core.errors import ConfigError

INTERRUPTED = 130  # as a shell reports SIGINT
Output = Annotated[Path, arg(aliases=["-o"], metavar="OUT")]


def convert(
    output: Output,
    stable_diffusion: Annotated[str | None, arg(metavar="DIR")] = None,
    authors: Annotated[Path | None, arg(metavar="DIR")] = None,
    text_embedding: Annotated[Path | None, arg(metavar="FILE")] = None,
    depth_task: Literal["01", "10"] = "01",
    allow_download: bool = False,
) -> None:
    """Turn Stable Diffusion 2, or the authors' released weights, into a Jasmine checkpoint.

    Args:
        output: checkpoint folder to write.
        stable_diffusion: Stable Diffusion 2 (768-v) folder in diffusers layout; gives an untrained
            Jasmine. Together with --authors it only computes the empty-prompt embedding.
        authors: folder with unet/, vae/ and gru.pth as the authors released them.
        text_embedding: safetensors file with the empty-prompt embedding `text_embedding`, for
            --authors; a file of that kind beside gru.pth is found by itself.
        depth_task: one-hot task vector that means depth in the authors' weights.
        allow_download: take --stable-diffusion as a hub id if it is not a folder.
    """
    from jasmine_core.model import convert as conversion
    from jasmine_core.model.checkpoint import read_weights, save_checkpoint

    base = stable_diffusion and conversion.resolve_hub_id(stable_diffusion, allow_download)
    if authors is None:
        if not base:
            raise ConfigError("nothing to convert: give --stable-diffusion or --authors")
        model = conversion.from_stable_diffusion(base)
        save_checkpoint(model, output)
        print(f"{output}: untrained Jasmine from {base}")
        return

    folder = conversion.find_authors_folder(authors)
    if text_embedding:
        text = read_weights(text_embedding).get("text_embedding")
    elif base:
        text = conversion.empty_prompt_embedding(base)
    else:
        text = conversion.find_text_embedding(folder)
    if text is None:
        raise ConfigError(
            f"the empty-prompt embedding is not in {text_embedding or folder}; give "
            "--text-embedding FILE, or the base model with --stable-diffusion DIR"
        )
    task = (0, 1) if depth_task == "01" else (1, 0)
    model, posenet = conversion.from_authors(folder, text, task)
    save_checkpoint(model, output, posenet)
    print(f"{output}: Jasmine from {folder}" + (", with its PoseNet" if posenet else ""))


def train(
    recipe: Annotated[Path, Positional, arg(metavar="RECIPE")],
    output: Output,
    resume: bool = False,
) -> int:
    """Train as a recipe says; OUT/final and OUT/best are checkpoints.

    Args:
        recipe: YAML file; training/ holds some.
        output: folder of the run: states, log, pictures, checkpoints.
        resume: go on with the run in OUT from its last state.
    """
    from jasmine_core.train.loop import train as run
    from jasmine_core.train.recipe import read_recipe

    finished = run(read_recipe(recipe), output, resume)
    if finished is None:
        print("interrupted; --resume goes on from here", file=sys.stderr)
        return INTERRUPTED
    print(f"trained: {finished}")
    return 0


COMMANDS: dict[str, Callable[..., int | None]] = {"convert": convert, "train": train}
