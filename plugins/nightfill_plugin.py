"""The one file of plugins/ that Airflow scans; the package beside it is imported by name."""

from typing import Any
from urllib.parse import quote, urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from nightfill.web.lazy import LazyPages

PREFIX = "/nightfill"
PAGES = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/") + PREFIX
"""Where a browser finds the pages: Airflow may itself be under a path."""

SUN = "<circle cx='12' cy='13' r='4'/><path d='M12 3v3M3 13h2M19 13h2M5.5 6.5l1.5 1.5M18.5 6.5l-1.5 1.5M3 20h18'/>"
STEPS = "<path d='M4 20v-5h5v-5h5V5h6'/><path d='M17 2l3 3-3 3'/>"


def icon(shape: str, colour: str) -> str:
    """A line drawing as the address of a picture: nothing is loaded from elsewhere."""
    drawn = f"<g fill='none' stroke='{colour}' stroke-width='2' stroke-linecap='round' stroke-linejoin='round'>{shape}</g>"
    return "data:image/svg+xml," + quote(f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'>{drawn}</svg>")


def link(name: str, page: str, route: str, shape: str) -> dict[str, Any]:
    """An entry of Airflow's navigation; the page opens in a frame of Airflow's own page."""
    icons = {"icon": icon(shape, "#3b5b8c"), "icon_dark_mode": icon(shape, "#c6d4ea")}
    where = {"href": f"{PAGES}/{page}", "destination": "nav", "nav_top_level": True, "url_route": route}
    return {"name": name} | where | icons


class NightfillPlugin(AirflowPlugin):
    """Nightfill's pages behind Airflow's login, and their links in its navigation."""

    name = "nightfill"
    fastapi_apps = [{"app": LazyPages(), "url_prefix": PREFIX, "name": "nightfill"}]  # noqa: RUF012 - Airflow's own convention
    external_views = [  # noqa: RUF012
        link("Morning report", "reports", "morning-report", SUN),
        link("Releases", "releases", "releases", STEPS),
    ]
