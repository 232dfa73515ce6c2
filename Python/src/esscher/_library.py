# SPDX-License-Identifier: Apache-2.0
"""``libesscher.so``: where it is, what its functions take, and what their failures become."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_size_t, c_void_p
from pathlib import Path

from . import _structs
from .errors import InternalError, UsageError, error_of_status

#: The interface version that this package is written for.
ABI_VERSION = 1

#: Arguments and result of each function that is called.
_SIGNATURES: dict[str, tuple[list[object], object]] = {
    "esscher_abi_version": ([], c_int32),
    "esscher_version": ([], c_char_p),
    "esscher_error_status": ([c_void_p], c_int32),
    "esscher_error_message": ([c_void_p], c_char_p),
    "esscher_error_location": ([c_void_p], c_char_p),
    "esscher_error_destroy": ([c_void_p], None),
    "esscher_text_destroy": ([c_void_p], None),
    "esscher_options_create": ([], c_void_p),
    "esscher_options_destroy": ([c_void_p], None),
    "esscher_options_set": ([c_void_p, c_char_p, c_char_p, c_void_p], c_int32),
    "esscher_options_set_numbers": (
        [c_void_p, c_char_p, c_void_p, c_int64, c_void_p],
        c_int32,
    ),
    "esscher_options_add_policy": (
        [c_void_p, c_char_p, c_double, c_double, c_double, c_void_p],
        c_int32,
    ),
    "esscher_table_create": ([c_char_p, c_void_p], c_void_p),
    "esscher_table_destroy": ([c_void_p], None),
    "esscher_table_add": (
        [c_void_p, c_int32, c_char_p, POINTER(_structs.Matrix), c_void_p],
        c_int32,
    ),
    "esscher_table_add_arrow": (
        [c_void_p, c_int32, c_char_p, c_char_p, c_void_p, c_void_p],
        c_int32,
    ),
    "esscher_table_set_counts": (
        [c_void_p, c_char_p, c_void_p, c_void_p, c_int64, c_void_p],
        c_int32,
    ),
    "esscher_table_set_prompts": ([c_void_p, c_void_p, c_void_p, c_int64, c_void_p], c_int32),
    "esscher_frontier": (
        [c_void_p, c_void_p, POINTER(_structs.Observer), c_void_p, c_void_p],
        c_int32,
    ),
    "esscher_state_create": ([c_char_p, c_size_t, c_char_p, c_void_p], c_void_p),
    "esscher_state_destroy": ([c_void_p], None),
    "esscher_state_bytes": ([c_void_p, POINTER(c_size_t)], c_void_p),
    "esscher_state_round": ([c_void_p], c_int64),
    "esscher_state_is_finished": ([c_void_p], c_int32),
    "esscher_shard_run": (
        [c_void_p, c_void_p, POINTER(_structs.Shard), c_void_p, c_void_p, c_void_p, c_void_p],
        c_int32,
    ),
    "esscher_merge": ([c_void_p, c_int64, c_void_p, c_void_p, c_void_p], c_int32),
    "esscher_report_column_count": ([c_void_p], c_int64),
    "esscher_report_column_name": ([c_void_p, c_int64], c_char_p),
    "esscher_report_column_kind": ([c_void_p, c_int64], c_int32),
    "esscher_report_text": ([c_void_p, c_char_p, c_void_p, c_void_p, c_void_p], c_int32),
    "esscher_report_destroy": ([c_void_p], None),
    "esscher_devices": ([c_void_p, c_void_p], c_int32),
    "esscher_set_probe_command": ([c_void_p, c_int32, c_void_p], c_int32),
}

_lock = threading.Lock()
_loaded: ctypes.CDLL | None = None


def library_path() -> Path:
    """Where the library is: what ``ESSCHER_LIBRARY`` names, else the one inside the package."""
    named = os.environ.get("ESSCHER_LIBRARY")
    return Path(named) if named else Path(__file__).parent / "_lib" / "libesscher.so"


def library() -> ctypes.CDLL:
    """The library, loaded at the first call.

    Calls of its functions let other threads of Python run.

    Raises
    ------
    InternalError
        If it is not there, cannot be loaded, or has another interface.
    """
    global _loaded
    if _loaded is None:
        with _lock:
            if _loaded is None:
                _loaded = _load(library_path())
    return _loaded


def _load(path: Path) -> ctypes.CDLL:
    try:
        loaded = ctypes.CDLL(os.fspath(path))
    except OSError as error:
        raise InternalError(
            f"{path}: the library of esscher cannot be loaded ({error}); install the package again, or let "
            "ESSCHER_LIBRARY name a libesscher.so."
        ) from error
    for name, (arguments, result) in _SIGNATURES.items():
        try:
            function = getattr(loaded, name)
        except AttributeError as error:
            raise InternalError(
                f"{path}: this library has no {name}; use one of the same version as the package."
            ) from error
        function.argtypes = arguments
        function.restype = result
    if loaded.esscher_abi_version() != ABI_VERSION:
        raise InternalError(
            f"{path}: this library has interface {loaded.esscher_abi_version()} and the package needs {ABI_VERSION}; "
            "use one of the same version as the package."
        )
    _offer_probe(loaded)
    return loaded


def _offer_probe(loaded: ctypes.CDLL) -> None:
    """Drivers are tried by an interpreter of its own, because some abort or hang."""
    if not sys.executable:
        return
    words = [
        os.path.abspath(sys.executable),
        "-I",
        "-S",
        os.path.join(os.path.dirname(os.path.abspath(__file__)), "_probe.py"),
        os.path.abspath(library_path()),
    ]
    arguments = (c_char_p * len(words))(*[os.fsencode(word) for word in words])
    # Without a probe no device is used, which the report says: nothing to raise here.
    loaded.esscher_set_probe_command(arguments, len(words), None)


def version() -> str:
    """Version of the library, such as ``"0.1.0"``."""
    text: bytes = library().esscher_version()
    return text.decode()


class ErrorSlot:
    """Room for the error of one call; turns it into an exception."""

    def __init__(self) -> None:
        self._handle = c_void_p()

    @property
    def address(self) -> object:
        """What the call takes."""
        return ctypes.byref(self._handle)

    @property
    def status(self) -> int:
        """The status of the error that is stored; 0 of none."""
        status: int = library().esscher_error_status(self._handle)
        return status

    def check(self, status: int) -> None:
        """Raise what the call failed with; nothing where it did not fail.

        Parameters
        ----------
        status : int
            What the call returned.
        """
        if status == _structs.OK:
            return
        loaded = library()
        message = loaded.esscher_error_message(self._handle).decode("utf-8", "replace")
        location = loaded.esscher_error_location(self._handle).decode("utf-8", "replace")
        loaded.esscher_error_destroy(self._handle)
        self._handle = c_void_p()
        raise error_of_status(status, message or f"the library failed with {status}", location)


def encoded(text: str, what: str) -> bytes:
    """Text as the library takes it.

    Raises
    ------
    UsageError
        If it holds a NUL or a lone surrogate.
    """
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"{what} is not text that UTF-8 can hold; name it otherwise.") from error
    if b"\0" in data:
        raise UsageError(f"{what} holds a NUL; name it otherwise.")
    return data


class Handle:
    """A handle of the library, destroyed with this object.

    Parameters
    ----------
    address : int or None
        What a create function gave.
    destroy : str
        The function that frees it.
    """

    def __init__(self, address: int | None, destroy: str) -> None:
        self.pointer = c_void_p(address)
        self._destroy = getattr(library(), destroy)

    def __del__(self) -> None:
        # Missing where __init__ failed.
        destroy = getattr(self, "_destroy", None)
        if destroy is not None and self.pointer:
            destroy(self.pointer)
            self.pointer = c_void_p()
