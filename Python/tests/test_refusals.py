# SPDX-License-Identifier: Apache-2.0
"""What is refused, and with which sentence."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import esscher

REFUSED: list[tuple[Any, type[Exception], str]] = [
    (None, esscher.UsageError, "needs rewards"),
    (np.ones((2, 2), complex), esscher.InputTypeError, "complex"),
    ([[1j, 2.0]], esscher.InputTypeError, "complex"),
    (np.zeros((2, 2, 2, 2)), esscher.InputTypeError, "4 dimensions"),
    ([[[[1.0]]]], esscher.InputTypeError, "nested 4 deep"),
    (np.float64(3), esscher.InputTypeError, "single number"),
    (3.0, esscher.InputTypeError, "type float"),
    ([], esscher.InputError, "no cells"),
    ([[], []], esscher.InputError, "no samples"),
    (np.zeros((0, 3)), esscher.InputError, "no cells"),
    ([["a"]], esscher.InputTypeError, "'a'"),
    ([1.0, [2.0]], esscher.InputTypeError, "where a number belongs"),
    ([[1.0], [[2.0]]], esscher.InputTypeError, "row 1"),
    (np.array([["1"]]), esscher.InputTypeError, "holds text"),
    (np.array([[object()]]), esscher.InputTypeError, "Python objects"),
    (np.zeros((2, 2), "M8[s]"), esscher.InputTypeError, "datetime64"),
    (np.zeros((2, 2), np.longdouble), esscher.InputTypeError, "float128|longdouble"),
    ({1.0, 2.0}, esscher.InputTypeError, "a set"),
    (b"1234", esscher.InputTypeError, "bytes"),
    (object(), esscher.InputTypeError, "type object"),
    ({}, esscher.UsageError, "no model"),
    ([[1.0, np.inf]], esscher.InputError, "column 1"),
    ({"a": [[1.0, 2.0]], "b": [[1.0, 2.0, 3.0]]}, esscher.InputError, "samples"),
    ([["1.0", None]], esscher.InputTypeError, "'1.0'"),
    ([[np.complex128(1 + 2j), None]], esscher.InputTypeError, "complex128"),
    ([[10**400, 1.0]], esscher.InputError, "too large"),
    (np.zeros(2, [("reward", "f4")]), esscher.InputTypeError, "structured array"),
    ({"prompt_id": [0, 0], "reward": [1.0, 2.0]}, esscher.UsageError, "pass a table"),
    ({"rewards": [[1.0]], "gold": [[2.0]]}, esscher.UsageError, "pass a table"),
]


@pytest.mark.parametrize(("value", "kind", "sentence"), REFUSED, ids=[str(index) for index in range(len(REFUSED))])
def test_rewards_that_are_refused(value: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        esscher.frontier(value, ensemble="mean" if isinstance(value, dict) else None)
    # A sentence, and one with a remedy: more than a clause.
    assert len(str(caught.value)) > 40


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"betas": "x"}, esscher.UsageError, "betas"),
        ({"betas": []}, esscher.UsageError, "at least one number"),
        ({"betas": ["a"]}, esscher.UsageError, "betas takes numbers"),
        ({"betas": [[1.0]]}, esscher.UsageError, "shape"),
        ({"betas": [[1.0], [1.0, 2.0]]}, esscher.UsageError, "betas takes numbers"),
        ({"betas": [10**400]}, esscher.UsageError, "too large"),
        ({"betas": [None]}, esscher.UsageError, "it holds None"),
        ({"betas": [1j]}, esscher.UsageError, "it holds complex128"),
        ({"betas": b"1"}, esscher.UsageError, "betas takes numbers"),
        ({"betas": {1.0: 2.0}}, esscher.UsageError, "is a dict"),
        ({"betas": np.ma.array([1.0, 2.0], mask=[0, 1])}, esscher.UsageError, "masked"),
        ({"policies": [{"name": "a", "kl": 10**400, "reward": 1}]}, esscher.InputError, "too large"),
        ({"betas": [-1.0]}, esscher.UsageError, "betas"),
        ({"ns": [1.5]}, esscher.UsageError, "ns"),
        ({"ns": [9]}, esscher.InputError, "9"),
        ({"missing": "keep"}, esscher.UsageError, "error or drop"),
        ({"confidence": 2}, esscher.UsageError, "confidence"),
        ({"confidence": True}, esscher.UsageError, "confidence"),
        ({"seed": -1}, esscher.UsageError, "seed"),
        ({"seed": object()}, esscher.UsageError, "seed"),
        ({"bias_correct": "yes"}, esscher.UsageError, "True or False"),
        ({"device": "no such device"}, esscher.DeviceError, "no such device"),
        ({"curves": "spline"}, esscher.UsageError, "spline"),
        ({"label": "a\0b"}, esscher.UsageError, "NUL"),
        ({"label": "\ud800"}, esscher.UsageError, "UTF-8"),
        ({"num_samples": [1]}, esscher.UsageError, "go together"),
        ({"progress": "yes"}, esscher.UsageError, "progress takes"),
        ({"gold": [[1.0, 2.0]]}, esscher.InputError, "gold"),
        ({"gold": np.zeros((2, 2, 3))}, esscher.InputError, "one is needed"),
        ({"dtype": "fp8"}, esscher.UsageError, "bf16"),
        ({"dtype": np.float32}, esscher.UsageError, "bf16"),
        ({"dtype": "bf16"}, esscher.UsageError, "is for arrays of type V2 or uint16, and this holds float64"),
        ({"key": "a"}, esscher.UsageError, "key names an array of an .npz"),
        ({"column": {"reward": "a"}}, esscher.UsageError, "arrays have no columns"),
        ({"input_format": "npy"}, esscher.UsageError, "no file"),
        (
            {"input_format": "xml"},
            esscher.UsageError,
            "npy, npz, parquet, arrow, feather, csv, tsv, jsonl or ndjson, not 'xml'",
        ),
        ({"label": 5}, esscher.UsageError, "label takes a text"),
        ({"column": "reward"}, esscher.UsageError, "column takes a dictionary"),
        ({"column": [("reward", "a")]}, esscher.UsageError, "column takes a dictionary"),
        ({"column": {"reward": None}}, esscher.UsageError, "takes a column's name, not None"),
        ({"column": {"reward": 3}}, esscher.UsageError, "takes a column's name, not 3"),
    ],
)
def test_arguments_that_are_refused(arguments: dict[str, Any], kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        esscher.frontier(np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 5.0]]), **arguments)


@pytest.mark.parametrize(
    ("samples", "corrects", "sentence"),
    [
        ([1, 2], [1], "1 num|2 prompts and num_correct 1"),
        ([1.5], [1], "not whole"),
        ([1], [2], "2 of 1"),
        (["a"], [1], "where a number belongs|whole numbers"),
        ([True], [True], "whole numbers"),
        ([[1], [1, 2]], [1, 2], "whole numbers"),
    ],
)
def test_counts_that_are_refused(samples: Any, corrects: Any, sentence: str) -> None:
    with pytest.raises(esscher.EsscherError, match=sentence):
        esscher.frontier(num_samples=samples, num_correct=corrects)


@pytest.mark.parametrize(
    ("value", "dtype_of"), [([[1, 2]], "Python's numbers"), ([np.ones(2, "f4")], "float32"), ([[1.5]], "Python's")]
)
def test_lists_that_are_no_bfloat16(value: Any, dtype_of: str) -> None:
    with pytest.raises(esscher.UsageError, match=f"this holds {dtype_of}"):
        esscher.frontier(value, dtype="bf16")


def test_errors_are_of_pythons_kinds_and_carry_exit_codes() -> None:
    assert issubclass(esscher.UsageError, ValueError)
    assert issubclass(esscher.InputTypeError, TypeError)
    assert issubclass(esscher.InputError, ValueError)
    assert issubclass(esscher.DeviceError, RuntimeError)
    assert issubclass(esscher.InternalError, RuntimeError)
    kinds = (esscher.InternalError, esscher.UsageError, esscher.InputError, esscher.DeviceError)
    assert [kind.exit_code for kind in kinds] == [1, 2, 3, 4]
    assert all(issubclass(kind, esscher.EsscherError) for kind in kinds)
    assert issubclass(esscher.EsscherWarning, UserWarning)


def test_errors_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(esscher.InputError("a sentence", "row 3")))
    assert (str(error), error.location) == ("a sentence", "row 3")
