"""The one file of plugins/ that Airflow scans; the package beside it is imported by name."""

from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from nightfill.web.lazy import LazyPages

PREFIX = "/nightfill"
PAGES = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/") + PREFIX
"""Where a browser finds the pages: Airflow may itself be under a path."""


class NightfillPlugin(AirflowPlugin):
    """Nightfill's pages behind Airflow's login, and their links in its navigation."""

    name = "nightfill"
    fastapi_apps = [{"app": LazyPages(), "url_prefix": PREFIX, "name": "nightfill"}]  # noqa: RUF012 - Airflow's own convention
    external_views = [  # noqa: RUF012
        {"name": "Morning report", "href": f"{PAGES}/reports", "destination": "nav", "url_route": "morning-report"},
        {"name": "Releases", "href": f"{PAGES}/releases", "destination": "nav", "url_route": "releases"},
    ]
