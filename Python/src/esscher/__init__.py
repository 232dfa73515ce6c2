# SPDX-License-Identifier: Apache-2.0
"""KL-reward frontiers of language-model alignment, from reward scores of base-model samples alone.

>>> import esscher
>>> result = esscher.frontier([[0.0, 1.0, 1.0, 2.0, 5.0], [1.0, 3.0, 2.0, 2.0, 0.0]], lambdas=[0.5], ns=[1, 2])
>>> len(result)
3
"""

from __future__ import annotations

from ._devices import Device, devices
from ._frontier import frontier
from ._version import __version__
from .errors import (
    DeviceError,
    EsscherError,
    EsscherWarning,
    InputError,
    InputTypeError,
    InternalError,
    UsageError,
)
from .result import FrontierResult
from .sweeps import Merge, Shard, merge, run_shard

__all__ = [
    "Device",
    "DeviceError",
    "EsscherError",
    "EsscherWarning",
    "FrontierResult",
    "InputError",
    "InputTypeError",
    "InternalError",
    "Merge",
    "Shard",
    "UsageError",
    "__version__",
    "devices",
    "frontier",
    "merge",
    "run_shard",
]
