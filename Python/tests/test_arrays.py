# SPDX-License-Identifier: Apache-2.0
"""Arrays, tensors and lists: every kind gives the bytes of the program's CSV on the same cells in an .npy file."""

from __future__ import annotations

import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import RESAMPLES, package

import esscher

TYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]


def csv(rewards: Any, **arguments: Any) -> str:
    return esscher.frontier(rewards, label="k", resamples=RESAMPLES, **arguments).to_csv()


def typed(rewards: np.ndarray, code: str) -> np.ndarray:
    """Rewards in a type that may have no fractions and no signs."""
    if code == "?":
        return rewards > 0
    return ((np.abs(rewards) if code[0] == "u" else rewards) * 10).astype(code)


@pytest.mark.parametrize("code", TYPES)
def test_every_type_of_numpy(rewards: np.ndarray, csv_of_npy: Any, code: str) -> None:
    cells = typed(rewards, code)
    assert csv(cells) == csv_of_npy(cells)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(np.asfortranarray, id="fortran"),
        pytest.param(lambda x: np.repeat(x, 3, axis=1)[:, ::3], id="strided"),
        pytest.param(lambda x: x[::-1, ::-1].copy()[::-1, ::-1], id="negative strides"),
        pytest.param(lambda x: x.astype(">f4"), id="big-endian"),
        pytest.param(lambda x: x.copy().view(np.ma.MaskedArray), id="masked array without a mask"),
        pytest.param(lambda x: memoryview(np.ascontiguousarray(x)), id="memoryview"),
        pytest.param(list, id="list of arrays"),
        pytest.param(lambda x: iter(list(x)), id="iterator of arrays"),
        pytest.param(lambda x: tuple(array.array("f", row.tolist()) for row in x), id="tuple of array.array"),
    ],
)
def test_every_way_of_lying_in_memory(rewards: np.ndarray, csv_of_npy: Any, view: Any) -> None:
    assert csv(view(rewards)) == csv_of_npy(rewards)


