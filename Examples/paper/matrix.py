# SPDX-License-Identifier: Apache-2.0
"""Matrices in NumPy's file format, version 1.0, without NumPy."""

import array
import ast
import sys


def write(path, cells, shape):
    """Writes numbers in C order in double precision."""
    cells = cells if isinstance(cells, array.array) else array.array("d", cells)
    count = 1
    for extent in shape:
        count *= extent
    if count != len(cells):
        raise ValueError(f"{len(cells)} cells do not fill the shape {shape}")
    if sys.byteorder == "big":
        cells = array.array("d", cells)
        cells.byteswap()
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        cells.tofile(file)


def read(path):
    """The cells of a file that `write` or `esscher simulate --dtype f8` made, in C order."""
    with open(path, "rb") as file:
        if file.read(8) != b"\x93NUMPY\x01\x00":
            raise ValueError(f"{path} is not of version 1.0")
        header = ast.literal_eval(file.read(int.from_bytes(file.read(2), "little")).decode())
        if header["descr"] != "<f8" or header["fortran_order"]:
            raise ValueError(f"{path} is not in double precision and C order")
        cells = array.array("d")
        cells.frombytes(file.read())
    if sys.byteorder == "big":
        cells.byteswap()
    return cells
