"""The two heavy functions of Pocket behind one interface: on ONNX Runtime (one core, no torch), or on torch.

    see   (2, 96, 256, 3) uint8                 -> image tokens (77, width)
    read  (N, width) on a cache of T positions  -> hidden states (N, width), the cache grown to T + N

A cache is one float32 array (layers, 2, 1, kv_heads, T, head_dim). It is never written to once returned, so any number
of prompts and sentences may go on from the same one.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from model.pocket import images, weights
from model.pocket.config import PocketConfig
from model.pocket.weights import WeightsError

VISION_GRAPH, DECODER_GRAPH = "vision.onnx", "decoder.onnx"

Floats = npt.NDArray[np.float32]


class Graphs(Protocol):
    @property
    def backend(self) -> str:
        """What computes, in words for the page: "ONNX Runtime, 1 thread", "torch on cuda"."""

    def see(self, eye: npt.NDArray[np.uint8]) -> Floats: ...

    def read(self, embeddings: Floats, cache: Floats) -> tuple[Floats, Floats]: ...


def empty_cache(config: PocketConfig) -> Floats:
    return np.zeros((config.layers, 2, 1, config.kv_heads, 0, config.head_dim), np.float32)


class OnnxGraphs:
    """ONNX Runtime on the CPU. One thread without spinning: on a shared core spinning threads stall each other."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._vision, self._decoder = (
                ort.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
                for name in (VISION_GRAPH, DECODER_GRAPH)
            )
        except Exception as error:  # ONNX Runtime raises plain Exceptions of many kinds for a damaged file
            raise WeightsError(f"{folder}: the ONNX graphs cannot be opened ({error}): export them again") from None
        self.backend = f"ONNX Runtime, {threads} thread{'s' if threads > 1 else ''}"

    def see(self, eye: npt.NDArray[np.uint8]) -> Floats:
        return self._vision.run(["tokens"], {"eye": eye[None]})[0][0]

    def read(self, embeddings: Floats, cache: Floats) -> tuple[Floats, Floats]:
        hidden, grown = self._decoder.run(["hidden", "cache_out"], {"embeddings": embeddings[None], "cache": cache})
        return hidden[0], grown


class TorchGraphs:
    """The network itself, where there is no ONNX Runtime or where there is a GPU."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        import torch

        from model.pocket import checkpoint
        from model.pocket.steps import DecoderStep

        self._torch, self._device = torch, device
        network = checkpoint.load(folder, device)
        self._vision, self._decoder = network.vision, DecoderStep(network.decoder)
        self.backend = f"torch on {device}"

    def see(self, eye: npt.NDArray[np.uint8]) -> Floats:
        with self._torch.inference_mode():
            tokens, _ = self._vision(self._torch.from_numpy(eye[None].copy()).to(self._device))
        return tokens[0].float().cpu().numpy()

    def read(self, embeddings: Floats, cache: Floats) -> tuple[Floats, Floats]:
        with self._torch.inference_mode():
            x, past = (self._torch.from_numpy(array).to(self._device) for array in (embeddings[None], cache))
            hidden, grown = self._decoder(x, past)
        return hidden[0].cpu().numpy(), grown.cpu().numpy()


def open_graphs(folder: Path) -> tuple[Graphs, str]:
    """The best graphs this machine can run, and a sentence where it is not the first choice ("" where it is)."""
    config = PocketConfig.load(folder / weights.CONFIG)
    has_files = all((folder / name).is_file() for name in (VISION_GRAPH, DECODER_GRAPH))
    has_runtime = importlib.util.find_spec("onnxruntime") is not None
    if has_files and has_runtime:
        graphs = OnnxGraphs(folder)
        _check_sizes(graphs, config, folder)
        return graphs, ""
    why = "onnxruntime is not installed" if has_files else f"there is no {VISION_GRAPH} and {DECODER_GRAPH} in {folder}"
    return TorchGraphs(folder), f"Driving on torch, several times slower, because {why}."


def _check_sizes(graphs: Graphs, config: PocketConfig, folder: Path) -> None:
    """One pass on a grey picture: graphs of other weights fail here with a sentence, not in the middle of a drive."""
    try:
        tokens = graphs.see(np.full((images.VIEWS, config.eye_height, config.eye_width, 3), 110, np.uint8))
        hidden, _ = graphs.read(tokens, empty_cache(config))
    except Exception as error:  # ONNX Runtime raises plain Exceptions of many kinds for a wrong shape
        raise WeightsError(f"{folder}: the ONNX graphs do not fit config.json ({error}): export them again") from None
    if tokens.shape != (config.image_tokens, config.width) or hidden.shape != tokens.shape:
        raise WeightsError(
            f"{folder}: the ONNX graphs give {tokens.shape}, config.json says {config.image_tokens} tokens"
        )
