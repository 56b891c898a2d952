"""Memory and processor time of another process, from Linux's /proc. Any thread."""

from __future__ import annotations

import os
from pathlib import Path


def resident_mb(process_id: int) -> float:
    """Resident memory now, MB."""
    return _status(process_id, "VmRSS")


def peak_mb(process_id: int) -> float:
    """The most it ever was, MB."""
    return _status(process_id, "VmHWM")


def cpu_s(process_id: int) -> float:
    """Processor seconds so far, all threads, user and system."""
    # The command's name may hold spaces; the fields after its closing bracket are numbered from the third.
    fields = Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(process_id: int, name: str) -> float:
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024.0
    raise ValueError(f"expected {name} in /proc/{process_id}/status, it is not there")
