"""GitHub in memory: whose public keys it shows, and whether it answers at all."""

from dataclasses import dataclass, field

from core.ports import Unreachable


@dataclass
class MemoryGithub:
    """core.ports.PublicKeys. `pages`: account → the text of its page; `down`: nobody answers."""

    pages: dict[str, str] = field(default_factory=dict)
    down: bool = False

    def of(self, account: str) -> tuple[str, ...] | None:
        """The lines of the account's page; names have no case, as at GitHub."""
        if self.down:
            raise Unreachable("GitHub: TimeoutError")
        page = {name.lower(): text for name, text in self.pages.items()}.get(account.lower())
        return None if page is None else tuple(page.splitlines())
