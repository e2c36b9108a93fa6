"""The analyst's commands through their entry point: exit codes, tables and messages."""

import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from tests.fakes.world import NOON, World

from mia.bootstrap import open_workspace
from mia.cli.main import main
from mia.cli.replay import MEANINGS
from mia.domain.decision import DecisionRequest, Rule
from mia.settings import Settings

RECIPE = "[fit]\ntrees = 30\nminimum_leaf = 20\n"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def home(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.copy(tmp_path_factory.mktemp("cli"))


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, output and error output of `mia` with these words."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MIA_HOME", str(home))

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mia", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        told = capsys.readouterr()
        return int(stopped.value.code or 0), told.out, told.err

    return call


def test_train_evaluate_promote_and_list(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.toml").write_text(RECIPE)
    words = ("--ranker", "lightgbm", "--objective", "acceptance")
    code, out, _ = run("train", "--recipe", tmp_path / "small.toml", *words)
    assert code == 0
    for name in ("mia", "popular", "popular_by_region", "logistic", "AUC", "log loss", "NDCG@3", "calibration"):
        assert name in out
    assert "candidate 2, fitted on" in out
    assert "go live: mia promote 2" in out

    code, out, _ = run("evaluate", 2)
    assert code == 0
    assert "model 2 on the later window of its training" in out
    assert "SNIPS" in out
    table, _, values = out.partition("What an impression in first place would have earned")
    assert "logistic" in table
    assert "logistic" not in values
    for text in ("Switch-DR", "DRos", "as it was", "What a slate would have earned", "plackett-luce:0.5", "support"):
        assert text in values
    assert "warning: the log cannot answer well for mia: " in values

    code, _, err = run("promote", 2)
    assert code == 2
    assert "model 2 is refused: positives in the evaluation window is 74, asked >= 200" in err
    monkeypatch.setenv("MIA_GATE__MINIMUM_POSITIVES", "10")
    monkeypatch.setenv("MIA_GATE__MAXIMUM_CALIBRATION_ERROR", "1")
    # A model of so small a world may well lose to the popular order.
    monkeypatch.setenv("MIA_GATE__MINIMUM_AUC_GAIN", "-1")
    code, out, _ = run("promote", 2)
    assert code == 0
    assert "passed with a warning: positives in the evaluation window is 74, asked >= 10" in out
    assert "passed: offers shown against a rule is 0, asked <= 0 (in 200 rehearsed decisions)" in out
    assert "model 2 is champion" in out

    code, out, _ = run("models")
    assert code == 0
    second, first = (line for line in out.splitlines() if "2021-04-30" in line)
    assert second.split()[0] == "2"
    assert "yes" in second
    assert "yes" not in first
    assert "passed amber" in second
    assert "amber: positives in the evaluation" in second
    assert "refused after" not in out

    code, out, _ = run("models", 2, "--card", tmp_path / "card.html")
    assert (code, "card of model 2" in out) == (0, True)
    assert "<title>Model 2: amber</title>" in (tmp_path / "card.html").read_text()
    code, out, _ = run("rollback")
    assert (code, out) == (0, "model 1 is champion again, back from 2\n")

    monkeypatch.setenv("MIA_GATE__MINIMUM_POSITIVES", "200")
    code, _, err = run("promote", 2)
    assert (code, "asked >= 200" in err, "; model 1 stays champion" in err) == (2, True, True)
    code, out, _ = run("promote", 2, "--override", "a short window")
    assert code == 0
    assert "refused: positives in the evaluation window is 74, asked >= 200" in out
    assert "the gate refused it; overridden: a short window" in out
    code, out, _ = run("models", 2)
    assert code == 0
    assert "went live against the gate: a short window" in out
    assert "(override): a short window" in out
    assert "positives in the evaluation window" in out

    code, _, err = run("promote", 2)
    assert (code, "; model 2 stays champion" in err) == (2, True)
    monkeypatch.setenv("COLUMNS", "60")
    code, out, _ = run("models")
    second = next(line for line in out.splitlines() if "2021-04-30" in line)
    assert {"2", "yes", "refused", "red", "2021-04-30"} <= set(second.split())
    assert "model 2 was refused after it had gone live: it stays champion" in out
    assert "…" not in out
    code, out, _ = run("evaluate", 2)
    assert "…" not in out


def test_a_refused_retraining_is_exit_code_3_and_nothing_new_is_0(run: Run, tmp_path: Path, home: Path) -> None:
    """The gate asks for 200 connections, and the small world has 74 of people who agreed to it."""
    other = tmp_path / "home"
    shutil.copytree(home, other)
    code, _, err = run("retrain", "--home", other)
    assert (code, "is refused: positives in the evaluation window is 74" in err) == (3, True)
    code, out, _ = run("retrain", "--home", other)
    assert code == 0
    assert "nothing new" in out
    assert "refused" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "--since", "soon"), "option --since: must be a date such as 2021-07-01"),
        (("train", "--since", "2031-01-01"), "no matured impression of an offer of the current catalogue in that time"),
        (("train", "--until", "soon"), "--until: must be a date such as 2021-07-01"),
        (("train", "--until", "2021-01-03"), "no impression is older than the attribution window of 14 days"),
        (("train", "--recipe", "absent.toml"), "absent.toml: no such file"),
        (("evaluate", "77"), "no model '77' in the registry"),
        (("evaluate", "1", "--policy", "oracle"), "no policy 'oracle'"),
        (("promote", "77"), "no model '77' in the registry"),
        (("promote", "1", "--override", " "), "option --override: needs a reason"),
        (("rollback", "--to", "77"), "model 77 was never champion"),
        (("retrain", "--as-of", "soon"), "--as-of: must be a date such as 2021-07-01"),
        (("models", "77"), "no model '77' in the registry"),
        (("models", "--card", "x.html"), "option --card: only goes with a VERSION"),
        (("models", "1", "--card", "x.txt"), "x.txt: a card is named .html"),
        (("replay", "nothing"), "no decision 'nothing' in the ledger"),
        (("score", "--out", "x.parquet"), "give either --pairs FILE or --top K"),
        (("score", "--out", "x.parquet", "--top", "1", "--model", "77"), "no model '77' in the registry"),
        (("score", "--out", "x.parquet", "--top", "1", "--as-of", "May"), "--as-of: must be a date"),
        (("score", "--out", "x.txt", "--top", "1"), "x.txt"),
        (("score", "--out", "x.parquet", "--pairs", "absent.csv"), "absent.csv: no such file"),
    ],
)
def test_refused_input_is_exit_code_2_with_a_message(run: Run, tmp_path: Path, monkeypatch, words, message) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*words)
    assert code == 2
    assert err.startswith("mia: ")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("option", ["--ranker", "--objective"])
