from mia.api.dashboard.gallery import KEPT, Gallery


def test_a_drawing_is_kept_until_the_position_moves() -> None:
    gallery, drawn = Gallery(), []

    def draw(name: str) -> str:
        return gallery.show(len(drawn) // 2, name, lambda: drawn.append(name) or f"{name}{len(drawn)}")

    assert draw("a") == "a1"
    assert draw("a") == "a1"
    assert draw("b") == "b2"
    assert draw("a") == "a3"


def test_a_drawing_made_for_an_older_position_is_not_kept() -> None:
    gallery = Gallery()
    assert gallery.show(1, "a", lambda: gallery.show(2, "b", lambda: "new") and "old") == "old"
    assert gallery.show(2, "a", lambda: "fresh") == "fresh"


def test_no_more_than_so_many_are_kept() -> None:
    gallery = Gallery()
    for number in range(KEPT + 1):
        gallery.show(1, number, lambda: "kept")
    assert gallery.show(1, 0, lambda: "drawn anew") == "drawn anew"
    assert gallery.show(1, KEPT, lambda: "drawn anew") == "kept"
