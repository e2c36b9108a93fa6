"""LightGBM itself, where it is needed: to fit, and to score what has no compiled form."""

from collections.abc import Sequence
from functools import cache, cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import lightgbm


@cache
def native() -> ModuleType:
    """LightGBM. It brings scikit-learn, pandas and the statistics of SciPy along where they are installed: seconds and
    70 MB that a server of a compiled model has no use for, so it is imported when first asked for.
    """
    import lightgbm

    module: ModuleType = lightgbm
    return module


class StoredBoosters(Sequence["lightgbm.Booster"]):
    """Boosters by the `texts` they are kept as; LightGBM makes them when one is asked for. Raises ValueError then for
    a text that it cannot read.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, place: int) -> "lightgbm.Booster": ...
    @overload
    def __getitem__(self, place: slice) -> Sequence["lightgbm.Booster"]: ...
    def __getitem__(self, place: int | slice) -> "lightgbm.Booster | Sequence[lightgbm.Booster]":
        return self._made[place]

    def __getstate__(self) -> dict[str, Any]:
        """The texts: who scores with the compiled form elsewhere needs no more."""
        return {"texts": self.texts}

    @cached_property
    def _made(self) -> tuple["lightgbm.Booster", ...]:
        try:
            return tuple(native().Booster(model_str=text) for text in self.texts)
        except native().basic.LightGBMError as error:
            raise ValueError(str(error)) from error


def texts_of(boosters: Sequence["lightgbm.Booster"]) -> tuple[str, ...]:
    """The text of each booster."""
    if isinstance(boosters, StoredBoosters):
        return boosters.texts
    return tuple(booster.model_to_string() for booster in boosters)
