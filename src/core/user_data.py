"""What a new machine is told at its first boot: who may log in, when to shut itself down, and where
to report how much it is used.

A fixed cloud-config: of a person's words only keys that were parsed and checked stand in it. The
timer is the third layer that stops a machine, after the clock and the sweep: it needs no network,
no credentials and none of our functions. EC2's shutdown behaviour makes of its `shutdown` a stop
(on-demand) or an end (spot).
"""

from datetime import timedelta

from core.beat_script import SERVICE as _BEAT_SERVICE
from core.beat_script import beat_script

LARGEST = 16 * 1024  # bytes of user data that EC2 takes
_File = tuple[str, str, str]  # path, mode, content

# The bot stops it in time; this is for when nobody does. Its own wake comes within a second of the
# deadline and the clock's within the minute after it, so the timer is later than either; and where
# they do meet, both ask for the same stop, and EC2 does the first. With the look every half minute
# nothing outlives its deadline by two minutes.
GRACE = timedelta(minutes=1)

# Instance tags in the metadata follow a change at once on Nitro only; on Xen (P3 and older) a tag
# that was moved by an extension would be an old one, so there only the time since boot counts. It
# is as long as anybody may extend: stopping early would be worse than stopping late.
_SCRIPT = """\
#!/bin/sh
# Shuts this machine down when its deadline has passed and nobody else has stopped it.
imds=http://169.254.169.254/latest
deadline=
if [ "$(cat /sys/hypervisor/type 2>/dev/null)" != xen ]; then
  token=$(curl -fsS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $imds/api/token)
  deadline=$(curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" \\
    $imds/meta-data/tags/instance/gpu:deadline)
fi
case $deadline in
  '' | *[!0-9]*) [ "$(cut -d. -f1 /proc/uptime)" -lt {longest} ] || shutdown -h now ;;
  *) [ "$(date +%s)" -lt $((deadline + {grace})) ] || shutdown -h now ;;
esac
"""

_SERVICE = """\
[Unit]
Description=Shut down when the lease of this machine is over
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/gpu-deadline
"""

_TIMER = """\
[Unit]
Description=Look at the deadline of this machine every half minute
[Timer]
OnBootSec=1min
OnUnitActiveSec=30s
AccuracySec=1s
[Install]
WantedBy=timers.target
"""


# EBS volumes are NVMe devices on Nitro, numbered as they come; the name under which one was
# attached stands in the vendor's part of its identify data. A new volume reads as zeros: only one
# whose first MiB does and on which blkid finds nothing is formatted, so that a failing read formats
# nothing.
_DATA_SCRIPT = """\
#!/bin/sh
# Mounts this machine's data volume at /data, and makes its file system as large as it is. It is
# formatted only if there is nothing on it at all.
attached_as() {{
  python3 - "$1" <<'PYTHON'
import ctypes, fcntl, struct, sys
page = ctypes.create_string_buffer(4096)
ask = struct.pack("<BBHIIIQQ10I", 6, 0, 0, 0, 0, 0, 0, ctypes.addressof(page), 0, 4096, 1, *[0] * 7)
with open(sys.argv[1], "rb") as disk:
    fcntl.ioctl(disk, 0xC0484E41, bytearray(ask))
print(page.raw[3072:3104].decode("ascii", "ignore").strip(" \\0"))
PYTHON
}}
disk=
for one in /dev/sdf /dev/xvdf /dev/nvme[0-9]*n1; do
  [ -b "$one" ] || continue
  case $one in
    /dev/nvme*) case $(attached_as "$one" 2>/dev/null) in sdf | /dev/sdf) ;; *) continue ;; esac ;;
  esac
  disk=$(readlink -f "$one")
  break
done
[ -n "$disk" ] || exit 0
size=$(blockdev --getsize64 "$disk") || exit 1
[ "$(cat /run/gpu-data 2>/dev/null)" != "$disk $size" ] || exit 0
new=
if mountpoint -q /data; then
  [ "$(findmnt -n -o SOURCE /data)" = "$disk" ] || exit 1
else
  blkid -p "$disk" >/dev/null
  if [ $? = 2 ] && cmp -s -n 1048576 "$disk" /dev/zero; then
    mkfs.ext4 -q -m 0 -L gpu-data "$disk" || exit 1
    new=yes
  fi
  mkdir -p /data
  mount "$disk" /data || exit 1
  [ -z "$new" ] || chown {user}: /data
fi
[ "$(findmnt -n -o FSTYPE /data)" != ext4 ] || resize2fs "$disk" || exit 1
echo "$disk $size" >/run/gpu-data
"""

