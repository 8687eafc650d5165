"""Take the screenshots of the README from a new site that runs: `python scripts/screenshots.py http://127.0.0.1:8000`.

Makes the account "ada", segments a sample, and writes docs/screenshots/*.webp. Needs Chromium.
"""

import io
import shutil
import sys
import uuid
from pathlib import Path

import PIL.Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SIZE = ViewportSize(width=1440, height=960)
DARK = 2  # clusters that are the foreground: trees and tower
QUALITY = 90  # of WebP: a quarter of what PNG takes


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
            shot = PIL.Image.open(io.BytesIO(page.screenshot()))
            shot.convert("RGB").save(FOLDER / f"run-{theme}.webp", quality=QUALITY, method=6)
        state.unlink()
        browser.close()


def segmented(browser: Browser, address: str, state: Path) -> str:
    """Sign up, segment a sample and choose its foreground; returns the address of the run and keeps the session in `state`."""
    context = browser.new_context(base_url=address, viewport=SIZE)
    page = context.new_page()
    page.goto("/accounts/signup/")
    page.locator("input[name=username]").fill("ada")
    page.locator("input[name=password1]").fill(uuid.uuid4().hex)
    page.get_by_role("button", name="Create").click()
    page.locator("input[name=n_clusters]").fill("5")
    page.locator(".samples button").first.click()
    boxes = page.locator("[data-legend] tbody input[type=checkbox]")
    boxes.first.wait_for()
    for index in range(boxes.count()):
        if boxes.nth(index).is_checked() != (index < DARK):
            with page.expect_response("**/legend"):
                boxes.nth(index).click()
    context.storage_state(path=state)
    return page.url


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
