"""The evaluator as a loaded library: compiled once on each machine by its own C compiler."""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
import uuid
from functools import cache
from importlib.resources import files
from pathlib import Path

log = logging.getLogger(__name__)

COMPILERS = ("cc", "gcc", "clang")
OPTIONS = ("-O3", "-std=c99", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
NATIVE = "-march=native"
PATIENCE_SECONDS = 60.0
_P, _N = ctypes.c_void_p, ctypes.c_int64
SIGNATURES = {
    "forest_share": (None, _P, _P, _N, _N, _P),
    "forest_score": (ctypes.c_int, _P, _P, _N, _P, _N, _N, _N, _P),
    "forest_sigmoid": (None, _N, ctypes.c_double, _P),
    "forest_explain": (ctypes.c_int, _P, _P, _N, _N, _P, _P),
}
"""Result and arguments of each function of the source."""


@cache
def evaluator() -> ctypes.CDLL | None:
    """The compiled evaluator; None, said once in the log, where it cannot be had."""
    try:
        return load_evaluator(cache_folder())
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("no compiled form of the model, LightGBM itself scores: %s", error)
        return None


def load_evaluator(folder: Path) -> ctypes.CDLL:
    """Load the evaluator from a folder, compiling it there if need be.

    The name of the library holds what it was made from, and for which processor. Raises OSError without a compiler or
    a place to write, and SubprocessError when compiling fails.
    """
    source = files(__package__).joinpath("forest.c").read_text(encoding="utf-8")
    name = hashlib.sha256("\0".join((source, *OPTIONS, _processor())).encode()).hexdigest()[:20]
    path = folder / f"forest-{name}.so"
    if not path.is_file():
        _compile(source, path)
    library = ctypes.CDLL(str(path))
    for function, (result, *arguments) in SIGNATURES.items():
        found = getattr(library, function)
        found.restype, found.argtypes = result, arguments
    return library


def cache_folder() -> Path:
    """Where libraries are kept for this user: below XDG_CACHE_HOME or ~/.cache, else in a fresh temporary folder.

    Code is loaded from it, so it must belong to the user alone.
    """
    root = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = (Path(root) if root else Path.home() / ".cache") / "mia"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.stat()
        if found.st_uid == os.getuid() and not found.st_mode & 0o022 and os.access(folder, os.W_OK):
            return folder
    except (OSError, RuntimeError) as error:
        log.debug("no cache folder of the user: %s", error)
    return Path(tempfile.mkdtemp(prefix="mia-forest-"))


def _compile(source: str, path: Path) -> None:
    compiler = next((found for name in COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        raise FileNotFoundError(f"there is no C compiler ({', '.join(COMPILERS)})")
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        for options in ((NATIVE, *OPTIONS), OPTIONS):
            made = subprocess.run(  # noqa: S603 - the compiler of this machine on a source of ours
                [compiler, *options, "-x", "c", "-", "-o", str(fresh), "-lm"],
                input=source,
                text=True,
                capture_output=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
            if made.returncode == 0:
                break
        made.check_returncode()
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _processor() -> str:
    """What decides the instructions that may be used."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.is_file() else []
    told = [line for line in lines if line.partition("\t")[0] in {"model name", "flags", "Features", "CPU part"}]
    return "\n".join([platform.machine(), platform.processor(), *sorted(set(told))])
