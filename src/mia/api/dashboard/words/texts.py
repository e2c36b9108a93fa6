"""Everything the dashboard says, by language and then by key."""

from collections.abc import Mapping

from mia.api.dashboard.words import english, russian
from mia.domain.offer import Language

Texts = Mapping[str, str]
TEXTS: Mapping[Language, Texts] = {Language.RU: russian.TEXTS, Language.EN: english.TEXTS}
