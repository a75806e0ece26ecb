# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth evaluation: metrics, protocols and reports."""

from jasmine_core.evaluate.protocols import evaluate_depth

__all__ = ["evaluate_depth"]
