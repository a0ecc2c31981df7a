"""Builds the functions: `.aws-sam/build/` as `sam build` leaves it, smaller and quicker to start.

Needs any Python of 3.11 or later, and pip. What it knows:
- which function needs what: the door ships its own few files and no library;
- how to fetch wheels for Lambda's Python and processor from any machine (pip's --platform);
- what of botocore is never used here: the models of the other 400 services;
- that Lambda's zips void ordinary .pyc files, so that they are written as unchecked-hash ones
  (a third of the instructions at start), which only the runtime's own minor version can do.

A build of what has not changed takes no time: each part is kept under a digest of its inputs.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
LOCK = SRC / "requirements.txt"
RUNTIME = (3, 13)
PLATFORM = "manylinux2014_aarch64"

DOOR = "Door"
FUNCTIONS = (DOOR, "Slack", "Clock", "Ec2Events")
# All that the door imports; tests/test_build.py holds this to what it really imports.
DOOR_FILES = (
    "core/__init__.py",
    "core/beats.py",
    "core/first_words.py",
    "core/links.py",
    "core/networks.py",
    "core/private_keys.py",
    "core/words.py",
    "handlers/__init__.py",
    "handlers/aws_post.py",
    "handlers/beat.py",
    "handlers/door.py",
    "handlers/here.py",
    "handlers/http_request.py",
    "handlers/often.py",
)
# The services whose models ship. sts is what botocore falls back to for some credentials.
SERVICES = frozenset(
    {
        *("ce", "dynamodb", "ec2", "pricing", "secretsmanager", "service-quotas", "sns", "sqs"),
        *("ssm", "sts"),
    }
)
# attrs asks for its own version at run time; the licences of the others stay with them too.
KEPT_OF_METADATA = ("METADATA", "LICENSE", "NOTICE", "licenses")


class CannotBuild(Exception):
    """The build cannot go on; the message says what to do."""


class Target:
    """What is built for: Lambda's Python on arm64, or this machine's own for the local run."""

    def __init__(self, *, native: bool) -> None:
        self.native = native
        self.python = sys.version_info[:2] if native else RUNTIME
        self.name = "native-{}-{}{}".format(sys.platform, *self.python) if native else "lambda"
        self.compiler = self._interpreter()
        if self.compiler is None:  # kept apart from what is built once there is one
            self.name += "-plain"

    def pip_options(self) -> list[str]:
        """What makes pip fetch for the target instead of for the machine that it runs on."""
        if self.native:
            return []
        version = ".".join(map(str, self.python))
        return ["--platform", PLATFORM, "--python-version", version, "--implementation", "cp"]

    def _interpreter(self) -> str | None:
        """A Python that writes the target's .pyc files, where there is one."""
        if sys.version_info[:2] == self.python:
            return sys.executable
        name = "python{}.{}".format(*self.python)
        found = shutil.which(name)
        asked = "import sys; print(*sys.version_info[:2])"
        if found is None:
            return None
        said = subprocess.run([found, "-c", asked], capture_output=True, text=True, check=False)
        return found if said.stdout.split() == [str(part) for part in self.python] else None


# --- The parts, each kept under a digest of its inputs ------------------------------------------


class Kept:
    """A folder of finished parts, `<name>-<digest>`; older ones of the same name are let go."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def part(self, name: str, inputs: Iterable[bytes], make: Callable[[Path], None]) -> Path:
        """The part's folder, made by `make` in an empty folder unless it is there."""
        whole = hashlib.sha256(Path(__file__).read_bytes())
        for one in inputs:
            whole.update(hashlib.sha256(one).digest())
        done = self.home / f"{name}-{whole.hexdigest()[:16]}"
        if done.is_dir():
            return done
        for old in self.home.glob(f"{name}-*"):
            shutil.rmtree(old)
        unfinished = self.home / f".{name}-unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        make(unfinished)
        unfinished.rename(done)
        return done


def libraries(kept: Kept, target: Target) -> Path:
    """The locked libraries, fetched for the target, trimmed and compiled."""

    def make(into: Path) -> None:
        print(f"Fetching the libraries for {target.name} …", flush=True)
        _fetch(into, target)
        _trim(into)
        _compile(into, target)

    return kept.part(f"libraries-{target.name}", [LOCK.read_bytes()], make)


def roots(kept: Kept, bundle: Path) -> Path:
    """The certificate roots of the bundle as files that OpenSSL finds by their hash."""
    return kept.part("roots", [bundle.read_bytes()], lambda into: _lay_down(bundle, into))


def _fetch(into: Path, target: Target) -> None:
    """With hashes, without resolving: exactly what is locked, as wheels."""
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-input", "--no-deps", "--no-compile", "--require-hashes", "--only-binary=:all:"),
        *(*target.pip_options(), "--target", str(into), "--requirement", str(LOCK)),
    ]
    if subprocess.run(command, check=False).returncode:
        raise CannotBuild("pip could not fetch the locked libraries; its message is above")


def _trim(libraries: Path) -> None:
    """Leave out what never runs in these functions."""
    for folder in (
        libraries / "bin",
        libraries / "boto3" / "data",
        libraries / "boto3" / "examples",
    ):
        shutil.rmtree(folder, ignore_errors=True)
    for model in (libraries / "botocore" / "data").iterdir():
        if model.is_dir() and model.name not in SERVICES:
            shutil.rmtree(model)
    for examples in (libraries / "botocore" / "data").rglob("examples-1.json*"):
        examples.unlink()
    for metadata in libraries.glob("*.dist-info"):
        for file in metadata.iterdir():
            if file.name.startswith(KEPT_OF_METADATA):
                continue
            if file.is_dir():
                shutil.rmtree(file)
            else:
                file.unlink()
    for pattern in ("**/tests", "**/*.pyi", "**/py.typed"):
        for extra in list(libraries.glob(pattern)):
            if extra.is_dir():
                shutil.rmtree(extra)
            elif extra.exists():
                extra.unlink()


