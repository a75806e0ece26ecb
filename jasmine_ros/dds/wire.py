# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Exchange of serialized messages (CDR) with Cyclone DDS, without holding the GIL while waiting.

The Python functions of Cyclone hold the GIL while a slow reader blocks a writer, and its serializer
needs 50 ms and more for an image. Messages are therefore serialized by rosbags and passed through
ctypes, which releases the GIL. The `ddsi_` functions are not a stable interface: the version of
Cyclone is pinned, and if a function is missing, the slower public one is used.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from cyclonedds import core
from cyclonedds._clayer import ddspy_take  # type: ignore[import-not-found]
from cyclonedds.internal import DDS, dds_c_t
from cyclonedds.topic import Sample
from numpy.typing import NDArray

Payload = bytes | bytearray | memoryview | NDArray[np.uint8]
WRITE_TIMEOUT = 0.1  # [s] that a write waits for a slow reliable reader
_ANY = core.SampleState.Any | core.ViewState.Any | core.InstanceState.Any
_UNREAD = core.SampleState.NotRead | core.ViewState.Any | core.InstanceState.Any


def _bound(name: str, result: Any, *arguments: Any) -> Any:
    """Return a function of the C library of Cyclone with its signature, None if it is missing."""
    function = getattr(DDS._dll_handle, name, None)
    if function is not None:
        function.restype, function.argtypes = result, arguments
    return function


_write = _bound("dds_write", ctypes.c_int32, ctypes.c_int32, ctypes.POINTER(Sample))
_delete = _bound("dds_delete", ctypes.c_int32, ctypes.c_int32)
_takecdr = _bound(
    "dds_takecdr",
    ctypes.c_int32,
    ctypes.c_int32,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_uint32,
    ctypes.POINTER(dds_c_t.sample_info),
    ctypes.c_uint32,
)
_size = _bound("ddsi_serdata_size", ctypes.c_uint32, ctypes.c_void_p)
_to_ser = _bound(
    "ddsi_serdata_to_ser",
    None,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_size_t,
    ctypes.c_void_p,
)
_unref = _bound("ddsi_serdata_unref", None, ctypes.c_void_p)
ONE_COPY = None not in (_takecdr, _size, _to_ser, _unref)


def delete(entity: Any) -> None:
    """Delete an entity of Cyclone and its children, without the GIL."""
    _delete(entity._ref)


class Writer:
    """Writer of serialized messages on one topic."""

    def __init__(self, entity: Any) -> None:
        self.entity = entity

    @property
    def gid(self) -> bytes:
        """Return the 16-byte id of this endpoint, unique in the domain."""
        return bytes(self.entity.guid.bytes)

    @property
    def matched(self) -> int:
        """Return the number of readers that it is matched with."""
        return len(self.entity.get_matched_subscriptions())

    def write(self, payload: Payload) -> bool:
        """Send CDR with its header; return False if slow readers blocked it for WRITE_TIMEOUT.

        Raises:
            ValueError: the bytes cannot be deserialized as the type of the topic.
        """
        data = np.frombuffer(payload, np.uint8)
        if odd := -data.size % 4:  # the length of an RTPS payload is a multiple of four
            data = np.pad(data, (0, odd))
        sample = Sample(data.ctypes.data, data.nbytes)
        status = _write(self.entity._ref, ctypes.byref(sample))
        if status == core.DDSException.DDS_RETCODE_TIMEOUT:
            return False
        if status == core.DDSException.DDS_RETCODE_BAD_PARAMETER:
            raise ValueError(f"{data.nbytes} bytes are not a {self.entity.topic.typename}")
        if status < 0:
            raise core.DDSException(status, f"when writing {self.entity.topic.name}")
        return True


class Reader:
    """Reader of serialized messages on one topic; Cyclone drops what is not of its type."""

    def __init__(self, entity: Any) -> None:
        self.entity = entity
        self.condition = core.ReadCondition(entity, _UNREAD)

    @property
    def gid(self) -> bytes:
        """Return the 16-byte id of this endpoint, unique in the domain."""
        return bytes(self.entity.guid.bytes)

    @property
    def matched(self) -> int:
        """Return the number of writers that it is matched with."""
        return len(self.entity.get_matched_publications())

    def take(self) -> memoryview | None:
        """Return the next payload, None if there is none."""
        while (taken := self._take() if ONE_COPY else self._take_slowly()) is not None:
            valid, payload = taken
            if valid:  # a sample without data reports that a writer has ended
                return payload
        return None

    def _take(self) -> tuple[bool, memoryview] | None:
        """Take a sample with one copy and without the GIL."""
        found, info = (ctypes.c_void_p * 1)(), (dds_c_t.sample_info * 1)()
        count = _takecdr(self.entity._ref, found, 1, info, _ANY)
        if count < 0:
            raise core.DDSException(count, f"when reading {self.entity.topic.name}")
        if count == 0:
            return None
        try:
            data = np.empty(_size(found[0]) if info[0].valid_data else 0, np.uint8)
            if data.size:
                _to_ser(found[0], 0, data.nbytes, data.ctypes.data)
        finally:
            _unref(found[0])
        return bool(info[0].valid_data), data.data

    def _take_slowly(self) -> tuple[bool, memoryview] | None:
        found = ddspy_take(self.entity._ref, _ANY, 1)
        if isinstance(found, int):
            raise core.DDSException(found, f"when reading {self.entity.topic.name}")
        if not found:
            return None
        data, info = found[0]
        return info.valid_data, memoryview(data)
