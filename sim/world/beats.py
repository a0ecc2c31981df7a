"""Machines that report how much they are used, as the program in their user data would.

Nothing runs there: what the program would find is said by the world control. Reports are made when
somebody collects them, so a world whose reports nobody wants has none to make.
"""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sim.world.ground import Ground
from sim.world.things import Instance

_LOOKS = 5  # in a report
_KEPT = 15  # that are sent again when a report was not taken
_URL = re.compile(r'URL = "(https?://[^"\s]+/beat/[^"\s]+)"')
_MOST = {"gpu": 100, "cpu": 100, "ssh": 100}


def collect(ground: Ground) -> list[tuple[str, bytes]]:
    """What every machine has to report since the last time: URL and body."""
    found = []
    for instance in _reporting(ground):
        _look(ground, instance)
        if instance.load.ready and not instance.load.silent:
            found.append((_url(instance), _body(ground, instance)))
            instance.load.kept.clear()
            instance.load.ready = False
    return found


def next_at(ground: Ground) -> datetime | None:
    """When the next machine reports."""
    return min((_next(ground, instance) for instance in _reporting(ground)), default=None)


def change(ground: Ground, instance: Instance, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Another load from now on. ValueError where a figure is none."""
    _look(ground, instance)
    given = {name: wanted[name] for name in _MOST if name in wanted}
    for name, value in given.items():
        if value is not None and (type(value) is not int or not 0 <= value <= _MOST[name]):
            raise ValueError(f"{name} must be a whole number up to {_MOST[name]}, or null")
        setattr(instance.load, name, value)
    instance.load.silent = bool(wanted.get("silent", instance.load.silent if not given else False))
    return shown(instance)


def shown(instance: Instance) -> dict[str, Any]:
    """The load as plain values."""
    load = instance.load
    return {"gpu": load.gpu, "cpu": load.cpu, "ssh": load.ssh, "silent": load.silent}


def _reporting(ground: Ground) -> Iterator[Instance]:
    for region in ground.regions.values():
        for instance in region.instances.values():
            if instance.running_since is not None and _url(instance):
                yield instance


def _url(instance: Instance) -> str:
    return _url_in(instance.user_data or "")


@lru_cache(maxsize=1024)
def _url_in(user_data: str) -> str:
    found = _URL.search(base64.b64decode(user_data).decode(errors="replace"))
    return found[1] if found else ""


def _next(ground: Ground, instance: Instance) -> datetime:
    done = instance.load.looks // _LOOKS if instance.load.life == instance.life else 0
    assert instance.running_since is not None
    return instance.running_since + timedelta(seconds=ground.settings.beat) * (done + 1)


def _look(ground: Ground, instance: Instance) -> None:
    """Every look that its program would have had by now, with the load as it is."""
    load, since = instance.load, instance.running_since
    if since is None:
        return
    if load.life != instance.life:
        load.life, load.looks, load.ready = instance.life, 0, False
        load.kept.clear()
    every = timedelta(seconds=ground.settings.beat) / _LOOKS
    while since + every * (load.looks + 1) <= ground.time:
        load.looks += 1
        load.kept.append((since + every * load.looks, load.gpu, load.cpu, load.ssh))
        load.ready = load.ready or load.looks % _LOOKS == 0
    del load.kept[:-_KEPT]


def _body(ground: Ground, instance: Instance) -> bytes:
    assert instance.running_since is not None
    named = hashlib.sha256(f"{instance.id} {instance.life}".encode()).digest()
    return json.dumps(
        {
            "instance": instance.id,
            "boot": str(uuid.UUID(bytes=named[:16])),
            "up": int((ground.time - instance.running_since).total_seconds()),
            "samples": [
                [int((ground.time - at).total_seconds()), *figures]
                for at, *figures in instance.load.kept
            ],
        }
    ).encode()
