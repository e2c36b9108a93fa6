"""The features of a profile in SQL written by hand for DuckDB: the peer that `make bench-profiles` measures against.

Two stages, days then subscribers, straight from usage files, with plain sums: nothing is kept, nothing is exact.
"""

APPS = ("video", "social", "music", "games", "maps", "messenger", "news", "work")
WINDOWS = (7, 30, 90)


def features_sql(usage: str, people: str, as_of: int) -> str:
    """One query for all features of everyone as of a day number; `usage` and `people` are SQL of the sources."""
    return f"""
WITH days AS (
    SELECT subscriber_id, kind, {as_of} - local_day AS age, local_day,
        count(*)::DOUBLE AS n, sum(quantity) AS q, sum(charge) AS c, sum(discount) AS off,
        count(*) FILTER (discount > 0) AS n_off,
        count(*) FILTER (direction = 'out') AS n_out, sum(quantity) FILTER (direction = 'out') AS q_out,
        sum(quantity) FILTER (on_net) AS q_net,
        sum(quantity) FILTER (roaming <> 'home') AS q_away,
        sum(quantity) FILTER (roaming = 'international') AS q_abroad,
        sum(quantity) FILTER (local_hour >= 22 OR local_hour < 6) AS q_night,
        sum(quantity) FILTER (local_hour BETWEEN 9 AND 17) AS q_work,
        sum(charge) FILTER (coalesce(roaming, 'home') = 'home') AS c_home,
        {", ".join(f"count(*) FILTER (local_hour // 3 = {part}) AS p{part}" for part in range(8))}
    FROM {usage} WHERE local_day BETWEEN {as_of} - 90 AND {as_of} - 1
    GROUP BY subscriber_id, kind, local_day
),
kinds AS (
    SELECT subscriber_id, kind,
        {
        ", ".join(
            f"sum({of}) FILTER (age <= {n}) AS {of}_{n}"
            for of in ("n", "q", "c", "q_out", "q_away", "n_off", "off")
            for n in WINDOWS
        )
    },
        {
        ", ".join(
            f"sum({of}) FILTER (age <= 30) AS {of}_30"
            for of in ("n_out", "q_net", "q_abroad", "q_night", "q_work", "c_home", *(f"p{part}" for part in range(8)))
        )
    },
        sum(q) FILTER (age <= 30 AND (local_day + 3) % 7 >= 5) AS q_weekend_30,
        sum(round(q / CASE kind WHEN 'data' THEN 65536 ELSE 1 END)) FILTER (age <= 30) AS steps_30,
        sum(round(q / CASE kind WHEN 'data' THEN 65536 ELSE 1 END) ** 2) FILTER (age <= 30) AS squares_30,
        sum(q * age) AS ramp,
        sum(n) FILTER (day(DATE '1970-01-01' + local_day::INTEGER) IN (5, 10, 20, 25)) AS n_pay,
        min(age) AS newest, max(age) AS oldest, count(*) AS seen, arg_min(c, age) AS c_last,
        bit_or(CASE WHEN age <= 45 THEN 1::BIGINT << (age - 1)::BIGINT ELSE 0 END) AS recent,
        bit_or(CASE WHEN age > 45 THEN 1::BIGINT << (age - 46)::BIGINT ELSE 0 END) AS older
    FROM days GROUP BY subscriber_id, kind
),
wide AS (
    SELECT subscriber_id,
        {", ".join(_totals())}
    FROM kinds GROUP BY subscriber_id
),
categories AS (
    SELECT subscriber_id, category, count(*)::DOUBLE AS n,
        sum(quantity) FILTER (kind = 'data') / 1048576 AS mb
    FROM (SELECT subscriber_id, kind, quantity, trim(unnest(string_split(category, ';'))) AS category
          FROM {usage} WHERE local_day BETWEEN {as_of} - 30 AND {as_of} - 1 AND category IS NOT NULL)
    GROUP BY ALL
),
tallies AS (
    SELECT subscriber_id, sum(n) AS cat_n, sum(n * ln(n)) AS cat_logs, max(n) AS cat_top, count(*)::DOUBLE AS cats,
        {", ".join(f"sum(mb) FILTER (category = '{app}') AS mb_{app}" for app in APPS)}
    FROM categories GROUP BY subscriber_id
)
SELECT people.subscriber_id, {", ".join(f"{sql} AS {name}" for name, sql in _columns(as_of).items())}
FROM {people} AS people LEFT JOIN wide USING (subscriber_id) LEFT JOIN tallies USING (subscriber_id)
"""


