"""One local run: what is started in which order, what it is told, and how it ends.

The order matters: the world answers before the functions exist, the functions are deployed before
the Slack stand-in can reach them, and the page is served only when typing into it works. The end is
the same backwards, and also comes when any step failed.
"""

import fcntl
import logging
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox import beats, internet, ministack, serve
from sandbox.deploy import Deployed, deploy
from sandbox.ec2_wire import app as world_app
from sandbox.events import PUMP_SECONDS, Bus, Loop, pump, ring
from sandbox.forward import passed_on
from sandbox.logs import copier
from sandbox.options import ROOT, SCHEDULE_SECONDS, Options
from sandbox.roles import Callers, Stranger
from sandbox.slack.model import BOT_USER, CHANNELS, PEOPLE, SLACKBOT, TEAM_ID
from sandbox.slack.server import app as slack_app
from sandbox.slack.workspace import Workspace
from sandbox.wire import Network, Wire
from sim.callers import Caller
from sim.world import AwsError, World

STACK = "gpu"
DOORS = ("Door", "Slack", "Clock", "Ec2Events")
REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
# What the world answers instead of MiniStack, by boto3's own environment variables.
WORLD_SERVICES = ("EC2", "SERVICE_QUOTAS", "PRICING", "COST_EXPLORER", "SSM", "STS")
# What the world holds against the functions' roles and passes on to MiniStack.
PASSED_SERVICES = ("DYNAMODB", "SQS", "SECRETS_MANAGER")
LOG_SECONDS = 1.0
AT_ONCE = 16  # parts that are deleted at the end


class CannotRun(Exception):
    """The run cannot start; the message is for a person and says what to do."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """This run's Slack secrets, made anew each time."""

    signing_secret: str
    bot_token: str


