"""An answer fits into what the caps leave, whoever is drawn for it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import DAY, offer

from mia.domain.event import EventKind, Response
from mia.domain.policy import Cap, CapScope, ContactPolicy
from mia.offers.contact import ContactBook, Room, history_of

OFFERS = tuple(offer(name, category) for name, category in zip("abcdef", ("x", "x", "x", "y", "y", "z"), strict=True))
NOW = 1_000 * DAY


def room(responses: list[Response], *caps: Cap, channel: str = "app") -> Room | None:
    book = ContactBook(OFFERS, ContactPolicy(caps))
    return Room.left(book, history_of(responses, {}, book, at=NOW), channel)


def seen(offer_id: str, channel: str = "app") -> Response:
    return Response(offer_id, EventKind.IMPRESSION, NOW - 1, channel)


def test_caps_of_single_offers_leave_room_for_everything() -> None:
    assert room([seen("a")], Cap(CapScope.OFFER, 1, 7)) is None
    assert room([seen("a")]) is None


def test_the_tightest_cap_counts() -> None:
    caps = (Cap(CapScope.ALL, 9, 7), Cap(CapScope.CHANNEL, 4, 7), Cap(CapScope.CATEGORY, 3, 7))
    responses = [seen("a"), seen("b", "web"), seen("d")]
    here, there = room(responses, *caps), room(responses, *caps, channel="vk")
    assert here is not None
    assert there is not None
    assert (here.places, there.places) == (2.0, 4.0)
    assert here.by_category.tolist() == [1.0, 2.0, 3.0]
    left = here.after(np.asarray([0, 5]))
    assert (left.places, left.by_category.tolist()) == (0.0, [0.0, 2.0, 2.0])


@given(
    st.permutations(range(6)),
    st.lists(st.sampled_from("abcdef"), max_size=6),
    st.integers(1, 4),
    st.integers(1, 6),
    st.permutations(range(6)),
)
def test_any_order_of_who_is_left_fits(
    merit: list[int], shown: list[str], at_most: int, places: int, drawn: list[int]
) -> None:
    found = room([seen(name) for name in shown], Cap(CapScope.CATEGORY, at_most, 7))
    assert found is not None
    out = found.crowded(np.asarray(merit), places)
    slate = [one for one in drawn if one not in out][:places]
    for name in "xyz":
        before = sum(OFFERS["abcdef".index(one)].category == name for one in shown)
        mine = [one for one in slate if OFFERS[one].category == name]
        assert not mine or before + len(mine) <= at_most
        kept = [one for one in merit if OFFERS[one].category == name and one not in out]
        # Only the least of a category have to stay out, and none without need.
        assert kept == [one for one in merit if OFFERS[one].category == name][: len(kept)]
        members = sum(one.category == name for one in OFFERS)
        assert len(kept) == members or len(kept) == max(at_most - before, 0)
