"""Builds the page: a FastAPI app with the stage's WebSocket and files, and Gradio mounted at its root. Main thread.

    app = page.build(drive, supervised, page.PageOptions())
    page.serve(app, "127.0.0.1", 7860)

Gradio carries the page, its session and the API for scripts; everything live goes through one WebSocket per tab.
"""

from __future__ import annotations

import errno
import html
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported: without it the server looks outside

import gradio as gr
import uvicorn
from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse, PlainTextResponse, Response

from app import text, tickets
from app.api import Api
from app.drive import Drive, Supervised
from app.guard import LOOPBACK, Guard
from app.hub import Hub
from app.watcher import Watcher

STAGE = Path(__file__).resolve().parents[1] / "assets" / "stage"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
SOCKET_PATH = "/stage/socket"
MESSAGE_BYTES_AT_MOST = 64 * 1024
PORT_IN_USE = 2

HEAD = (
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="dark"><link rel="icon" href="stage/icon.svg">'
)

# Runs in Gradio's page: the stage's own modules do the work, so that they are files with names.
START_STAGE = "import(new URL('stage/stage.js', document.baseURI)).then((stage) => stage.start(element));"
PASS_TICKET = """
const pass = () => {
  window.backseatTicket = props.ticket;
  window.dispatchEvent(new Event('backseat-ticket'));
};
if (props.ticket) pass();
watch('ticket', pass);
"""


@dataclass(frozen=True, slots=True)
class PageOptions:
    """`hosts`: names the page may be called by, empty for any. `secret` signs tickets and lasts one run."""

    title: str = "Backseat"
    hosts: frozenset[str] = LOOPBACK
    secret: bytes = field(default_factory=tickets.new_secret)


def build(drive: Drive, supervised: Supervised, options: PageOptions | None = None) -> FastAPI:
    """The whole page over a drive. Nothing listens yet. `app.state` holds the hub and the options."""
    options = options or PageOptions()
    hub = Hub(drive, supervised)
    app = FastAPI(title=options.title, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.hub, app.state.options = hub, options
    _add_stage_routes(app, hub, options)
    gr.mount_gradio_app(
        app,
        _blocks(hub, options),
        path="/",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        max_file_size="64kb",
        enable_monitoring=False,
        ssr_mode=False,
        show_error=True,
        theme=gr.themes.Base(),
        css_paths=[STAGE / "stage.css"],
        head=HEAD,
    )
    app.add_middleware(Guard, hosts=options.hosts)
    return app


def cockpit_ticket(app: FastAPI, holder: str = "cockpit") -> str:
    """A ticket for a cockpit; hand it over in the environment, where other users of the machine cannot read it."""
    return tickets.mint(app.state.options.secret, holder)


def serve(app: FastAPI, host: str, port: int, on_ready: Callable[[int], None] = lambda port: None) -> int:
    """Serve until a signal. Returns 0, or PORT_IN_USE after saying so on the console.

    `on_ready` is told the port, which is another than `port` where that is 0.
    """
    try:
        listening = listen(host, port)
    except OSError as error:
        print(_cannot_listen(host, port, error), file=sys.stderr)
        return PORT_IN_USE
    server(app, lambda: on_ready(listening.getsockname()[1])).run(sockets=[listening])
    return 0


def server(app: FastAPI, on_ready: Callable[[], None] | None = None) -> uvicorn.Server:
    """The server that `serve` runs; `should_exit` ends it from another thread."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # a ticket is part of the WebSocket's URL
        ws_per_message_deflate=False,  # a JPEG does not deflate
        ws_max_size=MESSAGE_BYTES_AT_MOST,
        ws_ping_interval=5.0,
        ws_ping_timeout=10.0,
        timeout_graceful_shutdown=2,
    )
    return _Server(config, on_ready)


class _Server(uvicorn.Server):
    """Tells when the first request can be answered."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self._on_ready is not None:
            self._on_ready()


def _blocks(hub: Hub, options: PageOptions) -> gr.Blocks:
    with gr.Blocks(title=options.title, analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(
            html_template=_stage_html(),
            js_on_load=START_STAGE,
            apply_default_css=False,
            elem_id="stage-holder",
            padding=False,
        )
        ticket = gr.HTML(
            html_template="", js_on_load=PASS_TICKET, apply_default_css=False, ticket="", elem_id="stage-ticket"
        )

        def admit(request: gr.Request) -> gr.HTML:
            holder = tickets.holder_of(request.session_hash or "", options.secret)
            return gr.HTML(ticket=tickets.mint(options.secret, holder))

        blocks.load(admit, None, ticket, queue=False, show_progress="hidden", api_visibility="private")
        Api(hub, options.secret).expose()
    return blocks


def _stage_html() -> str:
    page = (STAGE / "stage.html").read_text()
    page = page.replace("<!-- examples -->", _chips(text.EXAMPLES, "example"))
    return page.replace("<!-- question-examples -->", _chips(text.QUESTION_EXAMPLES, "question-example"))


def _chips(sentences: tuple[str, ...], kind: str) -> str:
    return "".join(f'<button type="button" class="chip" data-{kind}>{html.escape(one)}</button>' for one in sentences)


def _add_stage_routes(app: FastAPI, hub: Hub, options: PageOptions) -> None:
    # Only names that lie in the folder when the page is built: a path from outside never reaches the disk.
    files = {path.name: path for path in STAGE.iterdir() if path.suffix in MEDIA_TYPES}
    run_name = tickets.holder_of("run", options.secret)

    @app.get("/stage/run")
    def run() -> Response:
        """Which run of the program answers: a tab left open from an earlier one reloads itself."""
        return PlainTextResponse(run_name, headers={"Cache-Control": "no-store"})

    @app.get("/stage/{name}")
    def stage_file(name: str) -> Response:
        path = files.get(name)
        if path is None:
            return PlainTextResponse("There is no such file on the stage.", status_code=404)
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})

    @app.websocket(SOCKET_PATH)
    async def stage_socket(websocket: WebSocket, ticket: str = "") -> None:
        try:
            holder = tickets.check(options.secret, ticket).holder
        except tickets.BadTicket:
            await websocket.close(1008)  # before accepting: the handshake is answered with 403
            return
        await websocket.accept()
        await Watcher(hub, websocket, holder).run()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or OSError. Port 0 is any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program. Stop that one, or choose another with --port."
    return f"Cannot listen on {host}:{port}: {error.strerror}. Choose another address with --host or --port."
