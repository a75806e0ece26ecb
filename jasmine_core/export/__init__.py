# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Export of checkpoints to ONNX: exact constant folding and precision."""
