"""How long everything may take, each time with its reason."""

from datetime import timedelta

LAUNCH_WITHIN = timedelta(minutes=15)  # an accepted launch is sent by then or never
HELD_FOR = timedelta(hours=24)  # a person may take this long to decide
KEEP_TRYING_FOR = timedelta(hours=8)  # for capacity, where the wish names no time
FIRST_RETRY = timedelta(minutes=1)  # for capacity, then twice as long each time
LONGEST_RETRY = timedelta(minutes=5)
WAIT_FOR_IMAGE = timedelta(hours=6)  # a large one takes hours to be copied far away
WAIT_FOR_QUOTA = timedelta(days=7)
WAIT_FOR_APPROVAL = timedelta(hours=8)
REMIND_AFTER = timedelta(minutes=15)  # an approver, then twice as long each time
MOST_REMINDERS = 4
# The sender lives no longer than its Lambda (60 s); until then its answer may still be written.
SENDER_LIVES = timedelta(seconds=75)
# The sender's life, its socket timeouts, and five minutes for EC2 to apply and to show: after this
# an attempt that no read has found is known not to exist.
FENCE = SENDER_LIVES + timedelta(seconds=25) + timedelta(minutes=5)
MOST_SENDS = 3
RESEND_AFTER = timedelta(seconds=10)
# EC2 may say so long that it does not know the group and the key which were made a moment ago.
KNOWN_WITHIN = timedelta(minutes=5)
POLL = timedelta(seconds=10)
ONE_NOTICE = timedelta(minutes=1)  # tells of all members that EC2 takes back within it
LOOK_APART = timedelta(seconds=5)  # between two reads of a group, however many events tell of it
CHECK = timedelta(minutes=10)  # how often a running machine is held against EC2
CHECK_STOPPED = timedelta(days=1)
RETRY_WORDS = timedelta(seconds=30)
RETRY_TAG = timedelta(seconds=30)
RETRY_TIDY = timedelta(minutes=1)
RETRY_LOOK = timedelta(minutes=1)
WARN_BEFORE = timedelta(minutes=15)
TO_ANSWER = timedelta(minutes=5)  # between the question about an unused machine and its stop
EVE_BEFORE = timedelta(days=1)  # a lease of several days is told of a day ahead, too
SEVERAL_DAYS = timedelta(days=2)
ASK_BEFORE = timedelta(days=1)  # a stopped machine is put away
LONGEST = timedelta(days=365)  # from now on, by one word; longer must be said again in time
ASK_AGAIN = timedelta(days=30)  # about what lies there as a snapshot
ABSENT_READS = 3
ABSENT_FOR = timedelta(minutes=10)
MOST_HISTORY = 60
MOST_STARTS = 3
START_ARRIVES = timedelta(minutes=5)  # a start that was sent shows by then, or never
MOST_HEARD = 10
SNAPSHOT_TAKES = timedelta(hours=12)  # a start waits for its disk's snapshot no longer
AGAIN = timedelta(minutes=5)  # after EC2 has refused something about a kept disk
CHECK_SNAPSHOT = timedelta(seconds=20)
STUCK_AFTER = timedelta(minutes=15)  # EC2 takes a few to stop or end a machine, seldom ten
WORTH_COMING_BACK = timedelta(minutes=15)  # of its lease; booting takes some of that
MOST_RECOVERIES = 3  # in one lease: more often EC2 has not got it to give


def pause(tries: int) -> timedelta:
    """Before the next try for capacity, after so many."""
    doublings = min(tries, 8)  # a timedelta holds some forty
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
