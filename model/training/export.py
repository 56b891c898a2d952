"""Trained weights -> the two ONNX graphs that drive on one core, checked against torch before they are kept.

float32 first. With pictures to calibrate on, also int8 (static for convolutions, dynamic for matrices), which is kept
only where plans on held-out pictures move by less than INT8_MOVES_M.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import logging
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from model import prompts
from model.pocket import checkpoint, images, weights
from model.pocket.config import ConfigError
from model.pocket.graphs import DECODER_GRAPH, VISION_GRAPH, OnnxGraphs, TorchGraphs, empty_cache
from model.pocket.network import Pocket
from model.pocket.runtime import PocketRuntime
from model.pocket.steps import DecoderStep, VisionStep
from model.pocket.weights import WeightsError
from model.training import eye_cache, folders
from model.training.frames import DataError

FLOAT_MOVES_M = 0.01
INT8_MOVES_M = 0.05
CALIBRATION_PICTURES, CHECKED_PICTURES = 64, 64
TRACED_WORDS, TRACED_CACHE = 7, 5


class ExportError(RuntimeError):
    """Graphs that cannot be made here, or that do not say what the network says."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, help="The run or weights folder to write vision.onnx and decoder.onnx into."
    )
    parser.add_argument(
        "--data", type=Path, help="A data set to calibrate int8 on; without it the graphs stay float32."
    )


