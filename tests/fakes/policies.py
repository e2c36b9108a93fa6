"""Policies made by hand: the default one with some sections changed."""

from pathlib import Path
from typing import Any

import yaml

from mia.bootstrap import Workspace
from mia.domain.policy import Policy
from mia.offers.policy import build_policy, default_text


def content(**sections: Any) -> dict[str, Any]:
    """The default policy as plain values; a mapping given changes fields of its section, anything else replaces it."""
    found = yaml.safe_load(default_text())
    for name, given in sections.items():
        found[name] = found[name] | given if isinstance(given, dict) else given
    return found


def a_policy(**sections: Any) -> Policy:
    return build_policy(content(**sections), file="policy.yaml")


def put_policy(opened: Workspace, folder: Path, **sections: Any) -> Policy:
    """Put a policy in force."""
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(content(**sections)), "utf-8")
    return opened.set_policy(path)
