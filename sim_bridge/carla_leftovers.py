"""What a drive of ours left behind in a world when it died without cleaning up. Session thread, once per connection.

Our cameras and vehicles carry the name of the process that made them. A name of this machine whose process is gone
marks a leftover; the car under such a camera is one too. Whatever belongs to anybody else is not touched.
"""

from __future__ import annotations

import os
import platform
from typing import Any

import carla


def clear_leftovers(client: Any, world: Any) -> bool:
    """Destroy the actors of our dead processes. Whether there were any."""
    if world.get_settings().synchronous_mode:
        # A world that stands still shows its actors only after a tick; whoever stopped it is asked for one here too.
        world.tick(4.0)
    actors = list(world.get_actors())
    ours = [actor for actor in actors if _is_left_over(actor.attributes.get("role_name", ""))]
    cars = {actor.parent.id: actor.parent for actor in ours if actor.parent is not None}
    doomed = [*(a for a in ours if a.id not in cars), *cars.values()]
    client.apply_batch_sync([carla.command.DestroyActor(actor.id) for actor in doomed], False)
    return bool(doomed)


def _is_left_over(role: str) -> bool:
    start = f"backseat-{platform.node()}-"
    if not role.startswith(start) or not role[len(start) :].isdigit():
        return False
    return not _is_alive(int(role[len(start) :]))


def _is_alive(process_id: int) -> bool:
    if process_id == os.getpid():
        return True
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
