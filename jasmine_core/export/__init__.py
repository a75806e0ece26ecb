# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to graphs that run without torch: exact folding, ONNX, TensorRT."""
