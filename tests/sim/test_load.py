"""Much at once, in small (`make load` does more): nothing lost, nothing twice, all answered."""

from collections import Counter

from sim import load


def test_a_burst_that_comes_twice_and_in_any_order_is_carried_out_once_and_answered() -> None:
    said = load.burst(10, 4, swapped=0.3, doubled=0.3)
    assert said.commands == 40
    assert said.deliveries > 40
    assert (said.unanswered, said.wrong, said.dead, said.failures) == (0, [], 0, 0)


def test_deadlines_in_the_same_minute_are_kept_within_three_and_each_is_warned_of_once() -> None:
    said = load.deadlines(10, 8, regions=1)
    assert said.machines == said.stopped == said.told == 80
    assert said.up_at[3] == 0
    assert said.warned == Counter({1: 80})
    assert said.failures == 0
    assert said.refused > 0  # EC2 took no more calls than it publishes


def test_a_long_queue_is_drained_and_a_message_that_nobody_can_carry_out_is_put_aside() -> None:
    said = load.long_queue(400, people=8, swapped=0.1, doubled=0.1)
    assert set(said.dead) == {"nobody/knows-this"}
    assert said.messages == said.done + len(said.dead) >= 400
    assert (said.unanswered, said.wrong, said.started_late) == (0, [], 0)
    assert said.refused_late >= 40
    assert said.lasted < said.poison_lasted  # the others did not wait for it
    assert said.failures == []


def test_one_who_floods_makes_the_others_wait_no_longer_than_they_would_without() -> None:
    fair, plain = load.flood(200, 10, fair=True), load.flood(200, 10, fair=False)
    assert fair.unanswered == plain.unanswered == 0
    assert fair.others < plain.others
    assert fair.others <= fair.hot
