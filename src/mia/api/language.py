"""The language of an answer."""

from mia.domain.offer import Language

_SPOKEN = frozenset(language.value for language in Language)


def preferred_language(accept: str | None, default: Language = Language.RU) -> Language:
    """The language that an `Accept-Language` header likes best (RFC 9110, 12.5.4).

    A tag counts by its first subtag, `*` stands for the default, ties go to the tag named first, a range of
    weight 0 or one that cannot be read is passed over.

    >>> preferred_language("de, en-GB;q=0.8, ru;q=0.5").value
    'en'
    >>> preferred_language("de").value
    'ru'
    """
    best, best_weight = default, 0.0
    for part in (accept or "").split(","):
        tag, _, parameters = part.partition(";")
        name = tag.strip().lower().partition("-")[0]
        if name == "*":
            name = default.value
        weight = _weight(parameters)
        if name in _SPOKEN and weight > best_weight:
            best, best_weight = Language(name), weight
    return best


def _weight(parameters: str) -> float:
    """Weight of a language range in [0, 1]; 1 when none is given, 0 when it cannot be read."""
    name, _, text = parameters.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if name.strip() == "q" and 0.0 <= weight <= 1.0 else 0.0
