"""Who gets in: keys, addresses and how to connect, in words. No key material is ever repeated."""

from core.blocks import Message, code, context, escape, link, message, section
from core.messages import words
from core.messages.notices import ssh_line
from core.model import ALIVE, Access, Desire, Machine, Profile, PublicKey, State

_HOME = "/home/{login}"


# ---- keys -----------------------------------------------------------------------------------


def keys(profile: Profile) -> Message:
    """The person's public keys, numbered as `key remove` takes them."""
    if not profile.keys:
        return message(
            section(
                "You have no public key here yet, so no machine can be launched for you. Add the "
                f"contents of your `.pub` file: {words.KEY_STEP}"
            ),
            context("No key pair yet? On your computer: `ssh-keygen -t ed25519`"),
        )
    lines = [f"{i}. {_key(key)}" for i, key in enumerate(profile.keys, 1)]
    return message(
        section(
            "*Your public keys*, which every new machine of yours lets in:\n" + "\n".join(lines)
        ),
        context("Take one away: `/gpu key remove 1`", f"Another one: {words.KEY_STEP}"),
    )


def _key(key: PublicKey) -> str:
    kind = key.text.split(" ", 1)[0]
    comment = f" {escape(key.comment)}" if key.comment else ""
    return f"{code(key.fingerprint)}{comment} ({escape(kind)}, added {words.at(key.added_at)})"


def key_added(key: PublicKey, resumed: tuple[Machine, ...]) -> Message:
    """The key is kept; launches that only waited for it go on."""
    blocks = [section(f"Your public key is kept: {_key(key)}. New machines let it in.")]
    if resumed:
        blocks.append(section(_go_on(resumed)))
    blocks.append(context(f"Which address may connect: {words.ADDRESS_STEP}"))
    return message(*blocks)


def _go_on(resumed: tuple[Machine, ...]) -> str:
    verb = "goes" if len(resumed) == 1 else "go"
    return f"{words.names(resumed)} {verb} on now, because nothing is missing any more."


def key_removed(key: PublicKey) -> Message:
    """New machines do not get it; those that run have it on their disk."""
    return message(
        section(
            f"Your public key is taken away: {_key(key)}. New machines do not let it in. Machines "
            "that run keep it in `~/.ssh/authorized_keys`: delete it there, or end them."
        )
    )


# ---- addresses ------------------------------------------------------------------------------


def accesses(profile: Profile) -> Message:
    """The networks that may reach port 22 of the person's machines."""
    if not profile.accesses:
        return message(
            section(
                "No address may reach your machines yet. Allow the one you connect from: "
                f"{words.ADDRESS_STEP}"
            ),
            context(_what_is_mine()),
        )
    lines = [f"• {_access(a)}" for a in profile.accesses]
    first = profile.accesses[0].cidr
    return message(
        section("*May reach port 22 of your machines:*\n" + "\n".join(lines)),
        context(f"Close one: {code(f'/gpu allow remove {first}')}", _what_is_mine()),
    )


def _what_is_mine() -> str:
    return f"Your address: {link('https://checkip.amazonaws.com', 'checkip.amazonaws.com')}"


def _access(access: Access) -> str:
    return f"{code(access.cidr)} until {words.at(access.until)}"


def access_added(access: Access, machines: tuple[Machine, ...]) -> Message:
    """Port 22 is open to it, on which machines."""
    open_now = f"It is open on {words.names(machines)} now." if machines else ""
    only_six = "Your machines have IPv4 addresses: add the IPv4 one too." if _six(access) else ""
    said = f"{code(access.cidr)} may reach port 22 of your machines until {words.at(access.until)}."
    return message(
        section(" ".join(part for part in (said, open_now, only_six) if part)),
        context(f"Close it before: {code(f'/gpu allow remove {access.cidr}')}"),
    )


def _six(access: Access) -> bool:
    return ":" in access.cidr


def access_removed(cidr: str, machines: tuple[Machine, ...]) -> Message:
    """Port 22 is closed to it; EC2 tracks connections, so what is connected stays so."""
    where = f" Closed on {words.names(machines)}." if machines else ""
    return message(
        section(
            f"{code(cidr)} may not reach port 22 of your machines any more.{where} A connection "
            "that is open now may last until it ends."
        )
    )


# ---- connecting -----------------------------------------------------------------------------


def ssh(m: Machine, profile: Profile) -> Message:
    """How to connect, and what is missing for it. `profile` is the owner's."""
    line = ssh_line(m)
    if m.state not in ALIVE or m.desire is not Desire.RUN or line is None:
        return message(section(_not_running(m)))
    soon = "" if m.ready_at else " It is still coming up: SSH may not answer yet."
    blocks = [section(f"{words.name(m)}: {line}{soon}"), section(_who_may(profile))]
    return message(*blocks, context(f"{_vs_code(m)} (Remote - SSH)", _deadline(m)))


def _not_running(m: Machine) -> str:
    said = f"{words.name(m)} is {words.state(m)}, so there is nothing to connect to"
    if m.state is State.STOPPED and m.desire is Desire.STOP:
        return f"{said}. Start it: {code(f'/gpu start {m.name}')}"
    if m.state in ALIVE and m.desire is Desire.RUN:
        return f"{said} yet. Ask again in a minute: {code(f'/gpu ssh {m.name}')}"
    return f"{said}. Your machines: `/gpu list`"


def _who_may(profile: Profile) -> str:
    if not profile.accesses:
        return (
            f"No address may reach it yet, so SSH will time out. Allow yours: {words.ADDRESS_STEP}"
        )
    allowed = ", ".join(_access(a) for a in profile.accesses)
    return f"May connect: {allowed}. From elsewhere: {words.ADDRESS_STEP}"


def _vs_code(m: Machine) -> str:
    assert m.instance is not None
    login = m.image.user if m.image else "ubuntu"
    folder = _HOME.format(login=login)
    target = f"vscode://vscode-remote/ssh-remote+{login}@{m.instance.address}{folder}"
    return link(target, "Open in VS Code")


def _deadline(m: Machine) -> str:
    if m.lease is None:
        return "No deadline"
    verb = "Stops" if m.can_stop else "Ends"
    return f"{verb} by itself {words.at(m.lease.deadline)}"
