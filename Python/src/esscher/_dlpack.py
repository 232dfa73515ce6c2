# SPDX-License-Identifier: Apache-2.0
"""Tensors of PyTorch, JAX and others through DLPack, without a copy: NumPy's own reader refuses bfloat16."""

from __future__ import annotations

import ctypes
from typing import Any

from ._cells import Elements, view_of_memory
from .errors import InputTypeError

_HOST_DEVICES = (1, 3, 11, 13)  # CPU, CUDA host, ROCm host, CUDA managed: all addressable from here.
_DEVICE_NAMES = {2: "cuda", 4: "opencl", 7: "vulkan", 8: "metal", 10: "rocm", 14: "oneapi"}

#: Names by type code and bits.
_KINDS = {
    (0, 8): "int8",
    (0, 16): "int16",
    (0, 32): "int32",
    (0, 64): "int64",
    (1, 8): "uint8",
    (1, 16): "uint16",
    (1, 32): "uint32",
    (1, 64): "uint64",
    (2, 16): "float16",
    (2, 32): "float32",
    (2, 64): "float64",
    (4, 16): "bfloat16",
    (6, 8): "bool",
}


class _Device(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int32), ("index", ctypes.c_int32)]


class _DataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("dimensions", ctypes.c_int32),
        ("dtype", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Version(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32)]


class _VersionedTensor(ctypes.Structure):
    _fields_ = [
        ("version", _Version),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    ]


_pointer_of_capsule = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of_capsule.restype = ctypes.c_void_p
_pointer_of_capsule.argtypes = [ctypes.py_object, ctypes.c_char_p]
_name_of_capsule = ctypes.pythonapi.PyCapsule_GetName
_name_of_capsule.restype = ctypes.c_char_p
_name_of_capsule.argtypes = [ctypes.py_object]


def capsule_pointer(capsule: object, name: bytes) -> int:
    """The pointer in a capsule of Python.

    Parameters
    ----------
    capsule : PyCapsule
        From an exporting object.
    name : bytes
        What it must be called.
    """
    address: int = _pointer_of_capsule(ctypes.py_object(capsule), name)
    return address


def tensor_elements(tensor: Any, name: str) -> Elements:
    """The items of an object with ``__dlpack__``, where they lie.

    Parameters
    ----------
    tensor : object
        In memory that the processor reads; an autograd history is left behind.
    name : str
        For messages.

    Raises
    ------
    InputTypeError
        For a tensor on a GPU that does not export itself to the processor, and for items that are no real numbers.
    """
    if hasattr(tensor, "detach"):
        tensor = tensor.detach()
    capsule = _capsule(tensor, name)
    kind_of_capsule = _name_of_capsule(ctypes.py_object(capsule))
    if kind_of_capsule == b"dltensor_versioned":
        versioned = _VersionedTensor.from_address(capsule_pointer(capsule, kind_of_capsule))
        if versioned.version.major != 1:
            raise InputTypeError(
                f"{name}: exports DLPack {versioned.version.major}, and Esscher reads 1; pass a NumPy array.",
                name,
            )
        described = versioned.tensor
    else:
        described = _Tensor.from_address(capsule_pointer(capsule, b"dltensor"))
    if described.device.kind not in _HOST_DEVICES:
        raise _not_here(described.device.kind, described.device.index, name)
    return _elements(described, capsule, tensor, name)


def _capsule(tensor: Any, name: str) -> object:
    device = (1, 0)
    try:
        if hasattr(tensor, "__dlpack_device__"):
            device = tensor.__dlpack_device__()
        try:
            return tensor.__dlpack__(max_version=(1, 0), dl_device=(1, 0))
        except TypeError:
            if int(device[0]) not in _HOST_DEVICES:
                raise
            return tensor.__dlpack__()
    except Exception as problem:
        if int(device[0]) not in _HOST_DEVICES:
            raise _not_here(int(device[0]), int(device[1]), name) from problem
        dtype = getattr(tensor, "dtype", "its items")
        words = (str(problem).splitlines() or [repr(problem)])[0]
        raise InputTypeError(
            f"{name}: cannot be exported through DLPack ({words}); it "
            f"holds {dtype}. Pass a dense tensor of real numbers in the processor's memory, such as "
            "x.cpu().float().",
            name,
        ) from problem


def _not_here(kind: int, index: int, name: str) -> InputTypeError:
    device = f"{_DEVICE_NAMES.get(kind, f'device kind {kind}')}:{index}"
    return InputTypeError(
        f"{name}: lies in the memory of {device}, which the engine cannot read; pass x.cpu() (PyTorch) or "
        "jax.device_get(x) (JAX).",
        name,
    )


def _elements(described: _Tensor, capsule: object, tensor: object, name: str) -> Elements:
    dtype = described.dtype
    kind = _KINDS.get((dtype.code, dtype.bits)) if dtype.lanes == 1 else None
    if kind is None:
        what = "complex numbers" if dtype.code == 5 else f"DLPack type {dtype.code}, {dtype.bits} bits"
        remedy = "pass the real part" if dtype.code == 5 else "convert it, such as x.float()"
        raise InputTypeError(
            f"{name}: holds {what}, and Esscher reads floats of 16 to 64 bits, integers and booleans; {remedy}.",
            name,
        )
    stored = "uint16" if kind == "bfloat16" else kind
    size = dtype.bits // 8
    count = described.dimensions
    shape = tuple(described.shape[axis] for axis in range(count))
    if described.strides:
        strides = tuple(described.strides[axis] * size for axis in range(count))
    else:
        products = [size]
        for extent in reversed(shape[1:]):
            products.append(products[-1] * extent)
        strides = tuple(reversed(products))[:count] if count else ()
    address = (described.data or 0) + described.byte_offset
    # Memory is seen from its lowest address, and turned around along what goes down.
    address += sum((extent - 1) * stride for extent, stride in zip(shape, strides) if stride < 0 and extent)
    lengths = tuple(abs(stride) for stride in strides)
    values = view_of_memory(address, shape, lengths, stored, (capsule, tensor))
    turned = values[tuple(slice(None, None, -1 if stride < 0 else 1) for stride in strides)]
    return Elements(turned, kind)
