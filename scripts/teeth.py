"""Have the tests teeth? Takes out one safeguard at a time and sees whether a test fails.

A safeguard is: a condition of a write to the ledger, a check of who may do something or of what
comes through a door, an escape of somebody's words, a condition in a policy of the template. Each
is taken out of a copy of the project, alone, and the tests that reach that line are run. A
safeguard whose loss no test sees is printed, and the command fails.

    python scripts/teeth.py                 all of them; some quarter of an hour on two cores
    python scripts/teeth.py --kind template
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from coverage import CoverageData
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[1]
REACHED = ROOT / ".teeth"  # which test reaches which line, from the last --look
NARROW, WIDE = 80, 80  # of the tests that reach a line: those that reach least, and some of all
SUITES = ("tests/core", "tests/flows", "tests/adapters", "tests/contracts", "tests/handlers")
# The quick ones first.
OF_TEMPLATE = ("tests/test_template.py", "tests/iam/test_denies.py", "tests/iam")
GUARDED = (
    *("src/core/policy.py", "src/core/gate.py", "src/core/rulebook.py", "src/core/budgets.py"),
    *("src/core/access.py", "src/core/keys.py", "src/core/reconcile.py"),
    *("src/handlers/door.py", "src/handlers/here.py", "src/handlers/beat.py", "src/core/beats.py"),
    *("src/handlers/slack.py", "src/adapters/slack.py", "src/core/links.py"),
    "src/core/flows/*.py",
)
ABOUT = ("Denied", "denied", "not_yours", "_No(", "may_", "admins", "approvers", "owner", "sweep")
WORDS = ("src/core/blocks.py", "src/core/messages/*.py")
ESCAPES = ("escape", "code", "_clean")


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One safeguard that is taken out: the file as it is without it."""

    kind: str
    path: str
    line: int
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.path}:{self.line}: {self.what}"


# ---- what can be lost -----------------------------------------------------------------------


def losses() -> Iterator[Loss]:
    """Every safeguard of this project, each taken out alone."""
    for path in _files("src/adapters/*.py"):
        yield from _of_source("condition", path, _conditions)
    for path in _files(*GUARDED):
        yield from _of_source("guard", path, _guards)
    for path in _files(*WORDS):
        yield from _of_source("escape", path, _escapes)
    yield from _of_template()


def _files(*patterns: str) -> list[str]:
    found = [p for pattern in patterns for p in sorted(ROOT.glob(pattern))]
    return [str(p.relative_to(ROOT)) for p in found]


Cut = tuple[ast.AST, str, str]  # what is replaced, by what, and how it is called


def _of_source(kind: str, path: str, cuts: Any) -> Iterator[Loss]:
    source = (ROOT / path).read_text("utf-8")
    for node, new, what in cuts(ast.parse(source), source):
        text = _replaced(source, node, new)
        yield Loss(kind=kind, path=path, line=node.lineno, what=what, text=text)


def _replaced(source: str, node: Any, new: str) -> str:
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    return (source.encode()[:start] + new.encode() + source.encode()[end:]).decode()


def _conditions(tree: ast.AST, source: str) -> Iterator[Cut]:
    """`{"ConditionExpression": …}` without it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "ConditionExpression":
                said = ast.get_source_segment(source, value) or ""
                kept = [
                    f"{'**' if k is None else ast.get_source_segment(source, k) or ''}"
                    f"{'' if k is None else ': '}{ast.get_source_segment(source, v)}"
                    for k, v in zip(node.keys, node.values, strict=True)
                    if k is not key
                ]
                yield node, "{" + ", ".join(kept) + "}", f"without {said}"


def _guards(tree: ast.AST, source: str) -> Iterator[Cut]:
    """A check that leaves by `return` or `raise` is passed; and each part of its test alone."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.If) or not isinstance(node.body[-1], ast.Return | ast.Raise):
            continue
        said = ast.get_source_segment(source, node) or ""
        whole = ast.get_source_segment(source, node.test) or ""
        body = said.partition("\n")[2]
        if not any(word in whole + body for word in ABOUT):
            continue
        yield node.test, f"False and ({whole})", f"never: if {_short(whole)}"
        if isinstance(node.test, ast.BoolOp):
            yield from _parts(node.test, source)


def _parts(test: ast.BoolOp, source: str) -> Iterator[Cut]:
    joint = " and " if isinstance(test.op, ast.And) else " or "
    for part in test.values:
        if not any(word in (ast.get_source_segment(source, part) or "") for word in ABOUT):
            continue
        others = (ast.get_source_segment(source, one) for one in test.values if one is not part)
        kept = joint.join(f"({one})" for one in others)
        gone = ast.get_source_segment(source, part) or ""
        yield test, f"({kept})", f"without: {_short(gone)}"


