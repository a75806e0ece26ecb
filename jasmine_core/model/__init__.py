# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The network: VAE, one-step U-Net, Scale-Shift GRU, and the folders they are kept in."""
