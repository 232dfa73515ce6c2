# SPDX-License-Identifier: Apache-2.0
"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO

from .errors import InternalError, UsageError


def is_same(path: str, other: str) -> bool:
    """Whether two names are one file's."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)
    return os.path.abspath(path) == os.path.abspath(other)


class WholeFiles:
    """Some files that take their names together, once all are written; a context.

    Each is written beside its place under another name, which goes away where the context ends before
    :meth:`commit`. What is no regular file (a pipe, a device) is written where it is, since a rename would destroy it;
    of a symbolic link the target is replaced.
    """

    def __init__(self) -> None:
        self._partials: list[tuple[str, str, str]] = []

    def add(self, path: str) -> str:
        """Make room for a file, so that a folder that cannot be written is found before the work.

        Parameters
        ----------
        path : str
            Its name.

        Returns
        -------
        str
            Where it is to be written.

        Raises
        ------
        UsageError
            If it cannot be created.
        """
        target = os.path.realpath(path) if os.path.islink(path) else path
        try:
            mode = os.stat(target).st_mode if os.path.exists(target) else None
            if mode is not None and not stat.S_ISREG(mode):
                if stat.S_ISDIR(mode):
                    raise IsADirectoryError(21, "Is a directory")
                return target
            partial = os.path.join(os.path.dirname(target), f".esscher.{os.getpid()}.{id(self)}.{len(self._partials)}")
            # Pictures and tables are written by libraries that go by the ending.
            partial += f".partial{os.path.splitext(target)[1]}"
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            self._partials.append((partial, target, path))
            if mode is not None:
                os.chmod(partial, stat.S_IMODE(mode))
        except OSError as problem:
            raise UsageError(
                f"{path}: Cannot create this output: {problem.strerror or problem}. Name a file in a folder that "
                "exists and can be written.",
                path,
            ) from problem
        return partial

    def write(self, path: str, data: bytes) -> None:
        """Write a file in one go.

        Parameters
        ----------
        path : str
            What :meth:`add` returned.
        data : bytes
            All of it.
        """
        try:
            with open(path, "wb") as file:
                file.write(data)
        except BrokenPipeError:
            # A reader that left early has what it wants.
            return
        except OSError as problem:
            raise self.failure(path, problem) from problem

    def failure(self, path: str, problem: OSError) -> InternalError:
        """What to say of a file that could not be written.

        Parameters
        ----------
        path : str
            What :meth:`add` returned.
        problem : OSError
            Why.
        """
        name = next((given for partial, _, given in self._partials if partial == path), path)
        reason = problem.strerror or str(problem)
        return InternalError(f"{name}: could not be written ({reason}); check the room on the disk.", name)

    def commit(self) -> None:
        """Give every file its name, replacing what had it."""
        while self._partials:
            partial, target, _ = self._partials[0]
            try:
                os.replace(partial, target)
            except OSError as problem:
                raise self.failure(partial, problem) from problem
            del self._partials[0]

    def __enter__(self) -> WholeFiles:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for partial, _, _ in self._partials:
            with suppress(FileNotFoundError):
                os.unlink(partial)
        self._partials.clear()


class LinesFile:
    """A file that is written as its lines come.

    Parameters
    ----------
    files : WholeFiles
        What gives it its name, or takes it away.
    path : str
        Its name.
    """

    def __init__(self, files: WholeFiles, path: str) -> None:
        self._files = files
        self._path = files.add(path)
        self._file: BinaryIO | None = None

    def take(self, lines: bytes) -> None:
        """Append lines, or forget all of them.

        Parameters
        ----------
        lines : bytes
            None where a device failed and the run begins anew.

        Raises
        ------
        InternalError
            If they cannot be written, or taken back.
        """
        try:
            if self._file is None:
                self._file = open(self._path, "wb")  # noqa: SIM115
            if lines:
                self._file.write(lines)
            else:
                self._file.seek(0)
                self._file.truncate()
        except BrokenPipeError:
            return
        except OSError as problem:
            raise self._files.failure(self._path, problem) from problem

    def finish(self) -> None:
        """Write what is left."""
        try:
            if self._file is not None:
                self._file.close()
        except BrokenPipeError:
            return
        except OSError as problem:
            raise self._files.failure(self._path, problem) from problem
