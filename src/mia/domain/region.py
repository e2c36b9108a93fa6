"""Regions of the operator: the macro-region each belongs to and the time zone its days are counted in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """One region; `timezone` is an IANA name."""

    name: str
    macro_region: str
    timezone: str


REGIONS: dict[str, Region] = {
    region.name: region
    for region in (
        Region("Kurgan", "Urals", "Asia/Yekaterinburg"),
        Region("Orenburg", "Urals", "Asia/Yekaterinburg"),
        Region("Chelyabinsk", "Urals", "Asia/Yekaterinburg"),
        Region("Sverdlovsk", "Urals", "Asia/Yekaterinburg"),
        Region("Rostov", "South", "Europe/Moscow"),
        Region("Krasnodar", "South", "Europe/Moscow"),
        Region("Saint Petersburg", "North-West", "Europe/Moscow"),
        Region("Murmansk", "North-West", "Europe/Moscow"),
        Region("Kaliningrad", "North-West", "Europe/Kaliningrad"),
        Region("Moscow", "Centre", "Europe/Moscow"),
        Region("Samara", "Volga", "Europe/Samara"),
        Region("Novosibirsk", "Siberia", "Asia/Novosibirsk"),
        Region("Vladivostok", "Far East", "Asia/Vladivostok"),
    )
}
