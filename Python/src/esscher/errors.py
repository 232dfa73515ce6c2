# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, as exceptions with the sentences of the program.

Every exception says what is wrong, where, and what to do about it. A run that is interrupted raises
:class:`KeyboardInterrupt`.
"""

from __future__ import annotations

from typing import ClassVar


class EsscherError(Exception):
    """Base of every exception that Esscher raises on purpose.

    Parameters
    ----------
    message : str
        What is wrong and what to do about it, the place first where there is one.
    location : str, optional
        The place alone, such as ``"scores, row 3, column 17"``; empty where there is none.

    Attributes
    ----------
    exit_code : int
        What the program ends with on such a failure.
    location : str
        The place alone.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, location: str = "") -> None:
        super().__init__(message)
        self.location = location

    def __reduce__(self) -> tuple[type[EsscherError], tuple[str, str]]:
        return type(self), (str(self), self.location)


class InternalError(EsscherError, RuntimeError):
    """A fault inside Esscher; please report it."""

    exit_code = 1


class UsageError(EsscherError, ValueError):
    """Arguments that cannot be carried out as given."""

    exit_code = 2


class InputTypeError(UsageError, TypeError):
    """An argument of a kind that Esscher does not take, such as complex numbers or an array on a GPU."""


class InputError(EsscherError, ValueError):
    """Data that is malformed, or that the estimators are not defined for."""

    exit_code = 3


class DeviceError(EsscherError, RuntimeError):
    """A device that was asked for by name is not usable."""

    exit_code = 4


class EsscherWarning(UserWarning):
    """What a report warns of; the sentences are in :attr:`FrontierResult.warnings` too."""


_BY_STATUS: dict[int, type[EsscherError]] = {
    error.exit_code: error for error in (InternalError, UsageError, InputError, DeviceError)
}


def error_of_status(status: int, message: str, location: str) -> EsscherError:
    """The exception of a status of the C interface.

    Parameters
    ----------
    status : int
        As ``esscher_status.h`` numbers it.
    message, location : str
        As the library gave them.

    Returns
    -------
    EsscherError
        :class:`InternalError` for a status that is not known.
    """
    return _BY_STATUS.get(status, InternalError)(message, location)
