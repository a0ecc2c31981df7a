"""What looks at the bot from outside of it, in memory: dead letters and the alarms' address."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.ports import AlarmMail


@dataclass
class MemoryWatchers:
    """core.ports.Watchers."""

    letters: dict[str, int] = field(
        default_factory=lambda: {"gpu-DeadLetters": 0, "gpu-EventDeadLetters": 0}
    )
    mail: AlarmMail = field(default_factory=lambda: AlarmMail(confirmed=1, waiting=0))

    def dead_letters(self) -> Mapping[str, int]:
        """How many messages failed for good, by the name of their queue."""
        return dict(self.letters)

    def alarm_mail(self) -> AlarmMail:
        """Whom the alarms reach."""
        return self.mail