def key_sums_sql(usage: str, as_of: int) -> str:
    """One query for what everyone used: records in 30, 90 and 365 days, days and charge, and the fresh weight."""
    return f"""
WITH keyed AS (
    SELECT subscriber_id, {as_of} - local_day AS age, charge,
        'category:' || trim(unnest(string_split(category, ';'))) AS key
    FROM {usage} WHERE category IS NOT NULL AND local_day BETWEEN {as_of} - 365 AND {as_of} - 1
    UNION ALL
    SELECT subscriber_id, {as_of} - local_day, charge, 'item:' || item
    FROM {usage} WHERE item IS NOT NULL AND local_day BETWEEN {as_of} - 365 AND {as_of} - 1
    UNION ALL
    SELECT subscriber_id, {as_of} - local_day, charge, 'discount:' || kind
    FROM {usage} WHERE discount > 0 AND kind NOT IN ('fee', 'top_up')
        AND local_day BETWEEN {as_of} - 365 AND {as_of} - 1
)
SELECT subscriber_id, key, count(*) FILTER (age <= 30)::DOUBLE AS records_30d,
    count(*) FILTER (age <= 90)::DOUBLE AS records_90d, count(*)::DOUBLE AS records_365d,
    count(DISTINCT age)::DOUBLE AS days_365d, sum(charge) AS charge_365d,
    sum(greatest(121 - age, 0)) / 120.0 AS fresh
FROM keyed GROUP BY subscriber_id, key
"""


def _of(kind: str, column: str, scale: str = "1") -> str:
    return f"coalesce(sum({column}) FILTER (kind = '{kind}'), 0) / {scale}"


def _but(column: str, *kinds: str) -> str:
    return f"coalesce(sum({column}) FILTER (kind NOT IN ({', '.join(repr(kind) for kind in kinds)})), 0)"


