"""A tiny workspace on the real parts: three subscribers, three offers, one day of usage, no model."""

from pathlib import Path

from mia.cli.ingest import ingest
from mia.cli.profile import profile

SUBSCRIBERS = """subscriber_id,region,activated_on
s1,Kurgan,2020-01-01
s2,Rostov,2020-01-01
s3,Moscow,2020-01-01
"""
USAGE = """subscriber_id,occurred_at,kind,quantity,charge
s1,2021-06-30T10:00:00Z,data,1048576,0
s2,2021-06-30T10:00:00Z,voice,60,1.5
s3,2021-06-30T10:00:00Z,sms,1,0.5
"""
OFFERS = """offers:
  - {id: music_30, name: {ru: Музыка, en: Music}, category: music, kind: pack, price: 99, value: 40}
  - {id: data_10, name: {ru: 10 ГБ, en: 10 GB}, category: data, kind: pack, price: 250, value: 90}
  - {id: urals_1, name: {ru: Урал, en: Urals}, category: gifts, kind: gift, value: 1, regions: [Kurgan]}
"""


def build_home(folder: Path) -> Path:
    """Ingest the files and publish the profiles of 1 July 2021; the workspace folder."""
    source, home = folder / "source", folder / "home"
    source.mkdir()
    (source / "subscribers.csv").write_text(SUBSCRIBERS, "utf-8")
    (source / "usage.csv").write_text(USAGE, "utf-8")
    (source / "offers.yaml").write_text(OFFERS, "utf-8")
    ingest(source, mapping=None, table=None, home=home)
    profile(as_of="2021-07-01", out=None, describe=False, home=home)
    return home
