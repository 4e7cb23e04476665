"""Who asks, what they may do, and how a page asks for a DAG run: Airflow's own answers, and nobody else's."""

from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit

from airflow.api_fastapi.app import API_ROOT_PATH, get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.dagbag import create_dag_bag, get_latest_version_of_dag
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from airflow.configuration import conf
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from fastapi import HTTPException, Request
from sqlalchemy import select

from include.errors import Refused


class Run(NamedTuple):
    """A DAG run and its state."""

    run_id: str
    state: str


class Access(Protocol):
    """What the pages ask of Airflow."""

    async def user(self, request: Request) -> Any:
        """Who asks; None for a stranger."""

    def name(self, user: Any) -> str:
        """A user's name."""

    def may(self, user: Any, method: str, dag_id: str) -> bool:
        """Whether a user may GET, POST or PUT runs of a DAG."""

    def login(self, target: str) -> str:
        """Address of the login page that leads back to a path."""

    def trigger(self, user: Any, dag_id: str, run_id: str, values: dict[str, Any]) -> None:
        """Ask for a DAG run in the user's name. Raises Refused."""

    def last_run(self, dag_id: str) -> Run | None:
        """The newest run of a DAG."""

    def origins(self) -> list[str]:
        """Hosts under which this Airflow is known beside the one of the request, as host:port."""


class AirflowAccess:
    """Airflow's auth manager and its metadata database."""

    def __init__(self) -> None:
        self._dags = create_dag_bag()

    async def user(self, request: Request) -> Any:
        try:
            return await get_user(request, None, await bearer_scheme(request))
        except HTTPException:
            return None

    def name(self, user: Any) -> str:
        return str(user.get_name())

    def may(self, user: Any, method: str, dag_id: str) -> bool:
        team = DagModel.get_team_name(dag_id) if conf.getboolean("core", "multi_team") else None
        details = DagDetails(id=dag_id, team_name=team)
        return bool(
            get_auth_manager().is_authorized_dag(
                method=method,  # type: ignore[arg-type]
                access_entity=DagAccessEntity.RUN,
                details=details,
                user=user,
            )
        )

    def login(self, target: str) -> str:
        return f"{API_ROOT_PATH}api/v2/auth/login?{urlencode({'next': target})}"

    def trigger(self, user: Any, dag_id: str, run_id: str, values: dict[str, Any]) -> None:
        with create_session() as session:
            known = session.scalar(select(DagModel).where(~DagModel.is_stale, DagModel.dag_id == dag_id))
            if known is None or known.has_import_errors:
                raise Refused(f"Airflow does not know the DAG {dag_id}", "See Airflow's list of DAGs and their import errors")
            dag = get_latest_version_of_dag(self._dags, dag_id, session)
            try:
                dag.create_dagrun(
                    run_id=run_id,
                    run_after=_now(),
                    conf=values,
                    run_type=DagRunType.MANUAL,
                    triggered_by=DagRunTriggeredByType.UI,
                    triggering_user_name=self.name(user),
                    state=DagRunState.QUEUED,
                    session=session,
                )
            except ValueError as error:
                raise Refused(f"{dag_id} does not take this: {str(error)[:200]}", "Correct it and ask again") from error

    def last_run(self, dag_id: str) -> Run | None:
        with create_session() as session:
            wanted = select(DagRun.run_id, DagRun.state).where(DagRun.dag_id == dag_id)
            found = session.execute(wanted.order_by(DagRun.run_after.desc()).limit(1)).first()
            return Run(found[0], str(found[1])) if found else None

    def origins(self) -> list[str]:
        return [urlsplit(conf.get("api", "base_url", fallback="") or "").netloc]


def _now() -> Any:
    from airflow._shared.timezones.timezone import utcnow

    return utcnow()
