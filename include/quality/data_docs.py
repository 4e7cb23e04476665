"""The page of Great Expectations (Data Docs) about one validation, as one file that needs nothing from elsewhere.

reports/checks/<stage>/<last night>.html
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from include.store.objects import Store

STYLE = """<style>
body { margin: 1.5rem auto; max-width: 72rem; padding: 0 1rem; font: 15px/1.5 "Segoe UI", Arial, sans-serif; color: #2e2a26; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid #e7ded2; padding: .35rem .5rem; text-align: left; }
</style>"""
FROM_ELSEWHERE = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<img\b[^>]*>|<style\b.*?</style>|<footer\b.*?</footer>", re.DOTALL | re.IGNORECASE
)


def docs_key(stage: str, night: dt.date | str) -> str:
    return f"reports/checks/{stage}/{night}.html"


def render(results: Any, stage: str, profile: Sequence[Mapping[str, Any]]) -> str:
    """The page; without results it says that there was nothing to look at."""
    nights = [str(row["night"]) for row in profile]
    title = f"Checks of {stage}, {nights[0]} to {nights[-1]}" if nights else f"Checks of {stage}"
    if results is None:
        return f"<!doctype html><html><head><title>{title}</title></head><body><p>{title}: nothing to look at.</p></body>"
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    for result in results.results:  # the renderer wants Python's numbers
        result.result["observed_value"] = float(result.result["observed_value"])
    page = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(results))
    page = FROM_ELSEWHERE.sub("", page)
    return page.replace("</head>", f"<title>{title}</title>{STYLE}</head>", 1)


def publish(store: Store, stage: str, night: dt.date, page: str) -> str:
    """Keep the page in the store, where Airflow's pages show it; returns its key."""
    store.write(docs_key(stage, night), page.encode())
    return docs_key(stage, night)
