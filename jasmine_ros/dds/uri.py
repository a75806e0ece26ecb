# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""How Cyclone DDS is told to stay on this machine, and how its sockets are held to it."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from xml.sax.saxutils import quoteattr

from jasmine_core.errors import ConfigError

LOOPBACK = "lo"
HIGHEST_DOMAIN = 101  # the ports of higher ones are Linux's to give away
RECEIVE_BUFFER = 4 << 20  # [bytes] so that the fragments of a 1080p image find room
LARGEST_MESSAGE = 256 << 20  # [bytes] of memory that one sender can make a receiver reserve
_RMEM_MAX = Path("/proc/sys/net/core/rmem_max")
_SOCKETS = Path("/proc/self/fd")


def receive_buffer(limit: Path = _RMEM_MAX) -> int:
    """Return how much receive buffer [bytes] to ask for; Cyclone does not start without it."""
    try:
        return min(RECEIVE_BUFFER, int(limit.read_text()))
    except (OSError, ValueError):
        return 0  # not Linux, or hidden: leave the size to the system


def buffer_advice(limit: Path = _RMEM_MAX) -> str | None:
    """Return what to tell the user if the receive buffer is small, None if it is not."""
    size = receive_buffer(limit)
    if size >= RECEIVE_BUFFER:
        return None
    return (
        f"the system allows receive buffers of {size} bytes only: images of 1920x1080 will be "
        f"lost; mend it with: sudo sysctl -w net.core.rmem_max={RECEIVE_BUFFER}"
    )


def domain_config(interface: str = LOOPBACK) -> str:
    """Return Cyclone's configuration for one network interface."""
    local = interface == LOOPBACK
    multicast = ' multicast="false"' if local else ""
    # Large fragments make images cheap where the MTU is 64 KiB; on Ethernet the loss of one
    # IP packet would cost all of a fragment.
    fragments = "<MaxMessageSize>65500B</MaxMessageSize><FragmentSize>65000B</FragmentSize>"
    discovery = "<ParticipantIndex>auto</ParticipantIndex>"
    peers = '<Peers><Peer Address="127.0.0.1"/></Peers>'
    size = receive_buffer()
    limits = f"<MaxSampleSize>{LARGEST_MESSAGE}B</MaxSampleSize>"
    if size:
        limits += f'<SocketReceiveBufferSize min="{size}B"/>'
    return (
        "<CycloneDDS><Domain><General><Interfaces>"
        f"<NetworkInterface name={quoteattr(interface)}{multicast}/></Interfaces>"
        f"{fragments if local else ''}</General>"
        f"<Discovery>{discovery}{peers if local else ''}</Discovery>"
        f"<Internal>{limits}</Internal></Domain></CycloneDDS>"
    )


def domain_id(given: int | None) -> int:
    """Return the given DDS domain, else that of ROS_DOMAIN_ID, else 0."""
    text = os.environ.get("ROS_DOMAIN_ID") or "0"
    try:
        return int(text) if given is None else given
    except ValueError:
        raise ConfigError(f"ROS_DOMAIN_ID is {text!r}; it must be a number") from None


def require_cyclonedds() -> None:
    """Raise ConfigError with the remedy where Cyclone DDS is not installed."""
    try:
        import cyclonedds.domain  # noqa: F401
    except ImportError as err:
        raise ConfigError(
            f"live topics need Cyclone DDS ({err}): pip install 'jasmine_ros[live]' (Linux x86-64, "
            "Python 3.10 to 3.13); on a robot run the depth node of the ROS 2 package instead"
        ) from err


def check_domain(domain: int) -> int:
    """Return a usable domain id; raise ConfigError for another."""
    if not 0 <= domain <= HIGHEST_DOMAIN:
        raise ConfigError(f"the DDS domain is {domain}; choose one of 0..{HIGHEST_DOMAIN}")
    return domain


def domain_ports(domain: int) -> range:
    """Return the UDP ports of a domain (RTPS 9.6.1)."""
    return range(7400 + 250 * domain, 7650 + 250 * domain)


def fence(domain: int, device: str = LOOPBACK) -> int:
    """Hold this process's sockets of a domain to a device; return how many needed it.

    Cyclone receives on 0.0.0.0 whatever its interface, so a message from the network that names a
    known writer would be taken. A socket bound to the loopback device hears nothing from outside.
    """
    fenced = 0
    for entry in _SOCKETS.iterdir():
        try:
            if not str(entry.readlink()).startswith("socket:"):
                continue
            handle = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:  # closed meanwhile
            continue
        with handle:
            if handle.family != socket.AF_INET or handle.type != socket.SOCK_DGRAM:
                continue
            address, port = handle.getsockname()
            if address == "0.0.0.0" and port in domain_ports(domain):
                _bind_to_device(handle, device)
                fenced += 1
    return fenced


def _bind_to_device(handle: socket.socket, device: str) -> None:
    try:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
    except OSError as err:
        raise ConfigError(
            f"DDS cannot be held to {device} ({err.strerror}), so it does not start; Linux 5.7 or "
            "newer allows it. To accept the network, name its interface with --interface"
        ) from err
