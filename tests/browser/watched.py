"""A page, and everything it asked for and complained about."""

from playwright.sync_api import Page

LOADED = "images => images.every(image => image.complete && image.naturalWidth > 0)"
CHARTS = ("index", "connections", "funnel", "lift")


class Watched:
    """Listens to a page from its first request on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        # A browser looks ahead before it knows how wide it is, and drops the pictures of the other width.
        page.on(
            "requestfailed",
            lambda request: request.failure == "net::ERR_ABORTED" or self.complaints.append(f"{request.url} failed"),
        )
        page.on("response", lambda answer: answer.ok or self.complaints.append(f"{answer.url}: {answer.status}"))

    def require_own_host(self, address: str) -> None:
        """Nothing was asked of any other host, and nothing was wrong with what was."""
        assert [url for url in self.asked if not url.startswith(f"{address}/")] == []
        assert self.complaints == [], self.complaints
