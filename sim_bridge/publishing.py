"""A tick's pictures -> JPEG -> one immutable SessionView for everybody. Its own thread, so encoding costs no tick.

A view that is overtaken by the next one before it was encoded is skipped: viewers get the newest, never a queue.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image

from sim_bridge.mailbox import Mailbox
from sim_bridge.messages import CameraFrame, PictureJpeg, SessionView

log = logging.getLogger(__name__)

JPEG_QUALITY = 80


def jpeg(frame: CameraFrame, quality: int = JPEG_QUALITY) -> PictureJpeg:
    stream = io.BytesIO()
    Image.fromarray(frame.rgb).save(stream, "JPEG", quality=quality)
    return PictureJpeg(frame.camera, stream.getvalue())


@dataclass(frozen=True, slots=True, eq=False)
class Tickful:
    """A view without its pictures, and the frames of the same tick to make them from."""

    view: SessionView
    frames: tuple[CameraFrame, ...]


class Publisher:
    """`publish` from the session thread; `newest` from any; observers are called on the publishing thread."""

    def __init__(self, first: SessionView) -> None:
        self.newest = first
        self._observers: list[Callable[[SessionView], None]] = []
        self._waiting: Mailbox[Tickful] = Mailbox()
        self._encoded: tuple[tuple[CameraFrame, ...], tuple[PictureJpeg, ...]] = ((), ())
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def observe(self, observer: Callable[[SessionView], None]) -> None:
        """Call `observer` with every view from here on. It must return quickly."""
        self._observers.append(observer)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
        self._thread.start()

    def publish(self, view: SessionView, frames: tuple[CameraFrame, ...]) -> None:
        """Encode and show, on the publishing thread where it runs, else at once (lockstep)."""
        if self._thread is None:
            self._show(Tickful(view, frames))
        else:
            self._waiting.put(Tickful(view, frames))

    def stop(self) -> None:
        """Show what is still waiting, then end the thread."""
        self._stopping.set()
        self._waiting.close()
        if self._thread is not None:
            self._thread.join(2.0)
            self._thread = None
        if (last := self._waiting.take()) is not None:
            self._show(last)

    def _work(self) -> None:
        while not self._stopping.is_set():
            if (tickful := self._waiting.take(timeout_s=0.25)) is not None:
                self._show(tickful)

    def _show(self, tickful: Tickful) -> None:
        if tickful.frames is not self._encoded[0]:  # a paused world shows the same frames again and again
            self._encoded = tickful.frames, tuple(jpeg(frame) for frame in tickful.frames)
        self.newest = replace(tickful.view, pictures=self._encoded[1])
        for observer in self._observers:
            try:
                observer(self.newest)
            except Exception:  # an observer's fault must not stop the drive or the other observers
                log.exception("An observer of the session's views failed.")
