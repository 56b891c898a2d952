"""A slot between two threads that keeps only the newest item: putting replaces, nobody ever waits on a full queue."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """One producer side, one consumer side; any number of threads on either. Lives as long as its two ends."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._item: Item | None = None
        self._is_closed = False
        self._is_woken = False

    def put(self, item: Item) -> None:
        with self._arrived:
            self._item = item
            self._arrived.notify()

    def take(self, timeout_s: float = 0.0) -> Item | None:
        """The newest item, once; None when nothing came within `timeout_s` or the box was closed."""
        with self._arrived:
            if timeout_s > 0.0:
                self._arrived.wait_for(lambda: self._item is not None or self._is_closed, timeout_s)
            item, self._item = self._item, None
            return item

    def wait(self, timeout_s: float) -> bool:
        """Until something can be taken, or the box is closed. Whether there is something."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._item is not None or self._is_closed or self._is_woken, timeout_s)
            self._is_woken = False
            return self._item is not None

    def wake(self) -> None:
        """Let whoever waits look around, item or not."""
        with self._arrived:
            self._is_woken = True
            self._arrived.notify_all()

    def close(self) -> None:
        """Wake whoever waits in `take`. Items already inside can still be taken."""
        with self._arrived:
            self._is_closed = True
            self._arrived.notify_all()