def _escapes(tree: ast.AST, source: str) -> Iterator[Cut]:
    """`escape(x)` becomes `x`, `code(x)` an `x` between two ticks."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in ESCAPES and len(node.args) == 1:
            inner = ast.get_source_segment(source, node.args[0]) or ""
            bare = f"('`' + ({inner}) + '`')" if node.func.id == "code" else f"({inner})"
            yield node, bare, f"bare: {_short(inner)}"


def _short(text: str) -> str:
    return " ".join(text.split())[:100]


def _of_template() -> Iterator[Loss]:
    """Each key of each condition of each statement of the template's policies."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    for steps in list(_keys_of_conditions(yaml_parse(text), ())):
        template = yaml_parse(text)
        inside = template
        for step in steps[:-1]:
            inside = inside[step]
        del inside[steps[-1]]
        what = "/".join(map(str, steps))
        yield Loss(
            kind="template", path="template.yaml", line=0, what=what, text=json.dumps(template)
        )


def _keys_of_conditions(node: Any, at: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict):
        if "Effect" in node and isinstance(node.get("Condition"), dict):
            for operator, keys in node["Condition"].items():
                yield from ((*at, "Condition", operator, key) for key in keys)
        for key, value in node.items():
            yield from _keys_of_conditions(value, (*at, key))
    if isinstance(node, list):
        for number, value in enumerate(node):
            yield from _keys_of_conditions(value, (*at, number))


# ---- which tests would see it ---------------------------------------------------------------


def look() -> None:
    """Run the suites once and keep which test reaches which line."""
    REACHED.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITES]
    command += ["--cov=src", "--cov-context=test", "--cov-report=", "-n", "2", "--dist", "loadfile"]
    environ = os.environ | {"COVERAGE_FILE": str(REACHED / "coverage")}
    subprocess.run(command, cwd=ROOT, env=environ, check=True)


def reaching(loss: Loss, data: CoverageData) -> list[str]:
    """The tests that reach the line, those first that reach little beside it."""
    if loss.kind == "template":
        return [one for one in OF_TEMPLATE if (ROOT / one).exists()]
    by_line = data.contexts_by_lineno(str(ROOT / loss.path))
    names = {c.rpartition("|")[0] for c in by_line.get(loss.line, []) if c}
    ordered = sorted(names, key=_breadth(data))
    others = ordered[NARROW:]
    return ordered[:NARROW] + others[:: max(1, len(others) // WIDE)]


_BREADTHS: dict[str, int] = {}


def _breadth(data: CoverageData) -> Any:
    if not _BREADTHS:
        for path in data.measured_files():
            for contexts in data.contexts_by_lineno(path).values():
                for context in contexts:
                    name = context.rpartition("|")[0]
                    _BREADTHS[name] = _BREADTHS.get(name, 0) + 1
    return lambda name: (_BREADTHS.get(name, 0), name)


# ---- whether they do ------------------------------------------------------------------------


def bitten(loss: Loss, copy: Path, tests: list[str]) -> bool:
    """Whether a test fails in that copy of the project once the safeguard is gone."""
    if not tests:
        return False
    there = copy / loss.path
    before = there.read_text("utf-8")
    there.write_text(loss.text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        ended = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        return True
    finally:
        there.write_text(before, "utf-8")
    if ended.returncode not in (0, 1, 2):
        raise SystemExit(f"{loss}: pytest ended with {ended.returncode}\n{ended.stdout[-2000:]}")
    return ended.returncode != 0


def _copy(into: Path) -> Path:
    listed = ["git", "ls-files", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, into / name)
    return into


def _try(asked: list[Loss], workers: int) -> list[Loss]:
    data = CoverageData(str(REACHED / "coverage"))
    data.read()
    tests = {id(loss): reaching(loss, data) for loss in asked}
    survived: list[Loss] = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        copies: Queue[Path] = Queue()
        for number in range(workers):
            copies.put(_copy(Path(folder) / str(number)))

        def one(loss: Loss) -> None:
            copy = copies.get()
            try:
                if not bitten(loss, copy, tests[id(loss)]):
                    survived.append(loss)
                    print(f"NO TEST SEES IT  {loss}  ({len(tests[id(loss)])} tests)", flush=True)
            finally:
                copies.put(copy)

        list(pool.map(one, asked))
    return survived


def main() -> None:
    """Every safeguard, or those of one kind."""
    asked = argparse.ArgumentParser(description="Take out one safeguard at a time.")
    asked.add_argument("--kind", choices=["condition", "guard", "escape", "template"])
    asked.add_argument("--path", default="", help="only in files whose path has this in it")
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--list", action="store_true")
    asked.add_argument("--look", action="store_true", help="find out anew which test reaches what")
    given = asked.parse_args()
    chosen = [x for x in losses() if given.kind in (None, x.kind) and given.path in x.path]
    if given.list:
        print(*chosen, sep="\n")
        return
    of_source = any(one.kind != "template" for one in chosen)
    if given.look or (of_source and not (REACHED / "coverage").exists()):
        look()
    survived = _try(chosen, given.workers)
    print(f"{len(chosen)} safeguards taken out, one at a time; {len(survived)} were not missed")
    raise SystemExit(1 if survived else 0)


if __name__ == "__main__":
    main()
