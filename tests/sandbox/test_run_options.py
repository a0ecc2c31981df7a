"""What a person can say about a local run."""

import pytest

from sandbox.options import BadOption, read


def test_nothing_said_is_the_documented_run() -> None:
    options = read({})
    assert (options.port, options.ministack_port, options.world_port) == (8030, 8031, 8032)
    assert options.page == "http://127.0.0.1:8030"
    assert options.clock_seconds == 60


def test_each_port_has_a_folder_of_its_own() -> None:
    first, second = read({"SANDBOX_PORT": "9000"}), read({"SANDBOX_PORT": "9010"})
    assert first.folder != second.folder


@pytest.mark.parametrize("port", ["", " ", "abc", "80", "65534", "-1", "٨٠٣٠", "8030.5"])
def test_a_port_that_cannot_be_is_refused_by_name(port: str) -> None:
    if port == "":
        assert read({"SANDBOX_PORT": port}).port == 8030
        return
    with pytest.raises(BadOption, match="SANDBOX_PORT"):
        read({"SANDBOX_PORT": port})


@pytest.mark.parametrize("seconds", ["0", "nan", "61", "soon", "-2", "1e999"])
def test_a_clock_that_cannot_be_is_refused_by_name(seconds: str) -> None:
    with pytest.raises(BadOption, match="SANDBOX_CLOCK_SECONDS"):
        read({"SANDBOX_CLOCK_SECONDS": seconds})


@pytest.mark.parametrize("text", ["[]", "pending=1", '"x"'])
def test_world_settings_must_be_an_object(text: str) -> None:
    with pytest.raises(BadOption, match="SANDBOX_WORLD"):
        read({"SANDBOX_WORLD": text})


def test_what_was_said_is_taken() -> None:
    options = read(
        {
            "SANDBOX_PORT": "9100",
            "SANDBOX_CLOCK_SECONDS": "2",
            "SANDBOX_WORLD": '{"pending": 1}',
            "SANDBOX_PARAMETERS": '{"DefaultLeaseMinutes": 2}',
        }
    )
    assert options.clock_seconds == 2
    assert options.world == {"pending": 1}
    assert options.parameters == {"DefaultLeaseMinutes": "2"}
