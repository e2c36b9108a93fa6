"""A load with pseudonyms leaves no phone number anywhere in the workspace."""

import hmac
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import SecretStr

from mia.bootstrap import Workspace, open_workspace
from mia.errors import InvalidSettings
from mia.settings import Settings
from mia.storage.profile_store import LmdbProfileStore

KEY = "a key of sixteen or more"
PHONES = {"79120000001": "Kurgan", "79120000002": "Rostov"}
FILES = {
    "subscribers.csv": "subscriber_id,region,activated_on\n"
    "+79120000001,Kurgan,2020-01-01\n8 (912) 000-00-02,Rostov,2020-01-01\ns3,Moscow,2020-01-01\n"
    "79120000009,Kurgan,never\n",
    "usage.csv": "subscriber_id,occurred_at,kind,quantity,charge\n"
    "79120000001,2021-06-30T10:00:00Z,data,1048576,0\n"
    "9120000002,2021-06-30T10:00:00Z,voice,60,1.5\n"
    "s3,2021-06-30T10:00:00Z,sms,1,0.5\n"
    "79120000008,2021-06-30T10:00:00Z,sms,1,0.5\n"
    "79120000007,2021-06-30T10:00:00Z,sms,1,0.5,,,ragged\n",
    "events.csv": "event_id,occurred_at,subscriber_id,offer_id,kind,channel\n"
    "e1,2021-06-30T10:00:00Z,+7 912 000-00-01,music_30,impression,app\n"
    "e2,2021-06-30T10:00:00Z,79120000006,music_30,impression,app\n",
    "offers.yaml": "offers:\n  - {id: music_30, name: {ru: М, en: M}, category: music, kind: pack, value: 40}\n",
}


def pseudonym(phone: str) -> str:
    return hmac.digest(KEY.encode(), phone.encode(), "sha256").hex()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def opened(home: Path, key: str | None = KEY, **sections: object) -> Workspace:
    return open_workspace(Settings(home=home, pseudonym_key=None if key is None else SecretStr(key), **sections))


def require_no_phone(home: Path, clear: tuple[str, ...] = ("9120000",)) -> None:
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += str(pq.read_table(path).to_pylist()).encode()
        for phone in clear:
            assert phone.encode() not in content, path


def test_every_table_gets_the_same_pseudonym_and_no_number_stays(tmp_path: Path, source: Path) -> None:
    home = tmp_path / "home"
    workspace = opened(home)
    report = workspace.ingest(source, pseudonymise=True)
    assert {item.table: item.accepted for item in report.tables} == {
        "offers": 1,
        "subscribers": 3,
        "usage": 3,
        "events": 1,
    }
    people = pq.read_table(workspace.lake.paths("subscribers")[0]).to_pylist()
    wanted = {pseudonym(phone): region for phone, region in PHONES.items()} | {"s3": "Moscow"}
    assert {row["subscriber_id"]: row["region"] for row in people} == wanted
    events = workspace.ledger.events().to_pylist()
    assert [(row["subscriber_id"], row["region"]) for row in events] == [(pseudonym("79120000001"), "Kurgan")]
    workspace.refresh(18_809)
    store: LmdbProfileStore = workspace.profiles
    assert store.find(str(store.current()), pseudonym("79120000002")) is not None
    # Rejects too: of a row that breaks a rule, of one that is unknown, and of one that cannot even be split.
    assert report.rejects is not None
    assert pseudonym("79120000009") in report.rejects.read_text()
    assert report.rejects.read_text().count("\n") == 1 + 4
    workspace.close()
    require_no_phone(home)


def test_a_mapping_is_held_to_it_too(tmp_path: Path, source: Path) -> None:
    (source / "calls.csv").write_text(
        "msisdn,moment,n\n79120000001,2021-06-29 10:00:00,5\n79120000003,x,many\n", "utf-8"
    )
    columns = {"subscriber_id": "msisdn", "occurred_at": "moment", "kind": "'sms'", "quantity": "n", "charge": "0"}
    item = {"path": "calls.csv", "format": "csv", "columns": columns, "types": {"n": "BIGINT"}}
    mapping = tmp_path / "m.yaml"
    mapping.write_text(yaml.safe_dump({"usage": [item]}), "utf-8")
    workspace = opened(tmp_path / "home")
    workspace.ingest(source / "subscribers.csv", pseudonymise=True)
    report = workspace.ingest(source, mapping=mapping, pseudonymise=True)
    assert report.tables[0].accepted == 1
    workspace.ledger.position()
    workspace.close()
    require_no_phone(tmp_path / "home")


def test_the_setting_is_as_good_as_the_option(tmp_path: Path, source: Path) -> None:
    workspace = opened(tmp_path / "home", ingest={"pseudonymise": True})
    workspace.ingest(source)
    workspace.close()
    require_no_phone(tmp_path / "home")


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_nothing_is_loaded(tmp_path: Path, source: Path, key: str | None) -> None:
    workspace = opened(tmp_path / "home", key)
    with pytest.raises(InvalidSettings, match="MIA_PSEUDONYM_KEY"):
        workspace.ingest(source, pseudonymise=True)
    assert workspace.lake.files("subscribers") == []
    workspace.close()


def test_the_same_file_with_and_without_pseudonyms_are_two_loads(tmp_path: Path, source: Path) -> None:
    workspace = opened(tmp_path / "home")
    workspace.ingest(source / "subscribers.csv")
    again = workspace.ingest(source / "subscribers.csv", pseudonymise=True)
    assert (again.already_loaded, again.tables[0].accepted) == ((), 3)
    workspace.close()
