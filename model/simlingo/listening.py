"""What a network on a CPU is busy with, layer by layer: people who wait see it, and may give up between two layers.

A GPU's passes take milliseconds and are replayed whole, so nothing listens in there. The driver's thread.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from model.simlingo.network import SimLingo
from sim_bridge.messages import Progress


class Listener:
    """Tells `report` of every layer of the eye, and of the language model where it reads more than one word.

    What `report` raises ends the pass at that layer; the reader then keeps nothing of it.
    """

    def __init__(self, network: SimLingo, report: Callable[[Progress], None]) -> None:
        self._report = report
        self._stage = "reading"
        self._hooks: list[RemovableHandle] = []
        if network.device.type == "cpu":
            self._listen(network.vision.encoder.layer, self._looked)
            self._listen(network.language.model.layers, self._read)

    def speaks(self, count: int) -> None:
        """Before each word, with how many are said; the first one waits for the prompt to be read."""
        self._stage = "reading"
        self._report(Progress("speaking", count) if count else Progress("reading"))

    def plans(self) -> None:
        """Before the action pass."""
        self._stage = "planning"
        self._report(Progress("planning"))

    def close(self) -> None:
        while self._hooks:
            self._hooks.pop().remove()

    def _listen(self, layers: nn.ModuleList, hear: Callable[[int, int, Tensor], None]) -> None:
        for number, layer in enumerate(layers, 1):
            hook = layer.register_forward_hook(lambda _, __, hidden, n=number: hear(n, len(layers), hidden))
            self._hooks.append(hook)

    def _looked(self, layer: int, layers: int, hidden: Tensor) -> None:
        self._stage = "reading"
        self._report(Progress("looking", layer, layers))

    def _read(self, layer: int, layers: int, hidden: Tensor) -> None:
        if hidden.shape[1] > 1:
            self._report(Progress(self._stage, layer, layers))
