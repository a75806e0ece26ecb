# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Models whose parameters are all random, so that a test of folding sees every parameter."""

from __future__ import annotations

import copy

import torch
from torch.nn import functional as F

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.export.checkpoint import export_checkpoint
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.model.ssg import ScaleShiftHead

_exported = {}


def randomised(model: JasmineModel, spread: float = 0.1, seed: int = 1) -> JasmineModel:
    """Add noise to every parameter, because norms begin with ones and biases with zeros."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn(parameter.shape, generator=generator))
    return model


class ExactHead(ScaleShiftHead):
    """Scale-shift head with the attention of torch, in the precision of its weights."""

    def forward(self, hidden):
        tokens = hidden.flatten(2).permute(2, 0, 1)  # [HW,B,C]
        queries = torch.stack([self.scale_query, self.shift_query])  # [2,1,C]
        (scale, shift), _ = self.attn(queries.expand(-1, len(hidden), -1), tokens, tokens)
        return self.scale_head(scale)[..., None, None], self.shift_head(shift)[..., None, None]


def exact(model: JasmineModel) -> JasmineModel:
    """Return a copy of a model that computes everything in float64."""
    model = copy.deepcopy(model).double()
    model.ssg.ss_head.__class__ = ExactHead
    return model


def maps(model: JasmineModel, image):
    """Return D_SSI and all depths of the unfolded model, [B,1+n,H,W]."""
    with torch.no_grad():
        output = model.predict_depth(image)
    return torch.cat([output.ssi, *output.depths], dim=1)


def smooth_image(width: int, height: int, seed: int = 0, dtype=torch.float32):
    """Return an image [1,3,H,W] in [0,1] with coarse and fine structure."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 16 + 1, width // 16 + 1, generator=generator)
    fine = torch.rand(1, 3, height, width, generator=generator)
    smooth = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    return (0.8 * smooth + 0.2 * fine).to(dtype)


def exported_checkpoint(make_model, folder):
    """Save the smallest model, randomised, with its ONNX export, once per process."""
    if not _exported:
        path = folder / "smallest"
        randomised(make_model(metres_per_unit=2.5), 0.05).save_pretrained(path)
        export_checkpoint(Checkpoint.resolve(path), path / "onnx")
        _exported["path"] = path
    return _exported["path"]
