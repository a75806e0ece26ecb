# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands that need no ROS: a request and a function for each, imported by `jasmine_ros.cli`.

The function imports what it needs when it is called, so that `--help` answers without torch.
"""
