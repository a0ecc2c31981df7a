"""The script that mounts a data volume: run as it ships, with the machine's tools replaced."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from core.user_data import data_script, user_data

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN"
BLANK = b"\0" * (2 << 20)
EXT4 = b"\0" * 1080 + b"\x53\xef" + BLANK
# What each tool does here; all of them write down how they were called.
TOOLS = {
    "blkid": 'exit "$(cat {box}/blkid.says)"',
    "blockdev": 'stat -c %s "$2"',
    "mkfs.ext4": "",
    "mountpoint": "[ -e {box}/mounted ]",
    "mount": 'echo "$1" > {box}/mounted',
    "findmnt": "case $3 in FSTYPE) echo ext4 ;; *) cat {box}/mounted ;; esac",
    "resize2fs": "",
    "chown": "",
}


class Box:
    """A machine: its devices are files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        for name, does in TOOLS.items():
            tool = folder / "bin" / name
            note = f'echo "{name} $*" >> {folder}/calls\n'
            tool.write_text(f"#!/bin/sh\n{note}{does.format(box=folder)}\n")
            tool.chmod(0o755)
        self.finds(2)

    def finds(self, status: int) -> None:
        """blkid's answer: 0 something, 2 nothing (or nothing that it could read)."""
        (self.folder / "blkid.says").write_text(str(status))

    def attach(self, content: bytes) -> None:
        (self.folder / "sdf").write_bytes(content)

    def run(self) -> list[str]:
        """What the script did to disks, this time."""
        text = data_script("ubuntu").replace("[ -b ", "[ -e ")
        for real in ("/dev/sdf", "/dev/xvdf", "/dev/nvme", "/data", "/run/"):
            text = text.replace(real, str(self.folder / real.strip("/").rpartition("/")[2]))
        text = text.replace(f"{self.folder}/run", f"{self.folder}/")
        calls = self.folder / "calls"
        calls.unlink(missing_ok=True)
        path = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        subprocess.run(["sh", "-c", text], env=path, timeout=30, check=False)
        done = calls.read_text().splitlines() if calls.exists() else []
        looks = ("blkid", "blockdev", "mountpoint", "findmnt")
        return [line.split()[0] for line in done if not line.startswith(looks)]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_without_its_volume_it_waits(box: Box) -> None:
    assert box.run() == []


def test_a_blank_volume_is_formatted_mounted_and_given_to_who_logs_in(box: Box) -> None:
    box.attach(BLANK)
    assert box.run() == ["mkfs.ext4", "mount", "chown", "resize2fs"]


def test_a_volume_with_something_on_it_is_mounted_as_it_is(box: Box) -> None:
    box.attach(EXT4)
    box.finds(0)
    assert box.run() == ["mount", "resize2fs"]


@pytest.mark.parametrize("status", [2, 4, 8])
def test_nothing_is_formatted_that_blkid_merely_cannot_read(box: Box, status: int) -> None:
    box.attach(EXT4)
    box.finds(status)
    assert "mkfs.ext4" not in box.run()


def test_zeros_that_blkid_knows_are_not_formatted(box: Box) -> None:
    box.attach(BLANK)
    box.finds(0)
    assert "mkfs.ext4" not in box.run()


def test_once_mounted_it_is_left_alone_until_it_has_grown(box: Box) -> None:
    box.attach(BLANK)
    box.run()
    assert box.run() == []
    box.attach(BLANK + BLANK)
    assert box.run() == ["resize2fs"]


def test_another_disk_at_data_is_left_alone(box: Box) -> None:
    box.attach(BLANK)
    (box.folder / "mounted").write_text("/dev/elsewhere")
    assert box.run() == []


def test_only_a_machine_with_a_data_volume_looks_for_one() -> None:
    without = yaml.safe_load(user_data((KEY,), timedelta(days=7)))
    assert not [one for one in without["write_files"] if "gpu-data" in one["path"]]
    told = yaml.safe_load(user_data((KEY,), timedelta(days=7), data_of="ec2-user"))
    files = {one["path"]: one for one in told["write_files"]}
    script = files["/usr/local/sbin/gpu-data"]
    assert script["permissions"] == "0755"
    assert script["content"].strip() == data_script("ec2-user").strip()
    assert "chown ec2-user: /data" in script["content"]
    assert ["systemctl", "enable", "--now", "gpu-data.timer"] in told["runcmd"]
