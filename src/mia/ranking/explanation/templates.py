"""What can be said to a subscriber, in both languages, and the model columns that each text stands for."""

from dataclasses import dataclass

from mia.domain.offer import Text
from mia.ranking.explanation import facts, subjects
from mia.ranking.explanation.facts import Fact
from mia.ranking.explanation.subjects import Subject
from mia.ranking.explanation.wording import GIGABYTE


@dataclass(frozen=True, slots=True)
class Template:
    """What to say of a fact: `columns` are the model columns that stand for it, `told` gives the numbers of the text,
    or None where it does not hold, and `subject` says which offers it may be said of.
    """

    code: str
    columns: tuple[str, ...]
    text: Text
    told: Fact
    subject: Subject = subjects.anything


APPLICATIONS = {
    "video": Text("видео", "video"),
    "social": Text("соцсети", "social networks"),
    "music": Text("музыку", "music"),
    "games": Text("игры", "games"),
    "maps": Text("карты", "maps"),
    "messenger": Text("мессенджеры", "messengers"),
    "news": Text("новости", "news"),
    "work": Text("работу", "work"),
}
LEAST_SHARE = 0.8
POPULAR_IN_REGION = facts.above("offer_region_rate", "offer_rate", 0.03)

PACKAGE = (
    Template(
        "data_above_tariff",
        ("data_used_share", "data_need_above", "data_package_used_share_30d", "data_package_above_30d"),
        Text("За месяц вы израсходовали {used:.1} ГБ из {of:.1}", "You used {used:.1} of {of:.1} GB in a month"),
        facts.used_of("data_mb_30d", "tariff_data_mb", LEAST_SHARE, GIGABYTE),
        subjects.gives("data_mb"),
    ),
    Template(
        "voice_above_tariff",
        ("voice_used_share", "voice_need_above", "voice_package_used_share_30d", "voice_package_above_30d"),
        Text(
            "За месяц вы проговорили {used:минуту|минуты|минут} из {of}",
            "You called for {used} of {of:minute|minutes} in a month",
        ),
        facts.used_of("voice_out_minutes_30d", "tariff_voice_minutes", LEAST_SHARE),
        subjects.gives("voice_minutes"),
    ),
    Template(
        "sms_above_tariff",
        ("sms_used_share", "sms_need_above", "sms_package_used_share_30d", "sms_package_above_30d"),
        Text(
            "За месяц вы отправили {used:сообщение|сообщения|сообщений} из {of}",
            "You sent {used} of {of:message|messages} in a month",
        ),
        facts.used_of("sms_out_count_30d", "tariff_sms", LEAST_SHARE),
        subjects.gives("sms_count"),
    ),
    Template(
        "package_runs_out",
        ("data_package_lasts_7d",),
        Text(
            "С расходом последней недели пакета интернета хватает на {value:день|дня|дней}",
            "At last week's pace, your data package lasts {value:day|days}",
        ),
        facts.profile("data_package_lasts_7d", 1.0, 25.0),
        subjects.gives("data_mb"),
    ),
    Template(
        "paid_beyond_package",
        ("over_package_charge_30d",),
        Text("За месяц вам приходилось доплачивать сверх пакета", "You paid beyond your package in the last month"),
        facts.profile("over_package_charge_30d", 1.0),
        subjects.package,
    ),
)

