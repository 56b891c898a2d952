"""The one folder recordings live in, and the way from a client's file name into it."""

from __future__ import annotations

from pathlib import Path

DEFAULT_FOLDER = Path("recordings")
_LONGEST_NAME = 200


class OutsideFolder(ValueError):
    """A client named a file that is not in the recordings folder."""


class RecordingsFolder:
    def __init__(self, path: Path = DEFAULT_FOLDER) -> None:
        self.path = path.resolve()

    def file(self, name: str) -> Path:
        """Where the file called `name` is or will be. Raises OutsideFolder, naming the folder.

        A bare name and a path below the folder are taken, and so is the full path that `start_recorder` gave back.
        """
        if not name.strip() or len(name) > _LONGEST_NAME + len(str(self.path)) or "\0" in name:
            raise OutsideFolder(f"expected a file name of 1 to {_LONGEST_NAME} characters, got {name!r:.80}")
        # Resolved before it is compared: ".." and links must not lead out.
        path = (self.path / name).resolve()
        if self.path not in path.parents:
            raise OutsideFolder(f"expected a file in {self.path}, got {name!r:.80}; give a name without folders")
        return path

    def created(self, name: str) -> Path:
        """The file's path, its folder made. Raises OutsideFolder, or OSError."""
        path = self.file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
