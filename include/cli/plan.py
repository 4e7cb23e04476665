"""What `make run` asks Airflow for, as a value: the DAG runs of the recorded nights, in order."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field, model_validator

from include import recipes
from include.errors import Refused
from include.nights import parse, span
from include.recipes.cadence import due
from include.settings import SourceSpec
from include.source_days import ENDS
from include.words import counted

WEEK = dt.timedelta(days=7)
DAY = dt.timedelta(days=1)

FIRST_MODEL = {"complete_journey": "2017-10-22"}
LAST_REPLAYED = {"complete_journey": "2017-11-26"}
"""The replay clock may read up to here; later weeks belong to `make bench-models`."""

SECONDS = {
    "history": 180,
    "start": 40,
    "build_features": 45,
    "train": 180,
    "release": 200,
    "replay_shoppers": 20,
    "evaluate_nightly": 30,
}
"""What a DAG run takes on two cores, roughly: the first guess of the time left."""


class Calendar(BaseModel):
    """The dates of one recorded run. `history_from` is the first night of the range run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    history_from: dt.date
    first_model: dt.date
    last_day: dt.date
    nights: int = Field(default=3, ge=1, le=60)
    surface: str = Field(default="home", pattern="^[a-z][a-z0-9_]{0,30}$")
    recipe: str = Field(default="quick", pattern="^[a-z][a-z0-9_]{0,30}$")

    @model_validator(mode="after")
    def _fits(self) -> "Calendar":
        if self.first_model < self.history_from:
            raise ValueError(f"the first model ({self.first_model}) lies before the history ({self.history_from})")
        if self.report_night > self.last_day:
            raise ValueError(
                f"{counted(self.nights, 'night needs', 'nights need')} purchases up to {self.report_night}, "
                f"and they may be read up to {self.last_day}"
            )
        return self

    @property
    def history_to(self) -> dt.date:
        """The week after the first model's night is in the history: its households are what the release replays."""
        return self.first_model + WEEK

    @property
    def single_nights(self) -> list[dt.date]:
        return span(self.history_to + DAY, self.history_to + self.nights * DAY)

    @property
    def last_night(self) -> dt.date:
        return self.single_nights[-1]

    @property
    def report_night(self) -> dt.date:
        return self.last_night + WEEK


class Step(BaseModel):
    """One DAG run: where it belongs in the story, and how Airflow is asked for it."""

    model_config = ConfigDict(frozen=True)

    stage: str
    dag_id: str
    run_id: str
    conf: dict[str, str]
    guess: float
    """Seconds that it takes, roughly."""

    @property
    def title(self) -> str:
        return f"{self.dag_id} {self.run_id.removeprefix('recorded__').removeprefix(f'{self.dag_id}__')}"


def calendar(
    source: SourceSpec,
    *,
    history_from: str = "",
    first_model: str = "",
    nights: int = 3,
    surface: str = "home",
    recipe: str = "quick",
) -> Calendar:
    """The dates for a source; empty texts mean its own defaults.

    Raises:
        Refused: a date is malformed, unknown, or outside the data.
    """
    first, last = ENDS.get(source.name, ("", ""))
    begin = history_from or source.first or first
    end = min(filter(None, [source.last, LAST_REPLAYED.get(source.name, ""), last]), default="")
    model = first_model or FIRST_MODEL.get(source.name, "")
    if begin and end and not model and source.first and source.last:
        model = latest_model(parse(begin), parse(end), nights, recipes.get(surface, recipe).gate_weeks).isoformat()
    if not (begin and end and model):
        raise Refused(
            f"The dates of source '{source.name}' are not known",
            "Give --history-from and --first-model, and first and last in NIGHTFILL_SOURCE",
        )
    dates = {"history_from": parse(begin), "first_model": parse(model), "last_day": parse(end)}
    if source.name in ENDS and dates["history_from"] < parse(first):
        raise Refused(f"The history cannot start on {begin}: the data starts on {first}", f"Give a date from {first} on")
    try:
        return Calendar.model_validate({**dates, "nights": nights, "surface": surface, "recipe": recipe})
    except ValueError as error:
        lines = "; ".join(str(e["msg"]).removeprefix("Value error, ") for e in error.errors())  # type: ignore[attr-defined]
        raise Refused(f"The nights cannot be planned: {lines}", "Choose other dates or fewer nights (NIGHTS=3)") from error


def latest_model(first: dt.date, last: dt.date, nights: int, gate_weeks: int) -> dt.date:
    """The last night for a first model that leaves its release week, the single nights and the week of the report.

    Raises:
        Refused: the data is too short for it: before that night lie the gate weeks, a training week and a week of past.
    """
    model = last - 2 * WEEK - nights * DAY
    past = (gate_weeks + 2) * WEEK
    if model < first + past:
        have, need = (last - first).days + 1, (past + 2 * WEEK).days + nights + 1
        raise Refused(
            f"The data is too short: it holds {have} days ({have / 7:.1f} weeks) from {first} to {last}, "
            f"and {counted(nights, 'night needs', 'nights need')} {need} ({-(-need // 7)} weeks: 1 of past, 1 to train on, "
            f"{gate_weeks} for the gates, 1 for the release, the nights themselves, 1 for the report)",
            "Deliver earlier days as well" + (", or ask for fewer nights (--nights 1)" if nights > 1 else ""),
        )
    return model


def plan(dates: Calendar) -> list[Step]:
    """All DAG runs, in order. The run ids depend on the dates alone, so that a second run finds the first one's."""
    history = {"start": dates.history_from.isoformat(), "end": dates.history_to.isoformat()}
    steps = [_step("history", "build_features", f"{history['start']}_{history['end']}", history, "history")]
    opening = dates.first_model.isoformat()
    steps.append(_step("first model", f"start_{dates.surface}", opening, {"dt": opening}, "start"))
    steps += _model("first model", dates, dates.first_model)
    trained, recipe = dates.first_model, recipes.get(dates.surface, dates.recipe)
    for night in dates.single_nights:
        steps += _night(night, dates.surface)
        if night != dates.last_night and due(recipe, trained, night):
            steps += _model("nights", dates, night)
            trained = night
    steps += _model("second model", dates, dates.last_night)
    return [*steps, _dated("morning report", "evaluate_nightly", dates.report_night, dates.surface)]


def _model(stage: str, dates: Calendar, night: dt.date) -> list[Step]:
    conf = {"dt": night.isoformat(), "recipe": dates.recipe}
    return [
        _step(stage, f"train_{dates.surface}", night.isoformat(), conf, "train"),
        _step(stage, f"release_{dates.surface}", night.isoformat(), {"dt": night.isoformat()}, "release"),
    ]


def _night(night: dt.date, surface: str) -> list[Step]:
    day = night.isoformat()
    return [
        _step("nights", "build_features", day, {"start": day, "end": day}, "build_features"),
        _dated("nights", "replay_shoppers", night, surface),
        _dated("nights", "evaluate_nightly", night, surface),
    ]


def _dated(stage: str, dag_id: str, night: dt.date, surface: str) -> Step:
    """These DAGs serve every surface: home is what they do unasked, the others have runs of their own."""
    day = night.isoformat()
    if surface == "home":
        return _step(stage, dag_id, day, {"dt": day}, dag_id)
    return _step(stage, dag_id, f"{surface}__{day}", {"dt": day, "surface": surface}, dag_id)


def _step(stage: str, dag_id: str, key: str, conf: dict[str, str], kind: str) -> Step:
    return Step(stage=stage, dag_id=dag_id, run_id=f"recorded__{dag_id}__{key}", conf=conf, guess=SECONDS[kind])
