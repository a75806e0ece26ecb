# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Geometry of cameras, points, rigid transforms and the ground plane."""
