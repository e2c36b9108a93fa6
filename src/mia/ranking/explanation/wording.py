"""Numbers as people write them in Russian and in English, with the form of the noun that goes with them."""

from mia.domain.offer import Language

GIGABYTE = 1024.0
FORMS = "|"


def plural(count: int, forms: list[str], language: Language) -> str:
    """The form that goes with a whole number: one, few, many in Russian, one and other in English.

    >>> [plural(count, ["минута", "минуты", "минут"], Language.RU) for count in (1, 2, 5, 11, 21, 112)]
    ['минута', 'минуты', 'минут', 'минут', 'минута', 'минут']
    >>> [plural(count, ["minute", "minutes"], Language.EN) for count in (0, 1, 21)]
    ['minutes', 'minute', 'minutes']
    """
    if language is Language.EN:
        return forms[0] if count == 1 else forms[1]
    if count % 100 in range(11, 15):
        return forms[2]
    return forms[0] if count % 10 == 1 else forms[1] if count % 10 in (2, 3, 4) else forms[2]


class Number(float):
    r"""A number of a text. In a template, `{x:one|few|many}` counts things, `{x}` is a whole number, and `{x:.1}` has
    one decimal where that is not 0.

    >>> f"{Number(17.96, Language.RU):.1} ГБ", f"{Number(4.25, Language.RU):.1} ГБ"
    ('18 ГБ', '4,2 ГБ')
    >>> f"{Number(1202.4, Language.RU):минута|минуты|минут}".replace("\N{NO-BREAK SPACE}", " ")
    '1 202 минуты'
    """

    language: Language

    def __new__(cls, value: float, language: Language) -> "Number":
        """A number in the words of a language."""
        found = super().__new__(cls, value)
        found.language = language
        return found

    def __format__(self, form: str) -> str:
        if FORMS in form:
            return f"{self:}\N{NO-BREAK SPACE}{plural(round(self), form.split(FORMS), self.language)}"
        text = format(float(self), ",.1f" if form == ".1" else ",.0f").removesuffix(".0")
        # Russian has a comma before decimals and a space between thousands.
        if self.language is Language.RU:
            return text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
        return text
