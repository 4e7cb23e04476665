"""Say aloud that a surface has got worse."""

from typing import Any

from airflow.sdk import BaseOperator, Context

from nightfill.notifications import post


class AlarmOperator(BaseOperator):
    """Posts to the webhook and marks the log when the night's measures raise an alarm.

    The task stays green: the alarm is about the shelves, not about the run.

    Args:
        measures: the result of measure_night: {"alarm": bool, "reason": str, ...}. Templated.
    """

    template_fields = ("measures",)

    def __init__(self, *, measures: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.measures = measures

    def execute(self, context: Context) -> dict[str, Any]:
        alarm, reason = bool(self.measures["alarm"]), str(self.measures["reason"])
        if alarm:
            self.log.warning("REGRESSION: %s", reason)
            post({"text": f"Regression on the shelves: {reason}", "dag_id": self.dag_id, "run_id": context["ti"].run_id})
        return {"alarm": alarm, "reason": reason}