def test_mapped_files(rewards: np.ndarray, csv_of_npy: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", rewards)
    assert csv(np.load(tmp_path / "m.npy", mmap_mode="r")) == csv_of_npy(rewards)


def test_one_prompt(rewards: np.ndarray, csv_of_npy: Any) -> None:
    assert csv(rewards[0]) == csv_of_npy(rewards[0])
    assert csv(rewards[0].tolist()) == csv_of_npy(rewards[0].astype(float))


def test_lists_of_lists(rewards: np.ndarray, csv_of_npy: Any) -> None:
    assert csv(rewards.astype(float).tolist()) == csv_of_npy(rewards.astype(float))
    whole = (rewards * 10).astype("i8")
    assert csv(whole.tolist()) == csv_of_npy(whole)


def test_rows_of_several_types_are_joined_in_the_smallest_that_holds_both() -> None:
    joined = csv([np.array([1, 2, 3], dtype="i2"), np.array([0.5, 1.5, 2.5], dtype="f4")])
    assert joined == csv(np.array([[1, 2, 3], [0.5, 1.5, 2.5]], dtype="f4"))


def test_rows_of_several_lengths(ragged_rows: list[list[float]]) -> None:
    pieces = csv(ragged_rows)
    assert pieces == csv([np.array(row) for row in ragged_rows])
    assert pieces == csv(np.array([np.array(row) for row in ragged_rows], dtype=object))
    assert pieces != csv([row[:100] for row in ragged_rows])


def test_ragged_rows_are_those_of_the_program(ragged_rows: list[list[float]], tool: Any, tmp_path: Path) -> None:
    path = tmp_path / "k.jsonl"
    path.write_text("".join(f'{{"rewards": {row}}}\n' for row in ragged_rows))
    expected = tool("frontier", str(path), "--format", "csv", "--resamples", str(RESAMPLES))
    found = esscher.frontier(ragged_rows, label="rewards", resamples=RESAMPLES).to_csv()
    assert found == expected


def test_missing_samples_are_nan_none_or_masked(rewards: np.ndarray, csv_of_npy: Any) -> None:
    cells = rewards.astype(float)
    cells[3, 5] = np.nan
    cells[9] = np.nan
    expected = csv_of_npy(cells, "--missing", "drop")
    assert csv(cells, missing="drop") == expected
    assert csv(np.ma.masked_invalid(cells), missing="drop") == expected
    rows: list[Any] = [[None if np.isnan(value) else value for value in row] for row in cells.tolist()]
    assert csv(rows, missing="drop") == expected
    for empty in (None, []):
        assert csv([*rows[:9], empty, *rows[10:]], missing="drop") == expected
        with pytest.raises(esscher.InputError, match=r"row 9: the prompt has no samples.*missing='drop'"):
            csv([*rewards[:9], empty])
    with pytest.raises(esscher.InputError, match="row 3, column 5") as caught:
        csv(cells)
    assert "row 3" in caught.value.location


def test_a_mask_of_an_ensemble_hides_the_same_cells(rewards: np.ndarray) -> None:
    cells = np.stack([rewards, rewards + 1]).astype(float)
    cells[1, 3, 5] = np.nan
    assert csv(np.ma.masked_invalid(cells), ensemble="mean", missing="drop") == csv(
        cells, ensemble="mean", missing="drop"
    )


def test_bfloat16_of_ml_dtypes_and_of_opaque_bytes(rewards: np.ndarray, csv_of_npy: Any) -> None:
    cells = rewards.astype(package("ml_dtypes").bfloat16)
    opaque = cells.view("V2")
    expected = csv_of_npy(opaque, "--dtype", "bf16")
    assert csv(cells) == expected
    assert csv(opaque, dtype="bf16") == expected
    assert csv(list(cells)) == expected


@pytest.mark.parametrize("view", ["V2", "u2", ">u2"])
def test_bfloat16_in_types_of_two_bytes(rewards: np.ndarray, csv_of_npy: Any, tmp_path: Path, view: str) -> None:
    bits = (rewards.view("u4") >> 16).astype("u2")
    expected = csv_of_npy(bits.view("V2"), "--dtype", "bf16")
    cells = bits.view("V2") if view == "V2" else bits.astype(view)
    np.save(tmp_path / "k.npy", cells)
    for value in (cells, list(cells), np.asfortranarray(cells), str(tmp_path / "k.npy")):
        assert csv(value, dtype="bf16") == expected
    assert csv({"k": cells}, dtype="bf16") == expected
    with_gold = csv(cells, gold=cells, dtype="bf16")
    assert with_gold == csv(cells, gold=list(cells), dtype="bf16")
    assert with_gold == csv(cells, gold=(bits.astype("u4") << 16).view("f4"), dtype="bf16")


def test_tensors_with_negative_strides(rewards: np.ndarray, csv_of_npy: Any) -> None:
    class Tensor:
        def __init__(self, cells: np.ndarray) -> None:
            self.cells = cells

        def __dlpack_device__(self) -> tuple[int, int]:
            return (1, 0)

        def __dlpack__(self, **wishes: object) -> object:
            return self.cells.__dlpack__()

    turned = rewards[::-1, ::-1].copy()[::-1, ::-1]
    assert turned.strides[0] < 0
    assert csv(Tensor(turned)) == csv_of_npy(rewards)
    assert csv(Tensor(turned[:, ::2])) == csv_of_npy(rewards[:, ::2])


@pytest.mark.parametrize("code", TYPES)
def test_jax(rewards: np.ndarray, csv_of_npy: Any, code: str) -> None:
    jax = package("jax")
    # Without 64-bit mode JAX keeps 32 bits, and those are compared.
    cells = jax.numpy.asarray(typed(rewards, code))
    assert csv(cells) == csv_of_npy(np.asarray(cells))


def test_jax_bfloat16(rewards: np.ndarray, csv_of_npy: Any) -> None:
    jax = package("jax")
    cells = jax.numpy.asarray(rewards, dtype=jax.numpy.bfloat16)
    assert csv(cells) == csv_of_npy(np.asarray(cells).view("V2"), "--dtype", "bf16")


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool"])
def test_torch(rewards: np.ndarray, csv_of_npy: Any, name: str) -> None:
    torch = package("torch")
    cells = torch.from_numpy(np.abs(rewards) * 10).to(getattr(torch, name))
    assert csv(cells) == csv_of_npy(cells.numpy())
    assert csv(cells.T.contiguous().T) == csv_of_npy(cells.numpy())
    assert csv(list(cells)) == csv_of_npy(cells.numpy())


def test_torch_bfloat16_and_history(rewards: np.ndarray, csv_of_npy: Any) -> None:
    torch = package("torch")
    cells = torch.from_numpy(rewards).to(torch.bfloat16)
    expected = csv_of_npy(cells.view(torch.int16).numpy().view("V2"), "--dtype", "bf16")
    assert csv(cells) == expected
    assert csv(cells.clone().requires_grad_()) == expected
    assert csv(cells[:, ::2]) == csv_of_npy(
        cells[:, ::2].contiguous().view(torch.int16).numpy().view("V2"), "--dtype", "bf16"
    )


def test_torch_refuses_what_is_not_dense_and_real(rewards: np.ndarray) -> None:
    torch = package("torch")
    for cells in (torch.zeros(2, 2, dtype=torch.complex64), torch.eye(3).to_sparse(), torch.zeros(2, 2, device="meta")):
        with pytest.raises(esscher.InputTypeError, match="rewards"):
            esscher.frontier(cells)


class FarTensor:
    """A tensor in the memory of a GPU that exports itself to nobody else."""

    ndim = 2

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 1)

    def __dlpack__(self, **wishes: object) -> object:
        raise BufferError("cannot copy to the processor")


