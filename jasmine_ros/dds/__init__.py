# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Real ROS 2 topics over Cyclone DDS, where no ROS 2 is installed."""
