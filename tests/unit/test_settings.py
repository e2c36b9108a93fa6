"""Settings: defaults, where they come from, and refusals that name the setting."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mia.domain.region import REGIONS
from mia.errors import InvalidSettings
from mia.quality.limits import Limit, Limits
from mia.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own, and no variable of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("MIA_")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_the_defaults_hold_without_file_and_variables() -> None:
    settings = load_settings()
    assert settings.home == Path(".mia")
    assert {name: (r.macro_region, r.timezone) for name, r in settings.regions.items()} == {
        region.name: (region.macro_region, region.timezone) for region in REGIONS.values()
    }
    assert (settings.default_timezone, settings.usage_kinds) == ("UTC", {})


def test_arguments_go_before_variables_and_these_before_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mia.toml").write_text(
        'home = "file"\nthreads = 3\n[training]\nholdout_share = 0.3\n[usage_kinds]\npurchase = "item"\n', "utf-8"
    )
    monkeypatch.setenv("MIA_HOME", "variable")
    monkeypatch.setenv("MIA_ARMS__CONTROL_SHARE", "0.25")
    settings = load_settings(Path("argument"))
    assert (settings.home, load_settings().home) == (Path("argument"), Path("variable"))
    assert (settings.threads, settings.training.holdout_share) == (3, 0.3)
    assert (settings.usage_kinds, settings.arms.control_share) == ({"purchase": "item"}, 0.25)
    monkeypatch.delenv("MIA_HOME")
    assert load_settings().home == Path("file")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("threads = 0", "threads"),
        ('memory_limit = "lots"', "memory_limit: must be a number with a unit, such as 2GB or 512MiB, not 'lots'"),
        ('default_timezone = "Mars/One"', "default_timezone.*'Mars/One'"),
        ('[regions.Moon]\nmacro_region = "Space"\ntimezone = "../Europe/Moscow"', "regions.Moon.timezone"),
        ('[regions.Moon]\nmacro_region = "Space"', "regions.Moon.timezone"),
        ("[arms]\ncontrol_share = 1.5", "arms.control_share"),
        ("[arms]\ncontol_share = 0.5", r"unknown setting 'contol_share' in \[arms\]"),
        ("epsilon = 0.1", "unknown setting 'epsilon'$"),
        ("[validate.late_records]\nwarn = 0.5\nfail = 0.1", "validate.late_records.*warn <= fail"),
        ("[validate]\nweeks = 1", "validate.*weeks must be at least 3"),
        ("[validate.lat_records]\nwarn = 0.1\nfail = 0.5", "validate.lat_records"),
        ("[arms]\ncontrol_share = 2\n[training]\nholdout_share = -1", "control_share.*training.holdout_share"),
        ("[contact]\nimpression_cap = 0", r"\[contact\] is no section any more.*mia policy set"),
        ("[exploration]\nepsilon = 0.2", r"\[exploration\] is no section any more.*mia policy set"),
        ("threads = ", "mia.toml"),
        ("home = 'п\udcff'", "mia.toml"),
    ],
)
def test_a_bad_file_is_refused_by_the_name_of_the_setting(folder: Path, content: str, named: str) -> None:
    (folder / "mia.toml").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidSettings, match=named):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("MIA_REGIONS", "not json", "MIA_REGIONS: must be JSON"),
        ("MIA_THREADS", "two", "threads: must be a valid integer"),
        ("MIA_ARMS__CONTROL_SHARE", "2", "arms.control_share"),
        ("MIA_EXPLORATION__EPSILON", "0.2", "MIA_EXPLORATION__EPSILON is no setting any more.*mia policy set"),
        ("MIA_CONTACT", "{}", "MIA_CONTACT is no setting any more.*mia policy set"),
    ],
)
def test_a_bad_variable_is_refused_by_the_name_of_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=named):
        load_settings()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("MIA_HOM", "did you mean MIA_HOME"),
        ("MIA_CONTROL_SHARE", "did you mean MIA_ARMS__CONTROL_SHARE"),
        ("MIA_ARMS__CONTOL_SHARE", "did you mean MIA_ARMS__CONTROL_SHARE"),
        ("MIA_THREADS__MANY", "did you mean MIA_THREADS"),
        ("MIA_QQQQQQQQQQ", "there are MIA_HOME, MIA_LEDGER_URL"),
    ],
)
def test_a_variable_that_sets_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, nearest: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(InvalidSettings, match=f"no variable {name}; {nearest}"):
        load_settings()


def test_names_of_the_operator_are_no_misspelt_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIA_USAGE_KINDS__PURCHASE", "item")
    monkeypatch.setenv("MIA_ARMS", '{"salt": "autumn"}')
    monkeypatch.setenv("mia_threads", "3")
    settings = load_settings()
    assert (settings.usage_kinds, settings.arms.salt, settings.threads) == ({"purchase": "item"}, "autumn", 3)


@pytest.mark.parametrize("limit", ["2GB", "512 MiB", "1.5GB"])
def test_memory_is_a_number_with_a_unit(limit: str) -> None:
    assert Settings(memory_limit=limit).memory_limit == limit


def test_every_setting_says_what_it_is_for() -> None:
    missing: list[str] = []
    for name, field in Settings.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        fields = {name: field} if inner is None else {f"{name}.{key}": value for key, value in inner.items()}
        missing += [path for path, found in fields.items() if not found.description]
    assert missing == []


def test_limits_of_validate_come_from_their_section(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mia.toml").write_text("[validate]\ndays = 30\nlate_records = {warn = 0.1, fail = 0.2}\n", "utf-8")
    monkeypatch.setenv("MIA_VALIDATE__WEEKS", "4")
    limits = load_settings().validation
    assert (limits.days, limits.weeks, limits.late_records) == (30, 4, Limit(0.1, 0.2))
    assert limits.newest_usage == Limits().newest_usage


def test_off_policy_limits_are_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mia.toml").write_text("[off_policy]\nminimum_answers = 5\n", "utf-8")
    settings = load_settings()
    assert (settings.off_policy.minimum_answers, settings.off_policy.minimum_support) == (5, 0.9)
    (tmp_path / "mia.toml").write_text("[off_policy]\nmaximum_heaviest = 0\n", "utf-8")
    with pytest.raises(InvalidSettings, match="shares, up to 1"):
        load_settings()