def main(args: argparse.Namespace) -> int:
    try:
        for line in export(args.folder, args.data):
            print(line, flush=True)
    except (ConfigError, WeightsError, ExportError, DataError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 2
    return 0


def export(folder: Path, data: Path | None = None) -> list[str]:
    """Write the graphs into `folder`; returns what was done, a sentence each."""
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise ExportError(f"{package} is not installed: `pip install -e .[train]` brings it")
    for name in ("torch.onnx", "root"):  # advice for those who write exporters, and packages that are not needed
        logging.getLogger(name).setLevel(logging.ERROR)
    network = checkpoint.load(folder)
    with tempfile.TemporaryDirectory(prefix="pocket_export_") as scratch:
        made = Path(scratch)
        for name in (weights.CONFIG, weights.WEIGHTS):
            shutil.copy(folder / name, made / name)
        write_float(network, made)
        eyes = _some_eyes(network, data)
        moved = furthest_move(folder, made, eyes[-CHECKED_PICTURES:])
        if moved > FLOAT_MOVES_M:
            raise ExportError(f"the float32 graphs move a plan by {moved:.3f} m, expected at most {FLOAT_MOVES_M} m")
        said = [f"float32 graphs: {_megabytes(made):.1f} MB, plans within {1000 * moved:.2f} mm of torch"]
        chosen = made
        if data is not None:
            small = made / "int8"
            small.mkdir()
            said.append(_quantised(made, small, folder, eyes))
            chosen = small if (small / VISION_GRAPH).exists() else made
        for name in (VISION_GRAPH, DECODER_GRAPH):
            fresh = folder / f"{name}.part"
            shutil.copy(chosen / name, fresh)
            fresh.replace(folder / name)
    return said


def write_float(network: Pocket, folder: Path) -> None:
    """vision.onnx and decoder.onnx in float32, any prompt length on any cache length."""
    config = network.config
    eye = torch.zeros(1, images.VIEWS, config.eye_height, config.eye_width, 3, dtype=torch.uint8)
    words = torch.zeros(1, TRACED_WORDS, config.width)
    cache = torch.from_numpy(np.repeat(empty_cache(config), 1, 4))
    cache = torch.zeros(*cache.shape[:4], TRACED_CACHE, cache.shape[5])
    count, length = torch.export.Dim("count", min=1, max=512), torch.export.Dim("length", min=0, max=2048)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            VisionStep(network.vision).eval(),
            (eye,),
            folder / VISION_GRAPH,
            input_names=["eye"],
            output_names=["tokens"],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        torch.onnx.export(
            DecoderStep(network.decoder).eval(),
            (words, cache),
            folder / DECODER_GRAPH,
            input_names=["embeddings", "cache"],
            output_names=["hidden", "cache_out"],
            dynamic_shapes={"embeddings": {1: count}, "cache": {4: length}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def furthest_move(reference: Path, graphs: Path, eyes: npt.NDArray[np.uint8]) -> float:
    """The mean distance, in metres, between the plans of torch on `reference` and of the graphs in `graphs`.

    The worse of path and speed, averaged over `eyes`, each with a driving prompt at a speed of its own.
    """
    torch_side = PocketRuntime(reference, TorchGraphs(reference))
    onnx_side = PocketRuntime(graphs, OnnxGraphs(graphs))
    moves = []
    for i, eye in enumerate(eyes):
        speed = float(i % 12)
        prompt = prompts.driving(speed, prompts.by_target_points([(12.0, 0.5 * (i % 5 - 2)), (28.0, i % 7 - 3.0)]))
        plans = []
        for side in (torch_side, onnx_side):
            _, path, pace = side.read_and_act(side.look_at_eye(eye), prompt, speed)
            plans.append((path, pace))
        moves.append([np.linalg.norm(a - b, axis=-1).mean() for a, b in zip(*plans, strict=True)])
    return float(np.mean(moves, axis=0).max())


def _some_eyes(network: Pocket, data: Path | None) -> npt.NDArray[np.uint8]:
    """Pictures to calibrate on (first) and to check on (last, of the held-out split); noise where there is no data."""
    if data is None:
        size = (8, images.VIEWS, network.config.eye_height, network.config.eye_width, 3)
        return np.random.default_rng(0).integers(0, 255, size, dtype=np.uint8)
    return np.concatenate([_spread(data, "train", CALIBRATION_PICTURES), _spread(data, "val", CHECKED_PICTURES)])


def _spread(data: Path, split: str, count: int) -> npt.NDArray[np.uint8]:
    """Up to `count` pictures from all over a split."""
    try:
        listed = folders.frames(data, split)
    except FileNotFoundError as error:
        raise DataError(str(error)) from None
    eyes = []
    for place in np.linspace(0, len(listed) - 1, min(count, len(listed))).astype(int):
        with contextlib.suppress(folders.BadFrame):
            picture, _ = folders.read_one(listed[place])
            eye = eye_cache.read_eye(picture)
            eyes += [] if eye is None else [eye]
    if not eyes:
        raise DataError(f"no usable picture of split {split!r} in {data}: let `launch.py collect` run longer")
    return np.stack(eyes)


def _quantised(source: Path, target: Path, reference: Path, eyes: npt.NDArray[np.uint8]) -> str:
    """int8 graphs in `target`, or nothing there where they move the plans too far; returns what happened."""
    _quantise(source, target, eyes[:CALIBRATION_PICTURES])
    for name in (weights.CONFIG, weights.WEIGHTS):
        shutil.copy(source / name, target / name)
    moved = furthest_move(reference, target, eyes[-CHECKED_PICTURES:])
    size = _megabytes(target)
    if moved <= INT8_MOVES_M:
        return f"int8 graphs: {size:.1f} MB, plans within {1000 * moved:.1f} mm of torch; kept"
    (target / VISION_GRAPH).unlink()
    return f"int8 graphs move plans by {1000 * moved:.0f} mm, above {1000 * INT8_MOVES_M:.0f} mm; float32 kept"


def _quantise(source: Path, target: Path, eyes: npt.NDArray[np.uint8]) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quant_pre_process, quantize_dynamic, quantize_static

    prepared, half = target / "prepared.onnx", target / "half.onnx"
    quant_pre_process(str(source / VISION_GRAPH), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(half),
        _Calibration(eyes),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    quantize_dynamic(str(half), str(target / VISION_GRAPH), op_types_to_quantize=["MatMul", "Gemm"])
    quantize_dynamic(str(source / DECODER_GRAPH), str(target / DECODER_GRAPH), op_types_to_quantize=["MatMul", "Gemm"])
    prepared.unlink()
    half.unlink()


class _Calibration:
    """ONNX Runtime's reader of calibration inputs."""

    def __init__(self, eyes: Sequence[npt.NDArray[np.uint8]]) -> None:
        self._left = [{"eye": eye[None]} for eye in eyes]

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        return self._left.pop() if self._left else None

    def __iter__(self):
        return iter(self._left)


def _megabytes(folder: Path) -> float:
    return sum((folder / name).stat().st_size for name in (VISION_GRAPH, DECODER_GRAPH)) / 1e6


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    add_arguments(arguments)
    sys.exit(main(arguments.parse_args()))
