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
from ._structs import INTERRUPTED, Observer, ProgressFunction, PromptsFunction

#: Makes a call of the library with an observer, a place for the result and one for the error; gives its status.
Invocation = Callable[[Any, Any, Any], int]

#: How often progress is handed on, in seconds.
_PERIOD = 0.1

#: How long an interruption waits for the run to end, in seconds.
_PATIENCE = 0.4

#: Takes a stage's name and the share of it that is done.
Progress = Callable[[str, float], None]

#: Takes lines of prompts; nothing where those before are void. Called on the thread of the run.
Lines = Callable[[bytes], None]


class _Call:
    """The call, with everything that must live until it has returned."""

    def __init__(self, invoke: Invocation, destroy: str, watched: bool, lines: Lines | None) -> None:
        self._invoke = invoke
        self._destroy = destroy
        self._cancel = ctypes.c_int32(0)
        self.events: collections.deque[tuple[str, float]] = collections.deque()
        self._progress = ProgressFunction(self._note) if watched else ProgressFunction()
        self._lines = lines
        self._prompts = PromptsFunction() if lines is None else PromptsFunction(self._take)
        self.finished = threading.Event()
        self.result: Handle | None = None
        self.failure: BaseException | None = None

    def _note(self, context: Any, stage: bytes, fraction: float) -> int:
        self.events.append((stage.decode("utf-8", "replace"), fraction))
        return 0

    def _take(self, context: Any, lines: int | None, length: int) -> int:
        assert self._lines is not None
        try:
            self._lines(ctypes.string_at(lines, length) if lines else b"")
        except BaseException as problem:  # It cannot pass through the library.
            self.failure = problem
            return 1
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
                prompts=self._prompts,
            )
            result = ctypes.c_void_p()
            error = ErrorSlot()
            status = self._invoke(ctypes.byref(observer), ctypes.byref(result), error.address)
            if status == INTERRUPTED:
                raise self.failure or KeyboardInterrupt()
            error.check(status)
            self.result = Handle(result.value, self._destroy)
        except BaseException as problem:
            self.failure = problem
        finally:
            self.finished.set()


def run(loaded: Loaded, options: Handle, progress: Progress | None, lines: Lines | None = None) -> Handle:
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
    lines : callable, optional
        Called with the CSV of each prompt's points, some of it at a time.

    Returns
    -------
    Handle
        An ``esscher_report``.

    Raises
    ------
    EsscherError
        As the library failed.
    """

    def invoke(observer: Any, report: Any, error: Any) -> int:
        status: int = library().esscher_frontier(loaded.table.pointer, options.pointer, observer, report, error)
        return status

    return watch(invoke, "esscher_report_destroy", progress, lines)


def watch(invoke: Invocation, destroy: str, progress: Progress | None, lines: Lines | None = None) -> Handle:
    """Make a call in a thread of its own, as :func:`run` does.

    Parameters
    ----------
    invoke : callable
        The call.
    destroy : str
        The function that frees its result.
    progress : callable, optional
        Called on this thread.
    lines : callable, optional
        As of :func:`run`.

    Returns
    -------
    Handle
        The result.
    """
    call = _Call(invoke, destroy, progress is not None, lines)
    thread = threading.Thread(target=call.run, name="esscher", daemon=True)
    try:
        thread.start()
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
    assert call.result is not None
    return call.result
