# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Configuration of Cyclone DDS, and restriction of its sockets to the loopback interface."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path
from xml.sax.saxutils import quoteattr

from jasmine_core.errors import ConfigError

LOOPBACK = "lo"
HIGHEST_DOMAIN = 101  # the ports of higher domains are ephemeral ports of Linux
RECEIVE_BUFFER = 4 << 20  # [bytes] that hold the fragments of a 1080p image
LARGEST_MESSAGE = 256 << 20  # [bytes] that a receiver allocates at most for one message
# Cyclone DDS rejects the type objects of Fast DDS 3 (Kilted) and would match none of its topics.
# Without them types are compared by name. 1.15 is the vendor id of Fast DDS.
FAST_DDS_TYPES = "<IgnoreTypeInformation>1.15</IgnoreTypeInformation>"
_RMEM_MAX = Path("/proc/sys/net/core/rmem_max")
_SOCKETS = Path("/proc/self/fd")
_log = logging.getLogger(__name__)


def receive_buffer(limit: Path = _RMEM_MAX) -> int:
    """Return the receive buffer [bytes] to request, at most what the system allows.

    Cyclone does not start if it does not get the buffer that it requests. Zero is no request.
    """
    try:
        return min(RECEIVE_BUFFER, int(limit.read_text()))
    except (OSError, ValueError):
        return 0  # the limit cannot be read, for example on another system than Linux


def buffer_advice(limit: Path = _RMEM_MAX) -> str | None:
    """Return advice for the user if the receive buffer is too small, else None."""
    size = receive_buffer(limit)
    if size >= RECEIVE_BUFFER:
        return None
    return (
        f"the system limits receive buffers to {size} bytes, and images of 1920x1080 px will be "
        f"lost; raise the limit with: sudo sysctl -w net.core.rmem_max={RECEIVE_BUFFER}"
    )


def domain_config(interface: str = LOOPBACK) -> str:
    """Return the XML configuration of Cyclone for one network interface."""
    local = interface == LOOPBACK
    multicast = ' multicast="false"' if local else ""
    # Large fragments save work on the loopback interface, whose MTU is 64 KiB. On Ethernet, the
    # loss of one IP packet would lose a whole fragment.
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
        f"<Compatibility>{FAST_DDS_TYPES}</Compatibility>"
        f"<Internal>{limits}</Internal></Domain></CycloneDDS>"
    )


def chosen_config(interface: str | None) -> str:
    """Return the configuration in CYCLONEDDS_URI, else that of an interface, by default loopback.

    Warns about an interface that is named, but has no effect.
    """
    own, given = domain_config(interface or LOOPBACK), os.environ.get("CYCLONEDDS_URI")
    if given and interface and given != own:
        _log.warning(
            "--interface %s has no effect, because CYCLONEDDS_URI is set and chooses the network; "
            "unset CYCLONEDDS_URI to use the option",
            interface,
        )
    return given or own


def domain_id(given: int | None) -> int:
    """Return the given DDS domain, else that of ROS_DOMAIN_ID, else 0."""
    text = os.environ.get("ROS_DOMAIN_ID") or "0"
    try:
        return int(text) if given is None else given
    except ValueError:
        raise ConfigError(f"ROS_DOMAIN_ID is {text!r}; it must be a whole number") from None


def require_cyclonedds() -> None:
    """Raise ConfigError with the remedy if Cyclone DDS is not installed."""
    try:
        import cyclonedds.domain  # noqa: F401
    except ImportError as err:
        raise ConfigError(
            f"live topics need Cyclone DDS ({err}): pip install 'jasmine_ros[live]' (Linux x86-64, "
            "Python 3.10 to 3.13); on a robot run the depth node of the ROS 2 package instead"
        ) from err


def check_domain(domain: int) -> int:
    """Return the DDS domain; raise ConfigError if it has no ports of its own."""
    if not 0 <= domain <= HIGHEST_DOMAIN:
        raise ConfigError(f"the DDS domain is {domain}; it must be 0..{HIGHEST_DOMAIN}")
    return domain


def domain_ports(domain: int) -> range:
    """Return the UDP ports of a domain (RTPS 9.6.1)."""
    return range(7400 + 250 * domain, 7650 + 250 * domain)


def bind_sockets(domain: int, device: str = LOOPBACK) -> int:
    """Bind the sockets of this process in a domain to a network device; return their number.

    Cyclone receives on 0.0.0.0 with any interface, so that it would accept a message from the
    network which names a known writer. A socket that is bound to the loopback device receives
    nothing from outside this machine.

    Raises:
        ConfigError: the system does not allow it.
    """
    bound = 0
    for entry in _SOCKETS.iterdir():
        try:
            if not str(entry.readlink()).startswith("socket:"):
                continue
            handle = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:  # closed since the listing
            continue
        with handle:
            if handle.family != socket.AF_INET or handle.type != socket.SOCK_DGRAM:
                continue
            address, port = handle.getsockname()
            if address == "0.0.0.0" and port in domain_ports(domain):
                _bind_to_device(handle, device)
                bound += 1
    return bound


def _bind_to_device(handle: socket.socket, device: str) -> None:
    try:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
    except OSError as err:
        raise ConfigError(
            f"the sockets of DDS cannot be bound to {device} ({err.strerror}), so DDS does not "
            "start; use Linux 5.7 or newer, or name a network interface with --interface to "
            "receive from the network"
        ) from err
