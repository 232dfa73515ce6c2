# SPDX-License-Identifier: Apache-2.0
"""One run of the library, in a thread of its own so that this one goes on hearing signals."""

from __future__ import annotations

import collections
import ctypes
import threading
from collections.abc import Callable
from typing import Any

from ._inputs import Loaded
from ._library import ErrorSlot, Handle, library
from ._structs import INTERRUPTED, Observer, ProgressFunction

#: How often progress is handed on, in seconds.
_PERIOD = 0.1

#: How long an interruption waits for the run to end, in seconds.
_PATIENCE = 0.4

#: Takes a stage's name and the share of it that is done.
Progress = Callable[[str, float], None]


class _Call:
    """The call, with everything that must live until it has returned."""

    def __init__(self, loaded: Loaded, options: Handle, watched: bool) -> None:
        self._loaded = loaded
        self._options = options
        self._cancel = ctypes.c_int32(0)
        self.events: collections.deque[tuple[str, float]] = collections.deque()
        self._progress = ProgressFunction(self._note) if watched else ProgressFunction()
        self.finished = threading.Event()
        self.report: Handle | None = None
        self.failure: BaseException | None = None

    def _note(self, context: Any, stage: bytes, fraction: float) -> int:
        self.events.append((stage.decode("utf-8", "replace"), fraction))
        return 0

    def cancel(self) -> None:
        """End the run soon."""
        self._cancel.value = 1

    def run(self) -> None:
        """Make the call, on any thread."""
        try:
            observer = Observer(
                size=ctypes.sizeof(Observer),
                cancel=ctypes.pointer(self._cancel),
                progress=self._progress,
            )
            report = ctypes.c_void_p()
            error = ErrorSlot()
            status = library().esscher_frontier(
                self._loaded.table.pointer,
                self._options.pointer,
                ctypes.byref(observer),
                ctypes.byref(report),
                error.address,
            )
            if status == INTERRUPTED:
                raise KeyboardInterrupt
            error.check(status)
            self.report = Handle(report.value, "esscher_report_destroy")
        except BaseException as problem:
            self.failure = problem
        finally:
            self.finished.set()


def run(loaded: Loaded, options: Handle, progress: Progress | None) -> Handle:
    """Estimate a frontier.

    Other threads of Python go on meanwhile. An exception in this thread, such as a
    :class:`KeyboardInterrupt` or one of `progress`, ends the run between two tiles and is raised.

    Parameters
    ----------
    loaded : Loaded
        The rewards.
    options : Handle
        What is asked.
    progress : callable, optional
        Called on this thread.

    Returns
    -------
    Handle
        An ``esscher_report``.

    Raises
    ------
    EsscherError
        As the library failed.
    """
    call = _Call(loaded, options, progress is not None)
    thread = threading.Thread(target=call.run, name="esscher", daemon=True)
    thread.start()
    try:
        done = False
        while not done:
            done = call.finished.wait(_PERIOD)
            while progress is not None and call.events:
                progress(*call.events.popleft())
    except BaseException:
        call.cancel()
        # A tile takes a fraction of a second. What takes longer ends by itself, and holds what it reads until then.
        call.finished.wait(_PATIENCE)
        raise
    thread.join()
    if call.failure is not None:
        raise call.failure
    assert call.report is not None
    return call.report
