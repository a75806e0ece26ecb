# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Configuration of Cyclone DDS, and the limits of the system."""

from __future__ import annotations

import socket
from xml.etree import ElementTree

import pytest

from jasmine_core.errors import ConfigError
from jasmine_ros.dds.uri import (
    RECEIVE_BUFFER,
    bind_sockets,
    buffer_advice,
    check_domain,
    chosen_config,
    domain_config,
    domain_id,
    domain_ports,
    receive_buffer,
)


def test_the_loopback_interface_is_the_default():
    config = ElementTree.fromstring(domain_config())
    (interface,) = config.iter("NetworkInterface")
    assert interface.attrib == {"name": "lo", "multicast": "false"}
    assert [peer.attrib for peer in config.iter("Peer")] == [{"Address": "127.0.0.1"}]


def test_an_interface_beside_a_configuration_of_the_user_is_warned_of(monkeypatch, caplog):
    monkeypatch.setenv("CYCLONEDDS_URI", "file:///cyclone.xml")
    assert chosen_config(None) == "file:///cyclone.xml" and not caplog.text
    assert chosen_config("lo") == "file:///cyclone.xml"
    assert "--interface lo has no effect, because CYCLONEDDS_URI is set" in caplog.text
    caplog.clear()
    monkeypatch.setenv("CYCLONEDDS_URI", domain_config("eth0"))
    assert chosen_config("eth0") == domain_config("eth0")
    monkeypatch.setenv("CYCLONEDDS_URI", "")
    assert chosen_config("eth0") == domain_config("eth0") and chosen_config(None) == domain_config()
    assert not caplog.text


def test_large_fragments_are_used_on_loopback_only():
    assert list(ElementTree.fromstring(domain_config()).iter("FragmentSize"))
    ethernet = ElementTree.fromstring(domain_config("eth0"))
    assert [i.attrib["name"] for i in ethernet.iter("NetworkInterface")] == ["eth0"]
    assert not list(ethernet.iter("FragmentSize")) and not list(ethernet.iter("Peer"))


@pytest.mark.parametrize(
    ("allowed", "size", "advised"),
    [("212992\n", 212992, True), ("67108864\n", RECEIVE_BUFFER, False)],
)
def test_the_requested_buffer_is_limited_by_the_system(tmp_path, allowed, size, advised):
    limit = tmp_path / "rmem_max"
    limit.write_text(allowed)
    assert receive_buffer(limit) == size
    assert (buffer_advice(limit) is not None) is advised


def test_no_buffer_is_requested_if_the_limit_is_unknown(tmp_path):
    assert receive_buffer(tmp_path / "none") == 0


@pytest.mark.parametrize("domain", [-1, 102])
def test_domains_without_ports_of_their_own_are_refused(domain):
    with pytest.raises(ConfigError, match=r"0\.\.101"):
        check_domain(domain)


def test_sockets_of_the_domain_and_no_others_are_bound_to_loopback():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inside,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside,
    ):
        inside.bind(("0.0.0.0", 0))
        outside.bind(("127.0.0.1", 0))
        port = inside.getsockname()[1]
        domain = next(d for d in range(-30, 240) if port in domain_ports(d))
        assert bind_sockets(domain) == 1
        device = socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16
        assert inside.getsockopt(*device) == b"lo\0" and outside.getsockopt(*device) == b""


def test_the_domain_is_that_of_ros_domain_id(monkeypatch):
    assert domain_id(None) == 0
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    assert domain_id(None) == 7 and domain_id(3) == 3
    monkeypatch.setenv("ROS_DOMAIN_ID", "seven")
    with pytest.raises(ConfigError, match="'seven'"):
        domain_id(None)
