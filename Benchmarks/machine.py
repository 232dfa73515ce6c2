# SPDX-License-Identifier: Apache-2.0
"""What a record says of where it was made."""
import datetime
import os
import platform
import shlex
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def output(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def revision():
    """Commit of the working tree, marked where files differ from it."""
    try:
        commit = output(["git", "-C", HERE, "rev-parse", "--short=12", "HEAD"]).strip()
        changed = output(["git", "-C", HERE, "status", "--porcelain", "--untracked-files=no"]).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + (" with changes" if changed else "")


def threads():
    return len(os.sched_getaffinity(0))


def command(script, arguments, places=()):
    """The command as another machine would give it: without the program and without options that name places."""
    kept, words = [], iter(arguments)
    for word in words:
        if word in places:
            next(words, None)
        elif not word.startswith(tuple(f"{place}=" for place in places)):
            kept.append(word)
    return shlex.join([f"Benchmarks/{script}", "ESSCHER", *kept[1:]])


def facts(esscher, command):
    return {
        "command": command,
        "version": output([esscher, "--version"]).strip(),
        "revision": revision(),
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "system": " ".join([platform.system(), *platform.libc_ver()]),
    }


def lines(facts):
    """The same as lines of Markdown."""
    return [f"    {facts['command']}", "",
            f"{facts['version']}, revision {facts['revision']}, {facts['date']}; {facts['processor']}; "
            f"{facts['system']}."]
