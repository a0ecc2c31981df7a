"""What a new machine is told at its first boot: who may log in, and when to shut itself down.

A fixed cloud-config: of a person's words only keys that were parsed and checked stand in it. The
timer is the third layer that stops a machine, after the clock and the sweep: it needs no network,
no credentials and none of our functions. EC2's shutdown behaviour makes of its `shutdown` a stop
(on-demand) or an end (spot).
"""

from datetime import timedelta

# The bot stops it in time; this is for when nobody does.
GRACE = timedelta(minutes=2)

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
Description=Look at the deadline of this machine every minute
[Timer]
OnBootSec=2min
OnUnitActiveSec=1min
AccuracySec=5s
[Install]
WantedBy=timers.target
"""


def script(longest: timedelta) -> str:
    """The script that the timer runs; `longest`: how long it may be up when no tag can be read."""
    seconds = int((longest + GRACE).total_seconds())
    return _SCRIPT.format(longest=seconds, grace=int(GRACE.total_seconds()))


def user_data(keys: tuple[str, ...], longest: timedelta) -> str:
    """The cloud-config of a machine whose owner has these public keys; ASCII, below 16 KB."""
    files = (
        ("/usr/local/sbin/gpu-deadline", "0755", script(longest)),
        ("/etc/systemd/system/gpu-deadline.service", "0644", _SERVICE),
        ("/etc/systemd/system/gpu-deadline.timer", "0644", _TIMER),
    )
    lines = ["#cloud-config", "ssh_authorized_keys:", *(f"  - {key}" for key in keys)]
    lines.append("write_files:")
    for path, mode, content in files:
        lines += [f"  - path: {path}", f'    permissions: "{mode}"', "    content: |"]
        lines += [f"      {line}".rstrip() for line in content.splitlines()]
    lines += ["runcmd:", "  - [systemctl, daemon-reload]"]
    lines.append("  - [systemctl, enable, --now, gpu-deadline.timer]")
    return "\n".join(lines) + "\n"
