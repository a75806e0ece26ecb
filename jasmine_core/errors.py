# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Errors that users can correct; messages name the value, the file or topic, and the remedy."""


class JasmineError(Exception):
    """Base class of errors outside the program, shown as one line without a traceback."""


class CameraError(JasmineError):
    """A calibration is invalid or does not belong to the images."""


class CheckpointError(JasmineError):
    """A checkpoint is missing, damaged or of another architecture."""


class BagError(JasmineError):
    """A bag cannot be read or written, or has no data of the requested kind."""


class ConfigError(JasmineError):
    """A configuration has an unknown key or an invalid value."""


class EngineError(JasmineError):
    """An engine cannot be built, read or validated on this machine."""


class ExportError(JasmineError):
    """An ONNX export cannot be made, found or read."""


class FrameError(JasmineError):
    """An image cannot be used; the run counts it and continues."""


class LostProcessError(JasmineError):
    """Another process of a distributed training has ended."""
