# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Timeouts for other processes, and RTPS packets, for tests of live topics."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from subprocess import Popen
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jasmine_ros.dds.participant import Participant
    from jasmine_ros.dds.wire import Reader

TIMEOUT = 90.0  # [s] for another process, which may import torch on a busy machine
ENDING = 2.0  # [s] from Ctrl-C to the end of a node


def until(condition: Callable[[], object], what: str, seconds: float = TIMEOUT) -> None:
    """Wait until a condition holds; fail after some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"no {what} within {seconds} s"
        time.sleep(0.01)


def until_line(process: Popen[str], text: str) -> None:
    """Read the errors of a process until a line has a text; fail if it ends without one."""
    lines = []
    for line in process.stderr or ():
        if text in line:
            return
        lines.append(line)
    raise AssertionError(f"no line with {text!r} in {''.join(lines)}")


def ending() -> float:
    """Return how long a node may take to end [s]: longer if more processes than cores run."""
    return ENDING * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def receive(
    participant: Participant, reader: Reader, count: int, seconds: float = TIMEOUT
) -> list[memoryview]:
    """Return the next payloads, or fewer after some seconds."""
    payloads: list[memoryview] = []
    end = time.monotonic() + seconds
    while len(payloads) < count and time.monotonic() < end:
        participant.wait(0.1)
        while len(payloads) < count and (payload := reader.take()) is not None:
            payloads.append(payload)
    return payloads


def data_packet(writer: bytes, sequence: int, payload: bytes) -> bytes:
    """Return an RTPS message with one DATA submessage in the name of a writer (RTPS 9.4.5)."""
    header = b"RTPS\x02\x01\x01\x10" + writer[:12]
    to_anyone = b"\0\0\0\0"
    body = struct.pack("<HH", 0, 16) + to_anyone + writer[12:] + struct.pack("<iI", 0, sequence)
    body += payload
    little_endian, with_data = 0x01, 0x04
    return header + struct.pack("<BBH", 0x15, little_endian | with_data, len(body)) + body


def send(packet: bytes, ports: range) -> None:
    """Send a packet to every port of a domain."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for port in ports:
            sender.sendto(packet, ("127.0.0.1", port))
