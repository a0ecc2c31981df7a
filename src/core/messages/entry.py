"""Who gets in: keys and addresses, in words. No key material is ever repeated."""

from datetime import datetime, timedelta

from core.blocks import Message, code, context, escape, link, message, section
from core.messages import words
from core.model import Access, Machine, OneTimeLink, Profile, PublicKey

MOST_REASONS = 5


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


def accesses(profile: Profile, closing: tuple[str, ...] = ()) -> Message:
    """The networks that may reach port 22 of the person's machines, and those that EC2 has still
    to close."""
    still = [f"• {code(cidr)} is being closed, and may be open until EC2 does" for cidr in closing]
    if not profile.accesses:
        none = (
            "No address may reach your machines yet. Allow the one you connect from: "
            f"{words.ADDRESS_STEP}"
        )
        if still:
            none = "\n".join(["*No address may reach your machines any more:*", *still])
        return message(section(none), context(_what_is_mine()))
    lines = [*(f"• {spoken_access(a)}" for a in profile.accesses), *still]
    first = profile.accesses[0].cidr
    return message(
        section("*May reach port 22 of your machines:*\n" + "\n".join(lines)),
        context(f"Close one: {code(f'/gpu allow remove {first}')}", _what_is_mine()),
    )


def _what_is_mine() -> str:
    return f"Your address: {link('https://checkip.amazonaws.com', 'checkip.amazonaws.com')}"


def spoken_access(access: Access) -> str:
    """`203.0.113.7/32` until …"""
    return f"{code(access.cidr)} until {words.at(access.until)}"


def access_added(accesses: tuple[Access, ...], machines: tuple[Machine, ...]) -> Message:
    """Port 22 is open to them, on which machines. All of them have one end."""
    cidrs = ", ".join(code(a.cidr) for a in accesses)
    until = words.at(accesses[0].until)
    open_now = f"Open on {words.names(machines)} now." if machines else ""
    no_four = all(_six(a) for a in accesses)
    close = accesses[0].cidr if len(accesses) == 1 else "office"
    only_six = "Your machines have IPv4 addresses: add the IPv4 one too." if no_four else ""
    said = f"{cidrs} may reach port 22 of your machines until {until}."
    return message(
        section(" ".join(part for part in (said, open_now, only_six) if part)),
        context(f"Close it before: {code(f'/gpu allow remove {close}')}"),
    )


def _six(access: Access) -> bool:
    return ":" in access.cidr


def access_since(profile: Profile) -> Message:
    """What was to be opened was closed by something that was typed later: how it is now."""
    late = "What was closed after this was typed stays closed."
    now = accesses(profile)
    return message(section(late), *now.blocks)


def access_removed(
    cidrs: tuple[str, ...], machines: tuple[Machine, ...], left: tuple[Machine, ...] = ()
) -> Message:
    """Port 22 is closed to them; EC2 tracks connections, so what is connected stays so. `left` are
    the machines where EC2 has not closed it."""
    where = f" Closed on {words.names(machines)}." if machines else ""
    which = ", ".join(map(code, cidrs))
    if left:
        return message(
            section(
                f"{which} may *still* reach port 22 of {words.names(left)}: EC2 has not closed it "
                f"there. It is asked again every minute until it does.{where}"
            ),
            context("Whether it is closed: `/gpu allow`", "At once: `/gpu stop` the machine"),
        )
    return message(
        section(
            f"{which} may not reach port 22 of your machines any more."
            f"{where} A connection that is open now may last until it ends."
        )
    )


def no_office() -> Message:
    """The admins have listed no network."""
    return message(
        section(
            "The admins have listed no office network, so nothing was opened. Allow the address "
            "that you are at: `/gpu allow me`"
        ),
        context("Admins: the parameter AllowedNetworks of the deployment is the list"),
    )


# ---- the one-time link ----------------------------------------------------------------------


def here_link(url: str, until: datetime, length: timedelta) -> Message:
    """The link, and what it does: opening it shows the address, a button there opens the port."""
    return message(
        section(
            f"{link(url, 'Show me my address')}, on the computer that you connect from. The page "
            "asks before it opens port 22 of your machines to that address for "
            f"{words.length(length)}."
        ),
        context(f"For you alone, once, until {words.at(until)}. Nothing is open yet."),
    )


def link_used(used: OneTimeLink) -> Message:
    """Each link opens one address, once."""
    return message(
        section(
            f"That link was used already, for {code(used.address)}, so nothing was opened. A new "
            "one: `/gpu allow me`"
        )
    )


def link_too_late(cidr: str, at: datetime) -> Message:
    """The press was a long time on its way: nobody expects a door to open now."""
    return message(
        section(
            f"Your press of {words.at(at)} to open port 22 to {code(cidr)} reached me too late, so "
            "nothing was opened. A new link: `/gpu allow me`"
        )
    )


# ---- keys from GitHub -----------------------------------------------------------------------


def keys_imported(
    account: str,
    *,
    new: tuple[PublicKey, ...],
    known: tuple[PublicKey, ...],
    refused: tuple[str, ...],
    left_out: int,
    resumed: tuple[Machine, ...],
) -> Message:
    """Which of an account's keys are kept, which were there, and why others are not."""
    at = code(f"github.com/{account}")
    lines = [f"• {_key(key)}" for key in new]
    if new:
        blocks = [section(f"Kept from {at}; new machines let them in:\n" + "\n".join(lines))]
    else:
        blocks = [section(f"Nothing new at {at}: you have its {_keys(len(known))} already.")]
    if new and known:
        blocks.append(context(f"You had {_keys(len(known))} of it already"))
    if left_out:
        blocks.append(section(f"{_keys(left_out)} did not fit. Take one away: `/gpu key list`"))
    if refused:
        blocks.append(context(*_not_kept(refused)))
    if resumed:
        blocks.append(section(_go_on(resumed)))
    return message(*blocks, context("Your keys: `/gpu key list`"))


def _keys(count: int) -> str:
    return f"{count} key{'' if count == 1 else 's'}"


def _not_kept(refused: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"Not kept: {escape(why)}" for why in dict.fromkeys(refused))[:MOST_REASONS]


def github_no_keys(account: str, refused: tuple[str, ...]) -> Message:
    """The account is there, and shows none that EC2 takes."""
    at = code(f"github.com/{account}")
    said = f"{at} shows no public key" + (" that EC2 takes" if refused else "")
    blocks = [section(f"{said}, so nothing was changed. Paste one: {words.KEY_STEP}")]
    return message(*blocks, context(*_not_kept(refused))) if refused else message(*blocks)


def github_unknown(account: str) -> Message:
    """There is no such account."""
    return message(
        section(
            f"GitHub knows no account called {code(account)}. Nothing was changed. Is it spelled "
            "as in the address of its page?"
        )
    )


def github_away(account: str) -> Message:
    """GitHub did not answer in time, or not with a list of keys."""
    return message(
        section(
            f"GitHub does not give the keys of {code(account)} at the moment. Nothing was changed. "
            f"Try again in a few minutes, or paste one: {words.KEY_STEP}"
        )
    )