USAGE = (
    Template(
        "heavy_data",
        (
            "data_mb_30d",
            "data_mb_90d",
            "data_mb_7d",
            "data_use_to_offer",
            "data_mb_per_active_day_30d",
            "data_sessions_30d",
        ),
        Text("За месяц вы израсходовали {value:.1} ГБ", "You used {value:.1} GB in a month"),
        facts.profile("data_mb_30d", 2.0, scale=GIGABYTE),
        subjects.gives("data_mb"),
    ),
    Template(
        "heavy_voice",
        (
            "voice_minutes_30d",
            "voice_out_minutes_30d",
            "voice_out_minutes_90d",
            "voice_minutes_90d",
            "voice_use_to_offer",
        ),
        Text(
            "За месяц — {value:минута|минуты|минут} исходящих звонков",
            "{value:minute|minutes} of outgoing calls in a month",
        ),
        facts.profile("voice_out_minutes_30d", 100.0),
        subjects.gives("voice_minutes"),
    ),
    Template(
        "data_grows",
        ("data_trend_30d",),
        Text(
            "За последнюю неделю вы тратили на {more} % больше интернета, чем в среднем за месяц",
            "Last week you used {more} % more data than in an average week of the month",
        ),
        facts.grown("data_trend_30d", 1.2),
        subjects.gives("data_mb"),
    ),
    Template(
        "night_data",
        ("data_night_share_30d",),
        Text("Ночью вы тратите {share} % своего интернета", "{share} % of your data is used at night"),
        facts.percent("data_night_share_30d", 0.15),
        subjects.tagged("night", "data_night"),
    ),
    *(
        Template(
            f"data_for_{name}",
            (f"data_mb_{name}_30d",),
            Text(
                f"За месяц вы потратили {{value:.1}} ГБ на {words.ru}",
                f"You used {{value:.1}} GB on {words.en} in a month",
            ),
            facts.profile(f"data_mb_{name}_30d", 1.0, scale=GIGABYTE),
            subjects.tagged(name),
        )
        for name, words in APPLICATIONS.items()
    ),
    Template(
        "roaming",
        ("roaming_data_mb_30d", "roaming_data_mb_90d", "roaming_data_mb_7d", "data_roaming_share_30d"),
        Text("В поездках за три месяца вы потратили {value} МБ", "{value} MB used on trips in three months"),
        facts.profile("roaming_data_mb_90d", 50.0),
        subjects.tagged("travel", "roaming"),
    ),
    Template(
        "roaming_calls",
        ("roaming_voice_minutes_30d", "roaming_voice_minutes_90d", "roaming_voice_minutes_7d"),
        Text(
            "В поездках за три месяца вы проговорили {value:минуту|минуты|минут}",
            "{value:minute|minutes} of calls on trips in three months",
        ),
        facts.profile("roaming_voice_minutes_90d", 10.0),
        subjects.tagged("travel", "roaming"),
    ),
    Template(
        "abroad",
        ("abroad_data_mb_30d", "abroad_voice_minutes_30d"),
        Text("За границей за месяц вы потратили {value} МБ", "{value} MB used abroad in a month"),
        facts.profile("abroad_data_mb_30d", 20.0),
        subjects.tagged("travel", "roaming"),
    ),
)

TASTE = (
    Template(
        "uses_category",
        (
            "tag_records_30d",
            "tag_records_90d",
            "tag_records_365d",
            "tag_fresh",
            "tag_share",
            "tag_days_365d",
            "tag_charge_365d",
        ),
        Text(
            "Вы часто этим пользуетесь: {value:раз|раза|раз} за месяц",
            "You use this often: {value:time|times} in a month",
        ),
        facts.pair("tag_records_30d", 5.0),
    ),
    Template(
        "uses_item",
        ("item_records_30d", "item_records_90d", "item_records_365d", "item_fresh", "item_share", "item_days_365d"),
        Text(
            "Вы уже выбирали это: {value:раз|раза|раз} за три месяца",
            "You chose this before: {value:time|times} in three months",
        ),
        facts.pair("item_records_90d", 2.0),
    ),
    Template(
        "likes_discounts",
        ("discounted_records_30d", "discounted_records_90d", "discounted_share_90d", "discount_sum_90d"),
        Text(
            "За три месяца вы {value:раз|раза|раз} воспользовались скидкой",
            "You used a discount {value:time|times} in three months",
        ),
        facts.profile("discounted_records_90d", 3.0),
        subjects.discounted,
    ),
    Template(
        "liked_category",
        ("prior_category_connections", "subscriber_category_rate"),
        Text("Вы уже подключали похожие предложения", "You connected similar offers before"),
        facts.pair("prior_category_connections", 1.0),
    ),
    Template(
        "popular_in_region",
        ("offer_region_rate", "offer_rate", "category_rate"),
        Text("Часто подключают в вашем регионе", "Often connected in your region"),
        POPULAR_IN_REGION,
    ),
    Template(
        "popular",
        ("offer_region_rate", "offer_rate", "category_rate"),
        Text("Часто подключают", "Often connected"),
        facts.unless(POPULAR_IN_REGION, facts.above("offer_rate", "category_rate", 0.03)),
    ),
)

TEMPLATES: tuple[Template, ...] = (*PACKAGE, *USAGE, *TASTE)
