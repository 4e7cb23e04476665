"""Send the households of the following days through the gateway, and log what they were shown."""

import datetime as dt
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AliasChoices, Field

from include import recipes
from include.errors import Refused, TryAgain
from include.evaluation.replay import Plan, Replay
from include.evaluation.shoppers import Shopper, questions, shoppers
from include.jobs.frame import Job, main
from include.nights import parse, span
from include.rollout.traffic import quantile
from include.serving.answer_log import AnswerLog
from include.serving.gateway import Gateway
from include.serving.predict import Client
from include.settings import Settings

if TYPE_CHECKING:
    from include.features.asof import NightView
    from include.sources.replay import ReplayClock

ARMS = ("stable", "canary", "nobody")


class ReplayShoppers(Job):
    """Ask for every household of some days once, on its first day, with the features of one night. On a surface with queries
    it asks for a few of the types that it buys on that day; such queries are synthetic.

    Modes: `shop` (a day of business), `shadow` (the shadow answers the same questions afterwards), `ramp` (as `shop`;
    the gateway splits). Answers are logged under the night and the run; the same run again starts its log anew, so a ramp
    gives each of its steps a run.

    Args:
        night: whose features answer, YYYY-MM-DD.
        first, last: the replayed days, both after the night; empty means the day after it.
        run_id (or run): names the answers; empty means <mode>-<first>-<last>.
        rate: requests a second; 0 means as fast as they are answered and the shadow keeps up.
        passes: how often the days are replayed.
        stop_file: the replay ends early once this file exists.
        gateway_seconds: how long to wait for the gateway to be ready.
        slots: products of a household's past in a question; 0 takes the recipe's.
    """

    work: Path = Path()
    surface: str
    night: str
    first: str = ""
    last: str = ""
    mode: Literal["shop", "shadow", "ramp"] = "shop"
    run_id: str = Field(default="", max_length=150, validation_alias=AliasChoices("run_id", "run"))
    rate: float = Field(default=0.0, ge=0)
    passes: int = Field(default=1, ge=1, le=1000)
    workers: int = Field(default=8, ge=1, le=64)
    queue: int = Field(default=512, ge=1, le=100_000)
    slots: int = Field(default=0, ge=0)
    stop_file: str = ""
    gateway_seconds: float = Field(default=10.0, gt=0)

    def run(self) -> dict[str, Any]:
        from include.features.reading import read_history
        from include.sources.opening import open_source
        from include.sources.replay import ReplayClock

        night, days = self._days()
        settings = Settings.load()
        gateway = self._gateway(settings)
        clock = ReplayClock(open_source(self.source))
        view = read_history(self.open_store(), night, recipes.columns(self.surface), self.source).view(night)
        asked = self._asked(clock, days, view)
        if not asked and not all(clock.source.closed(day) for day in days):
            raise Refused(f"Nobody came to the shop from {days[0]} to {days[-1]}", "Choose other days")
        began = time.time()
        run_id = self._run_id(days)
        with AnswerLog(settings.answers, self.surface, night, run_id) as out, Client(gateway.address) as client:
            plan = Plan(self.surface, night, run_id, self.mode == "shadow", self.workers, rate=self.rate, queue=self.queue)
            replay = Replay(plan, client, out, self._stopped)
            for _ in range(self.passes):
                asks = questions(view, asked, self._slots(), recipes.asks_query(self.surface))
                replay.run(asks, self.passes * len(asked))
                if self._stopped():
                    break
        return self._result(replay, asked, days, time.time() - began)

    def _asked(self, clock: "ReplayClock", days: list[dt.date], view: "NightView") -> list[Shopper]:
        """Each household once; on a surface with queries a few synthetic questions of each."""
        from include.evaluation.searchers import searchers, types_of

        if not recipes.asks_query(self.surface):
            return shoppers(clock, days)
        return searchers(clock, days, types_of(view.content, view.product_ids))

    def _result(self, replay: Replay, asked: list[Shopper], days: list[dt.date], seconds: float) -> dict[str, Any]:
        traffic = replay.traffic
        if traffic.count(*ARMS) and traffic.failed(*ARMS) == traffic.count(*ARMS):
            codes = ", ".join(sorted({code for arm in ARMS for code in traffic.codes[arm]}))
            raise TryAgain(
                f"None of {traffic.count(*ARMS)} requests was answered ({codes})", "See `nightfill status` and retry"
            )
        arms = traffic.summary()
        times = [ms for arm in ARMS for ms in traffic.times[arm]]
        return {
            "run": self._run_id(days),
            "night": self.night,
            "first": days[0].isoformat(),
            "last": days[-1].isoformat(),
            "households": len({shopper.household for shopper in asked}),
            "requests": traffic.count(*ARMS),
            "failed": traffic.failed(*ARMS),
            "dropped": replay.dropped,
            "shadow_requests": traffic.count("shadow"),
            "shadow_retried": replay.retried,
            "shadow_failed": traffic.failed("shadow"),
            "by_arm": arms,
            "p50_ms": quantile(times, 0.5),
            "p99_ms": quantile(times, 0.99),
            "seconds": round(seconds, 2),
        }

    def _days(self) -> tuple[dt.date, list[dt.date]]:
        recipes.require(self.surface)
        night = parse(self.night)
        first = parse(self.first) if self.first else night + dt.timedelta(days=1)
        last = parse(self.last) if self.last else first
        if first <= night:
            raise Refused(f"{first} is not after the night {night}", "The features of a night answer the days after it")
        if last < first:
            raise Refused(f"The replay would end on {last}, before it begins on {first}", "Give first and last in order")
        return night, span(first, last)

    def _gateway(self, settings: Settings) -> Gateway:
        gateway = Gateway(settings)
        gateway.wait_ready(self.gateway_seconds)
        if self.surface not in gateway.current():
            raise Refused(f"The gateway has no route for {self.surface}", f"Run start_{self.surface} first")
        return gateway

    def _run_id(self, days: list[dt.date]) -> str:
        return self.run_id or f"{self.mode}-{days[0]}-{days[-1]}"

    def _slots(self) -> int:
        return self.slots or max(recipes.get(self.surface, name).history_slots for name in recipes.names(self.surface))

    def _stopped(self) -> bool:
        return bool(self.stop_file) and Path(self.stop_file).exists()


if __name__ == "__main__":
    sys.exit(main(ReplayShoppers))
