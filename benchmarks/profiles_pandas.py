"""The same features in pandas, as a careful analyst would write them: the second peer of `make bench-profiles`.

Days first, then subscribers, with categorical keys and plain sums; everything is held in memory at once.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from profiles_sql import APPS, WINDOWS

IDLE = ("fee", "top_up")
KINDS = ("voice", "sms", "data", "content", "fee", "top_up")
MEBIBYTE = 2.0**20
READ = ["subscriber_id", "local_day", "local_hour", "kind", "quantity", "charge", "direction", "on_net", "roaming"]
READ += ["discount", "category"]
LONG = ("n", "q", "c", "q_out", "q_away", "n_off", "off")
SHORT = ("n_out", "q_net", "q_abroad", "q_night", "q_work", "q_weekend", "c_home", "steps", "squares")
PARTS = tuple(f"p{part}" for part in range(8))


def features_pandas(usage: Sequence[str], people: str, as_of: int) -> pd.DataFrame:
    """All features of everyone as of a day number, by subscriber_id, from parquet files."""
    everyone = pd.read_parquet(people).set_index("subscriber_id")
    records = pd.concat([pd.read_parquet(path, columns=READ) for path in usage], ignore_index=True)
    records["age"] = as_of - records["local_day"]
    records = records[records["age"].between(1, 90)]
    for name in ("subscriber_id", "kind"):
        records[name] = records[name].astype("category")
    days = _days(records)
    found = _totals(days) | _habits(days) | _categories(records[records["age"] <= 30])
    wide = pd.DataFrame(found).reindex(everyone.index)
    wide[_zeros(wide)] = wide[_zeros(wide)].fillna(0.0)
    return _derived(wide, everyone, as_of)


def _days(records: pd.DataFrame) -> pd.DataFrame:
    quantity, charge = records["quantity"], records["charge"]
    out, hour = records["direction"].eq("out"), records["local_hour"]
    away = records["roaming"].fillna("home")
    records = records.assign(
        n=1.0,
        q=quantity,
        c=charge,
        off=records["discount"].fillna(0.0),
        n_off=records["discount"].gt(0).astype(float),
        n_out=out.astype(float),
        q_out=quantity.where(out, 0.0),
        q_net=quantity.where(records["on_net"].fillna(value=False).astype(bool), 0.0),
        q_away=quantity.where(away.ne("home"), 0.0),
        q_abroad=quantity.where(away.eq("international"), 0.0),
        q_night=quantity.where((hour >= 22) | (hour < 6), 0.0),
        q_work=quantity.where(hour.between(9, 17), 0.0),
        c_home=charge.where(away.eq("home"), 0.0),
        **{f"p{part}": (hour // 3 == part).astype(float) for part in range(8)},
    )
    names = [*LONG, *(name for name in SHORT if name not in ("q_weekend", "steps", "squares")), *PARTS]
    days = records.groupby(["subscriber_id", "kind", "age", "local_day"], observed=True)[names].sum().reset_index()
    size = np.where(days["kind"].eq("data"), 65_536.0, 1.0)
    # Halves go up; pandas would take them to the even number.
    days["steps"] = np.floor(days["q"] / size + 0.5)
    days["squares"] = days["steps"] ** 2
    days["q_weekend"] = days["q"].where((days["local_day"] + 3) % 7 >= 5, 0.0)
    return days


def _totals(days: pd.DataFrame) -> dict[str, pd.Series]:
    sums = {}
    for window in WINDOWS:
        names = [*LONG, *SHORT, *PARTS] if window == 30 else list(LONG)
        inside = days[days["age"] <= window]
        sums[window] = inside.groupby(["subscriber_id", "kind"], observed=True)[names].sum().unstack("kind", 0.0)

    def of(name: str, window: int, *kinds: str) -> pd.Series:
        return sum((sums[window][(name, kind)] for kind in kinds if (name, kind) in sums[window]), start=0.0)

    def but(name: str, window: int, *kinds: str) -> pd.Series:
        return of(name, window, *(kind for kind in KINDS if kind not in kinds))

    found = {}
    for n in WINDOWS:
        found |= {
            f"voice_minutes_{n}d": of("q", n, "voice") / 60,
            f"voice_out_minutes_{n}d": of("q_out", n, "voice") / 60,
            f"voice_calls_{n}d": of("n", n, "voice"),
            f"sms_count_{n}d": of("q", n, "sms"),
            f"data_mb_{n}d": of("q", n, "data") / MEBIBYTE,
            f"data_sessions_{n}d": of("n", n, "data"),
            f"content_count_{n}d": of("q", n, "content"),
            f"roaming_data_mb_{n}d": of("q_away", n, "data") / MEBIBYTE,
            f"roaming_voice_minutes_{n}d": of("q_away", n, "voice") / 60,
            f"active_records_{n}d": but("n", n, *IDLE),
            f"charge_sum_{n}d": but("c", n, "top_up"),
            f"traffic_charge_{n}d": of("c", n, "voice", "sms", "data"),
            f"content_charge_{n}d": of("c", n, "content"),
            f"discounted_records_{n}d": but("n_off", n, *IDLE),
            f"discount_sum_{n}d": but("off", n),
            f"top_up_sum_{n}d": of("c", n, "top_up"),
            f"top_up_count_{n}d": of("n", n, "top_up"),
        }
    found |= {f"fee_charge_{n}d": of("c", n, "fee") for n in (30, 90)}
    found |= {f"{kind}_charge_30d": of("c", 30, kind) for kind in ("voice", "sms", "data")}
    for kind, scale in (("data", MEBIBYTE), ("voice", 60.0)):
        found |= {f"_{kind}_{when}": of(f"q_{when}", 30, kind) / scale for when in ("night", "weekend", "work")}
        found |= {f"_{kind}_{name}": of(name, 30, kind) for name in ("steps", "squares")}
    counts = [of("n", 30, kind) for kind in KINDS if kind not in IDLE]
    return found | {
        "voice_out_calls_30d": of("n_out", 30, "voice"),
        "voice_on_net_minutes_30d": of("q_net", 30, "voice") / 60,
        "sms_out_count_30d": of("q_out", 30, "sms"),
        "abroad_data_mb_30d": of("q_abroad", 30, "data") / MEBIBYTE,
        "abroad_voice_minutes_30d": of("q_abroad", 30, "voice") / 60,
        "over_package_charge_30d": of("c_home", 30, "voice", "sms", "data"),
        "_kind_logs": sum(_mass(count) for count in counts),
        **{f"_part_{part}": but(f"p{part}", 30, *IDLE) for part in range(8)},
    }


def _habits(days: pd.DataFrame) -> dict[str, pd.Series]:
    active = days[~days["kind"].isin(IDLE)][["subscriber_id", "age"]].drop_duplicates()
    by_person = active.groupby("subscriber_id", observed=True)["age"]
    found = {
        f"active_days_{n}d": active[active["age"] <= n].groupby("subscriber_id", observed=True).size() for n in WINDOWS
    }
    ordered = active.sort_values(["subscriber_id", "age"])
    gaps = ordered.groupby("subscriber_id", observed=True)["age"].diff() - 1
    inner = gaps.groupby(ordered["subscriber_id"], observed=True).max().fillna(0.0)
    silence = pd.concat([inner, by_person.min() - 1, 90 - by_person.max()], axis=1).max(axis=1)
    ages = days.groupby(["kind", "subscriber_id"], observed=True)["age"]
    newest, oldest, seen = ages.min(), ages.max(), ages.size()
    paid = days[days["kind"].eq("top_up")]
    last = paid.loc[paid.groupby("subscriber_id", observed=True)["age"].idxmin()].set_index("subscriber_id")["c"]
    on_day = pd.to_datetime(paid["local_day"], unit="D").dt.day.isin([5, 10, 20, 25])
    found |= {
        "_silence": silence,
        "days_since_active": by_person.min(),
        "last_top_up_90d": last,
        "_paid_n": paid["n"].where(on_day, 0.0).groupby(paid["subscriber_id"], observed=True).sum(),
        "days_between_top_ups_90d": (oldest["top_up"] - newest["top_up"]) / (seen["top_up"] - 1).replace(0, np.nan),
    }
    for kind in ("top_up", "voice", "sms", "data", "content"):
        found[f"days_since_{kind}"] = newest[kind]
    for kind, scale in (("data", MEBIBYTE), ("voice", 60.0)):
        mine = days[days["kind"].eq(kind)]
        found[f"{kind}_days_30d"] = mine[mine["age"] <= 30].groupby("subscriber_id", observed=True).size()
        found[f"_{kind}_ramp"] = (mine["q"] * mine["age"]).groupby(mine["subscriber_id"], observed=True).sum() / scale
    return found


def _categories(records: pd.DataFrame) -> dict[str, pd.Series]:
    tagged = records.loc[records["category"].notna(), ["subscriber_id", "kind", "quantity", "category"]]
    split = tagged.assign(category=tagged["category"].str.split(";")).explode("category")
    split["category"] = split["category"].str.strip()
    split["mb"] = split["quantity"].where(split["kind"].eq("data"), 0.0) / MEBIBYTE
    found = split.groupby(["subscriber_id", "category"], observed=True)["mb"].agg(["size", "sum"])
    counts = found["size"].astype(float)
    by_person = counts.groupby("subscriber_id", observed=True)
    wide = found["sum"].unstack("category")
    return {
        "_cat_n": by_person.sum(),
        "_cat_logs": _mass(counts).groupby("subscriber_id", observed=True).sum(),
        "_cat_top": by_person.max(),
        "categories_30d": by_person.size(),
        **{f"data_mb_{app}_30d": wide[app] for app in APPS if app in wide},
    }


def _zeros(wide: pd.DataFrame) -> list[str]:
    """Columns that are 0 for whoever has no records."""
    kept = ("days_since_", "last_top_up", "days_between", "_cat_n", "_cat_logs", "_cat_top", "_silence")
    return [name for name in wide.columns if not name.startswith(kept)]


def _derived(wide: pd.DataFrame, people: pd.DataFrame, as_of: int) -> pd.DataFrame:
    def ratio(over: pd.Series, under: pd.Series) -> pd.Series:
        return over / under.where(under.ne(0))

    found: dict[str, pd.Series] = {name: wide[name] for name in wide.columns if not name.startswith("_")}
    found |= {f"data_mb_{app}_30d": pd.Series(0.0, wide.index) for app in APPS if f"data_mb_{app}_30d" not in found}
    for kind, whole in (("data", "data_mb"), ("voice", "voice_minutes")):
        for when in ("night", "weekend", "work"):
            found[f"{kind}_{when}_share_30d"] = ratio(wide[f"_{kind}_{when}"], wide[f"{whole}_30d"])
        mean = wide[f"_{kind}_steps"] / 30
        spread = (wide[f"_{kind}_squares"] / 30 - mean * mean).clip(lower=0)
        found[f"{kind}_daily_cv_30d"] = ratio(np.sqrt(spread), mean)
        found[f"{kind}_slope_90d"] = (45.5 * wide[f"{whole}_90d"] - wide[f"_{kind}_ramp"]) / 60_742.5 * 7
    parts = [wide[f"_part_{part}"] for part in range(8)]
    days = wide["active_days_30d"]
    found |= {
        "voice_on_net_share_30d": ratio(wide["voice_on_net_minutes_30d"], wide["voice_minutes_30d"]),
        "voice_out_share_30d": ratio(wide["voice_out_minutes_30d"], wide["voice_minutes_30d"]),
        "data_roaming_share_30d": ratio(wide["roaming_data_mb_30d"], wide["data_mb_30d"]),
        "data_mb_per_active_day_30d": ratio(wide["data_mb_30d"], days),
        "top_category_share_30d": wide["_cat_top"] / wide["_cat_n"],
        "category_entropy_30d": _entropy(wide["_cat_n"], wide["_cat_logs"]),
        "kind_entropy_30d": _entropy(wide["active_records_30d"], wide["_kind_logs"]),
        "hour_entropy_30d": _entropy(sum(parts), sum(_mass(part) for part in parts)),
        "longest_silence_90d": wide["_silence"].fillna(90.0),
        "discounted_share_90d": ratio(wide["discounted_records_90d"], wide["active_records_90d"]),
        "charge_per_active_day_30d": ratio(wide["charge_sum_30d"], days),
        "content_charge_share_90d": ratio(wide["content_charge_90d"], wide["charge_sum_90d"]),
        "revenue_per_month_90d": wide["charge_sum_90d"] / 3,
        "top_up_mean_90d": ratio(wide["top_up_sum_90d"], wide["top_up_count_90d"]),
        "top_up_pay_day_share_90d": ratio(wide["_paid_n"], wide["top_up_count_90d"]),
        "tenure_days": (as_of - _day_numbers(people["activated_on"])).clip(lower=0).astype(float),
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
        found[name] = ratio(wide[f"{column}_{short}d"] / short, wide[f"{column}_{long}d"] / long)
    for kind, used in (("data", "data_mb"), ("voice", "voice_out_minutes"), ("sms", "sms_out_count")):
        spent = wide[f"{used}_30d"]
        allowance = people[
            "tariff_voice_minutes" if kind == "voice" else "tariff_data_mb" if kind == "data" else "tariff_sms"
        ]
        found[f"{kind}_package_used_share_30d"] = ratio(spent, allowance)
        found[f"{kind}_package_left_30d"] = (allowance - spent).clip(lower=0)
        found[f"{kind}_package_above_30d"] = (spent - allowance).clip(lower=0)
        if kind != "sms":
            found[f"{kind}_package_lasts_7d"] = ratio(allowance, wide[f"{used}_7d"] / 7)
    return pd.DataFrame(found).reset_index()


def _mass(counts: pd.Series) -> pd.Series:
    return counts * np.log(counts.where(counts > 0, 1.0))


def _entropy(counts: pd.Series, logs: pd.Series) -> pd.Series:
    some = counts.where(counts > 0)
    return (np.log(some) - logs / some).clip(lower=0)


def _day_numbers(dates: pd.Series) -> pd.Series:
    return (pd.to_datetime(dates) - pd.Timestamp(0)).dt.days
