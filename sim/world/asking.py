"""How a call is read: which parameters the world knows, filters, pages, tags.

What the world does not know it refuses, so that nobody relies on something that is not simulated.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from sim.world.errors import AwsError, unknown
from sim.world.ground import Ground
from sim.world.things import Region, Tags

T = TypeVar("T")
Params = Mapping[str, Any]
Shape = Mapping[str, Any]  # name → None (a value), a shape, or a list of one shape
Run = Callable[[Ground, Region, Params], dict[str, Any]]

_WILD = frozenset("*?\\")

FILTERS: Shape = {"Filters": [{"Name": None, "Values": None}]}
PAGES: Shape = {"MaxResults": None, "NextToken": None}
TAG_SPECIFICATIONS: Shape = {
    "TagSpecifications": [{"ResourceType": None, "Tags": [{"Key": None, "Value": None}]}]
}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One API operation: what it takes, and what it does. `dry` runs its own dry-run check."""

    name: str
    takes: Shape
    run: Run
    dry: bool = False

    def __call__(self, ground: Ground, region: Region, params: Params) -> dict[str, Any]:
        check(self.name, params, {**self.takes, "DryRun": None})
        if params.get("DryRun") and not self.dry:
            raise dry_run()
        return self.run(ground, region, params)


def dry_run() -> AwsError:
    return AwsError(
        "DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412
    )


def check(operation: str, params: Params, shape: Shape, path: str = "") -> None:
    """Refuse the first parameter that the shape does not have."""
    for name, value in params.items():
        if name not in shape:
            raise unknown(operation, "parameter", f"{path}{name}")
        inner = shape[name]
        if isinstance(inner, list):
            for item in value:
                check(operation, item, inner[0], f"{path}{name}.")
        elif inner is not None:
            check(operation, value, inner, f"{path}{name}.")


def need(params: Params, name: str) -> Any:
    """The parameter, or EC2's MissingParameter."""
    value = params.get(name)
    if value is None or value == "" or value == []:
        raise AwsError(
            "MissingParameter",
            f"The request must contain the parameter {name[0].lower()}{name[1:]}",
        )
    return value


# ---- filters ------------------------------------------------------------------------------------

Getter = Callable[[Any], Iterable[str | None] | str | None]


def matching(
    operation: str, things: Iterable[T], params: Params, getters: Mapping[str, Getter]
) -> list[T]:
    """Those that every filter lets through. `tag` in the getters allows tag:<key> and tag-key."""
    found = list(things)
    for test in [_test(operation, f, getters) for f in params.get("Filters") or ()]:
        found = [thing for thing in found if test(thing)]
    return found


def _test(operation: str, f: Params, getters: Mapping[str, Getter]) -> Callable[[Any], bool]:
    name, wanted = f["Name"], [str(v) for v in f.get("Values") or ()]
    get = _getter(name, getters)
    if get is None:
        raise AwsError(
            "InvalidParameterValue",
            f"The filter '{name}' is invalid ({operation}: the world does not know it)",
        )

    def values(thing: Any) -> Iterable[str | None]:
        found = get(thing)
        return (found,) if isinstance(found, str) or found is None else found

    wild = {v for v in wanted if not _WILD.isdisjoint(v)}
    plain, patterns = frozenset(wanted) - wild, [_pattern(v) for v in wild]
    if patterns:
        return lambda thing: any(
            v in plain or any(p.fullmatch(v) for p in patterns)
            for v in values(thing)
            if v is not None
        )
    return lambda thing: not plain.isdisjoint(values(thing))


def _getter(name: str, getters: Mapping[str, Getter]) -> Getter | None:
    if "tag" in getters and name.startswith("tag:"):
        key, tags = name.removeprefix("tag:"), getters["tag"]
        return lambda thing: [v for k, v in _pairs(tags(thing)) if k == key]
    if "tag" in getters and name == "tag-key":
        tags = getters["tag"]
        return lambda thing: [k for k, _ in _pairs(tags(thing))]
    return None if name == "tag" else getters.get(name)


def _pairs(tags: Any) -> Iterable[tuple[str, str]]:
    pairs: Iterable[tuple[str, str]] = tags.items()
    return pairs


@cache
def _pattern(text: str) -> re.Pattern[str]:
    r"""EC2's wildcards: * and ?, taken literally behind a backslash."""
    parts = re.findall(r"\\.|.", text, re.DOTALL)
    regex = "".join({"*": ".*", "?": "."}.get(p, re.escape(p.removeprefix("\\"))) for p in parts)
    return re.compile(regex, re.DOTALL)


# ---- pages --------------------------------------------------------------------------------------


def page(
    things: Sequence[T], params: Params, *, least: int = 1, most: int, default: int | None = None
) -> tuple[list[T], dict[str, str]]:
    """One page, and {"NextToken": …} where there is more.

    Without MaxResults a page has `default` things, or all of them.
    """
    size = params.get("MaxResults")
    if size is not None and not least <= int(size) <= most:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ( {size} ) for parameter maxResults is invalid. "
            f"Expecting a value between {least} and {most}.",
        )
    start = _start(params.get("NextToken"))
    end = start + int(size or default or max(len(things), 1))
    if end < len(things):
        return list(things[start:end]), {"NextToken": _token(end)}
    return list(things[start:]), {}


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(f"page:{start}".encode()).decode()


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        word, _, start = base64.urlsafe_b64decode(token).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _bad_token() from error
    if word != "page" or not start.isdigit():
        raise _bad_token()
    return int(start)


def _bad_token() -> AwsError:
    return AwsError("InvalidParameterValue", "Unable to parse pagination token")


# ---- tags ---------------------------------------------------------------------------------------


def tags_for(params: Params, kind: str, allowed: tuple[str, ...]) -> Tags:
    """The tags that the call gives to that kind of resource."""
    found: Tags = {}
    for spec in params.get("TagSpecifications") or ():
        if spec.get("ResourceType") not in allowed:
            raise AwsError(
                "InvalidParameterValue",
                f"'{spec.get('ResourceType')}' is not a valid taggable resource type for this "
                "operation.",
            )
        if spec["ResourceType"] == kind:
            found.update(read_tags(spec.get("Tags") or ()))
    return found


def read_tags(pairs: Iterable[Params]) -> Tags:
    """{key: value} within EC2's limits: 50 tags, 128 and 256 characters, no aws: of one's own."""
    found: Tags = {}
    for pair in pairs:
        key, value = str(need(pair, "Key")), str(pair.get("Value") or "")
        if key in found:
            raise AwsError("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        if key.lower().startswith("aws:"):
            raise AwsError(
                "InvalidParameterValue", f"Tag keys starting with 'aws:' are reserved: {key}"
            )
        if len(key) > 128 or len(value) > 256:
            raise AwsError("InvalidParameterValue", f"Tag '{key}' exceeds the maximum length.")
        found[key] = value
    if len(found) > 50:
        raise AwsError(
            "TagLimitExceeded", "The maximum number of Tags for a resource has been reached."
        )
    return found


def tag_list(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
