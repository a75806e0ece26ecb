# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""From the frames of a recording to a training sequence: keyframes, motion, odometry and health."""
