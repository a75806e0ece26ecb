# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS messages to arrays and back: images, point clouds, transforms and calibration."""
