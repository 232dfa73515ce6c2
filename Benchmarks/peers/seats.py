# SPDX-License-Identifier: Apache-2.0
"""The seats at the table: the engine, and each peer in a process of its own that lives as long as the comparison.

Every seat has `prepare(job)`, which says why it takes no part or nothing, and `turn(repeats)`: one call that is not
counted, then `repeats` that are. All inherit the runner's process group and processors, so that the scheduler
treats them alike.
"""
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
# Seconds of a call from which a peer is timed once, not in every round; and of a first call that no compiler explains.
SLOW, HOPELESS = 5.0, 60.0


class Engine:
    """`esscher bench` on one device; a process a turn, since it times itself inside."""

    tolerances = {}

    def __init__(self, program, device, data, threads):
        self.name = "esscher" if device == "cpu" else f"esscher, {device}"
        self.device, self.program, self.data, self.threads = device, program, data, threads
        self.versions = {}
        self.values = None

    def prepare(self, job):
        self.job, self.is_slow = job, False
        return None

    def turn(self, repeats):
        command = [self.program, "bench", self.data.rewards, "--device", self.device, "--job", self.job,
                   "--repeats", str(repeats), "--threads", str(self.threads), "--json", "--quiet"]
        if self.job == "best_of_n_gold":
            command += ["--gold", self.data.gold]
        report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        record = report["jobs"][0]
        self.values = record["values"]
        self.ceilings = report["ceilings"]
        self.share = (record["ceiling"], record["ceiling_share"])
        return record["seconds"]

    def close(self):
        pass


class Peer:
    """A library's worker process."""

    def __init__(self, name, module, python, data, threads, environment=None, only=None, tolerances=None):
        self.name, self.data, self.threads, self.only = name, data, threads, only
        self.tolerances = tolerances or {}
        self.values = None
        self.versions = {}
        variables = dict(os.environ)
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
            variables[variable] = str(threads)
        variables.update(environment or {})
        try:
            self.process = subprocess.Popen(
                [python, os.path.join(HERE, "worker.py"), module], text=True, env=variables,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=data.log)
        except OSError as error:
            self.process, self.missing = None, f"{python}: {error.strerror}"
            return
        answer = self._read()
        self.missing = None if answer.get("ready") else answer.get("missing", answer.get("failed"))
        if not self.missing:
            self.versions = self._ask({"do": "versions"})["versions"]

    def _read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"failed": "its process ended"}

    def _ask(self, command):
        if self.process.poll() is not None:
            return {"failed": "its process ended"}
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self._read()

    def prepare(self, job):
        if self.missing:
            return f"missing ({self.missing})"
        if self.only and job not in self.only:
            return "no such job"
        answer = self._ask({"do": "prepare", "job": job, "rewards": self.data.rewards, "gold": self.data.gold,
                            "threads": self.threads})
        if "without" in answer:
            return "no such job"
        if "failed" in answer:
            return f"failed ({answer['failed']})"
        self.values, self.first = answer["values"], answer["seconds"][0]
        # Compilers take their time in a first call; a second one tells.
        if SLOW < self.first < HOPELESS:
            self.first = self.turn(1, warm=False)[0]
        self.is_slow = self.first > SLOW
        return None

    def turn(self, repeats, warm=True):
        answer = self._ask({"do": "run", "repeats": repeats + warm})
        if "failed" in answer:
            raise RuntimeError(f"{self.name}: {answer['failed']}")
        self.values = answer["values"]
        return answer["seconds"][1:] if warm else answer["seconds"]

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def peers(options, data):
    """Every peer we know, each as strong as its library allows."""
    own = options.environment + "/bin/python"
    svml = options.svml_environment
    tilts = {"tilt", "tilt_256", "tilt_uniform"}

    def peer(name, module, environment=None, python=own, **rest):
        return Peer(name, module, python, data, options.threads, environment, **rest)

    build = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")
    table = {
        # Threads are over rows; a BLAS with threads of its own would only get in the way.
        "numpy": lambda: peer("NumPy", "numpy_peer", {"OPENBLAS_NUM_THREADS": "1"}),
        "numba": lambda: peer("Numba", "numba_peer"),
        "numba-svml": lambda: peer(
            "Numba, SVML", "numba_peer", {"PEER_SVML": "1", "LD_LIBRARY_PATH": svml + "/lib"},
            python=svml + "/bin/python", only=tilts),
        "jax": lambda: peer("JAX", "jax_peer", {
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_cpu_enable_fast_math=true --xla_cpu_prefer_vector_width=512"}),
        "torch": lambda: peer("PyTorch", "torch_peer"),
        "torch-compile": lambda: peer(
            "PyTorch, compiled", "torch_peer",
            {"PEER_COMPILE": "1", "TORCHINDUCTOR_CACHE_DIR": build + "/inductor"}, only=tilts),
        "keops": lambda: peer(
            "KeOps", "keops_peer", {"KEOPS_CACHE_FOLDER": build + "/keops"},
            # Sums of up to 100,000 single-precision terms, one after the other.
            tolerances=dict.fromkeys(tilts, 2e-3)),
    }
    unknown = [name for name in options.peers or [] if name not in table]
    if unknown:
        raise SystemExit(f"no peer {', '.join(unknown)}; there are {', '.join(table)}")
    return [table[name]() for name in (options.peers or table)]
