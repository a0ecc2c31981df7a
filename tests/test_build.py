"""What is built is what ships: whole, small, for Lambda's Python and processor, quick to start."""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers import door
from scripts import build

ROOT = Path(__file__).resolve().parents[1]
MB = 1024 * 1024


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """The functions as `make build-native` leaves them, in a folder of the test's own.

    Beside the real one, so that fetched libraries are shared with it.
    """
    folder = ROOT / ".aws-sam" / "tested"
    _build(folder)
    yield folder
    shutil.rmtree(folder)


def _build(folder: Path) -> None:
    command = [sys.executable, "scripts/build.py", "--native", "--build-dir", str(folder)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _run(folder: Path, code: str, *arguments: str) -> str:
    """The code's output in a Python that knows the folder and the standard library only."""
    start = f"import sys; sys.path.insert(0, {str(folder)!r}); "
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_DEFAULT_REGION": "us-east-1", "PATH": "/usr/bin:/bin"},
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_the_door_ships_its_own_files_and_nothing_else(built: Path) -> None:
    folder = built / "Door"
    shipped = {str(f.relative_to(folder)) for f in folder.rglob("*.py")}
    assert shipped == set(build.DOOR_FILES)
    rest = [f for f in folder.rglob("*") if f.is_file() and f.suffix not in (".py", ".pyc")]
    assert all(f.parent == folder / "handlers" / "roots" for f in rest)
    assert _size(folder) < MB


def test_the_doors_files_are_all_that_it_imports(built: Path) -> None:
    code = (
        "before = set(sys.modules); import handlers.door, handlers.here, handlers.beat; "
        "print(*sorted({n.partition('.')[0] for n in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names)))"
    )
    assert _run(built / "Door", code).split() == ["core", "handlers"]


def test_every_function_can_be_imported_from_its_own_folder(built: Path) -> None:
    for function, module in (("Clock", "clock"), ("Ec2Events", "ec2_events"), ("Slack", "slack")):
        assert _run(built / function, f"import handlers.{module}; print('ok')") == "ok\n"


def test_every_client_can_be_made_from_what_is_left_of_botocore(built: Path) -> None:
    used = "ec2 service-quotas pricing ce ssm dynamodb sqs sns secretsmanager"
    code = "import boto3; print(*[boto3.client(name).meta.endpoint_url for name in sys.argv[1:]])"
    endpoints = _run(built / "Slack", code, *used.split()).split()
    assert len(endpoints) == len(used.split())
    assert "https://sqs.us-east-1.amazonaws.com" in endpoints


def test_no_other_services_models_are_shipped(built: Path) -> None:
    data = built / "Slack" / "botocore" / "data"
    assert {f.name for f in data.iterdir() if f.is_dir()} == build.SERVICES
    assert _size(built / "Slack") < 60 * MB


def test_what_ships_runs_on_any_processor(built: Path) -> None:
    assert not list(built.rglob("*.so"))


def test_nothing_of_the_tests_or_the_tools_ships(built: Path) -> None:
    names = {f.name for f in built.rglob("*")}
    assert not names & {"Makefile", "requirements.txt", "requirements.in", "ruff.toml", "tests"}


def test_every_source_has_a_pyc_that_no_date_can_void(built: Path) -> None:
    for function in ("Door", "Slack"):
        folder = built / function
        sources = [f for f in folder.rglob("*.py") if "__pycache__" not in f.parts]
        assert len(sources) >= len(build.DOOR_FILES)
        for source in sources:
            compiled = Path(importlib.util.cache_from_source(str(source)))
            flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
            assert flags == 0b01, source  # by hash, and unchecked


def test_the_built_template_points_at_the_folders(built: Path) -> None:
    text = (built / "template.yaml").read_text("utf-8")
    assert re.findall(r"(?m)^ +CodeUri: (\S+)$", text) == list(build.FUNCTIONS)
    for function in build.FUNCTIONS:
        assert (built / function / "handlers").is_dir()


def test_a_template_of_another_form_is_refused() -> None:
    with pytest.raises(build.CannotBuild):
        build.template("Resources: {}\n")


def test_a_second_build_builds_nothing(built: Path) -> None:
    before = _written(built)
    _build(built)
    assert _written(built) == before


def _written(folder: Path) -> dict[Path, tuple[int, int]]:
    """Which file stands where since when; the template is written each time."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.parent != folder]
    return {file: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


def test_the_roots_are_found_by_their_hash(built: Path) -> None:
    roots = built / "Door" / "handlers" / "roots"
    if not roots.is_dir():
        pytest.skip("no openssl on this machine: the door reads the machine's own bundle")
    code = (
        "import ssl; from pathlib import Path; context = ssl.create_default_context(capath="
        "sys.argv[1]); context.load_verify_locations(capath=sys.argv[1]);"
        "print(len(list(Path(sys.argv[1]).iterdir())))"
    )
    assert int(_run(built / "Door", code, str(roots))) > 100
    assert door.__file__


def test_lambda_gets_its_own_python_and_processor() -> None:
    options: Any = build.Target(native=False).pip_options()
    assert options[options.index("--platform") + 1] == "manylinux2014_aarch64"
    assert options[options.index("--python-version") + 1] == "3.13"
    template = (ROOT / "template.yaml").read_text("utf-8")
    assert "Runtime: python3.13" in template
    assert "Architectures: [arm64]" in template


def test_sam_build_makes_every_function_with_the_same_script() -> None:
    makefile = (ROOT / "src" / "Makefile").read_text("utf-8")
    for function in build.FUNCTIONS:
        assert f"build-{function}" in makefile
