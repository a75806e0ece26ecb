# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Participant in a DDS domain, with the readers and writers of ROS topics."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from cyclonedds import core, pub, sub
from cyclonedds import domain as dds_domain
from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication
from cyclonedds.qos import Policy, Qos
from cyclonedds.topic import Topic
from cyclonedds.util import duration

from jasmine_core.errors import ConfigError
from jasmine_ros.dds.types import DdsTypes, ros_type_name
from jasmine_ros.dds.uri import LOOPBACK, bind_sockets, check_domain, chosen_config, domain_config
from jasmine_ros.dds.wire import WRITE_TIMEOUT, Reader, Writer, delete

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore


class Participant:
    """Participant in one DDS domain; use it as a context manager.

    It uses the loopback interface only, unless another one is named or CYCLONEDDS_URI is set.
    """

    def __init__(self, typestore: Typestore, domain: int = 0, interface: str | None = None) -> None:
        self.typestore, self.domain = typestore, check_domain(domain)
        self._types = DdsTypes(typestore)
        config = chosen_config(interface)
        network = interface or LOOPBACK
        try:
            self._domain = dds_domain.Domain(domain, config)
            try:
                if config == domain_config(LOOPBACK):
                    bind_sockets(domain)
                user_data = Policy.Userdata(b"enclave=/;")
                self.entity = dds_domain.DomainParticipant(domain, Qos(user_data))
                self._waitset = core.WaitSet(self.entity)
            except BaseException:
                delete(self._domain)
                raise
        except core.DDSException as err:
            raise ConfigError(
                f"DDS domain {domain} cannot be joined on {network}: {err}; check the name "
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
        return bytes(self.entity.guid.bytes)

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
        return Writer(pub.DataWriter(self.entity, self._topic(topic, type_name), qos))

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
        reader = Reader(sub.DataReader(self.entity, self._topic(topic, type_name), qos))
        self._waitset.attach(reader.condition)
        return reader

    def remove(self, reader: Reader) -> None:
        """Delete a reader."""
        self._waitset.detach(reader.condition)
        delete(reader.entity)

    def remove_writer(self, writer: Writer) -> None:
        """Delete a writer; its readers are informed."""
        delete(writer.entity)

    def publications(self, topic: str) -> list[tuple[str, str]]:
        """Return (ROS type, description of its QoS) of every writer of a topic in the domain."""
        found = BuiltinDataReader(self.entity, BuiltinTopicDcpsPublication)
        try:
            samples = [s for s in found.read(1000) if s.topic_name == topic]
        finally:
            delete(found)
        return [(ros_type_name(s.type_name), _qos_text(s.qos)) for s in samples]

    def wait(self, seconds: float) -> None:
        """Wait until something can be read, at most some seconds."""
        self._waitset.wait(max(0, round(seconds * 1e9)))

    def close(self) -> None:
        """Leave the domain: peers are informed, and all sockets and threads end."""
        delete(self._domain)

    def _topic(self, name: str, type_name: str) -> Any:
        return Topic(self.entity, name, self._types[type_name])


def _qos_text(qos: Qos) -> str:
    reliable = qos[Policy.Reliability] != Policy.Reliability.BestEffort
    kept = qos[Policy.Durability] != Policy.Durability.Volatile
    return (
        f"{'reliable' if reliable else 'best effort'}, {'transient local' if kept else 'volatile'}"
    )


_UNLIMITED = -1  # samples


def _qos(user_data: bytes, depth: int, reliable: bool, transient: bool) -> Qos:
    return Qos(
        Policy.Reliability.Reliable(duration(seconds=WRITE_TIMEOUT))
        if reliable
        else Policy.Reliability.BestEffort,
        Policy.Durability.TransientLocal if transient else Policy.Durability.Volatile,
        Policy.History.KeepLast(depth),
        # The samples that late readers get have a depth of their own, which is 1 by default.
        Policy.DurabilityService(0, Policy.History.KeepLast(depth), *[_UNLIMITED] * 3),
        Policy.Userdata(user_data),
        # A reader would accept XCDR2 too, which rosbags cannot deserialize.
        Policy.DataRepresentation(use_cdrv0_representation=True, use_xcdrv2_representation=False),
    )