def _totals() -> list[str]:
    idle = ("fee", "top_up")
    found = {}
    for n in WINDOWS:
        found |= {
            f"voice_minutes_{n}d": _of("voice", f"q_{n}", "60"),
            f"voice_out_minutes_{n}d": _of("voice", f"q_out_{n}", "60"),
            f"voice_calls_{n}d": _of("voice", f"n_{n}"),
            f"sms_count_{n}d": _of("sms", f"q_{n}"),
            f"data_mb_{n}d": _of("data", f"q_{n}", "1048576"),
            f"data_sessions_{n}d": _of("data", f"n_{n}"),
            f"content_count_{n}d": _of("content", f"q_{n}"),
            f"roaming_data_mb_{n}d": _of("data", f"q_away_{n}", "1048576"),
            f"roaming_voice_minutes_{n}d": _of("voice", f"q_away_{n}", "60"),
            f"active_records_{n}d": _but(f"n_{n}", *idle),
            f"charge_sum_{n}d": _but(f"c_{n}", "top_up"),
            f"traffic_charge_{n}d": f"coalesce(sum(c_{n}) FILTER (kind IN ('voice', 'sms', 'data')), 0)",
            f"content_charge_{n}d": _of("content", f"c_{n}"),
            f"discounted_records_{n}d": _but(f"n_off_{n}", *idle),
            f"discount_sum_{n}d": f"coalesce(sum(off_{n}), 0)",
            f"top_up_sum_{n}d": _of("top_up", f"c_{n}"),
            f"top_up_count_{n}d": _of("top_up", f"n_{n}"),
        }
    for n in (30, 90):
        found[f"fee_charge_{n}d"] = _of("fee", f"c_{n}")
    for kind in ("voice", "sms", "data"):
        found[f"{kind}_charge_30d"] = _of(kind, "c_30")
    for kind, scale in (("data", "1048576"), ("voice", "60")):
        for when in ("night", "weekend", "work"):
            found[f"{kind}_{when}"] = _of(kind, f"q_{when}_30", scale)
        found[f"{kind}_steps"], found[f"{kind}_squares"] = _of(kind, "steps_30"), _of(kind, "squares_30")
        found[f"{kind}_ramp"] = _of(kind, "ramp", scale)
        found[f"{kind}_days_30d"] = f"coalesce(bit_count(max(recent) FILTER (kind = '{kind}') & 1073741823), 0)::DOUBLE"
    found |= {
        "voice_out_calls_30d": _of("voice", "n_out_30"),
        "voice_on_net_minutes_30d": _of("voice", "q_net_30", "60"),
        "sms_out_count_30d": _of("sms", "q_out_30"),
        "abroad_data_mb_30d": _of("data", "q_abroad_30", "1048576"),
        "abroad_voice_minutes_30d": _of("voice", "q_abroad_30", "60"),
        "over_package_charge_30d": "coalesce(sum(c_home_30) FILTER (kind IN ('voice', 'sms', 'data')), 0)",
        "kind_logs": "coalesce(sum(n_30 * ln(n_30)) FILTER (kind NOT IN ('fee', 'top_up')), 0)",
        "paid_n": _of("top_up", "n_pay"),
        "paid_last": "max(c_last) FILTER (kind = 'top_up')",
        "paid_newest": "max(newest) FILTER (kind = 'top_up')",
        "paid_oldest": "max(oldest) FILTER (kind = 'top_up')",
        "paid_days": "max(seen) FILTER (kind = 'top_up')",
        "recent": "coalesce(bit_or(recent) FILTER (kind NOT IN ('fee', 'top_up')), 0)",
        "older": "coalesce(bit_or(older) FILTER (kind NOT IN ('fee', 'top_up')), 0)",
        "newest_active": "min(newest) FILTER (kind NOT IN ('fee', 'top_up'))",
        **{f"newest_{kind}": f"max(newest) FILTER (kind = '{kind}')" for kind in ("voice", "sms", "data", "content")},
        **{f"part_{part}": _but(f"p{part}_30", *idle) for part in range(8)},
    }
    return [f"{sql} AS {name}" for name, sql in found.items()]


