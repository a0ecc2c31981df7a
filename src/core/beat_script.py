"""The program on a machine that reports how much it is used, and the unit that keeps it running.

A fixed text but for its URL. It needs Python alone, has no credentials, writes nothing to a disk,
and gives way to everything else. What it cannot measure it reports as null, which means unknown.
"""

import re

_URL = re.compile(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._/-]+", re.ASCII)

# A GPU is looked at three times a minute, because what nvidia-smi tells is of a second or less; a
# minute's figure is the busiest of them, and unknown if one of them is. The processors' figure is
# of four at most, or one busy thread would be lost among 192. People come by ssh, also without a
# terminal (VS Code), or by Session Manager.
_SCRIPT = """\
#!/usr/bin/python3
# Reports how busy this machine is, so that nobody pays for one that nobody uses.
import http.client, json, os, re, shutil, subprocess, threading, time, urllib.request

URL = "{url}"
IMDS = "http://169.254.169.254/latest"
PROC = "/proc"
LOOK, LOOKS, REPORT, KEPT = 20, 3, 5, 15
FAILS = (ArithmeticError, OSError, ValueError, LookupError, TypeError, AttributeError,
         subprocess.SubprocessError, http.client.HTTPException)


def known(ask):
    try:
        return ask()
    except FAILS:
        return None


def read(path):
    with open(PROC + path, errors="replace") as file:
        return file.read()


def said(*command):
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=True, timeout=10).stdout.decode(errors="replace")


def gpu():
    if shutil.which("nvidia-smi"):
        told = said("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")
        used = [int(line) for line in told.splitlines() if line.strip()]
    elif shutil.which("rocm-smi"):
        told = said("rocm-smi", "--showuse", "--json")
        cards = json.loads(told[told.index("{{"):]).values()
        used = [float(card["GPU use (%)"]) for card in cards if "GPU use (%)" in card]
    else:
        told = json.loads(first_line("neuron-monitor"))["neuron_runtime_data"]
        used = [0] + [core["neuroncore_utilization"] for one in told for core in
                one["report"]["neuroncore_counters"]["neuroncores_in_use"].values()]
    return min(100, round(max(used)))


def first_line(command):
    run = subprocess.Popen([command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    end = threading.Timer(10, run.kill)
    end.start()
    try:
        return run.stdout.readline()
    finally:
        end.cancel()
        run.kill()
        run.stdout.close()
        run.wait()


def ticks():
    fields = [int(field) for field in read("/stat").split("\\n")[0].split()[1:9]]
    return sum(fields), fields[3]


def cpu(before, after):
    every = os.cpu_count()
    busy = 1 - (after[1] - before[1]) / (after[0] - before[0])
    return max(0, min(100, round(100 * busy * every / min(every, 4))))


def people():
    rows = [row.split() for file in ("/net/tcp", "/net/tcp6")
            if os.path.exists(PROC + file) for row in read(file).splitlines()[1:]]
    ssh = sum(row[1].endswith(":0016") and row[3] == "01" for row in rows)
    if shutil.which("who"):
        far = re.compile(r"[(](?!:|tmux|mosh)[^()]+[)]$")
        ssh = max(ssh, sum(bool(far.search(line)) for line in said("who").splitlines()))
    return ssh + sum(known(lambda: read("/" + one + "/comm")) == "ssm-session-wor\\n"
                     for one in os.listdir(PROC) if one.isdigit())


def fetch(url, data=None, method=None, **headers):
    headers = {{name.replace("_", "-"): value for name, value in headers.items()}}
    ask = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(ask, timeout=20) as answer:
        return answer.read(4096).decode()


def instance():
    token = fetch(IMDS + "/api/token", method="PUT", X_aws_ec2_metadata_token_ttl_seconds="60")
    return fetch(IMDS + "/meta-data/instance-id", X_aws_ec2_metadata_token=token)


def report(me, samples):
    now = time.monotonic()
    fetch(URL, json.dumps({{
        "instance": me, "boot": read("/sys/kernel/random/boot_id").strip(),
        "up": int(float(read("/uptime").split()[0])),
        "samples": [[int(now - at), *figures] for at, *figures in samples],
    }}).encode(), Content_Type="application/json")
    return True


def minute():
    before, gpus, ssh = known(ticks), [], []
    for _ in range(LOOKS):
        time.sleep(LOOK)
        gpus.append(known(gpu))
        ssh.append(known(people))
    after = known(ticks)
    most = [None if None in looks else max(looks) for looks in (gpus, ssh)]
    return time.monotonic(), most[0], known(lambda: cpu(before, after)), most[1]


me, samples, count = None, [], 0
while True:
    samples = [*samples, minute()][-KEPT:]
    count += 1
    if count % REPORT == 0:
        me = me or known(instance)
        if me and known(lambda: report(me, samples)):
            samples = []
"""

# It is never given up, and the first to go when memory is short.
SERVICE = """\
[Unit]
Description=Report how much this machine is used
StartLimitIntervalSec=0
[Service]
Environment=PATH=/opt/aws/neuron/bin:/opt/rocm/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
ExecStart=/usr/bin/python3 -I /usr/local/sbin/gpu-beat
Restart=always
RestartSec=60
Nice=19
IOSchedulingClass=idle
OOMScoreAdjust=1000
StandardOutput=null
StandardError=null
[Install]
WantedBy=multi-user.target
"""


def beat_script(url: str) -> str:
    """The program that reports to `url`. ValueError where that is no plain URL."""
    if not _URL.fullmatch(url):
        raise ValueError("no plain URL")  # it holds a token: it is not shown
    return _SCRIPT.format(url=url)
