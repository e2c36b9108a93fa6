"""Time and peak memory of the demo without its server, and of the test suite: `make bench-demo`."""

import statistics
import sys
import tempfile
from pathlib import Path

from measuring import measure_command

REPEATS = 3


def main() -> None:
    """Print a line for each."""
    runs = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as home:
            runs.append(measure_command([_tool("mia"), "demo", "--no-serve", "--home", home]))
    seconds = statistics.median(run.seconds for run in runs)
    print(f"make demo: {seconds:.1f} s (median of {REPEATS}), peak {max(run.peak_mib for run in runs):.0f} MiB")
    tests = measure_command([_tool("pytest"), "-q", "-m", "not slow"])
    print(f"make test: {tests.seconds:.1f} s, peak {tests.peak_mib:.0f} MiB: {tests.output.strip().splitlines()[-1]}")


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


if __name__ == "__main__":
    main()
