# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fuzz of the commands that read bags: generated bags, damaged at random, with a seed."""
