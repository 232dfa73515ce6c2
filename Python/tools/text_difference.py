# SPDX-License-Identifier: Apache-2.0
"""Compares what two runs printed: words exactly, numbers to the last decimal that is shown."""

from __future__ import annotations

import re
from decimal import Decimal

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def difference(expected: str, found: str) -> str | None:
    """What is different in two texts; None where nothing is.

    Words have to be the same, white space apart, since the room between columns depends on the width of numbers.
    Numbers with a decimal point or an exponent may differ by one unit of the last decimal of the coarser one; whole
    numbers have to be equal.

    Parameters
    ----------
    expected, found : str
        The texts.

    Examples
    --------
    >>> difference("kl 0.384  yes", "kl  0.385 yes")
    >>> difference("kl 0.384", "kl 0.386")
    '0.386, where 0.384 is kept'
    >>> difference("ess 1.72e+03", "ess 1.73e+03")
    >>> difference("ess 1.72e+03", "ess 1.74e+03")
    '1.74e+03, where 1.72e+03 is kept'
    >>> difference("15 rounds", "16 rounds")
    '16, where 15 is kept'
    >>> difference("gain -0.2", "gain 0.2")
    '0.2, where -0.2 is kept'
    >>> difference("the same bits: True", "the same bits: False")
    'other words'
    >>> difference("1.0 2.0", "1.0")
    'other words'
    >>> difference("reward 1.5", "reward nan")
    'other words'
    """
    if _NUMBER.sub("#", expected).split() != _NUMBER.sub("#", found).split():
        return "other words"
    for one, other in zip(_NUMBER.findall(expected), _NUMBER.findall(found)):
        whole = one.lstrip("-").isdigit() and other.lstrip("-").isdigit()
        allowed = Decimal(0) if whole else max(_unit(one), _unit(other))
        if abs(Decimal(one) - Decimal(other)) > allowed:
            return f"{other}, where {one} is kept"
    return None


def _unit(number: str) -> Decimal:
    """One of the last decimal that is shown."""
    exponent = Decimal(number).as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(0)
