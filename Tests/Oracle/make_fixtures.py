# SPDX-License-Identifier: Apache-2.0
"""Writes fixtures/*.json. Every rule of rounding and every random number is fixed, so the files are reproducible."""

import random
import struct
import sys
from pathlib import Path

from mpmath import erfinv, log, mpf, nstr, sqrt

import checks
import oracle
from closed_forms import closed_forms

FOLDER = Path(__file__).parent / "fixtures"


# ---------------------------------------------------------------------------------------------
# Writing: numbers of the result are strings of 20 digits, stored values are JSON numbers that round-trip


def text(x):
    """20 digits; magnitudes below 1e-305 are written as 0, because a double cannot hold them."""
    if abs(x) < mpf("1e-305"):
        return '"0"'
    return '"' + nstr(mpf(x), 20, strip_zeros=False) + '"'


def cell(x):
    if x is None:
        return "null"
    if isinstance(x, str):
        return '"' + x + '"'
    if isinstance(x, (list, tuple)):
        return "[" + ", ".join(cell(y) for y in x) + "]"
    if isinstance(x, bool) or isinstance(x, int):
        return str(x)
    if isinstance(x, float):
        return repr(x)
    return text(x)


def block(x, indent=0):
    """Objects that hold only cells go on one line each."""
    pad = "  " * (indent + 1)
    if isinstance(x, dict):
        nested = any(isinstance(v, dict) or (isinstance(v, list) and v and is_nested(v[0])) for v in x.values())
        items = ['"%s": %s' % (k, block(v, indent + 1)) for k, v in x.items()]
        if not nested:
            return "{" + ", ".join(items) + "}"
        return "{\n" + ",\n".join(pad + i for i in items) + "\n" + "  " * indent + "}"
    if isinstance(x, list) and x and is_nested(x[0]):
        return "[\n" + ",\n".join(pad + block(i, indent + 1) for i in x) + "\n" + "  " * indent + "]"
    return cell(x)


def is_nested(x):
    return isinstance(x, (dict, list))


def write(fixture):
    path = FOLDER / (fixture["name"] + ".json")
    path.write_text(block(fixture) + "\n")
    print("%8d  %s" % (path.stat().st_size, path.name), flush=True)


# ---------------------------------------------------------------------------------------------
# Stored values


