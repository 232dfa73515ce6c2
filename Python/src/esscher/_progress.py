# SPDX-License-Identifier: Apache-2.0
"""Progress of a run: a bar of tqdm, or the caller's own function."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

from .errors import UsageError

#: Seconds after which a bar appears, so that short runs show none.
_DELAY = 1.0


class ProgressBar:
    """A bar a stage, as a context.

    Parameters
    ----------
    progress : None, bool or callable
        None shows bars on a terminal and in notebooks, where tqdm is installed; True always; False never. A callable
        is given the stage's name and the share of it that is done, 0 to 1.

    Raises
    ------
    UsageError
        For anything else, and for True without tqdm.
    """

    def __init__(self, progress: bool | Callable[[str, float], object] | None) -> None:
        self._bar: Any = None
        self._stage = ""
        self._make: Any = None
        self._report: Callable[[str, float], object] | None = None
        if progress is None or isinstance(progress, bool):
            if progress or (progress is None and _is_watched()):
                self._make = _tqdm(required=bool(progress))
            self._delay = 0.0 if progress else _DELAY
        elif callable(progress):
            self._report = progress
        else:
            raise UsageError(f"progress takes None, True, False or a function of stage and fraction, not {progress!r}.")

    @property
    def callback(self) -> Callable[[str, float], None] | None:
        """What a run calls; None where nobody watches."""
        return self._show if self._make or self._report else None

    def _show(self, stage: str, fraction: float) -> None:
        if self._report is not None:
            self._report(stage, fraction)
            return
        with _interruptions_wait():
            if stage != self._stage:
                self._close()
                self._stage = stage
                self._bar = self._make(
                    total=100,
                    desc=f"esscher: {stage}",
                    delay=self._delay,
                    leave=False,
                    bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
                )
            self._bar.update(max(0.0, 100 * fraction - self._bar.n))

    def _close(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.close()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _interruptions_wait():
            self._close()


@contextlib.contextmanager
def _interruptions_wait() -> Iterator[None]:
    """Hold back a :class:`KeyboardInterrupt` until a bar is whole again.

    One in the middle of tqdm's constructor leaves a bar that complains when it is collected, and one in the middle of
    a write leaves half a line. Only the main thread is interrupted, and only Python's own handler raises, so elsewhere
    there is nothing to hold back.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    waiting = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal waiting
        waiting = True

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if waiting:
            raise KeyboardInterrupt


def _is_watched() -> bool:
    """Whether somebody sees standard error as it is written."""
    if "ipykernel" in sys.modules:
        return True
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


def _tqdm(required: bool) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError as problem:
        if required:
            raise UsageError(
                "progress=True needs tqdm, which is not installed; run pip install tqdm, or pass a function."
            ) from problem
        return None
    return tqdm
