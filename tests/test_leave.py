"""Leaving a process at once, with or without a console."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("lost", ["", "sys.stdout = None", "sys.stdout = sys.stderr = None", "sys.stdout.close()"])
def test_the_exit_code_is_told_whatever_the_console_is(lost: str) -> None:
    code = f"import sys, threading\nfrom flumine_core.leave import leave\nprint('told')\n{lost}\n"
    code += "threading.Thread(target=threading.Event().wait).start()\nleave(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert lost or done.stdout == "told\n"
