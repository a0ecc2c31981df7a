"""The machine's own timer: run as it ships, against a metadata service and a `shutdown` of ours."""

import http.server
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from core.user_data import script, user_data

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN"
WEEK = timedelta(days=7)


class Metadata(http.server.BaseHTTPRequestHandler):
    """IMDSv2: a token first, then the tag; 404 where the machine has no such tag."""

    deadline: str | None = None

    def do_PUT(self) -> None:
        self._say("secret-token" if self.path == "/latest/api/token" else None)

    def do_GET(self) -> None:
        known = self.headers.get("X-aws-ec2-metadata-token") == "secret-token"
        right = self.path == "/latest/meta-data/tags/instance/gpu:deadline"
        self._say(type(self).deadline if known and right else None)

    def _say(self, text: str | None) -> None:
        self.send_response(200 if text is not None else 404)
        self.end_headers()
        self.wfile.write((text or "").encode())

    def log_message(self, *args: object) -> None:
        """Nobody needs it."""


@pytest.fixture
def metadata() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Metadata)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/latest"
    server.shutdown()
    thread.join()
    server.server_close()


def _shuts_down(
    folder: Path, imds: str, *, uptime: int = 600, hypervisor: str = "", longest: timedelta = WEEK
) -> bool:
    (folder / "uptime").write_text(f"{uptime}.5 100.0\n")
    (folder / "type").write_text(hypervisor)
    down = folder / "shutdown"
    down.write_text(f"#!/bin/sh\necho down > {folder}/down\n")
    down.chmod(0o755)
    text = script(longest).replace("http://169.254.169.254/latest", imds)
    text = text.replace("/proc/uptime", str(folder / "uptime"))
    text = text.replace("/sys/hypervisor/type", str(folder / "type"))
    path = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "no_proxy": "*"}
    subprocess.run(["sh", "-c", text], env=path, timeout=30, check=False, capture_output=True)
    return (folder / "down").exists()


def test_it_shuts_down_a_minute_after_the_deadline_in_its_tag(
    tmp_path: Path, metadata: str
) -> None:
    Metadata.deadline = str(int(time.time()) - 61)
    assert _shuts_down(tmp_path, metadata)


@pytest.mark.parametrize("ahead", [3600, -30])
def test_it_leaves_the_machine_to_the_bot_until_then(
    tmp_path: Path, metadata: str, ahead: int
) -> None:
    Metadata.deadline = str(int(time.time()) + ahead)
    assert not _shuts_down(tmp_path, metadata)


def test_an_extended_deadline_counts_however_long_it_has_been_up(
    tmp_path: Path, metadata: str
) -> None:
    Metadata.deadline = str(int(time.time()) + 3600)
    assert not _shuts_down(tmp_path, metadata, uptime=10**6)


@pytest.mark.parametrize("tag", [None, "soon", ""])
def test_without_a_readable_tag_the_time_since_boot_counts(
    tmp_path: Path, metadata: str, tag: str | None
) -> None:
    Metadata.deadline = tag
    assert not _shuts_down(tmp_path, metadata, uptime=3600)
    assert _shuts_down(tmp_path, metadata, uptime=8 * 86400)


def test_on_xen_a_tag_may_be_an_old_one_and_is_not_believed(tmp_path: Path, metadata: str) -> None:
    Metadata.deadline = str(int(time.time()) - 9999)
    assert not _shuts_down(tmp_path, metadata, hypervisor="xen\n")


def test_the_first_boot_is_told_by_a_cloud_config_that_holds_the_keys_and_the_timer() -> None:
    text = user_data((KEY, KEY + "A"), WEEK)
    assert text.startswith("#cloud-config\n")
    assert text.isascii()
    assert len(text) < 16 * 1024
    told = yaml.safe_load(text)
    assert told["ssh_authorized_keys"] == [KEY, KEY + "A"]
    files = {one["path"]: one for one in told["write_files"]}
    assert files["/usr/local/sbin/gpu-deadline"]["permissions"] == "0755"
    assert files["/usr/local/sbin/gpu-deadline"]["content"].strip() == script(WEEK).strip()
    assert ["systemctl", "enable", "--now", "gpu-deadline.timer"] in told["runcmd"]


def test_keys_that_an_image_holds_are_taken_out_before_the_owners_go_in() -> None:
    config = yaml.safe_load(user_data((KEY,), WEEK, strangers_of="ubuntu"))
    (forget,) = config["bootcmd"]
    assert forget[:5] == ["cloud-init-per", "instance", "gpu-fresh-keys", "rm", "-f"]
    assert forget[5:] == ["/home/ubuntu/.ssh/authorized_keys", "/root/.ssh/authorized_keys"]
    assert config["ssh_authorized_keys"] == [KEY]
    assert "bootcmd" not in yaml.safe_load(user_data((KEY,), WEEK))
