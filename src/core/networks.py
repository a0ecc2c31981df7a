"""Which network may be opened to port 22: one address, or one that the admins listed. Never all."""

import ipaddress
import re

from core.words import UsageError, echo

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SHAPE = re.compile(r"[0-9a-f.:]{2,45}(?:/[0-9]{1,3})?")
# Nobody reaches a machine in AWS from these: an address that is not unique in the internet.
_INSIDE = tuple(
    ipaddress.ip_network(cidr)
    for cidr in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
        "::/8",
        "fc00::/7",
        "fe80::/10",
        "ff00::/8",
    )
)
# Wider than this is as good as everybody, whatever the admins' list says.
_WIDEST = {4: 8, 6: 16}
_ASK = "Your own is shown at https://checkip.amazonaws.com."


def read_network(text: str, wider: tuple[str, ...]) -> str | UsageError:
    """The CIDR to open: `198.51.100.7` becomes `198.51.100.7/32`.

    `wider` are the CIDRs that admins allow people to open whole or in part, private ones too.
    """
    word = _bare(text)
    network = _network(word)
    if network is None:
        return _wrong(f"{echo(word)} is not an IP address. {_ASK}")
    if is_everybody(network):
        return _wrong(f"Port 22 is never opened to everybody. Give your own address. {_ASK}")
    if any(_within(network, outer) for outer in map(_network, wider) if outer is not None):
        return str(network)
    if network.prefixlen < network.max_prefixlen:
        return _too_wide(word, network)
    if any(_within(network, inside) for inside in _INSIDE):
        return _wrong(
            f"{network.network_address} is an address inside a home or office network; AWS sees "
            f"another one. {_ASK}"
        )
    return str(network)


def is_everybody(network: Network) -> bool:
    """Whether it is as good as everybody: the one bound of all who read, list or open networks."""
    plain = _plain(network)
    return plain.prefixlen < _WIDEST[plain.version]


def cidr(text: str) -> str | None:
    """The CIDR that a word means, whether it may be opened or not; None where it means none."""
    network = _network(_bare(text))
    return str(network) if network else None


def is_one_address(text: str) -> bool:
    """Whether it is a single address, and no network."""
    network = _network(text)
    return network is not None and network.prefixlen == network.max_prefixlen


def _bare(text: str) -> str:
    return text.strip().strip("\"'<>").lower()


def _network(word: str) -> Network | None:
    if not _SHAPE.fullmatch(word):
        return None
    try:
        network = ipaddress.ip_network(word, strict=False)
    except ValueError:
        return None
    return _plain(network)


def _plain(network: Network) -> Network:
    """IPv4 as it is, where it is written as IPv6."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:
        return ipaddress.ip_network((mapped, network.prefixlen - 96))
    return network


def _within(network: Network, outer: Network) -> bool:
    return (
        network.version == outer.version
        and network.prefixlen >= outer.prefixlen
        and network.network_address in outer
    )


def _wrong(what: str, nearest: str | None = None) -> UsageError:
    return UsageError(what=what, nearest=nearest, topic="allow")


def _too_wide(word: str, network: Network) -> UsageError:
    address = word.partition("/")[0]
    host = address if address != str(network.network_address) else None
    return _wrong(
        f"`{network}` is {network.num_addresses:,} addresses; only a single one may be opened, or "
        "a network that an admin has listed (rule `networks`).",
        nearest=f"/gpu allow {host}" if host else None,
    )
