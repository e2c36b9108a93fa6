"""Names of regions, channels, arms and categories."""

from collections.abc import Mapping

from mia.api.dashboard.words.texts import TEXTS
from mia.domain.offer import Language

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
_CATEGORIES_RU: Mapping[str, str] = {
    "books": "книги",
    "cloud": "облако",
    "data_night": "ночной интернет",
    "data_pack": "пакет интернета",
    "device_instalment": "устройство в рассрочку",
    "device_trade_in": "обмен устройства",
    "digital_guide": "цифровой помощник",
    "exchange_data_to_minutes": "обмен ГБ на минуты",
    "exchange_minutes_to_data": "обмен минут на ГБ",
    "family": "семья",
    "films": "кино",
    "games": "игры",
    "gift": "подарок",
    "insurance": "страховка",
    "international_calls": "звонки за границу",
    "loyalty_bonus": "бонус за верность",
    "music": "музыка",
    "partner_grocery": "партнёр: продукты",
    "partner_pharmacy": "партнёр: аптека",
    "partner_taxi": "партнёр: такси",
    "recycling_promo_code": "промокод за утилизацию",
    "roaming_international": "роуминг за границей",
    "roaming_national": "роуминг по стране",
    "security": "безопасность",
    "sell_data": "продажа трафика",
    "service_fee_discount": "скидка на абонплату",
    "smart_home": "умный дом",
    "sms_pack": "пакет SMS",
    "tariff_down": "тариф дешевле",
    "tariff_up": "тариф дороже",
    "unlimited_app": "безлимит на приложение",
    "voice_pack": "пакет минут",
    "work_tools": "для работы",
    "data": "интернет",
    "roaming": "роуминг",
}
_CATEGORIES_EN: Mapping[str, str] = {
    "data_night": "night data",
    "data_pack": "data pack",
    "device_instalment": "device by instalments",
    "device_trade_in": "device trade-in",
    "digital_guide": "digital guide",
    "exchange_data_to_minutes": "data into minutes",
    "exchange_minutes_to_data": "minutes into data",
    "international_calls": "international calls",
    "loyalty_bonus": "loyalty bonus",
    "partner_grocery": "partner: grocery",
    "partner_pharmacy": "partner: pharmacy",
    "partner_taxi": "partner: taxi",
    "recycling_promo_code": "recycling promo code",
    "roaming_international": "roaming abroad",
    "roaming_national": "national roaming",
    "sell_data": "selling data",
    "service_fee_discount": "discount on the fee",
    "smart_home": "smart home",
    "sms_pack": "SMS pack",
    "tariff_down": "cheaper tariff",
    "tariff_up": "larger tariff",
    "unlimited_app": "unlimited app",
    "voice_pack": "minutes pack",
    "work_tools": "work tools",
}
_GROUPS = {Language.RU: {**_CATEGORIES_RU, **_GROUPS_RU}, Language.EN: {**_CATEGORIES_EN, **_GROUPS_EN}}


def group_name(group: str | None, language: Language) -> str:
    """Name of a region, channel, arm or category; what has no translation stands for itself."""
    if group is None:
        return TEXTS[language]["unknown_group"]
    return _GROUPS[language].get(group, group)
