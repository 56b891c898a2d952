"""Where the authored towns lie, and which there are."""

from __future__ import annotations

from pathlib import Path

TOWNS_FOLDER = Path(__file__).resolve().parents[3] / "assets" / "towns"


def names() -> tuple[str, ...]:
    """The towns that `load` knows, sorted."""
    return tuple(sorted(path.stem for path in TOWNS_FOLDER.glob("*.xodr")))


def road_file(name: str) -> Path:
    """Raises ValueError naming the known towns. A name is compared, never joined to a path."""
    if name not in names():
        raise ValueError(f"expected a town out of {', '.join(names()) or 'none (assets/towns is empty)'}, got {name!r}")
    return TOWNS_FOLDER / f"{name}.xodr"


def scenery_file(road_file: Path) -> Path:
    """The scenery beside a road file; a town can do without one."""
    return road_file.with_suffix(".scenery.json")
