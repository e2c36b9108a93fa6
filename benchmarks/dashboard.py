"""What a reader waits for: the dashboard over the sample in Chromium, from an empty cache and from a warm one.

The page is asked for with a key, served by one worker of `mia serve` on this machine. Paint is what the browser says of
itself: the page comes whole from the server, so its first paint holds the headline and its figures.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import httpx
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from rich.console import Console
from rich.table import Table

MIA = str(Path(sys.executable).with_name("mia"))
SCREENS = {"desk": (1280, 900), "phone": (390, 844)}
PAINTED = """() => {
    const page = performance.getEntriesByType("navigation")[0];
    const paint = performance.getEntriesByType("paint").find(one => one.name === "first-contentful-paint");
    const headline = document.querySelector("#cumulative, .nothing");
    return JSON.stringify([page.responseStart, paint.startTime, page.loadEventEnd, headline !== null]);
}"""
LARGEST_PAINT = """() => new Promise(done => new PerformanceObserver(seen => done(seen.getEntries().at(-1).startTime))
    .observe({type: "largest-contentful-paint", buffered: true}))"""
SHIFT = """() => new Promise(done => {
    let sum = 0;
    new PerformanceObserver(seen => { seen.getEntries().forEach(one => { sum += one.value; }); })
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(sum), 200);
})"""


@dataclass(frozen=True)
class Visit:
    """Milliseconds from the click to the first byte, first paint, largest paint and the last chart; bytes sent."""

    first_byte: float
    first_paint: float
    largest_paint: float
    charts: float
    shift: float
    page: int
    rest: int
    requests: int


@contextmanager
def serving(home: Path, port: int) -> Iterator[tuple[str, str]]:
    """The address of a server over a workspace, and a key to it."""
    made = subprocess.run(
        [MIA, "keys", "create", f"bench-{os.getpid()}", "--scope", "uptake", "--home", str(home)],
        check=True,
        capture_output=True,
        text=True,
    )
    key = next(word for word in made.stdout.split() if word.startswith("mia_"))
    command = [MIA, "serve", "--port", str(port), "--home", str(home)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(f"{address}/readyz")
            yield address, key
        finally:
            server.terminate()


def _wait(address: str, seconds: float = 120) -> None:
    until = monotonic() + seconds
    while monotonic() < until:
        try:
            if httpx.get(address).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        sleep(0.2)
    raise TimeoutError(address)


def visit(context: BrowserContext, address: str) -> Visit:
    """Open the dashboard in a new tab and wait for all of it."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sent: dict[str, int] = {}
    kinds: dict[str, str] = {}
    session.on("Network.responseReceived", lambda seen: kinds.update({seen["requestId"]: seen["type"]}))
    session.on("Network.loadingFinished", lambda seen: sent.update({seen["requestId"]: seen["encodedDataLength"]}))
    page.goto(f"{address}/dashboard?lang=en", wait_until="networkidle")
    first_byte, first_paint, loaded, is_there = json.loads(page.evaluate(PAINTED))
    if not is_there:
        raise LookupError("the page came without its figures")
    largest, shift = page.evaluate(LARGEST_PAINT), page.evaluate(SHIFT)
    documents = sum(size for name, size in sent.items() if kinds.get(name) == "Document")
    page.close()
    return Visit(first_byte, first_paint, largest, loaded, shift, documents, sum(sent.values()) - documents, len(sent))


def measure(browser: Browser, address: str, key: str, screen: str, visits: int) -> dict[str, list[Visit]]:
    """Visits with an empty cache, and again with what the browser kept."""
    wide, high = SCREENS[screen]
    found: dict[str, list[Visit]] = {"empty": [], "warm": []}
    for _ in range(visits):
        context = browser.new_context(
            viewport={"width": wide, "height": high}, extra_http_headers={"Authorization": f"Bearer {key}"}
        )
        for cache in ("empty", "warm"):
            found[cache].append(visit(context, address))
        context.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a workspace; else one is made of the sample")
    parser.add_argument("--port", type=int, default=8098)
    parser.add_argument("--visits", type=int, default=5)
    asked = parser.parse_args()
    table = Table(
        "screen", "cache", "first byte", "first paint", "largest paint", "all charts", "shift", "page", "rest"
    )
    with TemporaryDirectory() as folder:
        home = asked.home or Path(folder) / "home"
        if asked.home is None:
            subprocess.run([MIA, "demo", "--no-serve", "--home", str(home)], check=True, stdout=subprocess.DEVNULL)
        with serving(home, asked.port) as (address, key), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            for screen in SCREENS:
                for cache, visits in measure(browser, address, key, screen, asked.visits).items():
                    waits = ("first_byte", "first_paint", "largest_paint", "charts")
                    times = [f"{median(getattr(one, name) for one in visits):,.0f} ms" for name in waits]
                    worst, last = max(one.shift for one in visits), visits[-1]
                    sizes = (f"{last.page / 1024:,.0f} KiB", f"{last.rest / 1024:,.0f} KiB in {last.requests - 1}")
                    table.add_row(screen, cache, *times, f"{worst:.3f}", *sizes)
            browser.close()
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
