# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Capture of the RTPS packets that pass a network device other than loopback."""

from __future__ import annotations

import select
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from jasmine_ros.dds.uri import LOOPBACK, domain_ports

ETH_P_ALL = 0x0003
GROUP = "239.255.0.1"  # of the discovery (RTPS 9.6.1.4.1)


class Capture:
    """RTPS packets to one domain on all devices but loopback; needs the right to capture.

    Raises:
        PermissionError: the process may not capture packets.
    """

    def __init__(self, domain: int) -> None:
        self.packets: list[tuple[str, bytes]] = []  # device and IP packet
        self.devices = [
            name
            for _, name in socket.if_nameindex()
            if name != LOOPBACK and Path(f"/sys/class/net/{name}/operstate").read_text() != "down\n"
        ]
        self._ports = domain_ports(domain)
        self._sockets: dict[socket.socket, str] = {}
        for name in self.devices:
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
            tap.bind((name, ETH_P_ALL))
            self._sockets[tap] = name
        self._ended = Event()
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for tap in self._sockets:
            tap.close()

    def send_probe(self, seconds: float = 5.0) -> bool:
        """Return whether the capture sees a packet that Linux does not let out (TTL 0)."""
        before = len(self.packets)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
            for name in self.devices:
                index = socket.if_nametoindex(name)
                device = struct.pack("4s4si", bytes(4), bytes(4), index)  # ip_mreqn
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, device)
                with suppress(OSError):  # a device without an IPv4 address
                    sender.sendto(b"RTPS probe", (GROUP, self._ports[0]))
        end = time.monotonic() + seconds
        while len(self.packets) == before and time.monotonic() < end:
            time.sleep(0.05)
        return len(self.packets) > before

    def _read(self) -> None:
        while not self._ended.is_set():
            for tap in select.select(list(self._sockets), [], [], 0.1)[0]:
                packet = tap.recv(65536)
                if self._is_rtps(packet):
                    self.packets.append((self._sockets[tap], packet))

    def _is_rtps(self, packet: bytes) -> bool:
        """Return whether an IPv4 or IPv6 packet holds RTPS to a port of the domain."""
        version, start = packet[0] >> 4, 40
        if version == 4:
            start = 4 * (packet[0] & 0xF)
        if version not in (4, 6) or b"RTPS" not in packet[start:]:
            return False
        (port,) = struct.unpack("!H", packet[start + 2 : start + 4])
        return port in self._ports
