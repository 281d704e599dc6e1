"""flumine 3.3.2, in an environment and a process of its own, as scenarios know it; its waits are those of real life."""

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from .remote import ROOT, Remote

PEER = "flumine==3.3.2"
PATIENCE = 30.0
READ_TIMEOUT = 16.0
TAKEN = ("client", "has_certificate", "stream_host")
NOT_RUN = {
    21: "it logs in anew after a keepAlive alone, so that no storm of logins comes about",
    22: "its keepAlive comes after 20 minutes at the earliest, whatever it is told",
}
"""Rows that cannot be run for it, and why."""


def peer_python() -> str:
    """Return a Python that has flumine: FLUMINE_CORE_PEER_PYTHON, or that of a venv made for it once."""
    named = os.environ.get("FLUMINE_CORE_PEER_PYTHON")
    if named:
        return named
    folder = ROOT / ".tox" / "peer-faults-flumine"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", PEER], check=True, stdout=sys.stderr)
    return str(python)


def make_peer(exchange: Any, folder: Path, factor: float = 1.0, **options: Any) -> Remote:
    """Return flumine, which keeps nothing in a folder; of the options it takes those of `TAKEN`."""
    taken = {name: options[name] for name in TAKEN if name in options}
    command = [peer_python(), str(Path(__file__).with_name("peer_side.py"))]
    env = {
        "REQUESTS_CA_BUNDLE": exchange.ca_file,
        "CURL_CA_BUNDLE": exchange.ca_file,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    return Remote(command, exchange, folder, {"options": taken}, factor, PATIENCE, READ_TIMEOUT, env, False)
