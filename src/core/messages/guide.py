"""Help: short, with examples that work when pasted. Only what exists is named here."""

from core.blocks import Message, code, context, escape, message, section

# (what to type, what it does); what stands in `<>` is the reader's own.
TOPICS: dict[str, tuple[tuple[str, str], ...]] = {
    "launch": (
        ("/gpu launch p3.2xlarge spot", "a machine with the default lease, cheapest zone first"),
        ("/gpu launch g5.xlarge on-demand for 4h", "ends its lease four hours from its start"),
        ("/gpu launch g5.xlarge spot until 18:00 in us-west-2", "until a time of your own clock"),
        ("/gpu launch a100 spot or on-demand", "by its GPU; on-demand where no spot can be had"),
        ("/gpu launch cheapest 24GB spot", "by its GPU memory, whatever is cheapest now"),
        ("/gpu launch g6e.xlarge or g5.2xlarge spot", "either, the cheaper first"),
        ("/gpu launch g5.xlarge spot keep trying until 18:00", "again and again while EC2 is full"),
        ("/gpu launch g5.xlarge spot keep", "its disk is kept when it stops, and starts again"),
        ("/gpu launch g5.xlarge spot recover", "and comes back by itself when EC2 takes it"),
        ("/gpu launch g5.xlarge x16", "sixteen under one name"),
        ("/gpu launch g5.xlarge image pytorch disk 200 name bert", "image, disk in GB, name"),
        ("/gpu launch g5.xlarge disk 200 io2 iops 8000", "a faster disk; gp3 takes throughput 500"),
        ("/gpu launch g5.xlarge data 500", "with a data disk of 500 GB that outlives it"),
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
    "idle": (
        ("/gpu idle amber-fox 30m", "stops it once nobody has used it for so long; you are asked"),
        ("/gpu idle amber-fox off", "never for being unused"),
        ("/gpu launch g5.xlarge spot idle 30m", "the same from its first use on"),
    ),
    "schedule": (
        ("/gpu schedule amber-fox weekdays 9:00-18:00", "starts and stops it by your own clock"),
        ("/gpu schedule amber-fox skip", "not the next time"),
        ("/gpu schedule amber-fox off", "never by itself again"),
        ("/gpu schedule", "the hours of your machines"),
    ),
    "list": (
        ("/gpu list", "your machines and what they cost"),
        ("/gpu list all", "everybody's"),
    ),
    "cost": (
        ("/gpu cost", "what the team has spent this month, and you, with a chart"),
        ("/gpu cost me", "you alone, by machine"),
        ("/gpu cost week", "this week, from Monday"),
        ("/gpu cost 2026-11", "a month"),
        ("/gpu cost project bert", "on one project, by its tag"),
        ("/gpu cost month csv", "every line of it as a file, in your direct messages"),
    ),
    "budget": (
        ("/gpu budget", "what may be spent this month, what is spent of it, what is promised"),
        ("/gpu budget team 2000", "USD a month for everybody together; admins set it"),
        ("/gpu budget each 20/h", "what each person may have running at a time, per hour"),
        ("/gpu budget @kim 300", "one person's own, instead of everybody's"),
        ("/gpu budget team off", "no such budget any more"),
    ),
    "audit": (
        ("/gpu audit", "what you changed this week, the newest first; admins see everybody's"),
        ("/gpu audit month @kim", "of one person, for admins"),
        ("/gpu audit month amber-fox csv", "of one machine, as a file in your direct messages"),
    ),
    "show": (("/gpu show amber-fox", "one machine, all that it has in EC2, and its history"),),
    "ssh": (("/gpu ssh amber-fox", "the ssh line, a VS Code link, and who may connect"),),
    "share": (("/gpu share amber-fox @kim", "lets a colleague log in too, with their own key"),),
    "unshare": (("/gpu unshare amber-fox @kim", "takes that back"),),
    "key": (
        ("/gpu key add ssh-ed25519 AAAA… you@laptop", "the contents of your .pub file, once"),
        ("/gpu key add github:octocat", "the public keys of a GitHub user"),
        ("/gpu key list", "your keys, numbered"),
        ("/gpu key remove 1", "takes one away; running machines keep it"),
    ),
    "allow": (
        ("/gpu allow me", "a link that opens SSH on your machines to where you open it from"),
        ("/gpu allow 203.0.113.7/32 for 2h", "lets one address in, for two hours"),
        ("/gpu allow office", "lets the networks in that your admins have listed"),
        ("/gpu allow", "what is allowed now, and until when"),
        ("/gpu allow remove 203.0.113.7/32", "closes it at once"),
    ),
    "types": (
        ("/gpu types 24GB", "what there is with that much GPU memory, and its price"),
        ("/gpu types a100", "with that GPU; a family (g5) or a maker (amd, neuron) works too"),
    ),
    "price": (
        ("/gpu price g5.xlarge", "where it is cheapest now, and its spot price of the last week"),
        ("/gpu price 80GB in us-west-2", "of whatever has that much GPU memory"),
    ),
    "quota": (
        ("/gpu quota", "how many GPU vCPUs this account may run, and what is used, by region"),
        ("/gpu quota p3.2xlarge in us-east-1", "for one type, and how many of it fit"),
        (
            "/gpu quota raise p3.2xlarge spot",
            "asks AWS for enough to launch one more; costs nothing",
        ),
    ),
    "save": (("/gpu save amber-fox as bert-env", "an image of a machine, to launch from"),),
    "images": (
        ("/gpu images", "the saved images and what they cost"),
        ("/gpu launch g5.xlarge image bert-env", "a machine from one of them, in any region"),
        ("/gpu launch g5.xlarge image amazon-linux", "AWS's own: base, pytorch, amazon-linux, …"),
        ("/gpu launch trn1.2xlarge image neuron", "for Trainium and Inferentia"),
        ("/gpu images delete bert-env", "deletes one with its copies, after a question"),
    ),
    "data": (
        ("/gpu data", "your data disks, where they are and what they cost"),
        ("/gpu launch g5.xlarge data 500", "makes one, or brings the one you have, at /data"),
        ("/gpu data delete bert", "deletes one with everything on it, after a question"),
    ),
    "policy": (
        ("/gpu policy", "every rule: its value, who changed it, and what it means"),
        ("/gpu policy set longest-lease 12h", "admins: changes one; the other admins are told"),
        ("/gpu policy set types g4dn g5 p3.2xlarge", "families and types that may be launched"),
        ("/gpu policy set approvers @kim @lee", "people, channels and user groups by their names"),
        ("/gpu policy reset longest-lease", "what the template says again"),
    ),
    "doctor": (
        ("/gpu doctor", "for admins: what the bot lacks in AWS and Slack, and what mends it"),
    ),
}

_NOTES = {
    "idle": "Unused: GPU below 5 %, CPU below 10 %, nobody logged in, for all of that time. What "
    "is not known counts as use. You are asked five minutes before, and can keep it.",
    "launch": "Words in any order. All but the type has a default; the market is on-demand then, "
    "the region the cheapest that has room.",
    "key": "Public keys only (ed25519, or RSA of 3072 bits and more). Never paste a private key.",
    "allow": "Your address: <https://checkip.amazonaws.com|checkip.amazonaws.com>",
    "extend": "You are warned 15 minutes before a deadline; every extension warns again.",
    "stop": "At its deadline a machine stops by itself, and a spot machine ends unless it was "
    "launched with `spot keep`.",
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
