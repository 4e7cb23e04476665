"""Which metadata database the local Airflow uses: SQLite in its own folder, or a PostgreSQL of yours.

NIGHTFILL_DATABASE is `postgresql://user:password@host:port/name`, or the path of a file of mode 600 that holds it, so
that the password need not stand in an environment. `sqlite` goes back. It is kept in airflow.cfg (mode 600), is printed
nowhere and no job sees it.
"""

import configparser
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from include.canonical import digest
from include.errors import Refused

VARIABLE = "NIGHTFILL_DATABASE"
SECTION, OPTION = "database", "sql_alchemy_conn"
DRIVER = "postgresql+psycopg2"
ADVICE = f"Set {VARIABLE}=postgresql://user:password@host:5432/name, or to a file of mode 600 with that in it"
SCHEMES = ("postgresql", DRIVER)


def url(home: Path, environ: Mapping[str, str] | None = None) -> str:
    """The SQLAlchemy URL: of the variable, else what airflow.cfg in `home` has, else SQLite in `home`.

    Raises:
        Refused: the variable cannot be used. The message never holds the password.
    """
    said = (os.environ if environ is None else environ).get(VARIABLE, "").strip()
    sqlite = f"sqlite:///{home.absolute()}/airflow.db"
    if said == "sqlite":
        return sqlite
    if said:
        return _checked(said if "://" in said else _read(Path(said)))
    kept = _kept(home / "airflow.cfg")
    return kept if kept.startswith(DRIVER) else sqlite


def is_sqlite(url: str) -> bool:
    return url.startswith("sqlite:")


def key(url: str) -> str:
    """What tells two databases apart, without the password."""
    parts = urlsplit(url)
    return digest([parts.scheme, parts.username, parts.hostname, parts.port, parts.path])


def escaped(url: str) -> str:
    """The URL as airflow.cfg must have it: a percent sign begins an interpolation there."""
    return url.replace("%", "%%")


def masked(text: str, url: str) -> str:
    """A text without the password, in either spelling."""
    password = urlsplit(url).password or ""
    for secret in {password, unquote(password)} - {""}:
        text = text.replace(secret, "***")
    return text


def _kept(path: Path) -> str:
    config = configparser.RawConfigParser()
    config.read(path)
    return config.get(SECTION, OPTION, fallback="").replace("%%", "%")


def _read(path: Path) -> str:
    try:
        mode, text = path.stat(), path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise Refused(f"{VARIABLE} names a file that cannot be read ({type(error).__name__})", ADVICE) from None
    if mode.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refused(f"{path} holds a password and others may read it", f"Run chmod 600 {path} and start again")
    return text


def _checked(said: str) -> str:
    try:
        parts = urlsplit(said)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise Refused(f"{VARIABLE} is no URL", ADVICE) from None
    if parts.scheme not in SCHEMES:
        raise Refused(f"{VARIABLE} is for a PostgreSQL, not for '{parts.scheme[:20]}'", ADVICE)
    if not (parts.hostname and parts.username and port_is_fine and re.fullmatch(r"/[A-Za-z0-9_-]{1,63}", parts.path)):
        raise Refused(f"{VARIABLE} lacks a user, a host or the name of a database", ADVICE)
    if re.search(r"\s", said):
        raise Refused(f"{VARIABLE} has a space or a line break in it", "Write special characters as %20 and the like")
    return parts._replace(scheme=DRIVER).geturl()
