"""Does a candidate know the products that the shop sells today? Judged by what it answers, since a file may say anything.

Product indexes are given in the order of first days, so a table from an earlier night knows none above some index, and a
model that stands on it can answer none. Stable answered the same households. With D different products answered by the
candidate, and a share s of stable's different products newer than the newest of them, a candidate that knows what stable
knows comes to this with a chance of about (1 - s)^D.
"""

from collections.abc import Callable, Mapping, Sequence

NEWER = 10
"""So many newer products must be missing, whatever the chance is."""
CHANCE = 1e-6

Answers = Mapping[str, Sequence[str]]
"""Household -> products."""


def stale(stable: Answers, candidate: Answers, place: Mapping[str, int], when: Callable[[int], object]) -> str:
    """Why the candidate's vocabulary is stale, in words; empty when it is not, or when nothing can be said.

    Args:
        place: index of every product that is known on the night.
        when: an index to the day on which it was first sold, for the reason.
    """
    own = {place[product] for products in candidate.values() for product in products if product in place}
    others = {place[product] for products in stable.values() for product in products if product in place}
    if not own or not others:
        return ""
    newest = max(own)
    newer = {index for index in others if index > newest}
    if len(newer) < NEWER or (1 - len(newer) / len(others)) ** len(own) > CHANCE:
        return ""
    missed = sum(any(place.get(product, -1) > newest for product in products) for products in stable.values())
    return (
        f"The candidate's vocabulary is stale: the newest product that it answers was first sold on {when(newest)}; "
        f"stable answered {len(newer)} newer ones to {missed} of {len(stable)} households"
    )
