# SPDX-License-Identifier: Apache-2.0
"""The structs of ``esscher.h`` and ``esscher_arrow.h``, for ctypes."""

from __future__ import annotations

import ctypes
from typing import Any

#: Rows and cells that lie back to back.
CONTIGUOUS = -(2**63)

#: Roles of an array in a table.
REWARDS, GOLD, LOG_WEIGHTS, LOGPROBS = range(4)

#: Element types by the names that NumPy and ml_dtypes give them.
ELEMENT_CODES = {
    "float16": 1,
    "bfloat16": 2,
    "float32": 3,
    "float64": 4,
    "int8": 5,
    "int16": 6,
    "int32": 7,
    "int64": 8,
    "uint8": 9,
    "uint16": 10,
    "uint32": 11,
    "uint64": 12,
    "bool": 13,
}

#: Kinds of a report's columns.
NUMBER, INTEGER, FLAG, TEXT = range(4)

#: Status of a call that ended well, of a merge that needs another round, and of a call that the observer ended.
OK, ANOTHER_ROUND, INTERRUPTED = 0, 6, 130


class Matrix(ctypes.Structure):
    """``esscher_matrix``."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_int32),
        ("offset_dtype", ctypes.c_int32),
        ("rows", ctypes.c_int64),
        ("columns", ctypes.c_int64),
        ("row_stride", ctypes.c_int64),
        ("column_stride", ctypes.c_int64),
        ("offsets", ctypes.c_void_p),
        ("validity", ctypes.c_void_p),
        ("validity_offset", ctypes.c_int64),
    ]

    def __init__(self, **members: Any) -> None:
        super().__init__(size=ctypes.sizeof(Matrix), **members)


class Shard(ctypes.Structure):
    """``esscher_shard``."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("index", ctypes.c_int64),
        ("count", ctypes.c_int64),
        ("prompts", ctypes.c_int64),
        ("first_prompt", ctypes.c_int64),
    ]

    def __init__(self, **members: Any) -> None:
        super().__init__(size=ctypes.sizeof(Shard), **members)


#: ``esscher_observer.progress``: context, stage and the share that is done; another number than 0 ends the run.
ProgressFunction = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_double)


#: ``esscher_observer.prompts``: context, lines and their bytes; no lines where the run begins anew.
PromptsFunction = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Observer(ctypes.Structure):
    """``esscher_observer``."""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("cancel", ctypes.POINTER(ctypes.c_int32)),
        ("progress", ProgressFunction),
        ("context", ctypes.c_void_p),
        ("prompts", PromptsFunction),
    ]


class ArrowSchema(ctypes.Structure):
    """``struct ArrowSchema`` of the Arrow C data interface."""


ArrowSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(ArrowSchema))),
    ("dictionary", ctypes.POINTER(ArrowSchema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ("private_data", ctypes.c_void_p),
]


class ArrowStream(ctypes.Structure):
    """``struct ArrowArrayStream`` of the Arrow C stream interface."""


ArrowStream._fields_ = [
    (
        "get_schema",
        ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ArrowStream), ctypes.POINTER(ArrowSchema)),
    ),
    ("get_next", ctypes.c_void_p),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(ArrowStream))),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]
