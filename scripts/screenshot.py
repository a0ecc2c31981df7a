"""Takes a picture of the local page: `python scripts/screenshot.py <url> <out.png>`.

Chromium comes from CHROMIUM or /usr/bin/chromium; without one nothing is written, and it says so.
"""

import argparse
import os
import sys
from pathlib import Path

DEFAULT_CHROMIUM = "/usr/bin/chromium"


def chromium() -> Path | None:
    """The browser to use, or None when this machine has none there."""
    found = Path(os.environ.get("CHROMIUM") or DEFAULT_CHROMIUM)
    return found if found.is_file() and os.access(found, os.X_OK) else None


def take(url: str, out: Path, browser: Path, *, size: tuple[int, int], dark: bool) -> None:
    """Open the page, wait until it shows its messages, and write the picture as PNG."""
    # Playwright is imported here so that a machine without Chromium needs none of it.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(browser), args=["--no-sandbox"])
        try:
            page = opened.new_page(
                viewport={"width": size[0], "height": size[1]},
                color_scheme="dark" if dark else "light",
                device_scale_factor=2,
            )
            page.goto(url)
            page.wait_for_selector("#messages > li")
            out.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(out))
        finally:
            opened.close()


def main(arguments: list[str] | None = None) -> int:
    """The command; exits 0 with a picture, 3 without a browser."""
    parser = argparse.ArgumentParser(description="Take a picture of the local page.")
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="1280x800", help="width x height in CSS pixels")
    parser.add_argument("--dark", action="store_true", help="the dark colours")
    given = parser.parse_args(arguments)
    browser = chromium()
    if browser is None:
        wanted = os.environ.get("CHROMIUM") or DEFAULT_CHROMIUM
        print(f"No picture: there is no Chromium at {wanted}; set CHROMIUM.", file=sys.stderr)
        return 3
    width, _, height = given.size.partition("x")
    take(given.url, given.out, browser, size=(int(width), int(height)), dark=given.dark)
    print(given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
