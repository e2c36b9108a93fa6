"""What the services need of the world outside, as Protocols that `mia.storage` implements."""

from mia.ports.engine import Engine, Session
from mia.ports.keys import ApiKey, Keys
from mia.ports.lake import Lake, LakeChange, LakeFile
from mia.ports.ledger import NO_BUDGETS, LearningLog, Ledger, Proposal
from mia.ports.profiles import ProfilePart, ProfileReader, ProfileStore
from mia.ports.registry import CARD, ChampionChange, ModelVersion, Registry
from mia.ports.study import Dimension, Study, Tried

__all__ = [
    "CARD",
    "NO_BUDGETS",
    "ApiKey",
    "ChampionChange",
    "Dimension",
    "Engine",
    "Keys",
    "Lake",
    "LakeChange",
    "LakeFile",
    "LearningLog",
    "Ledger",
    "ModelVersion",
    "ProfilePart",
    "ProfileReader",
    "ProfileStore",
    "Proposal",
    "Registry",
    "Session",
    "Study",
    "Tried",
]
