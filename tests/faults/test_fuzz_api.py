"""The whole OpenAPI document under a public fuzzer: no 5xx, no hang, every refusal a problem document.

`FUZZ_EXAMPLES` is the number of examples an operation and phase; `make test-faults` asks for 10,000 cases and more.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.door import open_door
from tests.fakes.serving import serving

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
FUZZER = "from schemathesis.cli import schemathesis; schemathesis()"
CONFIG = Path(__file__).parent / "schemathesis.toml"


@pytest.mark.slow
def test_the_whole_document_holds(tmp_path: Path) -> None:
    with open_door() as door:
        door.fill()
        with serving(door) as port:
            command = [sys.executable, "-c", FUZZER, "--config-file", str(CONFIG), "run"]
            command += ["--mode", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-color"]
            command += ["--continue-on-failure", "--request-timeout", "120", "--generation-database", "none"]
            command += [f"http://127.0.0.1:{port}/openapi.json"]
            run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    cases = re.search(r"([\d,]+) generated", run.stdout)
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-2_000:]
    assert cases is not None
    assert int(cases[1].replace(",", "")) >= 20 * EXAMPLES
    sys.stdout.write(f"{cases[1]} cases over the OpenAPI document\n")


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "QUERY", "OPTIONS", "DELETE"])
def test_methods_that_there_are_not_are_405_everywhere(method: str) -> None:
    with open_door() as door:
        for path in door.get("/openapi.json").json()["paths"]:
            answer = door.call(method, path.replace("{kind}", "index"), key="admin")
            assert answer.status_code == 405
            # The TM Forum face has a form of its own for errors.
            form = "json" if path.startswith("/customer/") else "problem+json"
            assert answer.headers["content-type"] == f"application/{form}"
