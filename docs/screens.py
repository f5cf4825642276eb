"""`make screens`: take the pictures in docs/screens, trying the sandbox as a new user would.

The Prefect form starts a release, the pull request's page approves it, the Prefect UI resumes it. Needs Debian's
chromium (or TEST_CHROMIUM); the sandbox is one of its own, in a temporary folder.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize, sync_playwright

HERE = Path(__file__).parent / "screens"
DABFLOW = Path(sys.executable).with_name("dabflow")
WIDE: ViewportSize = {"width": 1280, "height": 1000}
NARROW: ViewportSize = {"width": 1100, "height": 1500}  # a pull request's text stays readable in a README
SECONDS = 120  # the longest that anything here takes
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="dabflow-screens-") as folder:
        subprocess.run([DABFLOW, "sandbox", "up", "--detach", "--folder", folder], check=True)
        try:
            ports = json.loads((Path(folder) / "addresses.json").read_text())
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=chromium(), args=FLAGS)
                page = browser.new_page(viewport=WIDE)
                take(page, ports)
                browser.close()
        finally:
            subprocess.run([DABFLOW, "sandbox", "down", "--folder", folder], check=True)


def take(page: Page, ports: dict[str, int]) -> None:
    prefect, github = f"http://127.0.0.1:{ports['prefect']}", f"http://127.0.0.1:{ports['github']}"
    started = start_by_form(page, prefect)
    waits(prefect, started, "Suspended")
    approve_on_page(page, f"{github}/acme/lakehouse/pull/7")
    resume_in_prefect(page, prefect, started)
    waits(prefect, started, "Completed")
    page.goto(f"{prefect}/runs/flow-run/{started}")
    picture(page, "finished")


def start_by_form(page: Page, prefect: str) -> str:
    """Start a minor release in Prefect's form; the id of its run."""
    deployment = ask(f"{prefect}/api/deployments/name/standard-release/default")["id"]
    page.goto(f"{prefect}/deployments/deployment/{deployment}/run")
    for field, value in enumerate(["acme/lakehouse", "rita", "the weekly release"]):
        page.locator("textarea").nth(field).fill(value)
    picture(page, "start-form")
    page.get_by_role("button", name=re.compile("submit|run", re.IGNORECASE)).last.click()
    mine = {"flow_runs": {"deployment_id": {"any_": [deployment]}}}
    deadline = time.monotonic() + SECONDS
    while not (runs := ask(f"{prefect}/api/flow_runs/filter", mine)):
        if time.monotonic() > deadline:
            raise TimeoutError("the form started no run")
        page.wait_for_timeout(200)
    return str(runs[0]["id"])


def approve_on_page(page: Page, address: str) -> None:
    page.set_viewport_size(NARROW)
    page.goto(address)
    show_plan_and_buttons(page)
    picture(page, "pull-request")
    with page.expect_navigation():
        page.get_by_role("button", name="Approve as ravi").click()
    show_plan_and_buttons(page)
    picture(page, "approved")
    page.set_viewport_size(WIDE)


def show_plan_and_buttons(page: Page) -> None:
    page.get_by_role("button", name="Approve as").last.evaluate("last => last.scrollIntoView({block: 'end'})")


def resume_in_prefect(page: Page, prefect: str, run: str) -> None:
    page.goto(f"{prefect}/runs/flow-run/{run}")
    page.get_by_role("button", name="Resume").first.click()
    page.wait_for_timeout(1500)
    decision = page.get_by_text("Decision", exact=True).last
    decision.scroll_into_view_if_needed()
    label = decision.bounding_box() or {"x": 0, "y": 0}
    page.mouse.click(label["x"] + 150, label["y"] + 82)  # the list under it has no name of its own
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("textarea").last.fill("jobs.legacy_export")  # what is destroyed, confirmed by name
    picture(page, "resume-form")
    page.get_by_role("button", name="Submit").last.click()


def waits(prefect: str, run: str, state: str) -> None:
    deadline = time.monotonic() + SECONDS
    while (now := ask(f"{prefect}/api/flow_runs/{run}")["state_name"]) != state:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the run is {now}, not {state}")
        time.sleep(1)


def ask(address: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def picture(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)
    page.screenshot(path=HERE / f"{name}.png")


def chromium() -> str:
    names = [os.environ.get("TEST_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    return found or sys.exit("no chromium: install Debian's chromium, or set TEST_CHROMIUM")


if __name__ == "__main__":
    main()
