"""The page behind a one-time link: it shows the address that it was opened from, and asks.

Opening it changes nothing, whoever opens it: a person, a preview, a scanner. Only its button does.
Plain HTML without a script, and nothing in it that was not read and found harmless. Standard
library and the core's own rule of addresses only; the door loads it when somebody comes here.
"""

from html import escape
from typing import Any, TypeGuard

from core import links
from core.links import Link
from core.networks import read_network
from core.words import UsageError

Answer = dict[str, Any]

_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow, noarchive",
}
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem }}
body {{ margin: 12vh auto; padding: 0 1rem }}
button {{ font: inherit; padding: .6rem 1rem; cursor: pointer }}
code {{ font-size: 1.05em }}
:root {{ color-scheme: light dark }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


def read(token: str, secrets: tuple[bytes, ...], stack: str, now: float) -> Link | None:
    """The link, if it is one of ours and its time is not over."""
    return links.read(token, secrets, stack, now)


def can_be_opened(address: object) -> TypeGuard[str]:
    """Whether it is an address that AWS can tell from others."""
    return isinstance(address, str) and not isinstance(read_network(address, ()), UsageError)


def asks(link: Link, address: object, method: str) -> Answer:
    """What somebody sees who opens the link: the address, and the button if it can be opened."""
    if not can_be_opened(address):
        status = 400 if method == "POST" else 200
        return _page(status, "This address cannot be opened", _inside(address), method)
    six = f"<p>{_SIX}</p>" if ":" in address else ""
    shown = escape(address)
    return _page(
        200,
        "Open port 22?",
        f"<p>You come from <code>{shown}</code>. SSH must come from there too: open this page on "
        f"the computer that you connect from.</p>{six}"
        f'<form method="post"><button>Open port 22 of my machines to {shown} for '
        f"{_spoken(link.seconds)}</button></form>"
        "<p>Nothing is open before you press it. The link works once.</p>",
        method,
    )


def taken(address: str) -> Answer:
    """The press is on its way; Slack says what became of it."""
    shown = escape(address)
    return _page(
        200,
        "On its way",
        f"<p>Port 22 of your machines is being opened to <code>{shown}</code>. Slack tells you "
        "when it is; you can close this page.</p>",
    )


def not_good() -> Answer:
    """Not a link of ours, or one whose time is over: both look the same from outside."""
    return _page(
        404,
        "This link is not good",
        "<p>It is not whole, or its ten minutes are over. Nothing was changed. Get a new one in "
        "Slack: <code>/gpu allow me</code></p>",
    )


def not_taken() -> Answer:
    """The queue did not take it."""
    return _page(
        503,
        "That did not work",
        "<p>Nothing was changed. Go back and press the button again in a minute.</p>",
    )


_SIX = (
    "That is an IPv6 address, and the machines have IPv4 addresses: SSH comes from your IPv4 "
    "address. Open this page over IPv4, or allow that address in Slack: "
    "<code>/gpu allow &lt;address&gt;</code>"
)


def _inside(address: object) -> str:
    shown = escape(str(address)[:64])
    return (
        f"<p>You seem to come from <code>{shown}</code>, which is not an address that "
        "AWS can tell from others. Nothing was changed. Look yours up at "
        '<a href="https://checkip.amazonaws.com">checkip.amazonaws.com</a> and allow it in Slack: '
        "<code>/gpu allow &lt;address&gt;</code></p>"
    )


def _spoken(seconds: int) -> str:
    """`12 hours`, `90 minutes`."""
    number, unit = (seconds // 3600, "hour") if seconds % 3600 == 0 else (seconds // 60, "minute")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _page(status: int, title: str, body: str, method: str = "GET") -> Answer:
    page = "" if method == "HEAD" else _PAGE.format(title=title, body=body)
    return {"statusCode": status, "headers": dict(_HEADERS), "body": page}
