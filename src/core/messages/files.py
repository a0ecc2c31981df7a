"""What is said about files that people are sent."""

from core.blocks import Message, code, context, message, section


def file_sent(name: str) -> Message:
    """It is in the caller's direct messages."""
    return message(section(f"{code(name)} is in your direct messages with me."))


def file_needs_scope(name: str) -> Message:
    """The app was installed before it could send files: what an admin does about that."""
    return message(
        section(
            f"{code(name)} could not be sent: this Slack app may not send files yet.\n"
            "An admin of the app adds the scope `files:write` at api.slack.com/apps (*OAuth &amp; "
            "Permissions*, *Bot Token Scopes*), then presses *Reinstall to Workspace*; the token "
            "stays the same. Then type the command again."
        ),
        context("The same without `csv` is shown here, and needs no right."),
    )


def file_refused(name: str, why: str) -> Message:
    """Slack does not take it."""
    said = f"Slack did not take {code(name)} ({code(why)}). Nothing was changed."
    return message(section(said), context("The same without `csv` is shown here."))
