# SPDX-License-Identifier: Apache-2.0
"""Runs the tutorial of Examples/python and compares it with the notebook that is kept there.

    run_tutorial.py [--write] tutorial.py

Cells come from tutorial.py. Each is run; a cell that fails ends this with 1. Words that a cell prints have to be those
of the notebook, and numbers with a decimal point may differ by one unit of the last decimal that is shown: kinds of
processors and devices differ by some 1e-6, which can tip a digit. Pictures have to be there. Cells with the tag
"varies" are only run. With --write the notebook is replaced by the run, for review.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from text_difference import difference

#: Seconds that a cell may take.
_PATIENCE = 300
_CELL = re.compile(r"^# %%(?P<markdown> \[markdown\])?(?: tags=\[(?P<tags>.*)\])?$")


def notebook_of(source: str) -> Any:
    """The notebook, without outputs, that a source of cells says."""
    cells: list[tuple[Any, list[str]]] = []
    for line in source.splitlines():
        match = _CELL.match(line)
        if match:
            make = nbformat.v4.new_markdown_cell if match["markdown"] else nbformat.v4.new_code_cell
            cell = make(id=f"cell-{len(cells) + 1:02}")
            if match["tags"]:
                cell.metadata["tags"] = [tag.strip().strip('"') for tag in match["tags"].split(",")]
            cells.append((cell, []))
        elif cells:  # What comes before the first cell is about the file.
            cells[-1][1].append(line)
    for cell, body in cells:
        if cell.cell_type == "markdown":
            body = [line.removeprefix("#").removeprefix(" ") for line in body]
        cell.source = "\n".join(body).strip("\n")
    notebook = nbformat.v4.new_notebook(cells=[cell for cell, _ in cells])
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def run(notebook: Any, folder: Path) -> None:
    """Run all cells of a notebook in a folder; outputs go into it."""
    client = NotebookClient(
        notebook, timeout=_PATIENCE, record_timing=False, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)


def joined(outputs: list[Any]) -> list[Any]:
    """Outputs with neighbouring pieces of one stream as one: how they are cut depends on time."""
    result: list[Any] = []
    for output in outputs:
        if result and output.output_type == result[-1].output_type == "stream" and output.name == result[-1].name:
            result[-1].text += output.text
        else:
            result.append(output)
    return result


def text_of(cell: Any) -> str:
    """What a cell printed or gave as text, and a word for each picture."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(f"[{output.name}] {output.text}")
        elif "image/png" in output.data:
            parts.append("[picture]\n")
        else:
            parts.append(str(output.data.get("text/plain", "")))
    return "".join(parts)


def problems(kept: Any, now: Any) -> list[str]:
    """A sentence for each cell in which a run differs from the notebook that is kept."""
    if [(cell.cell_type, cell.source) for cell in kept.cells] != [(cell.cell_type, cell.source) for cell in now.cells]:
        return ["tutorial.ipynb was not made from this tutorial.py; run Scripts/run-tutorial --write and look at it."]
    found = []
    for old, new in zip(kept.cells, now.cells):
        if new.cell_type != "code" or "varies" in new.metadata.get("tags", []):
            continue
        what = difference(text_of(old), text_of(new))
        if what is not None:
            first = new.source.splitlines()[0]
            found.append(f"{new.id} ({first}): {what}\n--- notebook\n{text_of(old)}\n--- run\n{text_of(new)}")
    return found


def main(arguments: list[str]) -> int:
    """Run, and compare or write; 0 where all is well."""
    write = "--write" in arguments
    source = Path(next(name for name in arguments if not name.startswith("-")))
    path = source.with_suffix(".ipynb")
    notebook = notebook_of(source.read_text())
    try:
        run(notebook, source.parent)
    except CellExecutionError as problem:
        print(f"run-tutorial: a cell failed\n{problem}", file=sys.stderr)
        return 1
    if write:
        nbformat.validate(notebook)
        nbformat.write(notebook, path)
        print(f"{path}: written")
        return 0
    if not path.exists():
        print(f"run-tutorial: there is no {path}; run Scripts/run-tutorial --write.", file=sys.stderr)
        return 1
    found = problems(nbformat.read(path, as_version=4), notebook)
    for sentence in found:
        print(f"run-tutorial: {sentence}", file=sys.stderr)
    print(f"{path}: {len(notebook.cells)} cells, {len(found)} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