_DATA_SERVICE = """\
[Unit]
Description=Mount the data volume at /data
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/gpu-data
"""

# It may be attached at any time, and grow at any time.
_DATA_TIMER = """\
[Unit]
Description=Look for the data volume
[Timer]
OnBootSec=5s
OnUnitInactiveSec=15s
AccuracySec=1s
[Install]
WantedBy=timers.target
"""


def data_script(user: str) -> str:
    """The script that mounts the data volume; a new one belongs to `user`, who logs in."""
    return _DATA_SCRIPT.format(user=user)


def script(longest: timedelta) -> str:
    """The script that the timer runs; `longest`: how long it may be up when no tag can be read."""
    seconds = int((longest + GRACE).total_seconds())
    return _SCRIPT.format(longest=seconds, grace=int(GRACE.total_seconds()))


def user_data(
    keys: tuple[str, ...],
    longest: timedelta,
    *,
    data_of: str | None = None,
    strangers_of: str | None = None,
    beats_to: str | None = None,
) -> str:
    """The cloud-config of a machine whose owner has these public keys; ASCII, below 16 KB.

    `data_of`: who logs in, on a machine that a data volume comes along with. `strangers_of`: the
    same, on one whose image may hold keys of other people, which are taken out before any is put
    in. `beats_to`: where it reports how much it is used, with its token; where so many keys leave
    no room for that, it reports nothing, and counts as in use.
    """
    files = _deadline(longest) + (_data(data_of) if data_of is not None else [])
    if beats_to is not None:
        whole = _written(keys, files + _beat(beats_to), strangers_of)
        if len(whole) <= LARGEST:
            return whole
    return _written(keys, files, strangers_of)


def _deadline(longest: timedelta) -> list[_File]:
    return [
        ("/usr/local/sbin/gpu-deadline", "0755", script(longest)),
        ("/etc/systemd/system/gpu-deadline.service", "0644", _SERVICE),
        ("/etc/systemd/system/gpu-deadline.timer", "0644", _TIMER),
    ]


def _data(user: str) -> list[_File]:
    return [
        ("/usr/local/sbin/gpu-data", "0755", data_script(user)),
        ("/etc/systemd/system/gpu-data.service", "0644", _DATA_SERVICE),
        ("/etc/systemd/system/gpu-data.timer", "0644", _DATA_TIMER),
    ]


def _beat(url: str) -> list[_File]:
    """Only root may read the token there."""
    return [
        ("/usr/local/sbin/gpu-beat", "0700", beat_script(url)),
        ("/etc/systemd/system/gpu-beat.service", "0644", _BEAT_SERVICE),
    ]


def _written(keys: tuple[str, ...], files: list[_File], strangers_of: str | None) -> str:
    lines = ["#cloud-config", *_forgetting(strangers_of)]
    lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys), "write_files:"]
    for path, mode, content in files:
        lines += [f"  - path: {path}", f'    permissions: "{mode}"', "    content: |"]
        lines += [f"      {line}".rstrip() for line in content.splitlines()]
    units = [path.rpartition("/")[2] for path, _, text in files if "[Install]" in text]
    lines += ["runcmd:", "  - [systemctl, daemon-reload]"]
    lines += [f"  - [systemctl, enable, --now, {unit}]" for unit in units]
    return "\n".join(lines) + "\n"


def _forgetting(user: str | None) -> list[str]:
    """Boot commands run before cloud-init writes keys; cloud-init-per: on the first boot only."""
    if user is None:
        return []
    files = ", ".join(f"{home}/.ssh/authorized_keys" for home in (f"/home/{user}", "/root"))
    return ["bootcmd:", f"  - [cloud-init-per, instance, gpu-fresh-keys, rm, -f, {files}]"]
