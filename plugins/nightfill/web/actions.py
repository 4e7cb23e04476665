"""What a person may do with a surface from the page, and the sentences that say beforehand what will happen."""

import re
import time
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from include.errors import Refused
from include.nights import moment
from include.rollout import registry, rollback, switches
from include.store.objects import Store
from nightfill.web.access import Access


class Action(NamedTuple):
    """One thing to do: the button's words, the permission that it needs on a DAG, and what it asks for."""

    title: str
    method: str
    dag: str
    asks: tuple[str, ...]
    told: str


ACTIONS = {
    "roll_back": Action("Roll back", "POST", "rollback", ("why",), "Airflow has been asked to roll back."),
    "pin": Action("Pin", "PUT", "release", ("why", "until"), "The surface is pinned."),
    "unpin": Action("Take the pin off", "PUT", "release", (), "The pin is off."),
    "freeze": Action("Freeze", "PUT", "release", ("why", "until"), "The surface is frozen."),
    "unfreeze": Action("Take the freeze off", "PUT", "release", (), "The freeze is off."),
}


class Form(NamedTuple):
    """What the person sent."""

    do: str
    version: int | None
    epoch: int | None
    why: str
    until: float | None


def action(do: str) -> Action:
    """One of ACTIONS. Raises Refused."""
    if do not in ACTIONS:
        raise Refused(f"There is no action '{do[:40]}'", f"Choose one of {', '.join(ACTIONS)}")
    return ACTIONS[do]


def read_form(body: bytes) -> Form:
    """A posted form. Raises Refused for a field that is malformed or there twice."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=10)
    except ValueError as error:
        raise Refused("The form cannot be read", "Open the page again") from error
    if doubled := [name for name, values in fields.items() if len(values) > 1]:
        raise Refused(f"The form holds {doubled[0][:40]} twice", "Open the page again")
    one = {name: values[0].strip() for name, values in fields.items()}
    return Form(
        do=one.get("do", ""),
        version=number(one.get("version", "")),
        epoch=number(one.get("epoch", "")),
        why=one.get("why", ""),
        until=moment(one.get("until", "")),
    )


def number(text: str) -> int | None:
    """A version or an epoch; None for nothing. Raises Refused."""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Refused(f"'{text[:40]}' is not a version", "Open the page again")
    return int(text)


def says(store: Store, surface: str, do: str, version: int | None) -> dict[str, Any]:
    """What an action would do, sentence by sentence, with what the form must hand back.

    Raises:
        Refused: it cannot be done now.
    """
    wanted, stable = action(do), registry.stable(store, surface)
    if do == "roll_back":
        going = rollback.plan(store, surface, version)
        back, now = going.after.version, going.before.version
        return {
            "title": f"Roll {surface} back to version {back}?",
            "button": f"Roll back to version {back}",
            "sentences": [
                f"Version {back} of night {going.after.night} will answer instead of version {now}. "
                "Each replica changes over without a failed request.",
                f"A release that is under way ends with HOLD, and {surface} stays pinned to version {back} until somebody "
                "takes the pin off: the next night would promote again otherwise.",
                f"Airflow does it: the DAG rollback_{surface} is triggered in your name, and checks at the end what serves.",
            ],
            "version": back,
            "epoch": going.before.epoch,
            "asks": wanted.asks,
        }
    if do == "pin" and stable is None:
        raise Refused(f"Nothing is stable on {surface}", f"Run start_{surface} first")
    serving = f"version {stable.version}" if stable else "what serves first"
    return {
        "title": f"{wanted.title}: {surface}?",
        "button": wanted.title,
        "sentences": SENTENCES[do](surface, serving),
        "version": stable.version if stable and do == "pin" else "",
        "epoch": "",
        "asks": wanted.asks,
    }


SENTENCES = {
    "pin": lambda surface, serving: [
        f"{surface} stays on {serving}. Nights go on, and models are trained and judged; a release of any other version ends "
        "with HOLD, one that is under way too.",
    ],
    "unpin": lambda surface, serving: [f"Releases may replace {serving} again, from the next night on."],
    "freeze": lambda surface, serving: [
        f"No release of {surface} begins, and one that is under way ends with HOLD at its next look; {serving} goes on "
        "answering. Rolling back by hand is still possible.",
    ],
    "unfreeze": lambda surface, serving: [f"Releases of {surface} may begin again, from the next night on."],
}


def do(store: Store, access: Access, user: Any, surface: str, form: Form) -> None:
    """Do what a form asks for, in the name of the user.

    Raises:
        Refused: it cannot be done; nothing has changed.
    """
    by = access.name(user)[:100] or "somebody"
    if form.do == "roll_back":
        going = rollback.plan(store, surface, form.version, form.epoch)
        values = {"version": going.after.version, "epoch": going.before.epoch, "why": _why(form), "by": by}
        access.trigger(user, f"rollback_{surface}", f"by_hand__{time.strftime('%Y-%m-%dT%H-%M-%S', time.gmtime())}", values)
    elif form.do == "pin":
        stable = registry.stable(store, surface)
        if stable is None or stable.version != form.version:
            raise Refused(f"{surface} is not served by version {form.version} any more", "Look again, and ask again")
        switches.pin(store, surface, stable.version, by, form.why, form.until)
    elif form.do == "freeze":
        switches.freeze(store, surface, by, form.why, form.until)
    else:
        (switches.unpin if form.do == "unpin" else switches.unfreeze)(store, surface, by)


def _why(form: Form) -> str:
    text = " ".join(form.why.split())
    if not 3 <= len(text) <= 250 or not text.isprintable():
        raise Refused("The reason must have 3 to 250 characters", "Say in a few words why")
    return text
