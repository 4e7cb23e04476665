"""Checks of data: their page is a link of the task, and a night that was set aside fails its run at the end."""

from collections.abc import Collection, Sequence
from typing import Any

from airflow.sdk import BaseOperator, BaseOperatorLink, Context
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.types import TaskInstanceKey

from include.nights import parse
from include.settings import Settings
from include.store.objects import open_store
from include.store.quarantine import quarantined
from include.words import counted
from nightfill.operators.job import JobOperator


class DataDocsLink(BaseOperatorLink):
    """The page of Great Expectations about the last check of a stage up to the run's last night."""

    name = "Data Docs"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        assert isinstance(operator, JobOperator)
        night, stage = operator.spec["last"], operator.job.removeprefix("validate_")
        return Settings.load().report_address(night).replace(f"/reports/{night}", f"/checks/{stage}/{night}")


class CheckOperator(JobOperator):
    """A job validate_<stage>, with a link to its page."""

    operator_extra_links: Collection[BaseOperatorLink] = (DataDocsLink(),)


class QuarantineOperator(BaseOperator):
    """Fails when the events of a night of this run are set aside: the night is published without them.

    All that comes after the night works on: it finds the last good partitions. Clear this task once the night is released.

    Args:
        first, last: the run's nights. Templated.
    """

    template_fields: Sequence[str] = ("first", "last")
    ui_color = "#f6e3c5"

    def __init__(self, *, first: str, last: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first = first
        self.last = last

    def execute(self, context: Context) -> dict[str, int]:
        first, last = parse(str(self.first)), parse(str(self.last))
        found = {
            night: why for night, why in quarantined(open_store(Settings.load().store_uri)).items() if first <= night <= last
        }
        for night, why in found.items():
            self.log.error("Night %s is quarantined: %s", night, "; ".join(why))
        if found:
            night, why = next(iter(found.items()))
            more = f" (and {counted(len(found) - 1, 'more night')})" if len(found) > 1 else ""
            raise AirflowFailException(
                f"Night {night} is quarantined{more} and goes on without its events: {why[0] if why else 'see validate_raw'}. "
                f'Correct the source and run the night again, or `nightfill accept {night} --reason "..."`.'
            )
        return {"quarantined": 0}
