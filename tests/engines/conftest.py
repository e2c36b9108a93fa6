"""A real Spark standalone cluster on loopback: one master, two workers, from the installed package."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyspark
import pytest

from mia.storage.spark import SparkEngine

HOST = "127.0.0.1"
START_SECONDS = 90


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def _wait_for(log: Path, words: str, times: int = 1) -> None:
    until = time.monotonic() + START_SECONDS
    while log.read_text().count(words) < times:
        assert time.monotonic() < until, f"Spark did not say {words!r}:\n{log.read_text()[-2000:]}"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    """An engine on the cluster. Java 17 has to be there; `make java` brings it."""
    folder = tmp_path_factory.mktemp("spark")
    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_DAEMON_MEMORY": "256m",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_WORKER_DIR": str(folder / "work"),
    }
    os.environ |= {name: environment[name] for name in ("SPARK_LOCAL_IP", "PYSPARK_PYTHON")}
    port, log = _free_port(), folder / "log"
    master = f"spark://{HOST}:{port}"
    deploy = "org.apache.spark.deploy"
    commands = [
        [f"{deploy}.master.Master", "--host", HOST, "--port", str(port), "--webui-port", "0"],
        *([f"{deploy}.worker.Worker", "--cores", "1", "--memory", "1g", "--webui-port", "0", master] for _ in range(2)),
    ]
    started: list[subprocess.Popen[bytes]] = []
    engine = SparkEngine(master)
    with log.open("wb") as out:
        try:
            for command in commands:
                words = [str(home / "bin" / "spark-class"), *command]
                started.append(subprocess.Popen(words, env=environment, stdout=out, stderr=out))
                if len(started) == 1:
                    _wait_for(log, "I have been elected leader")
            _wait_for(log, "Registering worker", times=2)
            yield engine
        finally:
            engine.stop()
            for process in reversed(started):
                process.terminate()
                process.wait()
