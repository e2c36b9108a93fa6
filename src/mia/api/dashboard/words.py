"""Texts and number formats of the dashboard, in Russian and English."""

from collections.abc import Mapping

from mia.domain.offer import Language
from mia.timeline import month_number
from mia.uptake.growth import UNKNOWN

_MONTHS = {
    Language.RU: [
        "январь",
        "февраль",
        "март",
        "апрель",
        "май",
        "июнь",
        "июль",
        "август",
        "сентябрь",
        "октябрь",
        "ноябрь",
        "декабрь",
    ],
    Language.EN: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
_MONTH_LETTERS = 3
_NO_BREAK, _MINUS = "\u00a0", "\u2212"
NUMBER_FORMAT = {
    Language.RU: {"decimal": ",", "thousands": _NO_BREAK, "grouping": [3], "currency": ["", ""]},
    Language.EN: {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""]},
}

_GROUPS_RU: Mapping[str, str] = {
    "Urals": "Урал",
    "South": "Юг",
    "North-West": "Северо-Запад",
    "Centre": "Центр",
    "Volga": "Поволжье",
    "Siberia": "Сибирь",
    "Far East": "Дальний Восток",
    "Kurgan": "Курган",
    "Orenburg": "Оренбург",
    "Chelyabinsk": "Челябинск",
    "Sverdlovsk": "Свердловская область",
    "Rostov": "Ростов",
    "Krasnodar": "Краснодар",
    "Saint Petersburg": "Санкт-Петербург",
    "Murmansk": "Мурманск",
    "Kaliningrad": "Калининград",
    "Moscow": "Москва",
    "Samara": "Самара",
    "Novosibirsk": "Новосибирск",
    "Vladivostok": "Владивосток",
    "app": "приложение",
    "web": "сайт",
    "chat": "чат",
    "whatsapp": "WhatsApp",
    "vk": "ВКонтакте",
    "call_centre": "контакт-центр",
    "assistant": "ассистент",
    "mia": "группа mia",
    "control": "группа control (контрольная)",
}
_GROUPS_EN: Mapping[str, str] = {
    "app": "app",
    "web": "web site",
    "vk": "VK",
    "whatsapp": "WhatsApp",
    "call_centre": "contact centre",
    "mia": "mia group",
    "control": "control group",
}
_GROUPS = {Language.RU: _GROUPS_RU, Language.EN: _GROUPS_EN}

