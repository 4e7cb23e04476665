"""The one file of plugins/ that Airflow scans; the package beside it is imported by name."""

from airflow.plugins_manager import AirflowPlugin

from include.settings import Settings


class NightfillPlugin(AirflowPlugin):
    """Adds a link to the morning report to Airflow's navigation."""

    name = "nightfill"
    external_views = [  # noqa: RUF012 - Airflow's own convention
        {
            "name": "Morning report",
            "href": f"http://{Settings.load().host('reports')}:{Settings.load().port('reports')}/latest/",
            "destination": "nav",
            "url_route": "morning-report",
        }
    ]
