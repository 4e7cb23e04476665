"""No page without a login, no change without the right to it, and none that another site has started."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from fastapi import HTTPException, Request

from nightfill.web.access import Access

LARGEST = 8192
"""Bytes of a form."""


class Stranger(Exception):
    """Nobody is signed in."""


def signed_in(access: Access) -> Callable[..., Any]:
    """A dependency of every route: leaves the user in request.state. Raises Stranger."""

    async def check(request: Request) -> None:
        user = await access.user(request)
        if user is None:
            raise Stranger
        request.state.person = user

    return check


def own_page(access: Access) -> Callable[..., Any]:
    """A dependency of every route that changes something: the request comes from a page of this Airflow.

    A cookie is sent along with what another site starts, so the browser's own word counts (Sec-Fetch-Site, else Origin).
    Without either only a caller that brings its token itself is let in.

    Raises:
        HTTPException: 403; 411 and 413 for a form without a length or too big.
    """

    async def check(request: Request) -> None:
        if not _is_own(request, access.origins()):
            raise HTTPException(403, "This was not asked from a page of this Airflow, so nothing was done.")
        length = request.headers.get("content-length", "")
        if not length.isdigit():
            raise HTTPException(411, "The form has no length, so nothing was done.")
        if int(length) > LARGEST:
            raise HTTPException(413, "The form is too big, so nothing was done.")

    return check


def _is_own(request: Request, known: list[str]) -> bool:
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        return request.headers.get("authorization", "").lower().startswith("bearer ")
    if site not in (None, "same-origin"):
        return False
    return origin is None or (bool(urlsplit(origin).netloc) and urlsplit(origin).netloc in [request.url.netloc, *known])
