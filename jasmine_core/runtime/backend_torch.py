# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backend of torch, which runs the model itself and is the reference for the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.errors import ConfigError
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps, StageClock

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class TorchBackend:
    """JasmineModel in inference mode, channels last, on a CPU or a CUDA device."""

    def __init__(self, model: JasmineModel, device: str = "auto", precision: str = "auto") -> None:
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if precision == "auto":
            precision = "fp16" if device.startswith("cuda") else "fp32"
        if device == "cpu" and precision != "fp32":
            raise ConfigError(f"precision {precision!r} needs a GPU; use fp32 on the CPU")
        try:
            self._device = torch.device(device)
            model = model.to(self._device, _DTYPES[precision])
            self._model = model.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        except (RuntimeError, AssertionError) as err:
            raise ConfigError(f"device {device!r} cannot be used: {err}") from err
        self._dtype = _DTYPES[precision]
        config = model.config
        self.info = BackendInfo(
            name="torch",
            device=device,
            precision=precision,
            model=config.description,
            nominal_size=(config.width, config.height),
            metres_per_unit=config.metres_per_unit,
            untrained=config.untrained,
            multiple=model.multiple,
            canonical_focal=config.canonical_focal,
            scale_spread=config.scale_spread,
        )

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str, precision: str) -> TorchBackend:
        """Load the weights of a checkpoint."""
        return cls(JasmineModel.from_pretrained(checkpoint), device, precision)

    @torch.inference_mode()
    def __call__(self, image: NDArray[np.float32]) -> NetworkMaps:
        """Return the maps of one image [3,h,w] in [0,1]."""
        clock, model = StageClock(), self._model

        def timed(stage: str, run: Callable[[], Tensor]) -> Tensor:
            with clock.stage(stage):
                result = run()
                if self._device.type == "cuda":
                    torch.cuda.synchronize(self._device)
            return result

        batch = torch.from_numpy(image)[None].to(self._device, self._dtype)  # [1,3,h,w]
        latent = timed("encode", lambda: model.encode(batch))
        v = timed("denoise", lambda: model.denoise(latent, "depth", model.adapt(batch)))
        decoded = timed("decode", lambda: model.decode(v))
        maps = timed("refine", lambda: torch.cat(model.refine(latent, decoded)))  # [1+n,1,h,w]
        ssi, *depths = maps[:, 0].float().cpu().numpy()
        return NetworkMaps(ssi, np.stack(depths), clock.seconds)
