# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine convert`: checkpoints from Stable Diffusion 2 or from the authors' weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from jasmine_core.commands.options import Output, option
from jasmine_core.errors import ConfigError
from jasmine_core.outputs import expect_own, record

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ConvertRequest:
    """Convert Stable Diffusion 2, or the weights published by the authors, to a checkpoint."""

    #: Folder of the new checkpoint.
    output: Output
    #: Folder of Stable Diffusion 2 (768-v) in diffusers layout. The result is an untrained
    #: Jasmine; with --authors, only the embedding of the empty prompt is computed from it.
    stable_diffusion: Annotated[str | None, option("DIR")] = None
    #: Folder with unet/, vae/ and gru.pth as published by the authors of Jasmine.
    authors: Annotated[Path | None, option("DIR")] = None
    #: Safetensors file with the tensor text_embedding, the embedding of the empty prompt;
    #: needed with --authors if no such file is in its folder.
    text_embedding: Annotated[Path | None, option("FILE")] = None
    #: One-hot task vector that selects depth in the weights of the authors.
    depth_task: Literal["01", "10"] = "01"
    #: Whether --stable-diffusion may be the name of a model on the Hugging Face hub.
    allow_download: bool = False


def convert(request: ConvertRequest) -> int:
    """Write the checkpoint and print where it comes from."""
    from jasmine_core.model import convert as conversion
    from jasmine_core.model.checkpoint import save_checkpoint
    from jasmine_core.model.diffusers_weights import expect_diffusers_layout

    expect_own(request.output)
    base: Path | None = None
    if request.stable_diffusion:
        expect_diffusers_layout(Path(request.stable_diffusion))
        base = conversion.resolve_hub_id(request.stable_diffusion, request.allow_download)
    if request.authors is None:
        if base is None:
            raise ConfigError("there is nothing to convert; add --stable-diffusion or --authors")
        save_checkpoint(conversion.from_stable_diffusion(base), request.output)
        record(request.output)
        print(f"{request.output}: untrained Jasmine from {base}")
        return 0

    folder = conversion.find_authors_folder(request.authors)
    task = (0, 1) if request.depth_task == "01" else (1, 0)
    text = _text_embedding(request, base, folder)
    model, posenet = conversion.from_authors(folder, text, task)
    save_checkpoint(model, request.output, posenet)
    record(request.output)
    print(f"{request.output}: Jasmine from {folder}" + (", with its PoseNet" if posenet else ""))
    return 0


def _text_embedding(request: ConvertRequest, base: Path | None, folder: Path) -> Tensor:
    """Return the embedding of the empty prompt [1,N,C], from the first source that is given."""
    from jasmine_core.model import convert as conversion
    from jasmine_core.model.checkpoint import read_weights

    if request.text_embedding:
        text = read_weights(request.text_embedding).get("text_embedding")
    elif base:
        text = conversion.empty_prompt_embedding(base)
    else:
        text = conversion.find_text_embedding(folder)
    if text is None:
        raise ConfigError(
            f"the embedding of the empty prompt is not in {request.text_embedding or folder}; "
            "add --text-embedding FILE, or the base model with --stable-diffusion DIR"
        )
    return text
