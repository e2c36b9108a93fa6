import numpy as np
import pytest

from mia.simulator import tariffs, usage
from mia.simulator.lifestyles import LIFESTYLES
from mia.simulator.scenario import Month, Stage
from mia.simulator.usage import CONTENT, DATA, FEE_KIND, IN, NONE, SMS_KIND, TOP_UP, VOICE, draw_usage

DAY = 86_400


@pytest.fixture(scope="module")
def month(world):
    return Month.of(world.scenario.start + 1)


@pytest.fixture(scope="module")
def records(world, month):
    return draw_usage(world.scenario, world.people, month, world.scenario.stream(Stage.USAGE, 0, month.number))


def test_records_lie_by_subscriber_and_time_within_the_month_and_the_contract(world, month, records):
    key = records.row * 2**36 + records.second
    assert (np.diff(key) >= 0).all()
    day = records.second // DAY
    assert np.isin(day, month.days).all()
    assert (day >= world.people.activated[records.row]).all()
    assert (day < world.people.left[records.row]).all()


def test_every_kind_is_there_with_the_columns_of_its_kind(records):
    assert set(np.unique(records.kind)) == {VOICE, SMS_KIND, DATA, CONTENT, FEE_KIND, TOP_UP}
    assert (records.quantity > 0).all()
    assert (records.charge >= 0).all()
    moving = np.isin(records.kind, [VOICE, SMS_KIND, DATA])
    assert ((records.roaming != NONE) == moving).all()
    assert ((records.direction != NONE) == np.isin(records.kind, [VOICE, SMS_KIND])).all()
    assert (records.category[np.isin(records.kind, [DATA, CONTENT])] != NONE).all()
    assert ((records.item != NONE) == np.isin(records.kind, [CONTENT, FEE_KIND])).all()


def test_roaming_is_where_the_trip_went(world, records):
    moving = records.roaming != NONE
    day = records.second[moving] // DAY - world.scenario.first_day
    assert (world.people.away[records.row[moving], day] == records.roaming[moving]).all()
    assert (records.roaming > 0).any()


def test_each_pays_one_fee_of_its_tariff(world, records):
    fees = records.kind == FEE_KIND
    rows = records.row[fees]
    assert len(np.unique(rows)) == len(rows)
    assert (records.charge[fees] == tariffs.FEE[world.people.tariff[rows]]).all()


def test_only_what_goes_beyond_the_package_is_charged(world, records):
    """Gone through record by record, in another way than the code does."""
    checked = 0
    for person in range(200):
        tariff, mine = tariffs.TARIFFS[world.people.tariff[person]], records.take(records.row == person)
        left = tariff.data_mb
        for place in np.flatnonzero((mine.kind == DATA) & (mine.roaming == 0)):
            size = mine.quantity[place] / 2**20
            beyond = max(size - max(left, 0), 0)
            left -= size
            assert mine.charge[place] == pytest.approx(beyond * tariffs.DATA_RATE, abs=0.0051)
            checked += beyond > 0
        minutes = tariff.voice_minutes
        for place in np.flatnonzero((mine.kind == VOICE) & (mine.roaming == 0)):
            paid = mine.direction[place] != IN and mine.on_net[place] == 0 and mine.category[place] == NONE
            if mine.category[place] != NONE:
                continue
            size = mine.quantity[place] / 60 if paid else 0.0
            beyond = max(size - max(minutes, 0), 0)
            minutes -= size
            assert mine.charge[place] == pytest.approx(beyond * tariffs.VOICE_RATE, abs=0.0051)
    assert checked > 20


def test_data_comes_to_what_people_want(world, month, records):
    data = (records.kind == DATA) & (records.roaming == 0)
    used = np.bincount(records.row[data], records.quantity[data], minlength=len(world.people)) / 2**20
    wanted = world.people.data_mb[:, month.number - world.scenario.start + 1]
    usual = (wanted > 500) & (world.people.activated < month.days[0]) & (world.people.left > month.days[-1])
    assert used[usual].sum() / wanted[usual].sum() == pytest.approx(1.0, abs=0.12)
    assert np.corrcoef(np.log(used[usual] + 1), np.log(wanted[usual]))[0, 1] > 0.8


def test_nights_belong_to_gamers_and_mornings_to_seniors(world, records):
    names = [style.name for style in LIFESTYLES]
    hour = records.second // 3_600 % 24
    active = np.isin(records.kind, [DATA, VOICE])

    def share(style, hours):
        mine = active & (world.people.lifestyle[records.row] == names.index(style))
        return np.isin(hour[mine], hours).mean()

    assert share("gamer", range(6)) > 2 * share("ordinary", range(6)) > 0
    assert share("senior", range(7, 12)) > 1.4 * share("ordinary", range(7, 12))


def test_money_comes_with_the_wages(world, records):
    paid = records.kind == TOP_UP
    day = records.second[paid] // DAY - Month.of(world.scenario.start + 1).days[0] + 1
    on_pay_day = np.isin(day, [5, 6, 7, 10, 11, 12, 20, 21, 22, 25, 26, 27])
    assert on_pay_day.mean() > 0.65
    assert (records.charge[paid] % 50 == 0).all()


def test_vocabularies_hold_no_word_twice():
    for words in (usage.KINDS, usage.CATEGORIES, usage.ITEMS):
        assert len(set(words)) == len(words)