def _columns(as_of: int) -> dict[str, str]:
    plain = [
        name for name in (sql.rpartition(" AS ")[2] for sql in _totals()) if name.endswith("d") and name[-2].isdigit()
    ]
    found = {name: f"coalesce({name}, 0)" for name in plain}
    recent, older = "coalesce(recent, 0)", "coalesce(older, 0)"
    for n in (7, 30):
        found[f"active_days_{n}d"] = f"bit_count({recent} & {2**n - 1})::DOUBLE"
    found["active_days_90d"] = f"(bit_count({recent}) + bit_count({older}))::DOUBLE"
    found |= {f"data_mb_{app}_30d": f"coalesce(mb_{app}, 0)" for app in APPS}
    for kind, whole in (("data", "data_mb_30d"), ("voice", "voice_minutes_30d")):
        for when in ("night", "weekend", "work"):
            found[f"{kind}_{when}_share_30d"] = f"{kind}_{when} / nullif({whole}, 0)"
        mean = f"({kind}_steps / 30)"
        found[f"{kind}_daily_cv_30d"] = f"sqrt(greatest({kind}_squares / 30 - {mean} * {mean}, 0)) / nullif({mean}, 0)"
        found[f"{kind}_slope_90d"] = (
            f"(45.5 * coalesce({whole.replace('30', '90')}, 0) - coalesce({kind}_ramp, 0)) / 60742.5 * 7"
        )
    hours = " + ".join(f"part_{part}" for part in range(8))
    logs = " + ".join(f"CASE WHEN part_{part} > 0 THEN part_{part} * ln(part_{part}) ELSE 0 END" for part in range(8))
    found |= {
        "voice_on_net_share_30d": "voice_on_net_minutes_30d / nullif(voice_minutes_30d, 0)",
        "voice_out_share_30d": "voice_out_minutes_30d / nullif(voice_minutes_30d, 0)",
        "data_roaming_share_30d": "roaming_data_mb_30d / nullif(data_mb_30d, 0)",
        "data_mb_per_active_day_30d": f"data_mb_30d / nullif(bit_count({recent} & 1073741823), 0)",
        "categories_30d": "coalesce(cats, 0)",
        "top_category_share_30d": "cat_top / nullif(cat_n, 0)",
        "category_entropy_30d": "greatest(ln(cat_n) - cat_logs / cat_n, 0) + cat_n * 0",
        "kind_entropy_30d": "greatest(ln(nullif(active_records_30d, 0)) - kind_logs / nullif(active_records_30d, 0), 0)"
        " + nullif(active_records_30d, 0) * 0",
        "hour_entropy_30d": f"greatest(ln(nullif({hours}, 0)) - ({logs}) / nullif({hours}, 0), 0)"
        f" + nullif({hours}, 0) * 0",
        "longest_silence_90d": "list_max(list_transform(string_split("
        f"lpad(bin({older}), 45, '0') || lpad(bin({recent}), 45, '0'), '1'), lambda part: length(part)))::DOUBLE",
        "days_since_top_up": "paid_newest::DOUBLE",
        "days_since_active": "newest_active::DOUBLE",
        **{f"days_since_{kind}": f"newest_{kind}::DOUBLE" for kind in ("voice", "sms", "data", "content")},
        "discounted_share_90d": "discounted_records_90d / nullif(active_records_90d, 0)",
        "charge_per_active_day_30d": f"charge_sum_30d / nullif(bit_count({recent} & 1073741823), 0)",
        "content_charge_share_90d": "content_charge_90d / nullif(charge_sum_90d, 0)",
        "revenue_per_month_90d": "coalesce(charge_sum_90d, 0) / 3",
        "top_up_mean_90d": "top_up_sum_90d / nullif(top_up_count_90d, 0)",
        "top_up_pay_day_share_90d": "paid_n / nullif(top_up_count_90d, 0)",
        "last_top_up_90d": "paid_last",
        "days_between_top_ups_90d": "(paid_oldest - paid_newest) / nullif(paid_days - 1, 0)::DOUBLE",
        "tenure_days": f"greatest({as_of} - (activated_on - DATE '1970-01-01'), 0)::DOUBLE",
    }
    for name, column, short, long in (
        ("data_trend_30d", "data_mb", 7, 30),
        ("voice_trend_30d", "voice_minutes", 7, 30),
        ("sms_trend_30d", "sms_count", 7, 30),
        ("charge_trend_30d", "charge_sum", 7, 30),
        ("data_trend_90d", "data_mb", 30, 90),
        ("voice_trend_90d", "voice_minutes", 30, 90),
        ("charge_trend_90d", "charge_sum", 30, 90),
        ("top_up_trend_90d", "top_up_sum", 30, 90),
    ):
        found[name] = f"({column}_{short}d / {short}) / nullif({column}_{long}d / {long}, 0)"
    for kind, used, allowance in (
        ("data", "data_mb", "tariff_data_mb"),
        ("voice", "voice_out_minutes", "tariff_voice_minutes"),
        ("sms", "sms_out_count", "tariff_sms"),
    ):
        spent = f"coalesce({used}_30d, 0)"
        found[f"{kind}_package_used_share_30d"] = f"{spent} / nullif({allowance}, 0)"
        found[f"{kind}_package_left_30d"] = f"greatest({allowance} - {spent}, 0) + {allowance} * 0"
        found[f"{kind}_package_above_30d"] = f"greatest({spent} - {allowance}, 0) + {allowance} * 0"
        if kind != "sms":
            found[f"{kind}_package_lasts_7d"] = f"{allowance} / nullif({used}_7d / 7, 0)"
    return found
