"""Checks of how offers require and exclude each other."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping

from mia.domain.offer import Offer
from mia.quality.catalogue.facts import CatalogueFacts
from mia.quality.catalogue.limits import CatalogueLimits
from mia.quality.check import Example, Finding

Graph = Mapping[str, Collection[str]]


def requires_circles(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Circles of requirements: nobody can connect any of them first."""
    return _circles_found(facts, "requires", "none of them can be connected first")


def exclusion_circles(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Circles of exclusions: which one is connected first decides."""
    return _circles_found(facts, "excludes", "the one connected first bars the others")


def impossible_requires(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Offers whose requirements cannot be met."""
    offers = {offer.id: offer for offer in facts.offers}
    graph = _graph(facts, "requires")
    dead = dict.fromkeys(facts.contradictions, "whose conditions contradict each other")
    if facts.reach is not None:
        dead |= {offer_id: "which reaches nobody" for offer_id, count in facts.reach.offers.items() if not count}
    dead |= {offer_id: "which requires itself" for circle in circles(graph) for offer_id in circle}
    examples = [
        Example(why, {"offer": offer.id})
        for offer in facts.offers
        if (why := _impossible(offer, offers, sorted(_closure(graph, offer.id) - {offer.id}), dead)) is not None
    ]
    return Finding(float(len(examples)), "", examples)


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """The shortest circle through each node that is in one, each circle once, from its least node on.

    >>> circles({"a": ["b"], "b": ["c"], "c": ["b"]})
    [('b', 'c')]
    """
    found = {_turned(circle) for node in graph if (circle := _shortest_back(graph, node)) is not None}
    return sorted(found)


def _circles_found(facts: CatalogueFacts, link: str, what: str) -> Finding:
    found = circles(_graph(facts, link))
    examples = [Example(f"{what}: {' -> '.join((*circle, circle[0]))}", {"offer": circle[0]}) for circle in found]
    return Finding(float(len(found)), "", examples)


def _graph(facts: CatalogueFacts, link: str) -> dict[str, list[str]]:
    known = {offer.id for offer in facts.offers}
    return {offer.id: sorted(known.intersection(getattr(offer, link)) - {offer.id}) for offer in facts.offers}


def _impossible(
    offer: Offer, offers: Mapping[str, Offer], needed: Collection[str], dead: Mapping[str, str]
) -> str | None:
    barred = next((other for other in needed if other in offer.excludes), None)
    if barred is not None:
        return f"requires {barred} and excludes it"
    for one in needed:
        for other in needed:
            if one < other and other in offers[one].excludes and one in offers[other].excludes:
                return f"requires {one} and {other}, which exclude each other"
    lost = next((other for other in needed if other in dead), None)
    return None if lost is None else f"requires {lost}, {dead[lost]}"


def _closure(graph: Graph, node: str) -> set[str]:
    return set(_reached(graph, node))


def _reached(graph: Graph, start: str) -> Iterator[str]:
    """Every node on a way from `start`, which is itself among them when a way leads back."""
    seen: set[str] = set()
    waiting = deque(graph[start])
    while waiting:
        node = waiting.popleft()
        if node not in seen:
            seen.add(node)
            yield node
            waiting.extend(graph[node])


def _shortest_back(graph: Graph, start: str) -> tuple[str, ...] | None:
    ways: dict[str, tuple[str, ...]] = {start: (start,)}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for following in graph[node]:
            if following == start:
                return ways[node]
            if following not in ways:
                ways[following] = (*ways[node], following)
                waiting.append(following)
    return None


def _turned(circle: tuple[str, ...]) -> tuple[str, ...]:
    least = circle.index(min(circle))
    return (*circle[least:], *circle[:least])
