"""What reports how much a machine is used: run as it ships, with its tools replaced."""

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from core.beat_script import beat_script
from core.beats import Report, make, parse
from core.user_data import user_data

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5UtvmQ0Pq+TDXNVDqJY9k6BYlCJJ6m4Pmb3HBR1wvN"
URL = "https://abc123.lambda-url.us-east-1.on.aws/beat/" + make("secret", "gpu", "m-abcdefgh23")
INSTANCE = "i-0123456789abcdef0"
BOOT = "0f8fad5b-d9cb-469f-a165-70867728950e"
NVIDIA = 'printf "{}\\n"'
ROCM = """echo 'WARNING: low power'; echo '{"card0": {"GPU use (%)": "7"}, "system": {}}'"""
NEURON = (
    'while :; do echo \'{"neuron_runtime_data": [{"report": {"neuroncore_counters": '
    '{"neuroncores_in_use": {"0": {"neuroncore_utilization": 41.7}}}}}]}\'; sleep 1; done'
)
QUIET_NEURON = "echo '{\"neuron_runtime_data\": []}'; sleep 9"
WHO = 'printf "{}\\n"'
ADA = "ada pts/0 2026-11-24 09:00 (203.0.113.7)"
TMUX = "ada pts/1 2026-11-24 09:00 (tmux(1234).%0)"
SSH = "   0: 0A00000A:0016 07710071:C350 01 00000000:00000000"
WAITS = "   1: 00000000:0016 00000000:0000 0A 00000000:00000000"