class Run:
    """A local run. `start` returns when the page works; `stop` when nothing of it is left."""

    def __init__(self, options: Options, *, on_failure: Callable[[], None] = lambda: None) -> None:
        self.options = options
        self._on_failure = on_failure
        self._ends = ExitStack()
        self._stack: ministack.MiniStack | None = None
        self._network = Network()
        self._loops: list[Loop] = []
        self._callers = Callers()
        self._read_again: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Start everything, or nothing. Raises CannotRun with words for a person."""
        try:
            self._start()
        except (ministack.NotStarted, serve.PortTaken) as error:
            self.stop()
            raise CannotRun(_words(error)) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it all, the last started first. A call that hangs is waited for once, not in turn."""
        for loop in self._loops:
            loop.let_go()
        self._ends.close()

    def is_alive(self) -> bool:
        """False once MiniStack has ended by itself."""
        return self._stack is not None and self._stack.process.poll() is None

    def _start(self) -> None:
        options = self.options
        page, outside = (self._listen(p) for p in (options.port, options.world_port))
        serve.check_free(options.ministack_port)
        _check_ministack(options.ministack)
        build = options.build or build_native()
        _clear(options.folder)
        self._log_to(options.folder / "sandbox.log")
        keys = Keys(
            signing_secret=secrets.token_hex(16), bot_token=f"xoxb-{secrets.token_urlsafe(24)}"
        )
        world = self._world(outside)
        stack = self._ministack()
        slack = options.page if options.wire is None else self._wire(options.page)
        deployed = deploy(stack, build, name=STACK, parameters=parameters(options, keys, slack))
        self._read_roles(stack, deployed)
        self._loop("events", PUMP_SECONDS, pump(Bus(stack), world.tick))
        self._loop("tidy", ministack.TIDY_SECONDS, ministack.tidier(options.folder))
        self._loop("logs", LOG_SECONDS, copier(stack, log_groups(stack, deployed), options.folder))
        if options.clock_seconds < SCHEDULE_SECONDS:
            self._loop("clock", options.clock_seconds, ring(stack, deployed.resources["Clock"]))
        profile, role = instance_profile(stack, deployed)
        world.control({"do": "instance-profile", "arn": profile, "role": role})
        door = internet.invoker(stack.client("lambda"), deployed.resources["Door"])
        self._slack(page, slack, world, keys, facts(options, keys, stack, deployed), door)
        self._loop("beats", beats.SECONDS, beats.sender(world.reports))

    def _listen(self, port: int) -> Any:
        bound = serve.listen(port)
        self._ends.callback(bound.close)
        return bound

    def _world(self, bound: Any) -> World:
        world = World(lambda: datetime.now(UTC), account=ministack.ACCOUNT, regions=REGIONS)
        settings = {"beat": beats.REPORT_SECONDS, **self.options.world}
        world.control({"do": "settings", **settings})
        pass_on = partial(passed_on, self.options.ministack_port)
        self._serve("world", world_app(world, self._who, pass_on), bound)
        return world

    def _who(self, access_key: str) -> Caller | None:
        """The role of who calls; EC2's refusal of a key that is nobody's."""
        try:
            return self._callers.of(access_key)
        except Stranger as stranger:
            raise AwsError(
                "AuthFailure", f"AWS was not able to validate the access key {stranger}", 401
            ) from stranger

    def _read_roles(self, stack: ministack.MiniStack, deployed: Deployed) -> None:
        self._read_again = partial(self._callers.read, stack, deployed, DOORS)
        self._read_again()

    def _ministack(self) -> ministack.MiniStack:
        # MiniStack unpacks the functions there, and leaves that behind when it is ended.
        self._ends.callback(_remove, self.options.folder / "tmp")
        stack = ministack.start(
            python=self.options.ministack,
            port=self.options.ministack_port,
            folder=self.options.folder,
            endpoints=self._endpoints(),
        )
        self._ends.callback(stack.stop)
        self._stack = stack
        return stack

    def _endpoints(self) -> dict[str, str]:
        """Where the functions find AWS: all of it at the world's port, which holds every call
        against its caller's role; and where a bad network was wished for, behind it."""
        there = self.options.world_endpoint
        if self.options.wire is not None:
            self._network.set(self.options.wire)
            there = self._wire(there)
        every = (*WORLD_SERVICES, *PASSED_SERVICES)
        return {f"AWS_ENDPOINT_URL_{service}": there for service in every}

    def _wire(self, upstream: str) -> str:
        """Where the functions reach that instead, over the bad network."""
        wire = Wire(self._network, upstream, self._listen(0))
        wire.start()
        self._ends.callback(wire.stop)
        return wire.endpoint

    def _control(self, world: World) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """What the World panel may ask for: the network is ours, the rest the world's."""

        def control(command: dict[str, Any]) -> dict[str, Any]:
            if command.get("do") == "wire" and self.options.wire is not None:
                return self._network.set(command)
            return world.control(command)

        return control

    def _slack(
        self,
        bound: Any,
        outside: str,
        world: World,
        keys: Keys,
        known: Mapping[str, Any],
        door: Callable[[internet.Event], internet.Event],
    ) -> None:
        app = slack_app(
            Workspace(),
            function_url=known["function_url"],
            function_headers=known["function_headers"],
            signing_secret=keys.signing_secret,
            bot_token=keys.bot_token,
            world_control=self._control(world),
            world_state=world.state,
            info=lambda: dict(known),
            more=[*internet.routes(internet.Front(invoke=door)), *self._rights()],
            outside=outside,
        )
        self._serve("slack", app, bound)

    def _rights(self) -> list[Route]:
        """What the functions asked for; and the roles read again, once somebody changed them."""

        def asked(_: Request) -> JSONResponse:
            return JSONResponse(self._callers.asked())

        def again(_: Request) -> JSONResponse:
            self._read_again()
            return JSONResponse({"ok": True})

        return [
            Route("/sandbox/rights", asked, methods=["GET"]),
            Route("/sandbox/rights", again, methods=["POST"]),
        ]

    def _serve(self, name: str, app: Any, bound: Any) -> None:
        server = serve.Server(name, app, bound)
        server.start()
        self._ends.callback(server.stop)

    def _loop(self, name: str, seconds: float, turn: Callable[[], None]) -> None:
        loop = Loop(name, seconds, turn, self._on_failure)
        loop.start()
        self._loops.append(loop)
        self._ends.callback(loop.stop)

    def _log_to(self, path: Path) -> None:
        handler = logging.FileHandler(path, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        for name in ("sandbox", "uvicorn"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.INFO if name == "sandbox" else logging.WARNING)
            logger.addHandler(handler)
            logger.propagate = False
            self._ends.callback(logger.removeHandler, handler)
        self._ends.callback(handler.close)


def parameters(options: Options, keys: Keys, slack: str) -> dict[str, str]:
    """The template parameters of a local run, as one would type them for a real workspace.

    `slack`: where the functions reach the page's server.
    """
    return {
        "SlackSigningSecret": keys.signing_secret,
        "SlackBotToken": keys.bot_token,
        "SlackApiUrl": f"{slack}/api/",
        "HereUrl": options.page,
        "GithubUrl": f"{slack}/github",
        "SlackTeamId": TEAM_ID,
        "Regions": ",".join(REGIONS),
        "Admins": next(p.id for p in PEOPLE if p.is_admin),
        **options.parameters,
    }


def instance_profile(stack: ministack.MiniStack, deployed: Deployed) -> tuple[str, str]:
    """ARNs of what machines run under, profile and role: MiniStack has IAM, the world is told."""
    asked = stack.client("lambda").get_function_configuration(
        FunctionName=deployed.resources["Slack"]
    )
    arn = str(asked["Environment"]["Variables"]["INSTANCE_PROFILE"])
    name = arn.rpartition("/")[2]
    told = stack.client("iam").get_instance_profile(InstanceProfileName=name)
    return arn, str(told["InstanceProfile"]["Roles"][0]["Arn"])


def facts(
    options: Options, keys: Keys, stack: ministack.MiniStack, deployed: Deployed
) -> dict[str, Any]:
    """`/sandbox.json`: all that a program needs to drive this run from outside."""
    host = deployed.function_url.partition("://")[2].partition(":")[0]
    return {
        "page": f"{options.page}/",
        "slack_url": f"{options.page}/api/",
        "function_url": stack.endpoint,
        "function_headers": {"Host": host},
        "request_url": f"{stack.endpoint}/slack",
        "signing_secret": keys.signing_secret,
        "bot_token": keys.bot_token,
        "aws_endpoint": stack.endpoint,
        "ec2_endpoint": options.world_endpoint,
        "aws_access_key_id": ministack.ACCESS_KEY,
        "aws_secret_access_key": ministack.SECRET_KEY,
        "region": ministack.REGION,
        "regions": list(REGIONS),
        "account": ministack.ACCOUNT,
        "team_id": TEAM_ID,
        "bot_user_id": BOT_USER,
        "users": {p.name: p.id for p in PEOPLE if p.id not in (BOT_USER, SLACKBOT)},
        "channels": {c.name: c.id for c in CHANNELS if c.name != "directmessage"},
        "stack": deployed.name,
        "table": deployed.resources["Table"],
        "queue": deployed.resources["Queue"],
        "functions": functions(deployed),
        "logs": str(options.folder),
    }


def functions(deployed: Deployed) -> dict[str, str]:
    """Logical id → function name of the doors."""
    return {door: deployed.resources[door] for door in DOORS}


def log_groups(stack: ministack.MiniStack, deployed: Deployed) -> dict[str, str]:
    """Logical id → log group of the doors."""
    asked = stack.client("lambda")
    return {
        door: asked.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
        for door, name in functions(deployed).items()
    }


def build_native() -> Path:
    """The package as it ships, built for this Python; quick when nothing changed. CannotRun.

    It has a folder of its own, so that a run never changes what `make deploy` would send, and a
    lock, so that two runs that start together do not build into each other's hands.
    """
    folder = ROOT / ".aws-sam" / "native"
    folder.mkdir(parents=True, exist_ok=True)
    script = str(ROOT / "scripts" / "build.py")
    with (ROOT / ".aws-sam" / "native.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            [sys.executable, script, "--native", "--build-dir", str(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    if made.returncode:
        raise CannotRun(f"The package could not be built:\n{made.stdout}{made.stderr}")
    return folder


def _check_ministack(python: Path) -> None:
    """MiniStack runs the functions with its own interpreter, so it must be of our minor version."""
    if not python.exists():
        raise CannotRun(f"{python} is missing. `make run` makes it: start with that.")
    asked = "import ministack, sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    if answer.returncode:
        raise CannotRun(f"{python} has no MiniStack. Remove its folder and `make run` again.")
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    if answer.stdout.strip() != ours:
        raise CannotRun(
            f"{python} is Python {answer.stdout.strip()}, and the package was built for {ours}. "
            "Remove its folder and `make run` again."
        )


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _remove(folder: Path) -> None:
    """All of its parts at once: a busy disk takes milliseconds for each of some forty thousand
    files, one after the other two minutes."""
    if not folder.exists():
        return
    remove = partial(shutil.rmtree, ignore_errors=True)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as hands:
        list(hands.map(remove, folder.iterdir()))
    remove(folder)


def _words(error: Exception) -> str:
    if isinstance(error, serve.PortTaken):
        return (
            f"Port {error.port} is in use, perhaps by another local run. "
            "This one needs three in a row: choose others with, say, SANDBOX_PORT=8040 make run"
        )
    return str(error)
