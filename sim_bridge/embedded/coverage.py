"""The RPC table as text: which of CARLA's calls this world answers, how, and which test shows it."""

from __future__ import annotations

from collections import Counter

from sim_bridge.embedded.calls.table import TABLE
from sim_bridge.embedded.calls.tested import TESTED_BY


def printed() -> str:
    """One line per call, essential ones first, then a line of sums."""
    order = {"E": 0, "C": 1, "r": 2}
    rows = sorted(TABLE.values(), key=lambda rpc: (order[rpc.need.value], rpc.name))
    width = max(len(rpc.name) for rpc in rows)
    sums = Counter(rpc.support for rpc in rows)
    lines = [f"{rpc.name:<{width}}  {rpc.need.value:<4}  {rpc.support:<9}  {TESTED_BY[rpc.name]}" for rpc in rows]
    counted = ", ".join(f"{count} {support}" for support, count in sums.most_common())
    return "\n".join([f"{'call':<{width}}  need  {'support':<9}  test", *lines, f"{len(rows)} calls: {counted}"])
