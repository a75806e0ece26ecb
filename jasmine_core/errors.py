# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Errors a user can mend: each message names the value, the file or topic, and the remedy."""


class JasmineError(Exception):
    """A mistake outside the program; shown as one line, without a traceback."""


class CameraError(JasmineError):
    """A calibration that cannot describe its images."""


class CheckpointError(JasmineError):
    """A checkpoint folder that is missing, damaged or of another architecture."""


class BagError(JasmineError):
    """A bag that cannot be read or written, or that lacks what was asked of it."""


class ConfigError(JasmineError):
    """A configuration with an unknown key or an impossible value."""


class EngineError(JasmineError):
    """An engine that cannot be built, read or trusted on this machine."""


class ExportError(JasmineError):
    """A graph that cannot be exported, found or read."""


class FrameError(JasmineError):
    """One image that cannot be used; the run counts it and goes on."""
