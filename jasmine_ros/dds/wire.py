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
import os
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from cyclonedds import core, pub, sub
from cyclonedds import domain as dds_domain
from cyclonedds._clayer import ddspy_take  # type: ignore[import-not-found]
from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication
from cyclonedds.internal import DDS, dds_c_t
from cyclonedds.qos import Policy, Qos
from cyclonedds.topic import Sample, Topic
from cyclonedds.util import duration
from numpy.typing import NDArray

from jasmine_core.errors import ConfigError
from jasmine_ros.dds.types import DdsTypes, ros_type_name
from jasmine_ros.dds.uri import LOOPBACK, bind_sockets, check_domain, domain_config

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

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


class Writer:
    """Writer of serialized messages on one topic."""

    def __init__(self, entity: Any) -> None:
        self._entity = entity

    @property
    def gid(self) -> bytes:
        """Return the 16-byte id of this endpoint, unique in the domain."""
        return bytes(self._entity.guid.bytes)

    @property
    def matched(self) -> int:
        """Return the number of readers that it is matched with."""
        return len(self._entity.get_matched_subscriptions())

    def write(self, payload: Payload) -> bool:
        """Send CDR with its header; return False if slow readers blocked it for WRITE_TIMEOUT.

        Raises:
            ValueError: the bytes cannot be deserialized as the type of the topic.
        """
        data = np.frombuffer(payload, np.uint8)
        if odd := -data.size % 4:  # the length of an RTPS payload is a multiple of four
            data = np.pad(data, (0, odd))
        sample = Sample(data.ctypes.data, data.nbytes)
        status = _write(self._entity._ref, ctypes.byref(sample))
        if status == core.DDSException.DDS_RETCODE_TIMEOUT:
            return False
        if status == core.DDSException.DDS_RETCODE_BAD_PARAMETER:
            raise ValueError(f"{data.nbytes} bytes are not a {self._entity.topic.typename}")
        if status < 0:
            raise core.DDSException(status, f"when writing {self._entity.topic.name}")
        return True


class Reader:
    """Reader of serialized messages on one topic; Cyclone drops what is not of its type."""

    def __init__(self, entity: Any) -> None:
        self._entity = entity
        self.condition = core.ReadCondition(entity, _UNREAD)

    @property
    def gid(self) -> bytes:
        """Return the 16-byte id of this endpoint, unique in the domain."""
        return bytes(self._entity.guid.bytes)

    @property
    def matched(self) -> int:
        """Return the number of writers that it is matched with."""
        return len(self._entity.get_matched_publications())

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
        count = _takecdr(self._entity._ref, found, 1, info, _ANY)
        if count < 0:
            raise core.DDSException(count, f"when reading {self._entity.topic.name}")
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
        found = ddspy_take(self._entity._ref, _ANY, 1)
        if isinstance(found, int):
            raise core.DDSException(found, f"when reading {self._entity.topic.name}")
        if not found:
            return None
        data, info = found[0]
        return info.valid_data, memoryview(data)


class Participant:
    """Participant in one DDS domain; use it as a context manager.

    It uses the loopback interface only, unless another one is named or CYCLONEDDS_URI is set.
    """

    def __init__(self, typestore: Typestore, domain: int = 0, interface: str = LOOPBACK) -> None:
        self.typestore, self.domain = typestore, check_domain(domain)
        self._types = DdsTypes(typestore)
        config = os.environ.get("CYCLONEDDS_URI") or domain_config(interface)
        try:
            self._domain = dds_domain.Domain(domain, config)
            try:
                if config == domain_config(LOOPBACK):
                    bind_sockets(domain)
                user_data = Policy.Userdata(b"enclave=/;")
                self._entity = dds_domain.DomainParticipant(domain, Qos(user_data))
                self._waitset = core.WaitSet(self._entity)
            except BaseException:
                _delete(self._domain._ref)
                raise
        except core.DDSException as err:
            raise ConfigError(
                f"DDS domain {domain} cannot be joined on {interface}: {err}; check the name "
                "of the interface, or CYCLONEDDS_URI"
            ) from err

    def __enter__(self) -> Participant:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def gid(self) -> bytes:
        """Return the 16-byte id of this participant, unique in the domain."""
        return bytes(self._entity.guid.bytes)

    def writer(
        self,
        topic: str,
        type_name: str,
        user_data: bytes = b"",
        *,
        depth: int = 1,
        transient: bool = False,
    ) -> Writer:
        """Make a reliable writer, which matches any reader.

        Args:
            topic: DDS name of the topic, such as rt/image.
            type_name: ROS type.
            user_data: USER_DATA of the endpoint.
            depth: samples that are kept. With 1, a slow reader misses samples; with more, `write`
                waits for it, at most WRITE_TIMEOUT.
            transient: whether readers that join later get the kept samples (transient local).
        """
        qos = _qos(user_data, depth, True, transient)
        return Writer(pub.DataWriter(self._entity, self._topic(topic, type_name), qos))

    def reader(
        self,
        topic: str,
        type_name: str,
        user_data: bytes = b"",
        *,
        depth: int = 1,
        reliable: bool = False,
        transient: bool = False,
    ) -> Reader:
        """Make a reader; by default it matches any writer and keeps the newest sample only."""
        qos = _qos(user_data, depth, reliable, transient)
        reader = Reader(sub.DataReader(self._entity, self._topic(topic, type_name), qos))
        self._waitset.attach(reader.condition)
        return reader

    def remove(self, reader: Reader) -> None:
        """Delete a reader."""
        self._waitset.detach(reader.condition)
        _delete(reader._entity._ref)

    def remove_writer(self, writer: Writer) -> None:
        """Delete a writer; its readers are informed."""
        _delete(writer._entity._ref)

    def publications(self, topic: str) -> list[tuple[str, str]]:
        """Return (ROS type, description of its QoS) of every writer of a topic in the domain."""
        found = BuiltinDataReader(self._entity, BuiltinTopicDcpsPublication)
        try:
            samples = [s for s in found.read(1000) if s.topic_name == topic]
        finally:
            _delete(found._ref)
        return [(ros_type_name(s.type_name), _qos_text(s.qos)) for s in samples]

    def wait(self, seconds: float) -> None:
        """Wait until something can be read, at most some seconds."""
        self._waitset.wait(max(0, round(seconds * 1e9)))

    def close(self) -> None:
        """Leave the domain: peers are informed, and all sockets and threads end."""
        _delete(self._domain._ref)

    def _topic(self, name: str, type_name: str) -> Any:
        return Topic(self._entity, name, self._types[type_name])


def _qos_text(qos: Qos) -> str:
    reliable = qos[Policy.Reliability] != Policy.Reliability.BestEffort
    kept = qos[Policy.Durability] != Policy.Durability.Volatile
    return (
        f"{'reliable' if reliable else 'best effort'}, {'transient local' if kept else 'volatile'}"
    )


def _qos(user_data: bytes, depth: int, reliable: bool, transient: bool) -> Qos:
    return Qos(
        Policy.Reliability.Reliable(duration(seconds=WRITE_TIMEOUT))
        if reliable
        else Policy.Reliability.BestEffort,
        Policy.Durability.TransientLocal if transient else Policy.Durability.Volatile,
        Policy.History.KeepLast(depth),
        Policy.Userdata(user_data),
        # A reader would accept XCDR2 too, which rosbags cannot deserialize.
        Policy.DataRepresentation(use_cdrv0_representation=True, use_xcdrv2_representation=False),
    )
