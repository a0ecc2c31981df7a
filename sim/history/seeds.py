"""A seed's history: a list of steps, drawn before anything is carried out.

Nothing here looks at how things stand, so that a step can be left out and the rest means the same.
"""

import random
from collections.abc import Callable
from typing import Any

from sim.history.themes import NITRO, THEMES, TYPES

Step = dict[str, Any]
NAMES = ("bert", "bert", "bert", "emil")
EXTRAS = ("", "", "", "in us-east-1", "keep trying", "x3", "data 100", "idle 10m")
FRAGILE = (
    "RunInstances",
    "RunInstances",
    "StopInstances",
    "TerminateInstances",
    "StartInstances",
    "DescribeInstances",
    "DeleteSecurityGroup",
    "CreateSecurityGroup",
    "AuthorizeSecurityGroupIngress",
    "ImportKeyPair",
    "CreateTags",
    "DescribeInstanceStatus",
    "DescribeInstanceTypes",
    "CreateVolume",
    "AttachVolume",
    "CreateSnapshot",
    "RegisterImage",
)
FAULTS = (
    "timeout-with-effect",
    "timeout-with-effect",
    "timeout-without-effect",
    "RequestLimitExceeded",
    "InternalError",
)
REFUSALS = ("InsufficientInstanceCapacity", "VcpuLimitExceeded", "UnauthorizedOperation")
CALLS = (
    "",
    "",
    "",
    "cloud",
    "ledger",
    "ledger.save",
    "ledger.open",
    "chat",
    "chat.post",
    "chat.respond",
    "wakes",
    "cloud.run",
    "cloud.run",
    "cloud.find",
    "cloud.look",
    "cloud.terminate",
    "cloud.stop",
    "cloud.tag_deadline",
)
SORTS = (
    *("killed before", "killed after", "killed after", "no answer", "lost answer"),
    *("throttled", "stalls", "meanwhile", "meanwhile", "meanwhile", "meanwhile"),
)


def history(seed: int) -> list[Step]:
    """The steps of that seed: the same ones whenever and wherever it is asked."""
    return _Drawn(random.Random(f"history {seed}")).steps()


