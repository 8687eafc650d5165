"""Take the screenshots of the README from a running site: `python scripts/screenshots.py http://127.0.0.1:8000`.

Makes an account, segments a sample, and writes docs/screenshots/*.png. Needs Chromium.
"""

import shutil
import sys
import uuid
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SIZE = ViewportSize(width=1440, height=900)


def main(address: str) -> None:
    """Take all pictures of the site at `address`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        state = FOLDER.parent / ".state.json"
        run = segmented(browser, address, state)
        for theme in ("light", "dark"):
            context = browser.new_context(viewport=SIZE, color_scheme=theme, storage_state=state)
            page = context.new_page()
            page.goto(run)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"run-{theme}.png")
        state.unlink()
        browser.close()


def segmented(browser: Browser, address: str, state: Path) -> str:
    """Sign up and segment a sample; returns the address of the run and keeps the session in `state`."""
    context = browser.new_context(base_url=address, viewport=SIZE)
    page = context.new_page()
    page.goto("/accounts/signup/")
    page.locator("input[name=username]").fill(f"ada-{uuid.uuid4().hex[:6]}")
    page.locator("input[name=password1]").fill(uuid.uuid4().hex)
    page.get_by_role("button", name="Create").click()
    page.locator("input[name=n_clusters]").fill("5")
    page.locator(".samples button").first.click()
    page.locator("tbody tr").first.wait_for()
    context.storage_state(path=state)
    return page.url


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
