"""What is said about saved images stays within Slack's limits and shows nobody's markup."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core import messages
from core.blocks import MOST_BLOCKS, MOST_SECTION, Message
from core.model import ImageCopy, ImageState, SavedImage

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def copy(region: str, state: ImageState = ImageState.AVAILABLE, image: str = "ami-1") -> ImageCopy:
    return ImageCopy(region=region, image=image, state=state, began=NOW, reason="EC2 said no.")


def saved(name: str = "bert-env", *copies: ImageCopy) -> SavedImage:
    return SavedImage(
        name=name,
        owner="U1",
        source="amber-fox",
        source_type="g5.xlarge",
        instance="i-1",
        channel="C1",
        made_at=NOW - timedelta(days=3),
        architecture="x86_64",
        user="ubuntu",
        root_gb=100,
        copies=copies or (copy("us-east-1"),),
    )


def fits(message: Message) -> bool:
    sections = [b for b in message.blocks if b["type"] == "section"]
    return len(message.blocks) <= MOST_BLOCKS and all(
        len(b["text"]["text"]) <= MOST_SECTION and not b["text"]["text"].endswith("…")
        for b in sections
    )


def test_two_hundred_images_fit_into_one_message() -> None:
    regions = tuple(copy(f"ap-southeast-{n}") for n in range(1, 9))
    rows = tuple(saved(f"{'x' * 36}-{n}", *regions) for n in range(200))
    message = messages.saved_images(rows, NOW)
    assert fits(message)
    assert any("140 more" in b["text"]["text"] for b in message.blocks if b["type"] == "section")


def test_the_cost_is_that_of_every_copy_that_is_there() -> None:
    row = saved(
        "bert-env",
        copy("us-east-1"),
        copy("eu-west-1", ImageState.PENDING),
        copy("us-west-2", ImageState.FAILED, image=""),
    )
    text = messages.saved_images((row,), NOW).text
    assert "$10.00 a month" in text
    assert "eu-west-1 (being copied)" in text
    assert "us-west-2 (the copy failed)" in text
    assert "3 d" in text


@pytest.mark.parametrize(
    "message",
    [
        messages.image_being_made(replace(saved(), source="<!channel>")),
        messages.image_failed(
            replace(saved(), copies=(replace(copy("us-east-1"), reason="<!channel>"),))
        ),
        messages.image_name_taken("<!channel>", None),
        messages.image_name_reserved("<!channel>"),
        messages.no_saved_image("<!channel>", "bert-env"),
        messages.image_kept("<!channel>"),
    ],
)
def test_somebodys_words_are_words(message: Message) -> None:
    assert "<!channel>" not in message.text
    assert "channel" in message.text
