"""How to connect to a machine, in words: ssh, its host keys, an ssh config, Session Manager."""

from core.blocks import Block, Message, code, context, escape, link, message, section
from core.messages import words
from core.messages.entry import spoken_access
from core.model import ALIVE, Desire, Instance, Machine, Profile, State

MOST_SHOWN = 20  # of the instances of a group
_HOME = "/home/{login}"


def ssh(m: Machine, profile: Profile, *, session_manager: bool = False) -> Message:
    """How to connect, and what is missing for it. `profile` is of whoever asks, or the owner's."""
    ends = _ends(m)
    if m.state not in ALIVE or m.desire is not Desire.RUN or not ends:
        return message(section(_not_running(m)))
    blocks = [section(_lines(m, ends)), *_host_keys(m, ends), section(_who_may(profile))]
    blocks.append(section(_config(m, ends)))
    blocks.append(context(*_vs_code(m, ends), _deadline(m)))
    if session_manager:
        blocks.append(context(_session_manager(ends)))
    return message(*blocks)


def _ends(m: Machine) -> tuple[tuple[str, Instance], ...]:
    """(name, instance) of all that has an address."""
    named = [(f"{m.name}-{member.number}", member.instance) for member in m.members]
    every = named or ([(m.name, m.instance)] if m.instance else [])
    return tuple((name, one) for name, one in every if one.address)[:MOST_SHOWN]


def _lines(m: Machine, ends: tuple[tuple[str, Instance], ...]) -> str:
    soon = "" if m.ready_at else " It is still coming up: SSH may not answer yet."
    if not m.members:
        return f"{words.name(m)}: {_line(m, ends[0][1])}{soon}"
    lines = [f"{words.name(m)}:{soon}", *(f"• {escape(n)}: {_line(m, i)}" for n, i in ends)]
    if len(m.members) > len(ends):
        lines.append(f"and {len(m.members) - len(ends)} more")
    return "\n".join(lines)


def _line(m: Machine, instance: Instance) -> str:
    return code(f"ssh {_login(m)}@{instance.address}")


def _login(m: Machine) -> str:
    return m.image.user if m.image else "ubuntu"


def _not_running(m: Machine) -> str:
    said = f"{words.name(m)} is {words.state(m)}, so there is nothing to connect to"
    if m.state is State.STOPPED and m.desire is Desire.STOP:
        return f"{said}. Start it: {code(f'/gpu start {m.name}')}"
    if m.state in ALIVE and m.desire is Desire.RUN:
        return f"{said} yet. Ask again in a minute: {code(f'/gpu ssh {m.name}')}"
    return f"{said}. Your machines: `/gpu list`"


def _host_keys(m: Machine, ends: tuple[tuple[str, Instance], ...]) -> tuple[Block, ...]:
    """What the first ssh asks about; nothing where the console has not told it."""
    known = {keys.instance: keys.prints for keys in m.host_keys}
    if not m.members:
        shown = ", ".join(code(one) for one in known.get(ends[0][1].id, ()))
        if not shown:
            return ()
        return (section(f"The first ssh shows one of these; say no to any other: {shown}"),)
    lines = [f"• {escape(n)}: {code(known[i.id][0])}" for n, i in ends if known.get(i.id)]
    said = "The first ssh to each shows its own; say no to any other:\n"
    return (section(said + "\n".join(lines)),) if lines else ()


def _who_may(profile: Profile) -> str:
    if not profile.accesses:
        return (
            "None of your addresses may reach it yet, so SSH will time out. Allow the one you are "
            f"at: `/gpu allow me`, or {words.ADDRESS_STEP}"
        )
    allowed = ", ".join(spoken_access(a) for a in profile.accesses)
    return f"May connect: {allowed}. From elsewhere: `/gpu allow me`"


def _config(m: Machine, ends: tuple[tuple[str, Instance], ...]) -> str:
    """For ~/.ssh/config."""
    parts = [
        f"Host {escape(name)}\n  HostName {one.address}\n  User {_login(m)}\n  IdentitiesOnly yes\n"
        "  ServerAliveInterval 30"
        for name, one in ends
    ]
    text = "\n".join(parts)
    return f"For `~/.ssh/config`; then {code(f'ssh {ends[0][0]}')} is enough:\n```\n{text}\n```"


def _vs_code(m: Machine, ends: tuple[tuple[str, Instance], ...]) -> tuple[str, ...]:
    if m.members:
        return ()
    login = _login(m)
    folder = _HOME.format(login=login)
    target = f"vscode://vscode-remote/ssh-remote+{login}@{ends[0][1].address}{folder}"
    return (f"{link(target, 'Open in VS Code')} (Remote - SSH)",)


def _session_manager(ends: tuple[tuple[str, Instance], ...]) -> str:
    one = ends[0][1]
    line = code(f"aws ssm start-session --target {one.id} --region {one.region}")
    return f"Without any open port or key, for who has AWS credentials of this account: {line}"


def _deadline(m: Machine) -> str:
    if m.lease is None:
        return "No deadline"
    verb = "Stops" if m.can_stop else "Ends"
    return f"{verb} by itself {words.ends(m)}"