class Outside(http.server.BaseHTTPRequestHandler):
    """The metadata service and the door: what was reported, and how it was answered."""

    reports: ClassVar[list[bytes]] = []
    refuse = 0  # so many reports get no good answer

    def do_PUT(self) -> None:
        self._say(200, b"secret-token")

    def do_GET(self) -> None:
        known = self.headers.get("X-aws-ec2-metadata-token") == "secret-token"
        self._say(200 if known else 401, INSTANCE.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if type(self).refuse:
            type(self).refuse -= 1
            return self._say(503, b"")
        type(self).reports.append(body)
        return self._say(204, b"")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nobody needs it."""


class Box:
    """A machine: its tools are scripts in a folder, and so is what its kernel tells."""

    def __init__(self, folder: Path, outside: str) -> None:
        self.folder, self.outside = folder, outside
        self.bin, self.proc = folder / "bin", folder / "proc"
        self.bin.mkdir()
        for name, text in {
            "uptime": "3600.52 1000.00\n",
            "stat": "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1 1 1\n",
            "net/tcp": f"header\n{WAITS}\n",
            "net/tcp6": "header\n",
            "sys/kernel/random/boot_id": BOOT + "\n",
            "1/comm": "systemd\n",
        }.items():
            self.tells(name, text)

    def tells(self, name: str, text: str) -> None:
        (self.proc / name).parent.mkdir(parents=True, exist_ok=True)
        (self.proc / name).write_text(text)

    def has(self, name: str, does: str) -> None:
        tool = self.bin / name
        tool.write_text(f"#!/bin/sh\n{does}\n")
        tool.chmod(0o755)

    def program(self, look: float = 0.02) -> str:
        text = beat_script(URL).replace(URL, f"{self.outside}/beat/token")
        text = text.replace("http://169.254.169.254/latest", self.outside)
        text = text.replace('"/proc"', repr(str(self.proc)))
        return text.replace("KEPT = 20,", f"KEPT = {look},")

    @contextmanager
    def running(self, look: float = 0.02) -> Iterator["subprocess.Popen[bytes]"]:
        env = {"PATH": str(self.bin), "no_proxy": "*"}
        program = subprocess.Popen([sys.executable, "-I", "-c", self.program(look)], env=env)
        try:
            yield program
        finally:
            program.kill()
            program.wait(10)

    def reports(self) -> list[Report]:
        """The first report of the program, which must still run then."""
        with self.running() as program:
            end = time.monotonic() + 8
            while not Outside.reports and time.monotonic() < end:
                time.sleep(0.02)
            assert program.poll() is None
        found = [parse(body) for body in Outside.reports]
        assert found
        assert all(found), Outside.reports
        return [one for one in found if one]

    def sample(self) -> tuple[int | None, int | None, int | None]:
        look = self.reports()[0].looks[-1]
        return look.gpu, look.cpu, look.ssh


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    Outside.reports, Outside.refuse = [], 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Box(tmp_path, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_report_has_five_minutes_and_says_of_which_instance_and_boot(box: Box) -> None:
    box.has("nvidia-smi", NVIDIA.format("12"))
    report = box.reports()[0]
    assert (report.instance, report.boot, report.up) == (INSTANCE, BOOT, 3600)
    assert len(report.looks) == 5
    assert {look.gpu for look in report.looks} == {12}


@pytest.mark.parametrize(
    ("tool", "does", "gpu"),
    [
        ("nvidia-smi", NVIDIA.format("3\\n97\\n0"), 97),
        ("nvidia-smi", NVIDIA.format("0"), 0),
        ("nvidia-smi", NVIDIA.format("3\\n[N/A]"), None),
        ("nvidia-smi", "exit 9", None),
        ("nvidia-smi", "printf '\\377\\n'", None),
        ("nvidia-smi", ":", None),
        ("rocm-smi", ROCM, 7),
        ("rocm-smi", "echo nothing", None),
        ("rocm-smi", "echo '{}'", None),
        ("neuron-monitor", NEURON.replace("sleep", "/bin/sleep"), 42),
        ("neuron-monitor", QUIET_NEURON.replace("sleep", "exec /bin/sleep"), 0),
        ("neuron-monitor", "echo no", None),
        ("neuron-monitor", "", None),
        ("lspci", "", None),
    ],
)
def test_the_busiest_accelerator_counts_and_what_cannot_be_measured_is_unknown(
    box: Box, tool: str, does: str, gpu: int | None
) -> None:
    box.has(tool, does)
    assert box.sample()[0] == gpu


def test_one_look_that_fails_makes_the_minute_unknown(box: Box) -> None:
    count = f"read n < {box.folder}/n; n=$((n+1)); echo $n > {box.folder}/n"
    (box.folder / "n").write_text("0\n")
    box.has("nvidia-smi", f"{count}; [ $n -ne 2 ] && echo 4")
    assert [look.gpu for look in box.reports()[0].looks] == [None, 4, 4, 4, 4]


@pytest.mark.parametrize(
    ("who", "tcp", "comm", "ssh"),
    [
        (None, WAITS, "bash", 0),
        (WHO.format(ADA), WAITS, "bash", 1),
        (WHO.format(ADA + "\\n" + ADA), f"{SSH}\n{WAITS}", "bash", 2),
        (WHO.format(TMUX.replace("%", "%%")), WAITS, "bash", 0),
        (WHO.format("ada ttyS0 2026-11-24 09:00"), WAITS, "bash", 0),
        (":", f"{SSH}\n{WAITS}", "bash", 1),
        (":", WAITS, "ssm-session-wor", 1),
        ("exit 1", SSH, "bash", None),
        (None, "nonsense", "bash", None),
    ],
)
def test_people_are_counted_with_and_without_a_terminal(
    box: Box, who: str | None, tcp: str, comm: str, ssh: int | None
) -> None:
    if who is not None:
        box.has("who", who)
    box.tells("net/tcp", f"header\n{tcp}\n")
    box.tells("77/comm", comm + "\n")
    assert box.sample()[2] == ssh


@pytest.mark.parametrize("stat", ["", "cpu x y\n", "cpu  100 0 100 800 0 0 0 0\n"])
def test_a_cpu_that_does_not_tell_is_unknown(box: Box, stat: str) -> None:
    box.tells("stat", stat)
    assert box.sample()[1] is None


@pytest.mark.parametrize(
    ("processors", "busy", "cpu"), [(2, 50, 50), (4, 10, 10), (192, 1, 48), (192, 60, 100)]
)
def test_one_busy_thread_counts_on_the_largest_machine(
    box: Box, processors: int, busy: int, cpu: int
) -> None:
    scope: dict[str, Any] = {}
    program = box.program().partition("\nme, samples")[0]
    exec(program.replace("os.cpu_count()", str(processors)), scope)
    assert scope["cpu"]((1000, 900), (2000, 1900 - 10 * busy)) == cpu


def test_the_processors_are_measured_over_the_minute(box: Box) -> None:
    box.has("nvidia-smi", f"echo 0; echo 'cpu 600 0 600 1800 0 0 0 0' > {box.proc}/stat")
    report = box.reports()[0]
    every = os.cpu_count() or 1
    assert report.looks[0].cpu == min(100, round(50 * every / min(every, 4)))


def test_what_was_not_taken_is_reported_with_the_next(box: Box) -> None:
    Outside.refuse = 1
    report = box.reports()[0]
    assert len(report.looks) == 10
    assert [look.ago for look in report.looks] == sorted(
        (look.ago for look in report.looks), reverse=True
    )


def test_without_a_network_it_goes_on_and_keeps_no_more_than_a_quarter_of_an_hour(box: Box) -> None:
    Outside.refuse = 5
    assert len(box.reports()[0].looks) == 15


def test_without_anything_it_still_runs(tmp_path: Path) -> None:
    nothing = Box(tmp_path, "http://127.0.0.1:1")
    (nothing.proc / "stat").unlink()
    with nothing.running(look=0.005) as program:
        time.sleep(1)
        assert program.poll() is None


@pytest.mark.parametrize(
    "url", ["", "ftp://x/y", "https://x.example/a b", 'https://x.example/"', "https://x/\\n"]
)
def test_only_a_plain_url_gets_into_the_program_and_a_bad_one_is_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match=r"^no plain URL$"):
        beat_script(url)


def test_the_whole_of_the_first_boot_fits_into_user_data() -> None:
    keys = (KEY, *("ssh-rsa " + "A" * 716 for _ in range(8)))
    text = user_data(
        keys, timedelta(days=7), data_of="ec2-user", strangers_of="ec2-user", beats_to=URL
    )
    assert text.isascii()
    assert sum(map(len, keys)) > 5800
    assert len(text) < 16 * 1024


def test_the_first_boot_starts_the_unit_and_only_root_reads_its_token() -> None:
    told = yaml.safe_load(user_data((KEY,), timedelta(days=7), beats_to=URL))
    files = {one["path"]: one for one in told["write_files"]}
    program = files["/usr/local/sbin/gpu-beat"]
    assert program["permissions"] == "0700"
    assert program["content"].strip() == beat_script(URL).strip()
    compile(program["content"], "gpu-beat", "exec")
    unit = files["/etc/systemd/system/gpu-beat.service"]["content"]
    assert "Restart=always" in unit
    assert "StandardOutput=null" in unit
    assert ["systemctl", "enable", "--now", "gpu-beat.service"] in told["runcmd"]
    without = yaml.safe_load(user_data((KEY,), timedelta(days=7)))
    assert not [one for one in without["write_files"] if "beat" in one["path"]]


def test_a_machine_with_so_many_keys_that_nothing_else_fits_boots_without_reporting() -> None:
    keys = tuple("ssh-rsa " + "A" * 716 for _ in range(11))
    text = user_data(keys, timedelta(days=7), data_of="ec2-user", beats_to=URL)
    assert len(text) <= 16 * 1024
    assert "gpu-beat" not in text
    assert "gpu-deadline.timer" in text
