"""Start the two frameworks, each in processes of its own, and bring their results together."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .compare import Comparison, compare_job

PARITY = Path(__file__).resolve().parents[1]
ROOT = PARITY.parents[1]
PEER = "flumine[speed]==3.3.2"


def peer_python() -> str:
    """Return a Python that has flumine: FLUMINE_CORE_PEER_PYTHON, or that of a venv made for it once."""
    named = os.environ.get("FLUMINE_CORE_PEER_PYTHON")
    if named:
        return named
    folder = ROOT / ".tox" / "peer-oracle"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "installed").is_file():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", PEER], check=True)
        (folder / "installed").touch()
    return str(python)


def side_environment(side: str, *paths: Path) -> dict[str, str]:
    """Return the environment of one side's processes; flumine's sees nothing of ours."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_", "PYTEST"))}
    environment["FLUMINE_CORE_PARITY_SIDE"] = side
    environment["PYTHONHASHSEED"] = "0"
    folders = [str(p) for p in paths or (PARITY,)]
    if side == "own":
        folders += [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    environment["PYTHONPATH"] = os.pathsep.join(folders)
    return environment


def run_jobs(side: str, jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run jobs one after another in one process of a side."""
    python = peer_python() if side == "peer" else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "jobs.json"), Path(folder, "results.json")
        asked.write_text(json.dumps(list(jobs)))
        done = subprocess.run(
            [python, "-m", "oracle.runner", str(asked), str(answered)],
            env=side_environment(side),
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if not answered.is_file():
            died = {"died": f"exit {done.returncode}: {done.stderr[-2000:]}"}
            return [{"name": job["name"], **died} for job in jobs]
        return json.loads(answered.read_text())


def run_both(jobs: Sequence[dict[str, Any]], workers: int = 2, chunk: int = 4) -> dict[str, Comparison]:
    """Run every job on both sides and compare; return the comparisons by job name."""
    peer_python()
    chunks = [("peer", jobs[i : i + chunk]) for i in range(0, len(jobs), chunk)]
    chunks += [("own", jobs[i : i + 4 * chunk]) for i in range(0, len(jobs), 4 * chunk)]
    results: dict[str, dict[str, Any]] = {"peer": {}, "own": {}}
    with ThreadPoolExecutor(workers) as pool:
        for (side, _), answers in zip(chunks, pool.map(lambda c: run_jobs(*c), chunks), strict=True):
            results[side].update({answer["name"]: answer for answer in answers})
    return {job["name"]: compare_job(job, results["peer"][job["name"]], results["own"][job["name"]]) for job in jobs}
