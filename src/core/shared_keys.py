"""What puts the keys of others on a machine that has booted: a fixed script, public keys alone.

Of a person's words only keys that `core.keys` has read stand in it, one whole line each, inside a
quoted here-document. Lines of others are told from the owner's by the comment behind them, so that
every run leaves exactly the wanted ones, whatever a run before it did or did not finish. The
machine remembers the latest version that it was brought to: a command that comes late, after a
newer one, changes nothing, so nobody gets back in by it.
"""

import re

COMMENT = "gpu-shared"
_KEY = re.compile(r"ssh-(?:ed25519|rsa) [A-Za-z0-9+/]+={0,2}")
_USER = re.compile(r"[a-z][a-z0-9-]{0,30}")
_ID = re.compile(r"[a-z0-9-]{1,40}")

_SCRIPT = """\
#!/bin/sh
# Brings the keys of those with whom this machine is shared to what they are now.
set -eu
umask 077
exec 9> /run/gpu-shared.lock
flock 9
mark=/var/lib/gpu-shared-{machine}
[ "$(cat "$mark" 2> /dev/null || echo 0)" -lt {version} ] || exit 0
home=$(getent passwd {user} | cut -d: -f6)
keys=$home/.ssh/authorized_keys
mkdir -p "$home/.ssh"
touch "$keys"
new=$(mktemp "$keys.XXXXXX")
grep -v ' {comment}$' "$keys" > "$new" || true
cat >> "$new" <<'KEYS'
{lines}KEYS
chown {user}: "$home/.ssh" "$new"
mv -f "$new" "$keys"
echo {version} > "$mark"
"""


def marked(text: str) -> str:
    """A public key as it stands in the file, so that it is known as somebody else's."""
    assert _KEY.fullmatch(text), "only what core.keys has read"
    return f"{text} {COMMENT}"


def script(machine: str, version: int, user: str, keys: tuple[str, ...]) -> str:
    """Make `keys` (texts without comments) the only ones of others that let in as `user`.

    `version` grows with every script that is written for this machine.
    """
    assert _ID.fullmatch(machine), "an id of our own"
    assert _USER.fullmatch(user), "a user that an image names"
    lines = "".join(f"{marked(key)}\n" for key in keys)
    return _SCRIPT.format(machine=machine, version=version, user=user, comment=COMMENT, lines=lines)
