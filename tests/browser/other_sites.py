"""Pages that are not ours: wrong on purpose, or those of somebody who attacks ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

START = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Wrong</title>'
GONE = "/gone"
BROKEN = "/broken"
BUTTON = "Get your prize"


@contextmanager
def other_site(body: str) -> Iterator[str]:
    """The address of a page with this body, beside a path that answers 404 and one that answers 500.

    It is another origin than our service, but the same site: cookies know no ports.
    """

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response({GONE: 404, BROKEN: 500}.get(self.path.partition("?")[0], 200))
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((START + body).encode())

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def luring_form(action: str, fields: Mapping[str, str], media_type: str = "application/x-www-form-urlencoded") -> str:
    """A button that sends a form to another site in the name of whoever presses it."""
    inputs = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items())
    return f'<form method="post" enctype="{media_type}" action="{action}">{inputs}<button>{BUTTON}</button></form>'
