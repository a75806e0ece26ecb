# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion between ROS messages and arrays: images, clouds, transforms, calibrations."""
