"""Help: short, with examples that work when pasted. Only what exists is named here."""

from core.blocks import Message, code, context, escape, message, section

# (what to type, what it does); what stands in `<>` is the reader's own.
TOPICS: dict[str, tuple[tuple[str, str], ...]] = {
    "launch": (
        ("/gpu launch p3.2xlarge spot", "a machine with the default lease, cheapest zone first"),
        ("/gpu launch g5.xlarge on-demand for 4h", "ends its lease four hours from its start"),
        ("/gpu launch g5.xlarge spot until 18:00 in us-west-2", "until a time of your own clock"),
        ("/gpu launch g5.xlarge image pytorch disk 100 name bert", "image, disk in GB, name"),
    ),
    "stop": (
        ("/gpu stop", "your only machine: it stops, and its disk is kept and costs money"),
        ("/gpu stop amber-fox", "one of several; a spot machine ends, and you are asked first"),
        ("/gpu stop all", "all of yours, after a question"),
    ),
    "start": (("/gpu start amber-fox", "a stopped machine again, with a new lease"),),
    "end": (("/gpu end amber-fox", "terminates it and deletes its disk"),),
    "extend": (
        ("/gpu extend 2h", "your only machine, two hours longer; the answer shows the cost"),
        ("/gpu extend amber-fox until 18:00", "one of several, until a time of your own clock"),
    ),
    "list": (
        ("/gpu list", "your machines and what they cost"),
        ("/gpu list all", "everybody's"),
    ),
    "show": (("/gpu show amber-fox", "one machine with its history"),),
    "ssh": (("/gpu ssh amber-fox", "the ssh line, a VS Code link, and who may connect"),),
    "key": (
        ("/gpu key add ssh-ed25519 AAAA… you@laptop", "the contents of your .pub file, once"),
        ("/gpu key list", "your keys, numbered"),
        ("/gpu key remove 1", "takes one away; running machines keep it"),
    ),
    "allow": (
        ("/gpu allow 203.0.113.7/32", "lets one address reach SSH on your machines for 12 hours"),
        ("/gpu allow 203.0.113.7/32 for 2h", "for two hours"),
        ("/gpu allow", "what is allowed now, and until when"),
        ("/gpu allow remove 203.0.113.7/32", "closes it at once"),
    ),
    "quota": (
        ("/gpu quota", "how many GPU vCPUs this account may run, and what is used"),
        ("/gpu quota p3.2xlarge in us-east-1", "for one type"),
        (
            "/gpu quota raise p3.2xlarge spot",
            "asks AWS for enough to launch one more; costs nothing",
        ),
    ),
}

_NOTES = {
    "launch": "Words in any order. All but the type has a default; the market is on-demand then.",
    "key": "Public keys only (ed25519, or RSA of 3072 bits and more). Never paste a private key.",
    "allow": "Your address: <https://checkip.amazonaws.com|checkip.amazonaws.com>",
    "extend": "You are warned 15 minutes before a deadline; every extension warns again.",
    "stop": "At its deadline a machine stops by itself, and a spot machine ends.",
}


def help(topic: str | None) -> Message:
    """The commands, or the examples of one of them."""
    if topic is None:
        return _everything()
    found = TOPICS.get(topic.lower())
    if found is None:
        return _everything(f"There is no help on {escape(topic)}. ")
    blocks = [section("\n".join(_line(*example) for example in found))]
    if topic.lower() in _NOTES:
        blocks.append(context(_NOTES[topic.lower()]))
    return message(*blocks)


def _line(command: str, what: str) -> str:
    return f"{code(command)}  {escape(what)}"


def _everything(before: str = "") -> Message:
    firsts = "\n".join(_line(*examples[0]) for examples in TOPICS.values())
    return message(
        section(f"{before}GPU machines, by the hour, that stop by themselves:\n{firsts}"),
        context(f"More on one: `/gpu help launch`. Topics: {', '.join(TOPICS)}"),
    )
