# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks (VAE, one-step U-Net, Scale-Shift GRU, pose net) and their checkpoint folders."""