def f4(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


class Draw:
    """Correctly rounded draws from a fixed generator, the same on every machine."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def uniform(self):
        return (mpf(self.random.getrandbits(52)) + mpf("0.5")) / 2**52

    def normal(self):
        return float(sqrt(mpf(2)) * erfinv(2 * self.uniform() - 1))

    def exponential(self):
        return float(-log(self.uniform()))

    def normals(self, count, offset=0.0, scale=1.0):
        return [float(mpf(self.normal()) * scale + offset) for _ in range(count)]

    def shuffled(self, values):
        values = list(values)
        self.random.shuffle(values)
        return values


def log_spaced(lo, hi, count):
    """Powers of ten from 10^lo to 10^hi, each rounded to a double."""
    return [float(mpf(10) ** (mpf(lo) + (mpf(hi) - lo) * i / (count - 1))) for i in range(count)]


GRID = [0.0] + log_spaced(-6, 3, 13)
FEW = [0.0, 1e-6, 1e-3, 0.1, 0.7, 2.0, 30.0, 1000.0]
BUDGETS = [1e-6, 1e-3, 0.05, 0.5, 1.0, 2.0, 3.0]


def fixture(name, rows, lambdas=GRID, budgets=BUDGETS, ns=(1, 2, 3), dtype="f8", gold=None, log_weights=None, more=None):
    """Evaluates every curve of one matrix and writes it."""
    if dtype == "f4":
        for row in rows + (gold or []) + (log_weights or []):
            assert all(f4(x) == x for x in row), name
    prompts = [
        oracle.Row(row, gold[i] if gold else None, log_weights[i] if log_weights else None)
        for i, row in enumerate(rows)
    ]
    record = {"name": name, "dtype": dtype, "rows": rows}
    if gold:
        record["gold"] = gold
    if log_weights:
        record["log_weights"] = log_weights
    points = [oracle.budget_point(prompts, b) for b in budgets]
    ns = [] if log_weights else sorted(ns)
    record |= {
        "lambdas": list(lambdas),
        "budgets": list(budgets),
        "ns": ns,
        "tilt": [oracle.tilt_point(prompts, x) for x in lambdas],
        "budget": [p for p in points if p],
        "best_of_n": [oracle.best_of_n_point(prompts, n) for n in ns],
    }
    record |= more or {}
    for point in record["best_of_n"]:
        assert point["efficiency"] is None or 0 < point["efficiency"] <= 1 + mpf(10) ** -25, (name, point)
        assert point["kl"] >= -mpf(10) ** -50 and point["kl"] <= point["kl_bound"] + mpf(10) ** -50, (name, point)
    for point in record["tilt"]:
        gap = point["jeffreys"] - point["lambda"] * point["gain"]
        assert abs(gap) <= mpf(10) ** -25 * (1 + abs(point["jeffreys"])), (name, point)
    write(record)


def normal_fixtures():
    draw = Draw(1)
    plain = [draw.normals(64) for _ in range(3)]
    fixture("normal-f8", plain, ns=range(1, 65))
    some = [1, 2, 3, 4, 5, 7, 8, 16, 31, 32, 33, 50, 63, 64]
    fixture("normal-f4-offset", [[f4(x + 100) for x in row] for row in plain], ns=some, dtype="f4")
    fixture("normal-f4", [[f4(x) for x in row] for row in plain], ns=some, dtype="f4")
    fixture("normal-f8-offset", [[x + 1e6 for x in row] for row in plain], ns=some)
    powers = [1, 2, 3, 4, 8, 16, 32, 48]
    for name, scale in (("scale-tiny", 1e-30), ("scale-huge", 1e30)):
        rows = [draw.normals(48, scale=scale) for _ in range(2)]
        fixture(name, rows, lambdas=[float(mpf(x) / scale) for x in GRID], ns=powers)


def degenerate_fixtures():
    draw = Draw(2)
    few = [1, 2, 3, 8, 20]
    fixture("constant-mixed", [[0.3] * 20, draw.normals(20), [-7.0] * 20], ns=few)
    fixture("constant-all", [[0.1] * 20, [5.0] * 20], ns=few)
    fixture("one-sample", [[0.3], [-2.0], [1e6]], lambdas=FEW, ns=[1])


def outlier_fixtures():
    draw = Draw(3)
    lambdas = [0.0] + log_spaced(-8, 3, 16)
    ns = [1, 2, 3, 8, 64, 100, 199, 200]
    for name, outlier in (("outlier-high", 1000.0), ("outlier-low", -1000.0)):
        rows = [draw.shuffled(draw.normals(199) + [outlier]) for _ in range(2)]
        fixture(name, rows, lambdas=lambdas, ns=ns)


def tie_fixtures():
    draw = Draw(4)
    ns = [1, 2, 3, 8, 16, 32, 62, 63, 64]
    two = [draw.shuffled([1.0] * c + [0.0] * (64 - c)) for c in (2, 6, 32, 58, 62)]
    fixture("two-valued", two, ns=ns)
    lone = [draw.shuffled([1.0] * c + [0.0] * (64 - c)) for c in (1, 63)]
    fixture("two-valued-lone", lone, ns=ns)
    doubled = []
    for _ in range(2):
        values = draw.normals(20)
        doubled.append(draw.shuffled(values + values))
    fixture("pairs", doubled, ns=[1, 2, 3, 8, 20, 39, 40])
    mixed = []
    for rounding in (0.125, 0.5, 1.0):
        values = draw.normals(40)
        mixed.append([round(x / rounding) * rounding if i % 2 else x for i, x in enumerate(values)])
    fixture("ties-mixed", mixed, ns=[1, 2, 3, 8, 20, 39, 40])
    for copies in (2, 3):
        letters = draw.shuffled([float(k) for k in range(10)] * copies)
        fixture("alphabet-10-by-%d" % copies, [letters], ns=range(1, 10 * copies + 1))


def shape_fixtures():
    draw = Draw(5)
    fixture("ragged", [draw.normals(m) for m in (5, 17, 64, 33)], ns=[1, 2, 3, 4, 5])
    exponential = [[draw.exponential() for _ in range(300)] for _ in range(2)]
    fixture("exponential", exponential, ns=[1, 2, 3, 4, 8, 16, 64, 128, 256, 299, 300])


def gold_fixtures():
    draw = Draw(6)
    rows, gold = [], []
    for correlation in (0.9, 0.5, 0.0, -0.5):
        proxy, noise = draw.normals(50), draw.normals(50)
        rows.append([round(x * 2) / 2 for x in proxy])
        gold.append([float(mpf(correlation) * x + sqrt(1 - mpf(correlation) ** 2) * y) for x, y in zip(proxy, noise)])
    fixture("gold-ties", rows, gold=gold, ns=[1, 2, 3, 4, 8, 16, 25, 49, 50])

    vector, vector_gold = [0.0, 1.0, 1.0, 2.0, 5.0], [1.0, 0.0, 2.0, 1.0, -3.0]
    row = oracle.Row(vector, vector_gold)
    corrected, error = oracle.gain_jackknife(row, 0.7)
    atoms = [oracle.settle({"n": n} | oracle.best_of_n_atoms(row, n), [row]) for n in (1, 2, 3, 4, 5)]
    more = {
        "all_atoms": atoms,
        "standard_errors": [
            {
                "lambda": 0.7,
                "gain_delta": oracle.gain_delta_error(row, 0.7),
                "gain_jackknife": error,
                "gain_bias_corrected": corrected,
            }
        ],
    }
    fixture(
        "five-sample", [vector], lambdas=[0.0, 1e-6, 0.1, 0.7, 5.0, 500.0], gold=[vector_gold], ns=range(1, 6), more=more
    )


def weighted_fixtures():
    draw = Draw(7)
    rows = [draw.normals(32), [round(x * 2) / 2 for x in draw.normals(32)], [float(k % 4) for k in range(32)]]
    weights = [draw.normals(32), draw.normals(32, offset=-700.0, scale=3.0), [0.0] * 16 + draw.normals(16)]
    gold = [draw.normals(32) for _ in rows]
    fixture("weighted", rows, gold=gold, log_weights=weights)


def main():
    checks.check_oracle()
    if "--check" in sys.argv:
        return
    FOLDER.mkdir(exist_ok=True)
    normal_fixtures()
    degenerate_fixtures()
    outlier_fixtures()
    tie_fixtures()
    shape_fixtures()
    gold_fixtures()
    weighted_fixtures()
    closed = closed_forms()
    checks.check_closed_forms(closed)
    write(closed)


if __name__ == "__main__":
    main()
