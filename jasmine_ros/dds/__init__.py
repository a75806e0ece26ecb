# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS 2 topics over Cyclone DDS, without a ROS 2 installation."""
