"""Which network may be opened: one address, or what the admins listed. Never everybody."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands import UsageError, read_network
from core.networks import cidr, is_everybody, is_one_address

OFFICE = ("198.51.100.0/24", "10.20.0.0/16", "2001:db8:1::/48")


@pytest.mark.parametrize(
    ("text", "cidr"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 203.0.113.7/32 ", "203.0.113.7/32"),
        ("“203.0.113.7”".strip("“”"), "203.0.113.7/32"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("2001:db8::1/128", "2001:db8::1/128"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("198.51.100.0/24", "198.51.100.0/24"),
        ("198.51.100.64/26", "198.51.100.64/26"),
        ("198.51.100.70/26", "198.51.100.64/26"),
        ("198.51.100.9", "198.51.100.9/32"),
        ("10.20.3.4", "10.20.3.4/32"),  # a private network that the admins have listed
        ("2001:db8:1:2::/64", "2001:db8:1:2::/64"),
    ],
)
def test_one_address_or_a_listed_network_may_be_opened(text: str, cidr: str) -> None:
    assert read_network(text, OFFICE) == cidr


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("0.0.0.0/0", "everybody"),
        ("::/0", "everybody"),
        ("128.0.0.0/1", "everybody"),
        ("203.0.113.7/0", "everybody"),
        ("8.0.0.0/7", "everybody"),
        ("203.0.113.0/24", "256 addresses"),
        ("198.51.0.0/16", "addresses"),
        ("2001:db8::/32", "addresses"),
        ("203.0.113.6/31", "2 addresses"),
        ("192.168.1.10", "inside"),
        ("10.0.0.1", "inside"),
        ("172.16.0.1/32", "inside"),
        ("100.64.0.1", "inside"),
        ("127.0.0.1", "inside"),
        ("169.254.169.254", "inside"),
        ("0.0.0.0", "inside"),
        ("224.0.0.1", "inside"),
        ("255.255.255.255", "inside"),
        ("::1", "inside"),
        ("::", "inside"),
        ("fe80::1", "inside"),
        ("fd00::1", "inside"),
        ("::ffff:192.168.1.1", "inside"),
        ("", "not an IP address"),
        ("home", "not an IP address"),
        ("203.0.113", "not an IP address"),
        ("203.0.113.256", "not an IP address"),
        ("203.0.113.07", "not an IP address"),
        ("203.0.113.7/33", "not an IP address"),
        ("203.0.113.7/255.255.255.0", "not an IP address"),
        ("٢٠٣.0.113.7", "not an IP address"),
        ("fe80::1%eth0", "not an IP address"),
        ("203.0.113.7;id", "not an IP address"),
    ],
)
def test_everything_else_is_refused_with_the_reason(text: str, word: str) -> None:
    refused = read_network(text, OFFICE)
    assert isinstance(refused, UsageError)
    assert word in refused.what
    assert refused.topic == "allow"


def test_an_address_with_too_wide_a_mask_is_answered_with_the_address() -> None:
    refused = read_network("203.0.113.7/24", ())
    assert isinstance(refused, UsageError)
    assert refused.nearest == "/gpu allow 203.0.113.7"


@pytest.mark.parametrize("world", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "not a network", ""])
def test_an_admins_list_that_holds_the_world_opens_nothing_wide(world: str) -> None:
    assert isinstance(read_network("0.0.0.0/0", (world,)), UsageError)
    assert isinstance(read_network("::/0", (world,)), UsageError)
    assert isinstance(read_network("0.0.0.0/1", (world,)), UsageError)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (" <203.0.113.7> ", "203.0.113.7/32"),
        ("198.51.100.9/24", "198.51.100.0/24"),
        ("::ffff:198.51.100.0/120", "198.51.100.0/24"),
        ("10.0.0.1", "10.0.0.1/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("office", None),
    ],
)
def test_what_a_word_means_is_read_whether_it_may_be_opened_or_not(
    text: str, meant: str | None
) -> None:
    assert cidr(text) == meant


@pytest.mark.parametrize(
    ("network", "everybody"),
    [
        ("0.0.0.0/0", True),
        ("128.0.0.0/1", True),
        ("8.0.0.0/7", True),
        ("10.0.0.0/8", False),
        ("198.51.100.7/32", False),
        ("::/0", True),
        ("2000::/3", True),
        ("2001::/15", True),
        ("2001::/16", False),
        ("::ffff:0.0.0.0/96", True),
        ("::ffff:8.0.0.0/103", True),
        ("::ffff:10.0.0.0/104", False),
    ],
)
def test_what_is_as_wide_as_everybody_is_one_thing(network: str, *, everybody: bool) -> None:
    assert is_everybody(ipaddress.ip_network(network, strict=False)) is everybody


def test_one_address_is_told_from_a_network() -> None:
    assert is_one_address("203.0.113.7/32")
    assert is_one_address("2001:db8::7/128")
    assert not is_one_address("203.0.113.6/31")
    assert not is_one_address("office")


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    read_network(text, (*OFFICE, text))


@given(st.one_of(st.ip_addresses().map(str), st.text("0123456789abcdef.:/", max_size=40)))
def test_nothing_wider_than_a_host_comes_out_unless_it_is_listed(text: str) -> None:
    found = read_network(text, ())
    if isinstance(found, str):
        network = ipaddress.ip_network(found)
        assert network.num_addresses == 1
        assert str(network) == found
