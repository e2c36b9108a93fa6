"""What every benchmark measures alike: wall time, processor time, and peak memory of a command and all its children."""

import os
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """Wall and processor time in seconds and peak resident memory of the process tree in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str


class Clock:
    """Wall and processor seconds of repeated work in this process, by name; what is said of them are medians."""

    def __init__(self) -> None:
        self._runs: dict[str, list[tuple[float, float]]] = {}

    def time(self, name: str, work: Callable[[], object]) -> None:
        """Run some work once more."""
        started, spent = time.perf_counter(), time.process_time()
        work()
        run = (time.perf_counter() - started, time.process_time() - spent)
        self._runs.setdefault(name, []).append(run)

    def medians(self, name: str) -> tuple[float, float]:
        """Wall and processor seconds."""
        wall, cpu = zip(*self._runs[name], strict=True)
        return statistics.median(wall), statistics.median(cpu)

    def of(self, name: str) -> str:
        """Both, in words."""
        wall, cpu = self.medians(name)
        return f"{wall:.2f} s ({cpu:.2f} s of processor)"

    def ratio(self, over: str, under: str) -> str:
        """One work over another: in time and, which other work on the machine touches less, in processor time."""
        wall, cpu = (one / other for one, other in zip(self.medians(over), self.medians(under), strict=True))
        return f"{wall:.3g} x (processor {cpu:.3g} x)"


def measure_command(command: Sequence[str], **environment: str) -> Measured:
    """Run a command to its end; raises CalledProcessError with its output when it fails."""
    started, spent = time.perf_counter(), _children_seconds()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment}
    ) as process:
        peaks: list[int] = [0]
        watcher = threading.Thread(target=_watch, args=(process.pid, peaks))
        watcher.start()
        output, _ = process.communicate()
        watcher.join()
    if process.returncode:
        error = subprocess.CalledProcessError(process.returncode, command, output)
        error.add_note(output)
        raise error
    return Measured(time.perf_counter() - started, _children_seconds() - spent, peaks[0] / 2**20, output)


def _children_seconds() -> float:
    """Processor time of all children that ended: other work on the machine does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(pid: int, peaks: list[int]) -> None:
    try:
        root = psutil.Process(pid)
        while root.is_running() and root.status() != psutil.STATUS_ZOMBIE:
            tree = [root, *root.children(recursive=True)]
            peaks[0] = max(peaks[0], sum(_resident(one) for one in tree))
            time.sleep(EVERY_SECONDS)
    except psutil.NoSuchProcess:
        return


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
