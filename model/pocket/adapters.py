"""The network's adapters in numpy: words and values in, words and points out, from the same weights file. No torch.

The arithmetic is that of network.Adapters; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from model.pocket.config import PocketConfig
from model.pocket.vocabulary import Tokens, Vocabulary

Floats = npt.NDArray[np.float32]
PACE_WAVES_M = (1.0, 2.5, 6.0, 15.0)  # wavelengths (m/s) that let a speed be read finely and coarsely
PREFIX = "adapters."


class NumpyAdapters:
    """Small matrices around the decoder. Read-only once built, any thread."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[np.generic]], config: PocketConfig) -> None:
        self._w = {k.removeprefix(PREFIX): np.asarray(v, np.float32) for k, v in arrays.items() if k.startswith(PREFIX)}
        self.vocabulary = Vocabulary(config.vocabulary)
        self._path_points = config.path_points
        self.queries: Floats = np.concatenate([self._w["path_queries"], self._w["speed_queries"]])  # (30, width)

    def embed(self, tokens: Tokens) -> Floats:
        """(N,) tokens with their values -> (N, width)."""
        out = self._w["words"][tokens.ids].copy()
        is_pace = np.isin(tokens.ids, self.vocabulary.valued)
        is_point = tokens.ids == self.vocabulary.target_point
        out[is_pace] += self._mlp("pace", pace_features(tokens.values[is_pace, 0]))
        out[is_point] += self._mlp("point", point_features(tokens.values[is_point]))
        return out

    def word(self, token: int) -> Floats:
        """(1, width): a said word as it is read back."""
        return self._w["words"][token][None]

    def next_word(self, hidden: Floats, facts: Floats) -> int:
        """The likeliest word after the hidden state (width,), with the look's facts (facts, width) to quote."""
        asked = self._w["pointer.keys"] @ (self._w["pointer.query.weight"] @ hidden) / np.sqrt(len(hidden))
        points = np.exp(asked - asked.max())
        quoted = self._w["pointer.value.weight"] @ (points[:-1] / points.sum() @ facts)
        says = hidden + quoted + self._mlp("pointer.weigh", np.concatenate([hidden, quoted]))
        return int(np.argmax(self._w["words"] @ says))

    def kind(self, hidden: Floats) -> Floats:
        """Logits of what an instruction means, from the prompt's last hidden state (width,)."""
        return self._w["kind_head.weight"] @ hidden + self._w["kind_head.bias"]

    def points(self, hidden: Floats, speed_mps: float) -> tuple[Floats, Floats]:
        """The queries' hidden states (30, width) -> path (20, 2), speed (10, 2), metres in ego coordinates."""
        path = self._mlp("path_head", hidden[: self._path_points])
        speed = self._mlp("speed_head", hidden[self._path_points :])
        path[1:, 0] += 1.0
        speed[:, 0] += np.float32(speed_mps / 4.0)
        return path.cumsum(0), speed.cumsum(0)

    def _mlp(self, name: str, x: Floats) -> Floats:
        hidden = x @ self._w[f"{name}.0.weight"].T + self._w[f"{name}.0.bias"]
        hidden = hidden / (1 + np.exp(-np.clip(hidden, -60, 60)))
        return hidden @ self._w[f"{name}.2.weight"].T + self._w[f"{name}.2.bias"]


def pace_features(values: Floats) -> Floats:
    """(N,) m/s or numbers -> (N, 9)."""
    waves = [f(values * (2 * np.pi / wave)) for wave in PACE_WAVES_M for f in (np.sin, np.cos)]
    return np.stack([values / 10.0, *waves], -1).astype(np.float32)


def point_features(points: Floats) -> Floats:
    """(N, 2) metres -> (N, 7)."""
    x, y = points[:, 0], points[:, 1]
    away, bearing = np.hypot(x, y), np.arctan2(y, x)
    near = np.clip(points / 20, -2, 2)
    far = [x / 100, y / 100, np.sin(bearing), np.cos(bearing), np.log1p(away) / 4]
    return np.concatenate([near, np.stack(far, -1)], -1).astype(np.float32)