class _Drawn:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.theme = chance.choice(THEMES)
        self.dies = chance.random() < 0.06
        self.types = NITRO if self.dies else TYPES

    def steps(self) -> list[Step]:
        """An account, a launch, and then this and that."""
        before = [self._trouble() for _ in range(self._one(0, 1, 1, 2))]
        before += self._lost_reply() if self.chance.random() < 0.12 else []
        before += [self._launch("gus")] if self.chance.random() < 0.05 else []
        account = self._account()
        first = [account, *self._rooms(), *before, self._launch("ada")]
        rest = [step for _ in range(self.chance.randint(4, 14)) for step in self._next()]
        if self.dies:
            rest.insert(self.chance.randrange(len(rest) + 1), {"do": "dead"})
        if self.chance.random() < 0.1:  # drawn last: all else is as it was before there was this
            account["late"] = self._one(2, 15, 60, 200)
        return [*first, *rest]

    def _one(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def _account(self) -> Step:
        step: Step = {"do": "account", "quota": self._one(*self.theme.quotas)}
        price = self._one(*self.theme.prices)
        if price:
            step["above"] = price
        budget = self._one(*self.theme.budgets)
        if budget:
            step["budget"] = budget
            step["over"] = self._one("block", "block", "stop", "approve")
        if self.chance.random() < 0.2:
            step["slow"] = self._one(5, 30, 90, 240)
        if self.theme.name == "hours and disuse":
            step["beating"] = True
        return step

    def _rooms(self) -> list[Step]:
        """The zones have room for some, for none, or for all."""
        if not self.theme.fills:
            return []
        zones = [z for z in "acdf" if self.chance.random() < 0.7]
        return [{"do": "zone", "zone": f"us-east-1{z}", "room": self._one(0, 1, 2)} for z in zones]

    def _lost_reply(self) -> list[Step]:
        """EC2 has taken a launch and nobody hears of it, nor sees it soon; the next may be a no."""
        lost = {"do": "fault", "operation": "RunInstances", "code": "timeout-with-effect"}
        refused = {**lost, "code": self._one(*REFUSALS[:2]), "times": self._one(1, 2)}
        slow = {"do": "slow", "seconds": self._one(20, 60, 120, 240)}
        more: list[Step] = self._one([], [refused], [lost])
        return [slow, lost, *more]

    def _next(self) -> list[Step]:
        """One thing; often with a trap that it is about to step into."""
        if self.chance.random() < 0.25:
            return [self._trap(), self._deed()]
        return [self._any()]

    def _deed(self) -> Step:
        """Something that makes functions run."""
        if self.chance.random() < 0.4:
            return {"do": "wait", "seconds": self._one(*self.theme.waits)}
        return self._own_word()

    def _any(self) -> Step:
        drawn = self.chance.random()
        if drawn < 0.33:
            return {"do": "wait", "seconds": self._one(*self.theme.waits)}
        if drawn < 0.5:
            return self._say(self._one("ada", "ada", "ada", "sam"), self._one(*self.theme.words))
        if drawn < 0.62:
            return self._happens()
        return self._people() if drawn < 0.7 else self._trouble()

    def _happens(self) -> Step:
        step = dict(self._one(*self.theme.happens))
        if step.get("what") == "tag":
            step["value"] = self._one(600, 90_000, "soon", None)
        if step["do"] == "outside":
            step["which"] = self.chance.randrange(3)
        if step["do"] == "press" and self.chance.random() < 0.4:
            step["times"] = 2
        return step

    # ---- people -----------------------------------------------------------------------------

    def _people(self) -> Step:
        deeds: tuple[Callable[[], Step], ...] = (
            *(self._word, self._press, self._press),
            lambda: self._launch(self._one("ada", "lin", "sam", "gus", "gus", "eve")),
            self._admin,
        )
        return self.chance.choice(deeds)()

    def _launch(self, who: str) -> Step:
        name = "bert" if who == "ada" else self._one(*NAMES)
        wish, extra = self._one(*self.theme.wishes), self._one("", "", self._one(*EXTRAS))
        text = f"launch {self._one(*self.types)} {wish} name {name} {extra}"
        return self._say(who, text.strip())

    def _say(self, who: str, text: str) -> Step:
        step: Step = {"do": "say", "who": who, "text": text}
        if self.chance.random() < 0.3:
            times = self.chance.randint(1, 5)
            step["after"] = [self._one(0, 0, 1, 20, 80, 400, 1200) for _ in range(times)]
        return step

    def _word(self) -> Step:
        """Anything of any theme."""
        words = self._one(*THEMES).words
        who = self._one("ada", "ada", "lin", "sam", "gus")
        return self._say(who, self._one(*words, "stop all yes", "allow 0.0.0.0/0", "show bert"))

    def _press(self) -> Step:
        step: Step = {
            "do": "press",
            "who": self._one("ada", "ada", "sam", "lin", "gus"),
            "message": self._one(0, 0, 1, 2, 3, 5),
            "button": self.chance.randrange(5),
        }
        if self.chance.random() < 0.3:
            step["times"] = 2
        if self.chance.random() < 0.4:
            step["version"] = self.chance.randrange(5)
        if self.chance.random() < 0.2:
            step["after"] = [self._one(0, 1, 20, 80) for _ in range(self._one(1, 2, 3))]
        return step

    def _admin(self) -> Step:
        text = self._one(
            "policy default-lease 1h",
            "policy markets on-demand",
            "policy longest-lease 3h",
            "policy approval-above 1",
            "policy types g5",
            "policy idle 30m",
            "budget team 2000",
        )
        return self._say("sam", text)

    # ---- what goes wrong --------------------------------------------------------------------

    def _trouble(self) -> Step:
        troubles: tuple[Callable[[], Step], ...] = (
            *(self._fault, self._fault, self._trap, self._trap, self._trap, self._trap),
            *(self._queue, self._queue, self._zone, self._outside, self._outside, self._outside),
            *(self._minutes, self._skew, self._slack, self._deploy, self._quota, self._rare),
        )
        return self.chance.choice(troubles)()

    def _fault(self) -> Step:
        operation = self._one(*FRAGILE)
        codes = (*FAULTS, *REFUSALS) if operation == "RunInstances" else FAULTS
        return {
            "do": "fault",
            "operation": operation,
            "code": self._one(*codes),
            "times": self._one(1, 1, 2, 4),
        }

    def _trap(self) -> Step:
        step: Step = {"do": "trap", "how": self._one(*SORTS), "call": self._one(*CALLS)}
        broad = (1, 2, 3, 5, 8, 13, 21)
        step["at"] = self._one(1, 1, 2, 3) if "." in step["call"] else self._one(*broad)
        if step["how"] == "stalls":
            step["seconds"] = self._one(5, 20, 45, 70)
        if step["how"] == "meanwhile":
            then: tuple[Callable[[], Step], ...] = (self._own_word, self._happens, self._passing)
            step["then"] = self.chance.choice(then)()
        return step

    def _own_word(self) -> Step:
        return self._say(self._one("ada", "sam"), self._one(*self.theme.words, "end bert"))

    def _passing(self) -> Step:
        return {"do": "wait", "seconds": self._one(1, 5, 20)}

    def _queue(self) -> Step:
        how = self._one("lose", "double", "late", "backwards", "events")
        step: Step = {"do": "queue", "how": how, "count": self._one(1, 3, 10, 40)}
        if how == "late":
            step["seconds"] = self._one(5, 60, 300)
        return step

    def _zone(self) -> Step:
        step: Step = {"do": "zone", "room": self._one(0, 0, 1, 2, None)}
        if self.chance.random() < 0.6:
            step["zone"] = f"us-east-1{self._one('a', 'c', 'd', 'f')}"
        return step

    def _outside(self) -> Step:
        what = self._one("stop", "terminate", "start", "interrupt", "interrupt", "rebalance", "tag")
        step: Step = {"do": "outside", "what": what, "which": self.chance.randrange(3)}
        if what == "tag":
            step["value"] = self._one(600, 90_000, "soon", None)
        return step

    def _minutes(self) -> Step:
        return {"do": "minutes", "skip": self._one(1, 3, 10)}

    def _skew(self) -> Step:
        return {
            "do": "skew",
            "function": self._one("slack", "clock", "door"),
            "seconds": self._one(-120, -30, 30, 120),
        }

    def _slack(self) -> Step:
        return {
            "do": "slack",
            "seconds": self._one(20, 90, 400),
            "busy": self.chance.random() < 0.5,
        }

    def _deploy(self) -> Step:
        return {
            "do": "deploy",
            "what": self._one("image", "image", "profile", "lease", "disk", "price"),
        }

    def _quota(self) -> Step:
        return {"do": "quota", "decide": self._one("grant", "part", "deny")}

    def _rare(self) -> Step:
        if self.chance.random() < 0.3:
            return {"do": "leaves", "who": "ada"}
        return self._fault()