def test_a_ranker_or_objective_that_there_is_not(run: Run, option: str) -> None:
    code, _, err = run("train", option, "oracle")
    assert code == 2
    assert f"Invalid value for '{option}'" in err
    assert "'lightgbm'" in err or "'acceptance'" in err


def test_a_workspace_without_anything(run: Run, tmp_path: Path, empty_models: Path) -> None:
    empty = tmp_path / "empty"
    shutil.copytree(empty_models, empty / "models")
    for words, message in (
        (("train",), "the lake holds no offers yet; `mia ingest` loads them"),
        (("evaluate", "champion"), "no model is champion yet: `mia train` makes a candidate"),
        (("score", "--top", "1", "--out", tmp_path / "x.csv"), "no model is champion yet"),
    ):
        code, _, err = run(*words, "--home", empty)
        assert (code, message in err) == (2, True)
    assert run("models", "--home", empty)[:2] == (0, "No models yet; `mia train` makes one.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("models",),
        ("train",),
        ("evaluate", "champion"),
        ("promote", "1"),
        ("rollback",),
        ("retrain",),
        ("replay", "d1"),
        ("profile",),
        ("score", "--top", "1", "--out", "x.csv"),
        ("serve", "--port", "0"),
    ],
)
def test_without_a_workspace_commands_that_read_say_so_and_make_none(
    run: Run, tmp_path: Path, monkeypatch, words
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*words, "--home", "nowhere")
    assert (code, err) == (2, f"mia: no workspace at {tmp_path}/nowhere; `mia ingest` or `mia demo` makes one\n")
    assert not (tmp_path / "nowhere").exists()


def test_the_version_is_told(run: Run) -> None:
    assert run("--version")[:2] == (0, f"mia {metadata.version('mia')}\n")


def test_score_pairs_and_top(run: Run, world: World, tmp_path: Path) -> None:
    shown = pq.read_table(world.source / "events.parquet").slice(0, 400)
    pairs = shown.select(["subscriber_id", "offer_id", "occurred_at", "event_id"])
    pq.write_table(pairs, tmp_path / "pairs.parquet")
    code, out, _ = run("score", "--pairs", tmp_path / "pairs.parquet", "--out", tmp_path / "scores.csv")
    assert (code, out) == (0, f"{tmp_path / 'scores.csv'}: 400 rows\n")
    scored = pc.read_csv(tmp_path / "scores.csv")
    assert scored.column_names == [*pairs.column_names, "acceptance", "expected_value"]
    assert scored["event_id"].to_pylist() == pairs["event_id"].to_pylist()

    code, _, _ = run("score", "--top", 2, "--out", tmp_path / "top.parquet")
    assert code == 0
    best = pq.read_table(tmp_path / "top.parquet").to_pylist()
    assert {row["position"] for row in best} == {1, 2}
    assert len({row["subscriber_id"] for row in best}) * 2 == len(best)

    broken = pairs.slice(0, 3).set_column(1, "offer_id", [["no_such_offer"] * 3])
    pq.write_table(broken, tmp_path / "broken.parquet")
    code, _, err = run("score", "--pairs", tmp_path / "broken.parquet", "--out", tmp_path / "never.csv")
    assert code == 2
    assert f"{tmp_path / 'broken.parquet'}, row 1, column offer_id: no such offer in the catalogue" in err
    assert not (tmp_path / "never.csv").exists()


def test_replay_tells_whether_it_came_out_the_same(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_workspace(Settings(home=home))
    people = pq.read_table(opened.lake.paths("subscribers"))["subscriber_id"].to_pylist()
    decision = opened.decisions.decide(DecisionRequest(people[5], "app", NOON))
    opened.ledger.append_decisions([decision])
    opened.close()
    code, out, _ = run("replay", decision.decision_id)
    assert code == 0
    assert out.startswith(f"decision {decision.decision_id}: rebuilt identically\n")
    for offer in decision.offers:
        assert f"{offer.acceptance:.6f}" in out
    for rule in Rule:
        assert (MEANINGS[rule] in out) == (rule in decision.dropped.values())

    opened = open_workspace(Settings(home=home))
    with opened.ledger.database.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE decisions SET body = replace(body, '\"position\":1', '\"position\":9') WHERE decision_id = ?",
            (decision.decision_id,),
        )
    opened.close()
    code, out, err = run("replay", decision.decision_id)
    assert code == 2
    assert out.startswith(f"decision {decision.decision_id}: differs in offers\n")
    assert "differs in offers" in err
