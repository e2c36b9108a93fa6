"""What every ranker can do, whatever it is made of.

A suite subclasses this, beside fixtures `kind` (the class of the ranker), `learnt` (pairs and labels) and `ranker` (the
kind fitted on those with OPTIONS).
"""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.fakes.frames import AS_OF, OFFERS, events, objects, offer, profiles, random_profiles

from mia.errors import UnreadableModel
from mia.ranking.arbitration import Objective
from mia.ranking.history import OfferRates, build_history
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context, Pairs, build_pairs
from mia.ranking.rankers.base import FitOptions, Ranker
from mia.ranking.rankers.registry import load_ranker

OPTIONS = FitOptions("f1", seed=3, threads=1, trees=12, minimum_leaf=5, bags=2, objective=Objective.ACCEPTANCE)
LIKED = ("video", 0.4)
LEFT = ("games", 0.04)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def saved(ranker: Ranker, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    ranker.save(folder)
    return content(folder)


def column_orders_turned(pairs: Pairs) -> Pairs:
    """The same pairs with the columns of every frame the other way round."""
    people, offers = pairs.profiles, pairs.offers
    context = replace(pairs.context, numbers=dict(reversed(pairs.context.numbers.items())))
    return replace(
        pairs,
        profiles=replace(
            people,
            names=people.names[::-1],
            numeric=people.numeric[:, ::-1],
            attributes=dict(reversed(people.attributes.items())),
        ),
        offers=replace(
            offers,
            names=offers.names[::-1],
            numeric=offers.numeric[:, ::-1],
            categorical=dict(reversed(offers.categorical.items())),
        ),
        context=context,
        names=pairs.names[::-1],
        features=pairs.features[:, ::-1],
    )


def taste_of_categories() -> tuple[OfferTable, OfferRates]:
    """Eight offers, half of a category that is liked and half of one that is left, and one new offer of each."""
    known = [
        offer(f"{category}_{number}", category, price=100.0 + number, value=50.0)
        for category, _ in (LIKED, LEFT)
        for number in range(4)
    ]
    new = [offer(f"{category}_new", category, price=102.5, value=50.0) for category, _ in (LIKED, LEFT)]
    told = [
        {"offer_id": one.id, "kind": kind, "local_day": AS_OF - 1}
        for one in known
        for kind in ["impression"] * 50 + ["connection"] * int(50 * dict((LIKED, LEFT))[one.category])
    ]
    table = OfferTable.build([*known, *new])
    return table, OfferRates.build(build_history(events(told), table, np.asarray([AS_OF])), table)


class RankerContract:
    """The suite."""

    def test_fitting_and_scoring_change_nothing_that_was_given(self, kind, learnt) -> None:
        pairs, labels = learnt
        before = copy.deepcopy((pairs, labels))
        ranker = kind.fit(pairs, labels, OPTIONS).refit(pairs, labels, OPTIONS)
        for given in (ranker.score(pairs), ranker.matrix(pairs)):
            given += 1.0
        arrays = [
            (one.features, one.profiles.numeric, one.offers.numeric, one.rows, one.cols, chances, *shown(one.context))
            for one, chances in (before, (pairs, labels))
        ]
        for old, new in zip(*arrays, strict=True):
            np.testing.assert_array_equal(old, new)
        for name, values in before[0].profiles.attributes.items():
            assert values.tolist() == pairs.profiles.attributes[name].tolist()

    def test_scores_are_chances_and_one_a_pair(self, ranker, learnt) -> None:
        pairs, _ = learnt
        scores = ranker.score(pairs)
        assert scores.shape == (len(pairs),)
        assert scores.dtype == np.float64
        assert ((scores >= 0) & (scores <= 1)).all()
        assert len(set(scores.tolist())) > 1

    def test_the_same_seed_gives_the_same_scores_and_bytes(self, kind, ranker, learnt, tmp_path) -> None:
        pairs, labels = learnt
        again = kind.fit(pairs, labels, OPTIONS)
        assert np.array_equal(again.score(pairs), ranker.score(pairs))
        assert saved(again, tmp_path / "first") == saved(ranker, tmp_path / "second")

    def test_it_comes_back_as_it_was_saved(self, kind, ranker, learnt, tmp_path) -> None:
        pairs, _ = learnt
        files = saved(ranker, tmp_path / "once")
        for loaded in (kind.load(tmp_path / "once"), load_ranker(tmp_path / "once")):
            assert type(loaded) is kind
            assert (loaded.fingerprint, loaded.objective) == ("f1", Objective.ACCEPTANCE)
            assert np.array_equal(loaded.score(pairs), ranker.score(pairs))
        assert saved(load_ranker(tmp_path / "once"), tmp_path / "twice") == files

    def test_its_files_are_text(self, ranker, tmp_path) -> None:
        for kept in saved(ranker, tmp_path / "saved").values():
            kept.decode("utf-8")

    def test_a_damaged_head_is_refused(self, kind, ranker, tmp_path) -> None:
        saved(ranker, tmp_path / "saved")
        head = tmp_path / "saved" / "ranker.json"
        for damage in (
            "{",
            "[]",
            "{}",
            '{"kind": "oracle", "objective": "value"}',
            '{"kind": [], "objective": "value"}',
        ):
            head.write_text(damage)
            with pytest.raises(UnreadableModel):
                load_ranker(tmp_path / "saved")
        head.unlink()
        with pytest.raises(UnreadableModel):
            kind.load(tmp_path / "saved")

    def test_the_order_of_columns_does_not_matter(self, kind, ranker, learnt, tmp_path) -> None:
        pairs, labels = learnt
        turned = column_orders_turned(pairs)
        assert np.array_equal(ranker.score(turned), ranker.score(pairs))
        # The columns of the subscribers' file come in any order; those of MIA's own features never do.
        attributes = dict(reversed(pairs.profiles.attributes.items()))
        other = kind.fit(replace(pairs, profiles=replace(pairs.profiles, attributes=attributes)), labels, OPTIONS)
        assert saved(other, tmp_path / "other") == saved(ranker, tmp_path / "ranker")

    def test_a_pair_is_scored_alone_as_among_many(self, ranker, learnt) -> None:
        pairs, _ = learnt
        scores = ranker.score(pairs)
        for row in (0, 7, 1_499):
            assert ranker.score(pairs.take(np.asarray([row]))).tolist() == [scores[row]]
        assert len(ranker.score(pairs.take(np.zeros(0, np.int64)))) == 0

    def test_how_the_numbers_of_pairs_lie_in_memory_does_not_matter(self, ranker, learnt) -> None:
        """`np.nonzero`, the natural way to pairs, gives every other number of one array."""
        pairs, _ = learnt
        expected = ranker.score(pairs)
        rows, cols = np.stack([pairs.rows, pairs.cols], axis=1).T
        assert not cols.flags.c_contiguous
        assert np.array_equal(ranker.score(replace(pairs, rows=rows, cols=cols)), expected)
        narrow = replace(pairs, rows=rows.astype(np.int32), cols=cols.astype(np.int32))
        assert np.array_equal(ranker.score(narrow), expected)

    def test_its_matrix_has_its_columns_and_is_all_it_reads(self, ranker, learnt) -> None:
        pairs, _ = learnt
        matrix = ranker.matrix(pairs)
        assert matrix.shape == (len(pairs), len(ranker.columns))
        assert len(set(ranker.columns)) == len(ranker.columns)
        assert np.array_equal(ranker.acceptance(matrix), ranker.score(pairs))

    def test_gains_are_shares_of_its_columns(self, ranker) -> None:
        gains = ranker.gains()
        assert set(gains) == set(ranker.columns)
        assert sum(gains.values()) == pytest.approx(1.0)
        assert list(gains.values()) == sorted(gains.values(), reverse=True)

    def test_unknown_categories_and_missing_values_are_scored(self, ranker, learnt) -> None:
        pairs, _ = learnt
        people = pairs.profiles
        strange = replace(
            people,
            numeric=np.full_like(people.numeric, np.nan),
            attributes={
                name: objects(["Atlantis" if name == "region" else None] * len(people)) for name in people.attributes
            },
        )
        nowhere = Context(objects(["pigeon"] * len(pairs)), pairs.context.position)
        for changed in (
            replace(pairs, profiles=strange, context=nowhere),
            replace(pairs, profiles=replace(people, attributes={})),
            replace(pairs, context=Context.constant(len(pairs), None)),
            replace(pairs, context=Context.constant(len(pairs), None, "new", {"context_new": 1e9, "hour": np.nan})),
        ):
            scores = ranker.score(changed)
            assert ((scores >= 0) & (scores <= 1)).all()

    def test_a_new_offer_is_scored_like_its_kin(self, kind) -> None:
        """A new offer has no history; its category and its figures are those of offers that are known."""
        table, rates = taste_of_categories()
        rng = np.random.default_rng(6)
        people, size = random_profiles(150, seed=6), 4_000
        rows, cols = rng.integers(0, len(people), size), rng.integers(0, 8, size)
        chance = np.asarray([dict((LIKED, LEFT))[table.offers[col].category] for col in cols])
        labels = (rng.random(size) < chance).astype(float)
        slate = np.arange(size) // 4
        context = Context(objects(["app"] * size), np.ones(size), slate=slate)
        ranker = kind.fit(
            build_pairs(people, table, rates, rows, cols, context), labels, replace(OPTIONS, trees=60, bags=1)
        )
        everyone, every = np.repeat(np.arange(len(people)), 10), np.tile(np.arange(10), len(people))
        asked = build_pairs(people, table, rates, everyone, every, Context.constant(len(every), "app"))
        scores = ranker.score(asked).reshape(-1, 10).mean(axis=0)
        liked, left, new_liked, new_left = scores[:4].mean(), scores[4:8].mean(), scores[8], scores[9]
        assert new_liked > 2 * new_left
        assert abs(new_liked - liked) < abs(new_liked - left)
        assert abs(new_left - left) < abs(new_left - liked)

    def test_an_offer_of_an_unheard_category_is_scored(self, ranker) -> None:
        table = OfferTable.build([*OFFERS, offer("new", "unheard", attributes={"colour": "red", "brand": "Yak"})])
        people = profiles(attributes={"region": ["Kurgan"]})
        rates = OfferRates.build(build_history(events([]), table, np.asarray([AS_OF])), table)
        cols = np.arange(len(table))
        context = Context.constant(len(table), "app")
        scores = ranker.score(build_pairs(people, table, rates, np.zeros(len(table), np.int64), cols, context))
        assert 0 < scores[-1] < 1


def shown(context: Context) -> list[np.ndarray]:
    placement = objects([]) if context.placement is None else context.placement
    channel = [values.astype(str) for values in (context.channel, placement)]
    return [*channel, context.position, *context.numbers.values()]
