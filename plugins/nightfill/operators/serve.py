"""Let the first version of a surface answer."""

import datetime as dt
from typing import Any

from airflow.sdk import BaseOperator, Context

from include.rollout import registry, served
from include.rollout.bundle import Pointer
from nightfill.hooks.serving import ServingHook


class ServeFirstOperator(BaseOperator):
    """Deploys a surface's version 0 on the stable replicas and routes everybody to it.

    There is nothing to compare a first version with. Where something is stable already, that stays: every later
    version has to earn its traffic in a release.

    Args:
        surface: the surface.
        version: the registered version. Templated.
        night: the night as of which it was made. Templated.
    """

    template_fields = ("version", "night")

    def __init__(self, *, surface: str, version: Any, night: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.surface = surface
        self.version = version
        self.night = night

    def execute(self, context: Context) -> dict[str, Any]:
        hook = ServingHook(surface=self.surface)
        stable = hook.stable() or self._first(hook)
        bundle = hook.bundle(stable.version)
        hook.deploy("stable", bundle)
        if self.surface not in hook.gateway.current():
            hook.route(0, "")
        return {"version": bundle.version, "model": bundle.name}

    def _first(self, hook: ServingHook) -> Pointer:
        night, version = dt.date.fromisoformat(str(self.night)), int(self.version)
        pointer = registry.promote(hook.store, self.surface, version, night, f"start_{self.surface}", epoch=0)
        served.note(hook.store, self.surface, pointer)
        return pointer
