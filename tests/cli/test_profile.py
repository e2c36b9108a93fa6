"""`mia profile`: refused input, result files, and what it prints."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from tests.fakes.intake import SUBSCRIBER, USAGE, write_csv
from typer.testing import CliRunner

from mia.bootstrap import open_workspace
from mia.cli.main import app
from mia.errors import InvalidInput, NotEnoughData
from mia.profiles.features import FEATURE_NAMES
from mia.profiles.features.page import BEGIN, END
from mia.settings import Settings


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, [*map(str, words), "--home", str(tmp_path / "home")])


@pytest.fixture
def loaded(run: Any, tmp_path: Path) -> Any:
    """A workspace with two subscribers and two records, and nothing else."""
    write_csv(tmp_path / "in" / "subscribers.csv", [SUBSCRIBER, {**SUBSCRIBER, "subscriber_id": "s2"}])
    late = {**USAGE, "occurred_at": "2021-06-09T18:59:59Z", "record_id": "r2", "charge": "0.2"}
    write_csv(tmp_path / "in" / "usage.csv", [{**USAGE, "charge": "0.1"}, late])
    assert run("ingest", tmp_path / "in").exit_code == 0
    return run


def done(result: Any) -> str:
    assert (result.exit_code, result.exception) == (0, None)
    return str(result.stdout)


def test_profiles_without_catalogue_and_events_go_to_parquet_and_csv(loaded: Any, tmp_path: Path) -> None:
    said = done(loaded("profile", "--as-of", "2021-06-10", "--out", tmp_path / "p.parquet"))
    assert said.startswith("snapshot 2021-06-10.1: 2 profiles, 2 days folded, written to")
    assert "2021-06-10.2: 2 profiles, 0 days" in done(
        loaded("profile", "--as-of", "2021-06-10", "--out", tmp_path / "p.csv")
    )
    written = pq.read_table(tmp_path / "p.parquet")
    assert written.column_names == ["subscriber_id", "as_of", *FEATURE_NAMES]
    assert written.schema.types == [pa.string(), pa.date32(), *[pa.float64()] * len(FEATURE_NAMES)]
    assert written["subscriber_id"].to_pylist() == ["s1", "s2"]
    assert written["as_of"].to_pylist() == [date(2021, 6, 10)] * 2
    assert written["voice_minutes_7d"].to_pylist() == [1.0, 0.0]
    assert written["charge_sum_30d"].to_pylist() == [0.3, 0.0]
    assert written["data_night_share_30d"].null_count == 2
    types = pc.ConvertOptions(column_types=written.schema)
    assert pc.read_csv(tmp_path / "p.csv", convert_options=types).equals(written)


def test_the_snapshot_can_be_served(loaded: Any, tmp_path: Path) -> None:
    done(loaded("profile", "--as-of", "2021-06-10"))
    workspace = open_workspace(Settings(home=tmp_path / "home"))
    found = workspace.profiles.find(str(workspace.profiles.current()), "s1")
    workspace.close()
    assert found is not None
    assert found.numeric[0, FEATURE_NAMES.index("voice_minutes_7d")] == 1.0


def test_the_default_day_comes_after_the_newest_record_and_an_earlier_one_is_not_made_current(loaded: Any) -> None:
    assert done(loaded("profile")).rstrip() == "snapshot 2021-06-10.1: 2 profiles, 2 days folded"
    said = " ".join(done(loaded("profile", "--as-of", "2021-06-02")).split())
    assert "snapshot 2021-06-02.1: " in said
    assert said.endswith("2021-06-10.1 is of a later day and stays the current one")


def test_a_day_long_after_every_record_gives_zeros(loaded: Any, tmp_path: Path) -> None:
    done(loaded("profile", "--as-of", "2022-06-01", "--out", tmp_path / "p.parquet"))
    written = pq.read_table(tmp_path / "p.parquet")
    assert written["charge_sum_90d"].to_pylist() == written["active_days_90d"].to_pylist() == [0.0, 0.0]
    assert written["days_since_top_up"].null_count == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--as-of", "yesterday"), "--as-of.*'yesterday'"),
        (("--as-of", "2021-02-30"), "--as-of.*2021-02-30"),
        (("--as-of", "2021-06-01"), "as_of.*2021-06-01 must be after the first day of usage, 2021-06-01"),
        (("--as-of", "2199-01-01"), "as_of.*2199-01-01 must not be later than"),
        (("--markdown", "page.md"), "--markdown.*only goes with --describe"),
        (("--describe", "--markdown", "page.md"), "page.md: no such file"),
        (("--as-of", "2021-06-10", "--out", "p.xlsx"), "p.xlsx.*named .parquet or .csv"),
        (("--as-of", "2021-06-10", "--out", "no/where/p.csv"), "does not exist"),
    ],
)
def test_bad_input_is_refused_before_any_work(
    loaded: Any, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    result = loaded("profile", *words)
    assert isinstance(result.exception, InvalidInput)
    with pytest.raises(InvalidInput, match=message):
        raise result.exception
    assert not (tmp_path / "home" / "profiles").exists()


def test_an_empty_workspace_says_what_to_do(run: Any) -> None:
    result = run("profile", "--as-of", "2021-06-10")
    assert isinstance(result.exception, NotEnoughData)
    assert "mia ingest" in str(result.exception)


def test_describe_prints_every_feature_once_and_needs_no_workspace(run: Any, tmp_path: Path) -> None:
    lines = [line.replace("│", " ").split() for line in done(run("profile", "--describe")).splitlines()]
    first = [words[0] for words in lines if words and words[0] in FEATURE_NAMES]
    assert first == list(FEATURE_NAMES)
    (night,) = [" ".join(words) for words in lines if words and words[0] == "data_night_share_30d"]
    assert (
        night
        == "data_night_share_30d share 30 days share of data between 22:00 and 06:00 local time; null without data"
    )
    assert not (tmp_path / "home").exists()


def test_describe_keeps_a_page_of_the_features(run: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Ours\n{BEGIN}{END}\n", "utf-8")
    assert done(run("profile", "--describe", "--markdown", page)) == ""
    text = page.read_text("utf-8")
    assert text.startswith("# Ours\n")
    assert all(f"| `{name}` |" in text for name in FEATURE_NAMES)
