"""Promote: the gate, who is champion, and the way back."""

from mia.services.promote.card import EVALUATION, VERDICT, read_card, write_card
from mia.services.promote.promoter import Promoted, Promoter
from mia.services.promote.rollback import roll_back
from mia.services.promote.trial import rehearse

__all__ = ["EVALUATION", "VERDICT", "Promoted", "Promoter", "read_card", "rehearse", "roll_back", "write_card"]
