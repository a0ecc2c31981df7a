"""The first words repeat the wish, promise nothing, and carry nothing dangerous."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.first_words import PRIVATE_KEY, first_words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("launch p3.2xlarge spot", "Looking for p3.2xlarge spot in us-east-1…"),
        ("LAUNCH P3.2XLARGE SPOT", "Looking for p3.2xlarge spot in us-east-1…"),
        ("launch spot p3.2xlarge in us-west-2", "Looking for p3.2xlarge spot in us-west-2…"),
        ("launch g5.xlarge —region eu-west-1", "Looking for g5.xlarge in eu-west-1…"),
        ("launch region=eu-west-1 g5.xlarge", "Looking for g5.xlarge in eu-west-1…"),
        ("launch p5.48xlarge on-demand", "Looking for p5.48xlarge on-demand in us-east-1…"),
        ("launch u-6tb1.56xlarge", "Reading what to launch…"),
        ("launch 8xH100", "Looking for 8xh100 in us-east-1…"),
        ("launch a100 spot", "Looking for a100 spot in us-east-1…"),
        ("launch", "Reading what to launch…"),
        ("launch <!channel>", "Reading what to launch…"),
        ("", "Looking up your machines…"),
        ("stop", "Looking up your machine to stop it…"),
        ("stop amber-fox", "Looking up amber-fox to stop it…"),
        ("stop all", "Looking up all your machines…"),
        ("end <@U1>", "Looking up your machine to end it…"),
        ("extend amber-fox 2h", "Looking up amber-fox to give it more time…"),
        ("lanch p3.2xlarge", "Reading your command…"),
    ],
)
def test_the_first_words_are_the_typers_own(text: str, said: str) -> None:
    assert first_words(text, "us-east-1") == said


def test_without_a_region_none_is_named() -> None:
    assert first_words("launch g5.xlarge", "") == "Looking for g5.xlarge…"


def test_nothing_of_a_private_key_is_repeated() -> None:
    said = first_words("key add MHcCAQEEIIBsZXQtdXMtc2F5LXRoYXQtdGhpcy1pcy1zZWNyZXQ=", "us-east-1")
    assert said == PRIVATE_KEY


@given(st.text(max_size=300))
def test_nothing_of_a_text_can_mention_or_link(text: str) -> None:
    for words in (text, f"launch {text}", f"stop {text}"):
        assert not set("<>&@|") & set(first_words(words, "us-east-1").replace(PRIVATE_KEY, ""))
