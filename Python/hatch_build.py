# SPDX-License-Identifier: Apache-2.0
"""Puts ``libesscher.so`` into the wheel: the one that ``ESSCHER_LIBRARY`` names, else one that Swift builds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LibraryHook(BuildHookInterface):  # type: ignore[type-arg, misc, unused-ignore]
    """Build hook of hatchling.

    The wheel is for every Python 3 on one kind of machine; ``ESSCHER_WHEEL_PLATFORM`` says which, and without it it is
    the machine that builds.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Copy the library into the package and tag the wheel.

        Parameters
        ----------
        version : str
            Which kind of wheel; an editable one gets the library too.
        build_data : dict
            What hatchling builds by.
        """
        folder = Path(self.root) / "src" / "esscher" / "_lib"
        folder.mkdir(exist_ok=True)
        shutil.copy2(self._library(), folder / "libesscher.so")
        platform = os.environ.get("ESSCHER_WHEEL_PLATFORM") or sysconfig.get_platform()
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform.replace('-', '_').replace('.', '_')}"

    def _library(self) -> Path:
        named = os.environ.get("ESSCHER_LIBRARY")
        if named:
            library = Path(named)
            if not library.is_file():
                raise FileNotFoundError(f"{named}: ESSCHER_LIBRARY names no file; build one with Scripts/build-library")
            return library
        script = Path(self.root).parent / "Scripts" / "build-library"
        if not script.is_file():
            raise FileNotFoundError(
                "the sources of the library are not here; install a wheel, build from a checkout of esscher, or let "
                "ESSCHER_LIBRARY name a libesscher.so"
            )
        built = subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True)
        return script.parent.parent / built.stdout.strip().splitlines()[-1]
