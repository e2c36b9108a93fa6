"""Policies in the lake: the text of one file a version, and a note of which one is in force."""

from pathlib import Path

from mia.domain.policy import Policy
from mia.offers.policy import default_policy, default_text
from mia.ports import Lake, LakeChange

POLICY = "policy"


def policy_version(lake: Lake) -> str:
    """Version of the policy in force: the default one where none was ever set."""
    return lake.noted(POLICY) or default_policy().version


def load_policy_text(lake: Lake, version: str | None = None) -> str | None:
    """The file of a version as it was given, of the one in force unless named; None when there is none such."""
    wanted = version or policy_version(lake)
    for file, path in zip(lake.files(POLICY), lake.paths(POLICY), strict=True):
        if file.load == wanted:
            return Path(path).read_text("utf-8")
    return default_text() if wanted == default_policy().version else None


def store_policy(lake: Lake, change: LakeChange, policy: Policy, text: str) -> None:
    """Put a policy in force, and keep its text unless the lake holds that version already."""
    if all(file.load != policy.version for file in lake.files(POLICY)):
        path = change.folder() / f"policy-{policy.version}.yaml"
        path.write_text(text, "utf-8")
        change.add(POLICY, path, rows=1, load=policy.version)
    change.note(POLICY, policy.version)


def keep_policy(lake: Lake, change: LakeChange) -> None:
    """Keep the default policy in a lake that has none yet, so that a newer default changes nothing behind its back."""
    if lake.noted(POLICY) is None:
        store_policy(lake, change, default_policy(), default_text())
