# SPDX-License-Identifier: Apache-2.0
"""Makes the pages of the Python package, the tutorial and docs/ for the folder of the documentation.

    make_pages.py FOLDER

FOLDER/python gets the package's reference by pdoc, FOLDER/guide the pages of docs/ and FOLDER/tutorial.html the
notebook as it is kept, all linked from FOLDER/index.html. Nothing is fetched, and no page needs another machine.
"""

from __future__ import annotations

import shutil
import sys
import types
import warnings
from importlib.util import find_spec
from pathlib import Path
from posixpath import normpath, relpath

import pdoc
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

ROOT = Path(__file__).resolve().parents[2]

#: Where what the repository calls by one path lies in the documentation, besides docs/*.md.
_MOVED = {"Examples/python/tutorial.ipynb": "tutorial.html", "Examples/sentiment/README.md": "guide/sentiment.html"}

_STYLE = """
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #222; }
pre { padding: .75rem; overflow-x: auto; background: #f5f5f5; }
pre, code { font-size: .9em; }
pre code { font-size: 1em; } .anchor-link { visibility: hidden; } :hover > .anchor-link { visibility: visible; }
a { color: #0060a0; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
.output_text pre { white-space: pre-wrap; }
td, th { padding: .3rem .6rem; border: 1px solid #ddd; text-align: left; vertical-align: top; }
"""


def page(title: str, body: str) -> str:
    """A whole page around a body of HTML."""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body>{body}</body></html>\n"
    )


def sources() -> dict[str, str]:
    """Paths of the repository, and of the pages that are made of them."""
    guides = {
        str(path.relative_to(ROOT)): str(Path("guide") / path.relative_to(ROOT / "docs").with_suffix(".html"))
        for path in sorted((ROOT / "docs").rglob("*.md"))
    }
    return {**guides, **_MOVED}


def linked(html: str, source: str, target: str, pages: dict[str, str]) -> str:
    """A page whose links lead to pages of the documentation; those to the repository's other files become text."""
    soup = BeautifulSoup(html, "html.parser")
    for anchor in soup.find_all("a", href=True):
        path, mark, fragment = str(anchor["href"]).partition("#")
        if not path or "://" in path:
            continue
        file = normpath(str(Path(source).parent / path))
        if file in pages:
            anchor["href"] = relpath(pages[file], str(Path(target).parent)) + mark + fragment
        else:
            anchor.unwrap()
    return str(soup)


def make_reference(folder: Path) -> None:
    """The package's reference."""
    if find_spec("ray") is None:
        # esscher.ray imports Ray and asks nothing of it before it is called.
        print("docs: Ray is not installed; the reference of esscher.ray is made without it")
        for name in ("ray", "ray.exceptions"):
            sys.modules[name] = types.ModuleType(name)
    pdoc.render.configure(docformat="numpy", footer_text="", show_source=False)
    pdoc.pdoc("esscher", "esscher.ray", output_directory=folder)


def make_tutorial(path: Path, pages: dict[str, str]) -> None:
    """The notebook as it was run."""
    exporter = HTMLExporter(template_name="basic")
    body, _ = exporter.from_filename(str(ROOT / "Examples/python/tutorial.ipynb"))
    shown = linked(body, "Examples/python/tutorial.ipynb", path.name, pages)
    path.write_text(page("From scores to a frontier, in ten minutes", shown))


def make_guide(folder: Path, pages: dict[str, str]) -> None:
    """The pages of docs/, with the pictures that they show."""
    for source, target in pages.items():
        if not source.endswith(".md"):
            continue
        text = (ROOT / source).read_text()
        title = text.splitlines()[0].removeprefix("# ")
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        (folder / target).write_text(page(title, linked(markdown2html(text), source, target, pages)))
    for picture in (ROOT / "docs").rglob("*.svg"):
        shutil.copy(picture, folder / "guide" / picture.relative_to(ROOT / "docs"))


def make_index(folder: Path, pages: dict[str, str]) -> None:
    """The first page, which leads to all others."""
    rows = ['<h1>Esscher</h1><p><a href="tutorial.html">From scores to a frontier, in ten minutes</a></p><ul>']
    if (folder / "documentation/esscher").is_dir():
        rows.append('<li><a href="documentation/esscher/">The library in Swift</a></li>')
    rows.append(
        '<li><a href="python/esscher.html">The package in Python</a>, <a href="python/esscher/ray.html">on Ray</a></li>'
    )
    for source, target in pages.items():
        if Path(source).parent == Path("docs"):
            title = (ROOT / source).read_text().splitlines()[0].removeprefix("# ")
            rows.append(f'<li><a href="{target}">{title.replace("`", "")}</a></li>')
    rows.append('<li><a href="guide/paper/README.html">The figures of the papers</a></li></ul>')
    (folder / "index.html").write_text(page("Esscher", "\n".join(rows)))


def broken(folder: Path) -> list[str]:
    """A sentence for each link or picture of the pages made here that leads nowhere, or to another machine's file."""
    found = []
    made = [folder / "index.html", folder / "tutorial.html"]
    made += [*(folder / "guide").rglob("*.html"), *(folder / "python").rglob("*.html")]
    for path in made:
        soup = BeautifulSoup(path.read_text(), "html.parser")
        for tag, name in (("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")):
            for element in soup.find_all(tag, attrs={name: True}):
                address = str(element[name])
                if address.startswith("data:") or (tag == "a" and "://" in address):
                    continue
                target = path.parent / address.partition("#")[0] if address.partition("#")[0] else path
                if "://" in address or not target.exists():
                    found.append(f"{path.relative_to(folder)}: {address} is not there")
    return found


def main(folder: Path) -> int:
    """Make all pages; 1 where a link leads nowhere."""
    warnings.simplefilter("error")
    # Types of packages that are not here, such as pandas.DataFrame, are shown as they are written.
    warnings.filterwarnings("ignore", message="(?s)Failed to run TYPE_CHECKING code|Error parsing type annotation")
    folder.mkdir(parents=True, exist_ok=True)
    pages = sources()
    make_reference(folder / "python")
    make_tutorial(folder / "tutorial.html", pages)
    make_guide(folder, pages)
    make_index(folder, pages)
    sentences = broken(folder)
    for sentence in sentences:
        print(f"docs: {sentence}", file=sys.stderr)
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