TEXTS: Mapping[Language, Mapping[str, str]] = {
    Language.RU: {
        "title": "MIA · рост подключений",
        "tagline": "Персональные предложения: что подключили и как это растёт",
        "other_language": "English",
        "filters": "Что показать",
        "baseline": "Базовый месяц",
        "from": "С месяца",
        "to": "По месяц",
        "usual": "как обычно",
        "headline_region": "Заголовок",
        "by": "Разрез",
        "show": "Показать",
        "region": "регион",
        "macro_region": "макрорегион",
        "offer": "предложение",
        "channel": "канал",
        "arm": "группа эксперимента",
        "headline": "{region}: подключения предложений",
        "against": "к базовому месяцу:",
        "monthly_growth": "подключений за месяц",
        "cumulative_growth": "накопленных подключений",
        "new": "Подключений за месяц",
        "was": "в базовом месяце:",
        "no_headline": "{region}: к концу базового месяца подключений нет, рост посчитать не от чего.",
        "index": "Индекс",
        "index_note": "базовый месяц = 1",
        "complete": "месяц завершён",
        "settled": "последний завершённый месяц с событиями",
        "incomplete": "месяц не завершён, цифры ещё вырастут",
        "index_title": "Индекс накопленных подключений",
        "index_axis": "Индекс, базовый месяц = 1",
        "index_caption": "Накопленные подключения, делённые на накопленные к концу базового месяца. "
        "Пустой кружок: месяц не завершён.",
        "no_index": "В базовом месяце подключений не было. Выберите другой месяц.",
        "monthly_title": "Подключения по месяцам",
        "monthly_axis": "Подключений за месяц, шт.",
        "monthly_caption": "Каждое подключение считается один раз, в местном дне абонента. "
        "Бледный столбец: месяц не завершён.",
        "largest": "Показаны крупнейшие: {shown} из {all}.",
        "without_line": "Без линии: {count}, к концу базового месяца там не было подключений.",
        "arm_note": "Группа события — это группа его абонента. "
        "До первого решения MIA с обеими группами поступали одинаково.",
        "others": "прочие",
        "table_title": "Таблица",
        "table_caption": "Показы, переходы и подключения по месяцам, шт.; разрез: {by}; базовый месяц: {baseline}",
        "download": "Скачать CSV",
        "impressions": "Показы",
        "clicks": "Переходы",
        "connections": "Подключения",
        "disconnections": "Отключения",
        "cumulative": "Накоплено",
        "growth": "Рост, %",
        "yes": "завершён",
        "no": "идёт",
        "nothing": "Пока нет ни одного события",
        "nothing_note": "Как только каналы пришлют показы и подключения (POST /v1/events), здесь появятся цифры.",
        "model_card": "карточка модели {version}",
        "model_health": "модель в работе",
        "position": "Позиция журнала",
        "unknown_group": "(неизвестно)",
        "bad_request": "Так показать нельзя",
        "start_again": "Начать сначала",
        "sign_in": "Вход",
        "sign_out": "Выйти",
        "enter": "Войти",
        "key": "Ключ",
        "key_note": "Подойдёт ключ MIA с правом uptake или admin: его выдаёт mia keys create.",
        "key_refused": "Этот ключ не подходит: он неизвестен, отозван или не даёт права uptake.",
        "to_come": "События есть и позже: до месяца {month}. Выберите период, чтобы их увидеть.",
    },
    Language.EN: {
        "title": "MIA · growth of connections",
        "tagline": "Personal offers: what was connected, and how that grows",
        "other_language": "Русский",
        "filters": "What to show",
        "baseline": "Baseline month",
        "from": "From",
        "to": "To",
        "usual": "as usual",
        "headline_region": "Headline",
        "by": "Group by",
        "show": "Show",
        "region": "region",
        "macro_region": "macro-region",
        "offer": "offer",
        "channel": "channel",
        "arm": "experiment arm",
        "headline": "{region}: connections of offers",
        "against": "against the baseline month:",
        "monthly_growth": "connections in the month",
        "cumulative_growth": "cumulative connections",
        "new": "Connections in the month",
        "was": "at the baseline:",
        "no_headline": "{region}: no connections by the end of the baseline month, nothing to count growth from.",
        "index": "Index",
        "index_note": "baseline month = 1",
        "complete": "month complete",
        "settled": "the newest complete month with events",
        "incomplete": "month not complete, figures will still rise",
        "index_title": "Index of cumulative connections",
        "index_axis": "Index, baseline month = 1",
        "index_caption": "Cumulative connections divided by those at the end of the baseline month. "
        "A hollow dot: the month is not complete.",
        "no_index": "There were no connections by the end of the baseline month. Choose another one.",
        "monthly_title": "Connections by month",
        "monthly_axis": "Connections in the month",
        "monthly_caption": "Each connection counts once, on the subscriber's local day. "
        "A pale bar: the month is not complete.",
        "largest": "The largest are shown: {shown} of {all}.",
        "without_line": "Without a line: {count}, with no connection there by the end of the baseline month.",
        "arm_note": "The arm of an event is that of its subscriber. "
        "Before MIA's first decision both arms were treated alike.",
        "others": "others",
        "table_title": "Table",
        "table_caption": "Impressions, clicks and connections by month; by {by}; baseline month: {baseline}",
        "download": "Download CSV",
        "impressions": "Impressions",
        "clicks": "Clicks",
        "connections": "Connections",
        "disconnections": "Disconnections",
        "cumulative": "Cumulative",
        "growth": "Growth, %",
        "yes": "complete",
        "no": "running",
        "nothing": "No events yet",
        "nothing_note": "Figures appear as soon as channels send impressions and connections (POST /v1/events).",
        "model_card": "model card {version}",
        "model_health": "the model in operation",
        "position": "Ledger position",
        "unknown_group": UNKNOWN,
        "bad_request": "This cannot be shown",
        "start_again": "Start again",
        "sign_in": "Sign in",
        "sign_out": "Sign out",
        "enter": "Enter",
        "key": "Key",
        "key_note": "A key of MIA with the scope uptake or admin, made by mia keys create.",
        "key_refused": "This key does not fit: it is unknown, revoked, or lacks the scope uptake.",
        "to_come": "There are later events, up to {month}: choose the months to see them.",
    },
}


def month_name(text: str, language: Language) -> str:
    """A month `YYYY-MM` in words.

    >>> month_name("2021-01", Language.EN)
    'January 2021'
    """
    number = month_number(text)
    return f"{_MONTHS[language][number % 12]} {number // 12}"


def month_short(text: str, language: Language) -> str:
    """A month `YYYY-MM` in a few letters.

    >>> month_short("2021-01", Language.EN)
    'Jan 2021'
    """
    number = month_number(text)
    return f"{_MONTHS[language][number % 12][:_MONTH_LETTERS]} {number // 12}"


def number_text(value: float | None, language: Language, decimals: int = 0, *, signed: bool = False) -> str:
    """A number the way its readers write it; an em dash where there is none.

    >>> number_text(-1234.5, Language.EN, 1)
    '−1,234.5'
    """
    if value is None:
        return "—"
    digits = f"{abs(value):,.{decimals}f}"
    if language is Language.RU:
        digits = digits.replace(",", _NO_BREAK).replace(".", ",")
    sign = _MINUS if value < 0 else "+" if signed and value > 0 else ""
    return sign + digits


def group_name(group: str | None, language: Language) -> str:
    """Name of a region, channel or arm; what has no translation stands for itself."""
    if group is None:
        return TEXTS[language]["unknown_group"]
    return _GROUPS[language].get(group, group)