def test_a_tensor_on_a_gpu_that_cannot_be_exported_says_where_it_is() -> None:
    with pytest.raises(esscher.InputTypeError, match=r"cuda:1.*x\.cpu\(\)"):
        esscher.frontier(FarTensor())


@pytest.mark.parametrize("make", [np.stack, list, lambda models: [model.tolist() for model in models]])
def test_three_dimensions_are_an_ensemble(rewards: np.ndarray, csv_of_npy: Any, make: Any) -> None:
    cells = [rewards.astype(float), rewards.astype(float) * 2 + 1, rewards.astype(float) ** 2]
    options = ("--ensemble", "mean", "--standardize", "model")
    expected = csv_of_npy(np.stack(cells), *options)
    assert csv(make(cells), ensemble="mean", standardize="model") == expected


def test_a_mapping_names_the_models(rewards: np.ndarray, csv_of_npy: Any) -> None:
    models = {"k[0]": rewards, "k[1]": rewards.T.copy().T + 1}
    expected = csv_of_npy(np.stack([rewards, rewards + 1]), "--ensemble", "min")
    assert csv(models, ensemble="min") == expected
    labels = {point["label"] for point in esscher.frontier({"a": rewards, "b": rewards}, ensemble="mean").points}
    assert labels == {"mean(2)", "a", "b"}


def test_companions_are_read_like_rewards(rewards: np.ndarray, tool: Any, tmp_path: Path) -> None:
    gold, weights, logprobs = rewards[:, ::-1].copy(), rewards * 0.1, -np.abs(rewards) - 3
    for name, cells in (("k", rewards), ("gold", gold), ("weights", weights), ("logprobs", logprobs)):
        np.save(tmp_path / f"{name}.npy", cells)
    options = [f"--{n}={tmp_path / f}" for n, f in (("gold", "gold.npy"), ("log-weights", "weights.npy"))]
    base = ["frontier", str(tmp_path / "k.npy"), "--format", "csv", "--resamples", str(RESAMPLES)]
    assert csv(rewards, gold=gold, log_weights=weights) == tool(*base, *options)
    assert csv(rewards, gold=str(tmp_path / "gold.npy"), logprobs=list(logprobs)) == tool(
        *base, options[0], f"--logprobs={tmp_path / 'logprobs.npy'}"
    )
