# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training losses: one file per term of the paper, and their weighted sum.

Every term is the mean over the images of a batch of a number that each image has by itself, so
that a batch may be split over processes, or over steps of accumulation, without a change. Inputs
are float32 or wider; `objective` widens what a network computed in less.
"""
