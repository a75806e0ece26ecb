# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reconstruction loss: under its second task the U-Net rebuilds an image (mix-batch).

    L_s = mean_p pe(I_m, I_rec)        I_rec = (Dec(f_theta(s_y, 0, Enc(I_m))) + 1) / 2     (Eq. 5)

It is measured in image space: a latent pixel would teach 8x8 pixels at once and leave blocks.
"""

from __future__ import annotations

from torch import Tensor

from jasmine_core.loss.photometric import photometric_error


def reconstruction_loss(image: Tensor, rebuilt: Tensor) -> Tensor:
    """Return L_s of images [B,3,H,W] in [0,1]; `rebuilt` is not clamped."""
    return photometric_error(image, rebuilt).mean()
