"""What a history is mostly about: which launches, words and happenings it draws from.

Without a theme most words would find no machine in a state that they fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Step = Mapping[str, Any]

NITRO = ("g5.xlarge", "g4dn.xlarge", "g5.2xlarge")
TYPES = (*NITRO, "p3.2xlarge")


def _outside(*whats: str) -> tuple[Step, ...]:
    return tuple({"do": "outside", "what": what, "which": 0} for what in whats)


def _zones(*rooms: int | None) -> tuple[Step, ...]:
    return tuple({"do": "zone", "room": room} for room in rooms)


def _by_sam(*buttons: int) -> tuple[Step, ...]:
    return tuple({"do": "press", "who": "sam", "message": 0, "button": one} for one in buttons)


def _by_ada(*buttons: int) -> tuple[Step, ...]:
    return tuple({"do": "press", "who": "ada", "message": 0, "button": one} for one in buttons)


@dataclass(frozen=True, kw_only=True)
class Theme:
    """`wishes` are what follows the type in a launch; `words` are said of `bert`, mostly by who
    owns it; `happens` are steps as they are."""

    name: str
    wishes: tuple[str, ...]
    words: tuple[str, ...]
    happens: tuple[Step, ...]
    waits: tuple[int, ...] = (1, 5, 30, 30, 90, 90, 300)
    quotas: tuple[int, ...] = (64,)
    budgets: tuple[float | None, ...] = (None,)
    prices: tuple[float | None, ...] = (None,)  # USD an hour above which somebody must approve
    fills: bool = False  # the zones have room for some only


THEMES = (
    Theme(
        name="leases",
        wishes=("on-demand for 2m", "spot for 5m", "on-demand for 20m", "spot keep for 20m"),
        words=("extend bert 10m", "extend bert 10m", "extend bert", "extend bert 30h", "list"),
        happens=(*_by_ada(0, 0, 1), *_outside("tag", "stop")),
        waits=(5, 30, 60, 90, 240, 300, 900),
    ),
    Theme(
        name="stopped and started",
        wishes=("on-demand for 20m", "on-demand for 5m", "spot keep for 20m", "on-demand for 2h"),
        words=("stop bert yes", "stop bert yes", "start bert for 20m", "start bert"),
        happens=(*_outside("stop", "start", "terminate"), *_by_ada(0, 1), *_zones(0, None)),
    ),
    Theme(
        name="spot",
        wishes=(
            "spot for 2h",
            "spot keep for 2h",
            "spot recover for 2h",
            "spot or on-demand for 2h",
        ),
        words=("start bert", "start bert", "stop bert yes", "extend bert 10m"),
        happens=(*_outside("interrupt", "interrupt", "rebalance", "terminate"), *_zones(0, None)),
        waits=(5, 30, 90, 125, 125, 300),
    ),
    Theme(
        name="no capacity",
        wishes=(
            "spot for 20m",
            "spot for 20m keep trying",
            "on-demand for 2h keep trying",
            "spot or on-demand for 20m in us-east-1",
            "on-demand for 20m in us-east-1",
        ),
        words=("stop bert", "end bert", "list"),
        happens=(*_zones(0, None, None), *_by_ada(0, 1, 2)),
        waits=(30, 90, 90, 300, 600),
        fills=True,
    ),
    Theme(
        name="quota",
        wishes=("spot for 20m in us-east-1", "on-demand for 20m in us-east-1"),
        words=("quota g5.xlarge", "end bert", "stop bert"),
        happens=(
            *_by_ada(0, 1, 1, 2),
            *({"do": "quota", "decide": decide} for decide in ("grant", "part", "deny")),
        ),
        quotas=(0, 0, 4),
    ),
    Theme(
        name="several",
        wishes=("x3 on-demand for 20m in us-east-1", "x3 spot for 20m", "x2 on-demand for 5m"),
        words=("stop bert yes", "start bert", "start bert", "extend bert 10m"),
        happens=(*_outside("stop", "terminate", "start", "interrupt"), *_by_ada(0, 1), *_zones(1)),
        fills=True,
    ),
    Theme(
        name="money",
        wishes=("on-demand for 2h", "x2 on-demand for 20m", "on-demand for 20m", "spot for 20m"),
        words=("extend bert 1h", "start bert", "stop bert yes", "budget team 20", "cost month"),
        happens=(*_by_ada(0, 0, 1), *_by_sam(0, 0, 1), {"do": "deploy", "what": "price"}),
        budgets=(1.2, 2.5, 5, None),
    ),
    Theme(
        name="approvals",
        wishes=("on-demand for 2h", "spot for 20m", "x2 on-demand for 20m", "on-demand for 20m"),
        words=("extend bert 1h", "list", "stop bert"),
        happens=(*_by_ada(0, 0, 0, 1), *_by_sam(0, 0, 0, 1)),
        prices=(0.1, 0.1, 0.5, 1),
    ),
    Theme(
        name="disks",
        wishes=("on-demand for 20m data 100", "spot for 20m data 100", "on-demand for 2h"),
        words=(
            "end bert",
            "start bert",
            "stop bert yes",
            "save bert as env",
            "data delete data yes",
            "launch g5.xlarge on-demand data for 20m name emil",
            "launch g5.xlarge on-demand image env for 20m name emil",
        ),
        happens=(*_outside("terminate", "stop"), *_by_ada(0, 1)),
    ),
    Theme(
        name="hours and disuse",
        wishes=("on-demand for 2h", "on-demand for 20m idle 10m", "spot for 2h idle 10m"),
        words=(
            "schedule bert weekdays 8:00-18:00",
            "schedule bert weekdays 9:10-9:40",
            "stop bert yes",
            "idle bert 10m",
            "share bert <@U0LIN>",
        ),
        happens=(*_outside("stop"), *_by_ada(0, 1)),
        waits=(30, 90, 300, 600, 900),
    ),
)
