# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Errors that users can correct; messages name the value, the file or topic, and the remedy."""

LONGEST = 1000  # characters of an error about an image


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
    """An image cannot be used; the run counts it and continues.

    The text is kept in counters, diagnostics and reports. It may name a value of an
    untrusted file, such as an encoding of a megabyte, so that its middle is left out if it is long.
    """

    def __init__(self, text: str) -> None:
        half = LONGEST // 2
        super().__init__(text if len(text) <= LONGEST else f"{text[:half]} [...] {text[-half:]}")


class LockedError(JasmineError):
    """Another process writes the same output folder."""


class LostProcessError(JasmineError):
    """Another process of a distributed training has ended."""
