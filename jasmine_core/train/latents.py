# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cache of frozen VAE latents."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class LatentCache:
    """Latents [4,h,w] by the key of their image, in main memory.

    Images are encoded one by one. The last digits of a latent depend on which other images are in
    its batch, and a run that is resumed with an empty cache would encode other batches.
    """

    def __init__(self) -> None:
        self._kept: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __call__(self, keys: Tensor, images: Tensor, encode: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the latents [B,4,h,w] of images [B,3,H,W]; a key below 0 is not cached."""
        latents = []
        for name, image in zip(keys.tolist(), images, strict=True):
            latent = self._kept.get(name)
            if latent is None:
                latent = encode(image[None])[0]
                if name >= 0:
                    self._kept[name] = latent.cpu()
            latents.append(latent.to(images.device))
        return torch.stack(latents)