def _compile(folder: Path, target: Target) -> None:
    """Unchecked-hash .pyc files, which a zip's dates cannot void."""
    if target.compiler is None:
        return
    command = [
        *(
            target.compiler,
            "-m",
            "compileall",
            "-q",
            "-j",
            "0",
            "--invalidation-mode",
            "unchecked-hash",
        ),
        *("-s", str(folder), "-p", "/var/task", str(folder)),
    ]
    if subprocess.run(command, check=False).returncode:
        raise CannotBuild("some file does not compile; the message is above")


def _lay_down(bundle: Path, into: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        print("No openssl here: the door reads the whole certificate bundle, which takes longer.")
        return
    form = r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"
    for root in re.findall(form, bundle.read_text("utf-8"), re.DOTALL):
        command = [openssl, "x509", "-noout", "-subject_hash"]
        said = subprocess.run(command, input=root, capture_output=True, text=True, check=True)
        name = said.stdout.strip()
        twins = len(list(into.glob(f"{name}.*")))
        (into / f"{name}.{twins}").write_text(root + "\n", "utf-8")


# --- The functions ------------------------------------------------------------------------------


def ours(function: str) -> list[Path]:
    """Which of our own files the function ships."""
    if function == DOOR:
        return [SRC / name for name in DOOR_FILES]
    return sorted(SRC.rglob("*.py"))


def build(function: str, into: Path, kept: Kept, target: Target) -> None:
    """The function's whole package, in a folder that is emptied first."""
    shelf = libraries(kept, target)
    if into.exists():
        shutil.rmtree(into)
    if function == DOOR:
        into.mkdir(parents=True)
        found = roots(kept, shelf / "botocore" / "cacert.pem")
        if any(found.iterdir()):
            shutil.copytree(found, into / "handlers" / "roots")
    else:
        shutil.copytree(shelf, into)
    shutil.copytree(_compiled(function, kept, target), into, dirs_exist_ok=True)


def _compiled(function: str, kept: Kept, target: Target) -> Path:
    files = ours(function)

    def make(into: Path) -> None:
        for file in files:
            place = into / file.relative_to(SRC)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
        _compile(into, target)

    return kept.part(f"{function}-{target.name}", _digestible(files), make)


def _digestible(files: Iterable[Path]) -> list[bytes]:
    return [
        part for file in files for part in (str(file.relative_to(SRC)).encode(), file.read_bytes())
    ]


def template(text: str) -> str:
    """The template with each function's code in the folder of its name, as `sam build` does."""
    text, globals_ = re.subn(r"(?m)^    CodeUri: src/\n", "", text)
    for function in FUNCTIONS:
        kind = rf"  {function}:\n    Type: AWS::Serverless::Function\n"
        head = rf"(?m)^({kind}(?:(?!    Properties:).*\n)*    Properties:\n)"
        text, found = re.subn(head, rf"\1      CodeUri: {function}\n", text)
        if found != 1:
            raise CannotBuild(f"template.yaml has no function {function} in the form known here")
    if globals_ != 1:
        raise CannotBuild("template.yaml has no `CodeUri: src/` in its Globals")
    return text


def build_all(build_dir: Path, kept: Kept, target: Target) -> None:
    """Every function and the template. Functions that have not changed are left as they are."""
    build_dir.mkdir(parents=True, exist_ok=True)
    for function in FUNCTIONS:
        stamp = kept.home / f"{function}.built"
        inputs = [
            Path(__file__).read_bytes(),
            LOCK.read_bytes(),
            target.name.encode(),
            str(build_dir).encode(),
            *_digestible(ours(function)),
        ]
        digest = hashlib.sha256(
            b"".join(hashlib.sha256(one).digest() for one in inputs)
        ).hexdigest()
        if (build_dir / function).is_dir() and stamp.exists() and stamp.read_text() == digest:
            continue
        stamp.unlink(missing_ok=True)
        build(function, build_dir / function, kept, target)
        stamp.write_text(digest)
    whole = (ROOT / "template.yaml").read_text("utf-8")
    (build_dir / "template.yaml").write_text(template(whole), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the functions.")
    parser.add_argument("--native", action="store_true", help="for this machine's own Python")
    parser.add_argument("--function", choices=FUNCTIONS, help="one only (with --into)")
    parser.add_argument("--into", type=Path, help="its folder")
    parser.add_argument("--build-dir", type=Path, default=ROOT / ".aws-sam" / "build")
    asked = parser.parse_args()
    kept, target = Kept(ROOT / ".aws-sam" / "parts"), Target(native=asked.native)
    try:
        if asked.function and asked.into:
            build(asked.function, asked.into.resolve(), kept, target)
        elif asked.function or asked.into:
            parser.error("--function and --into go together")
        else:
            build_all(asked.build_dir.resolve(), kept, target)
            print(f"Built for {target.name} in {asked.build_dir}")
        if target.compiler is None:
            wanted = ".".join(map(str, target.python))
            print(f"No Python {wanted} here, so without .pyc files: functions start more slowly.")
    except CannotBuild as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
