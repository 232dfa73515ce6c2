# SPDX-License-Identifier: Apache-2.0
"""The function :func:`devices`."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass
from typing import Any

from ._library import ErrorSlot, library


@dataclass(frozen=True)
class Device:
    """What can, or cannot, carry out a run on this machine.

    Attributes
    ----------
    name : str
        What the argument ``device`` takes.
    model : str
        The hardware's name.
    target : str
        Instruction set, or platform and driver.
    units : int
        Processors or compute units; 0 where they are not known.
    memory_bytes : int
        Its memory; 0 where it is not known.
    usable : bool
        Whether it can be used.
    reason : str
        Why it cannot, and what to do about it; empty where it can.
    is_auto : bool
        Whether ``device="auto"`` picks it.
    """

    name: str
    model: str
    target: str
    units: int
    memory_bytes: int
    usable: bool
    reason: str
    is_auto: bool


def devices() -> list[Device]:
    """The processor and every OpenCL device of this machine.

    Drivers are tried in a process of their own, once for each process of Python.

    Returns
    -------
    list of Device
        The processor first.
    """
    report = device_report()
    found = []
    for entry in report["devices"]:
        reason = " ".join(str(entry[key]) for key in ("reason", "remedy") if entry.get(key))
        found.append(
            Device(
                name=str(entry.get("name", "")),
                model=str(entry.get("model") or ""),
                target=str(entry.get("target") or ""),
                units=int(entry.get("units") or 0),
                memory_bytes=int(entry.get("memory_bytes") or 0),
                usable=bool(entry.get("usable")),
                reason=reason,
                is_auto=entry.get("name") == report.get("auto"),
            )
        )
    return found


def device_report() -> dict[str, Any]:
    """The devices as ``esscher devices --json`` prints them."""
    parsed: dict[str, Any] = json.loads(device_text())
    return parsed


def device_text() -> str:
    """The text of :func:`device_report`."""
    loaded, text, error = library(), ctypes.c_void_p(), ErrorSlot()
    error.check(loaded.esscher_devices(ctypes.byref(text), error.address))
    try:
        return ctypes.string_at(text.value or 0).decode()
    finally:
        loaded.esscher_text_destroy(text)
