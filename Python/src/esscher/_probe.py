# SPDX-License-Identifier: Apache-2.0
"""Tries OpenCL drivers in a process of its own; the library starts it, and nothing else does.

Run as ``python -I -S _probe.py LIBRARY --opencl-probe ...``: it imports ctypes and nothing of the package.
"""

import ctypes
import os
import sys


def main(arguments: "list[str]") -> int:
    """Hand the arguments after the library's path to ``esscher_probe_main``."""
    if len(arguments) < 2:
        return 2
    library = ctypes.CDLL(arguments[0])
    words = [os.fsencode(word) for word in arguments[1:]]
    array = (ctypes.c_char_p * len(words))(*words)
    library.esscher_probe_main.argtypes = [ctypes.c_int32, ctypes.c_void_p]
    library.esscher_probe_main.restype = ctypes.c_int32
    return int(library.esscher_probe_main(len(words), array))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
