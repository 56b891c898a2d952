"""The recorder and the replayer of one world: at most one of them runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sim_bridge.embedded.recorder.folder import RecordingsFolder
from sim_bridge.embedded.recorder.log_file import LogReader
from sim_bridge.embedded.recorder.recorder import Recorder
from sim_bridge.embedded.recorder.replayer import Replayer, Span, Wishes

if TYPE_CHECKING:
    from sim_bridge.embedded.world.world import World


class Deck:
    """Lives as long as its world. `folder` says which files it may touch."""

    def __init__(self, world: World, folder: RecordingsFolder) -> None:
        self.folder = folder
        self.wishes = Wishes()
        self._world = world
        self._recorder: Recorder | None = None
        self._replayer: Replayer | None = None

    # ---- the world's side -------------------------------------------------------------------------------------------

    def replay(self, delta_s: float) -> None:
        """Before the physics of a tick: bodies stand where the recording has them."""
        if self._replayer is not None:
            self._replayer.advance(delta_s)
            if not self._replayer.is_playing:
                self._replayer = None

    def record(self, delta_s: float) -> None:
        """After the physics of a tick."""
        if self._recorder is not None:
            self._recorder.note(delta_s)

    def close(self) -> None:
        """The episode ends, and what ran in it."""
        self.stop_recording()
        self.stop_replay(keeps_actors=True)

    # ---- the callers' side ------------------------------------------------------------------------------------------

    def start_recording(self, name: str, has_more: bool) -> str:
        """The full path of the file that begins. Raises OutsideFolder or OSError."""
        path = self.folder.created(name)
        self.close()
        self._recorder = Recorder(self._world, path, has_more)
        return str(path)

    def stop_recording(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def opened(self, name: str) -> LogReader:
        """Raises OutsideFolder, OSError or Damaged."""
        # The file may be the one being written; what is read of it must be on disk.
        if self._recorder is not None and self._recorder.path == self.folder.file(name):
            self._recorder.flush()
        return LogReader(self.folder.file(name))

    def start_replay(self, log: LogReader, span: Span) -> None:
        """Start in the town it was recorded in, and own `log`. Raises ValueError where this world lacks that town."""
        self.close()
        try:
            if log.map_name.rsplit("/", 1)[-1] != self._world.town.name:
                self._world.reload(log.map_name, reset_settings=False)
            self._replayer = Replayer(self._world, log, span, replace(self.wishes))
        except ValueError:
            log.close()
            raise

    def set_time_factor(self, factor: float) -> None:
        self.wishes.time_factor = factor
        if self._replayer is not None:
            self._replayer.wishes.time_factor = factor

    def stop_replay(self, keeps_actors: bool) -> None:
        if self._replayer is not None:
            self._replayer.stop(keeps_actors)
            self._replayer = None
