# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a component lives: bags, live DDS topics, a ROS 2 installation."""
