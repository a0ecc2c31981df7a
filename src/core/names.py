"""Ids and names: the same request always gives the same machine id, and a name people can say."""

import base64
import hashlib


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ADJECTIVES = _words(
    """
    amber azure bold brave bright brisk calm clever coral crisp daring eager early fancy
    fleet fresh gentle giant glad golden grand happy hazel honest humble icy jolly keen kind
    late lively lucky lunar mellow merry mighty misty neat noble olive patient plucky polar
    proud quick quiet rapid rosy royal rustic sandy sharp shiny silent silver sleek smart
    snowy solar solid spry steady stellar sunny swift tidy tiny tranquil upbeat velvet vivid
    warm wise witty young zesty
    """
)
_ANIMALS = _words(
    """
    badger bat bear beaver bison camel cat cheetah cobra condor crab crane crow deer dingo
    dolphin dove eagle eel elk falcon ferret finch fox frog gecko goat goose hare hawk heron
    hippo horse ibex jackal jaguar koala lark lemur lion lizard llama lynx marten mole moose
    mouse newt ocelot orca osprey otter owl panda panther parrot pelican penguin pigeon pony
    puffin puma quail rabbit raven robin salmon seal shark skunk sloth snail sparrow squid
    stork swan tapir tiger toad trout turtle viper walrus weasel whale wolf wombat wren yak
    zebra
    """
)


def request_id(team: str, kind: str, nonce: str) -> str:
    """The id of one request of one workspace: `nonce` is Slack's trigger_id."""
    return hashlib.sha256(f"{team}\n{kind}\n{nonce}".encode()).hexdigest()[:32]


def machine_id(request: str) -> str:
    """`m-` and ten letters, derived from the request, so that a redelivery is the same machine."""
    digest = hashlib.sha256(request.encode()).digest()
    return "m-" + base64.b32encode(digest).decode().lower()[:10]


def suggestion(machine: str, attempt: int) -> str:
    """The `attempt`-th name to try for a machine: `amber-fox`, with a number after ten tries."""
    digest = hashlib.sha256(f"{machine}/{attempt}".encode()).digest()
    adjective = _ADJECTIVES[int.from_bytes(digest[:4]) % len(_ADJECTIVES)]
    animal = _ANIMALS[int.from_bytes(digest[4:8]) % len(_ANIMALS)]
    number = f"-{digest[8] % 90 + 10}" if attempt >= 10 else ""
    return f"{adjective}-{animal}{number}"
