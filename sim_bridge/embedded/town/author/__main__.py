"""`python -m sim_bridge.embedded.town.author [FOLDER]` writes every authored town, the same bytes every time."""

from __future__ import annotations

import sys
from pathlib import Path

from sim_bridge.embedded.town.author import backseat01, backseat02, backseat03, backseat04, backseat05
from sim_bridge.embedded.town.author.furniture import place
from sim_bridge.embedded.town.author.network import build
from sim_bridge.embedded.town.author.opendrive import opendrive
from sim_bridge.embedded.town.author.scenery import furnish
from sim_bridge.embedded.town.folder import TOWNS_FOLDER, scenery_file
from sim_bridge.embedded.town.scenery_file import dumps

PLANS = (backseat01.PLAN, backseat02.PLAN, backseat03.PLAN, backseat04.PLAN, backseat05.PLAN)


def write(folder: Path) -> list[Path]:
    written = []
    for plan in PLANS:
        network = build(plan)
        road_file = folder / f"{plan.name}.xodr"
        texts = {
            road_file: opendrive(network, place(network)),
            scenery_file(road_file): dumps(furnish(network)),
        }
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8", newline="\n")
            written.append(path)
    return written


if __name__ == "__main__":
    for path in write(Path(sys.argv[1]) if len(sys.argv) > 1 else TOWNS_FOLDER):
        print(f"wrote {path}")
