# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Hosts of the depth component: bags, DDS topics without ROS 2, and ROS 2."""
