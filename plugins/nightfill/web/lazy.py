"""The pages as Airflow mounts them: made when somebody first asks for one.

Every Airflow program imports the plugin, and only the API server answers requests: the others never load the web room.
"""

import threading
from collections.abc import Awaitable, Callable
from typing import Any

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class LazyPages:
    """An ASGI app that makes another one and hands over to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._app: Asgi | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app()(scope, receive, send)

    def app(self) -> Any:
        """The pages themselves."""
        with self._lock:
            if self._app is None:
                from nightfill.web.access import AirflowAccess
                from nightfill.web.app import create_app

                self._app = create_app(AirflowAccess())
            return self._app
