"""From a handler's annotations to the decoders of its arguments and the shape of its reply."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from sim_bridge.embedded.calls.desk import Desk
from sim_bridge.embedded.wire import codec
from sim_bridge.embedded.wire.codec import WrongArgument


class Signature:
    """A handler with what it takes. Built once per handler when the table is made."""

    def __init__(self, handler: Callable[..., Any], kinds: tuple[Any, ...] | None = None) -> None:
        """`kinds` replaces the annotations, for argument lists that no function has."""
        self.handler = handler
        hints = typing.get_type_hints(handler)
        parameters = list(inspect.signature(handler).parameters.values())[1:]
        named = [p for p in parameters if p.kind is not inspect.Parameter.VAR_POSITIONAL]
        self.takes_more = len(named) < len(parameters)
        self.names = tuple(p.name for p in named)
        self.required = sum(p.default is inspect.Parameter.empty for p in named)
        self.decoders = tuple(codec.decoder(kind) for kind in kinds or tuple(hints[name] for name in self.names))
        self.is_void = hints.get("return") is type(None)

    def decoded(self, arguments: list[Any], names: tuple[str, ...]) -> list[Any]:
        if len(arguments) < len(names):
            raise WrongArgument(f"expected {', '.join(names)}, got {len(arguments)} arguments")
        return [read(value, name) for read, value, name in zip(self.decoders, arguments, names, strict=False)]

    def call(self, desk: Desk, arguments: list[Any]) -> Any:
        """Decode the arguments and run the handler. Raises WrongArgument; the handler may refuse."""
        if len(arguments) < self.required:
            raise WrongArgument(f"expected {self.required} arguments ({', '.join(self.names)}), got {len(arguments)}")
        values = [read(value, name) for read, value, name in zip(self.decoders, arguments, self.names, strict=False)]
        return self.handler(desk, *values)
