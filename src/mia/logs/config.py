"""How the standard library's logging is set up for a server."""

from typing import Any


def log_config(form: str, level: str, *, access: bool = True) -> dict[str, Any]:
    """A `logging.config.dictConfig` for a server: `form` is `json` or `text`, `level` the least that is told, and with
    `access` every request is a line.

    Uvicorn's own access log stays silent: it would tell whole addresses, queries and all.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"discretion": {"()": "mia.logs.Discretion"}},
        "formatters": {"lines": {"()": "mia.logs.JsonLines" if form == "json" else "mia.logs.TextLines"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "lines",
                "filters": ["discretion"],
            }
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "mia": {"level": level.upper()},
            "mia.access": {"level": "INFO" if access else "CRITICAL"},
            "uvicorn": {"level": "INFO", "handlers": [], "propagate": True},
            "uvicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
            "uvicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }
