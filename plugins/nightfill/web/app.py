"""The pages: Morning report and Releases. Every route needs a login; what changes something needs the right to it too."""

import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include import recipes
from include.errors import NightfillError, TryAgain
from include.nights import parse
from include.settings import Settings
from include.store.document import unpack
from include.store.objects import Missing, Store, open_store
from include.words import counted
from nightfill.web import actions, report_list
from nightfill.web.access import Access
from nightfill.web.guard import Stranger, own_page, signed_in
from nightfill.web.surface_view import FEW, MANY, view
from nightfill.web.words import moment

TEMPLATES = Path(__file__).parent / "templates"
ALONE = "default-src 'none'; base-uri 'none'; frame-ancestors 'self'"
POLICY = f"{ALONE}; style-src 'self'; form-action 'self'; frame-src 'self'"
STAGES = ("raw", "features")
REPORT_POLICY = f"{ALONE}; style-src 'unsafe-inline'; img-src data:; form-action 'none'; sandbox"

log = logging.getLogger(__name__)


def create_app(access: Access, opened: Callable[[], Store] = lambda: open_store(Settings.load().store_uri)) -> FastAPI:
    """All pages over one store.

    Args:
        access: Airflow's login and permissions.
        opened: opens the store, once for each request.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(signed_in(access))])
    pages = Pages(access, opened)
    changes = [Depends(own_page(access))]
    app.get("/")(pages.home)
    app.get("/style.css")(pages.style)
    app.get("/reports")(pages.reports)
    app.get("/reports/latest")(pages.latest)
    app.get("/reports/{night}")(pages.report)
    app.get("/reports/{night}/page")(pages.report_page)
    app.get("/checks/{stage}/{night}")(pages.checks)
    app.get("/releases")(pages.releases)
    app.get("/releases/{surface}")(pages.surface)
    app.get("/releases/{surface}/ask")(pages.ask)
    app.post("/releases/{surface}/do", dependencies=changes)(pages.do)
    app.get("/{path:path}")(pages.nowhere)
    app.add_exception_handler(Stranger, pages.stranger)
    app.add_exception_handler(HTTPException, pages.problem)
    app.add_exception_handler(NightfillError, pages.refused)
    app.middleware("http")(_headers)
    return app


class Pages:
    """The handlers. Those that read the store run in a thread of their own (they are plain functions)."""

    def __init__(self, access: Access, opened: Callable[[], Store]) -> None:
        self.access = access
        self.opened = opened
        self.env = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self.env.filters |= {"moment": moment, "counted": counted}

    def home(self, request: Request) -> Response:
        return RedirectResponse(f"{_root(request)}/releases", 303)

    def style(self) -> Response:
        return Response(
            (TEMPLATES / "style.css").read_text(), media_type="text/css", headers={"Cache-Control": "private, max-age=300"}
        )

    def reports(self, request: Request, before: str = "") -> Response:
        """Nights with a report, thirty at a time."""
        self._check(request, "GET", "evaluate_nightly")
        store, last = self.opened(), parse(before) if before else dt.date.max
        found = [night for night in report_list.nights(store) if night < last]
        shown = [report_list.line(store, night) for night in found[: report_list.SHOWN]]
        return self._page(request, "reports", nights=shown, more=len(found) > len(shown), before=before)

    def latest(self, request: Request) -> Response:
        self._check(request, "GET", "evaluate_nightly")
        found = report_list.nights(self.opened())
        return RedirectResponse(f"{_root(request)}/reports" + (f"/{found[0]}" if found else ""), 303)

    def report(self, request: Request, night: str) -> Response:
        """One report between its neighbours."""
        self._check(request, "GET", "evaluate_nightly")
        wanted, found = parse(night), report_list.nights(self.opened())
        if wanted not in found:
            raise Missing(f"There is no morning report of {wanted}", "Run evaluate_nightly for that night")
        place = found.index(wanted)
        later, earlier = found[place - 1] if place else None, found[place + 1] if place + 1 < len(found) else None
        return self._page(request, "report", night=wanted, later=later, earlier=earlier)

    def report_page(self, request: Request, night: str) -> Response:
        self._check(request, "GET", "evaluate_nightly")
        page = report_list.page(self.opened(), parse(night))
        return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_POLICY})

    def checks(self, request: Request, stage: str, night: str) -> Response:
        """What the checks of a stage found in a run up to a night."""
        self._check(request, "GET", "build_features")
        if stage not in STAGES:
            raise HTTPException(404, "There is no such page.")
        key = f"reports/checks/{stage}/{parse(night)}.json"
        again = f"Run build_features for {parse(night)} again"
        try:
            found = unpack(self.opened().read(key), key, "a report of checks", again)
        except Missing:
            raise Missing(f"There is no report of the checks of {stage} up to {parse(night)}", again) from None
        return self._page(request, "checks", **found)

    def releases(self, request: Request, told: str = "") -> Response:
        """Every surface that the person may see."""
        seen = [name for name in recipes.surfaces() if self._may(request, "GET", f"release_{name}")]
        if not seen:
            raise HTTPException(403, "You may not see the releases of any surface.")
        return self._surfaces(request, seen, FEW, told)

    def surface(self, request: Request, surface: str, told: str = "") -> Response:
        self._check(request, "GET", f"release_{_known(surface)}")
        return self._surfaces(request, [surface], MANY, told)

    def ask(self, request: Request, surface: str, do: str = "", version: str = "") -> Response:
        """What an action would do, with a button that does it."""
        wanted = actions.action(do)
        self._check(request, wanted.method, f"{wanted.dag}_{_known(surface)}")
        said = actions.says(self.opened(), surface, do, actions.number(version))
        return self._page(request, "ask", surface=surface, do=do, said=said)

    async def do(self, request: Request, surface: str) -> Response:
        """Do what a form asks for, and show the surface again."""
        from starlette.concurrency import run_in_threadpool

        form = actions.read_form(await request.body())
        return await run_in_threadpool(self._do, request, surface, form)

    def nowhere(self, path: str) -> Response:
        raise HTTPException(404, "There is no such page.")

    async def stranger(self, request: Request, error: Exception) -> Response:
        """A browser that reads a page is shown the login, everybody else is refused."""
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(self.access.login(target), 303)
        return HTMLResponse("Sign in to Airflow first.", 401)

    async def problem(self, request: Request, error: Any) -> Response:
        return self._page(request, "problem", error.status_code, text=str(error.detail))

    async def refused(self, request: Request, error: Any) -> Response:
        code = (
            404
            if isinstance(error, Missing)
            else 503
            if isinstance(error, TryAgain)
            else 400
            if request.method == "GET"
            else 409
        )
        return self._page(request, "problem", code, text=str(error))

    def _do(self, request: Request, surface: str, form: actions.Form) -> Response:
        wanted = actions.action(form.do)
        self._check(request, wanted.method, f"{wanted.dag}_{_known(surface)}")
        actions.do(self.opened(), self.access, request.state.person, surface, form)
        log.info("%s: %s of %s (%s)", self.access.name(request.state.person), form.do, surface, form.why)
        return RedirectResponse(f"{_root(request)}/releases?told={form.do}#{surface}", 303)

    def _surfaces(self, request: Request, names: list[str], limit: int, told: str) -> Response:
        shown = []
        for name in names:
            run = self.access.last_run(f"rollback_{name}")
            rights = {
                "change": self._may(request, "PUT", f"release_{name}"),
                "roll": self._may(request, "POST", f"rollback_{name}"),
            }
            shown.append(
                self._view(name, limit) | rights | {"run": run, "going": bool(run and run.state in ("queued", "running"))}
            )
        said = actions.ACTIONS[told].told if told in actions.ACTIONS else ""
        waiting = any(one["going"] for one in shown)
        return self._page(request, "releases", surfaces=shown, told=said, waiting=waiting, whole=limit == MANY)

    def _view(self, surface: str, limit: int) -> dict[str, Any]:
        try:
            return view(self.opened(), surface, limit)
        except NightfillError as error:
            return {"name": surface, "error": str(error)}

    def _may(self, request: Request, method: str, dag_id: str) -> bool:
        return self.access.may(request.state.person, method, dag_id)

    def _check(self, request: Request, method: str, dag_id: str) -> None:
        if not self._may(request, method, dag_id):
            right = {"GET": "see runs of", "POST": "start runs of", "PUT": "change runs of"}[method]
            raise HTTPException(403, f"You may not {right} {dag_id} in Airflow.")

    def _page(self, request: Request, name: str, code: int = 200, **values: Any) -> HTMLResponse:
        embedded = request.headers.get("sec-fetch-dest") == "iframe"
        html = self.env.get_template(f"{name}.html.j2").render(root=_root(request), embedded=embedded, **values)
        return HTMLResponse(html, code)


def _root(request: Request) -> str:
    return quote(str(request.scope.get("root_path", "")))


def _known(surface: str) -> str:
    if surface not in recipes.surfaces():
        raise HTTPException(404, f"There is no surface of this name. There are: {', '.join(recipes.surfaces())}.")
    return surface


async def _headers(request: Request, following: Any) -> Response:
    """What every answer carries; an unforeseen error is a sentence, and its trace is in the log."""
    try:
        response: Response = await following(request)
    except Exception:
        log.exception("A page could not be made: %s", request.url.path)
        response = HTMLResponse("This page could not be made. Airflow's API server log says why.", 500)
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.update({"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"})
    return response
