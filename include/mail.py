"""One plain e-mail over SMTP. Addresses and server are settings; the password never is."""

import os
import smtplib
import ssl
import stat
from email.message import EmailMessage
from pathlib import Path

from include.errors import Refused, TryAgain
from include.settings import LOOPBACK, Settings

PASSWORD = "NIGHTFILL_SMTP_PASSWORD"
"""The one variable with a secret: it is read here and handed on to nobody."""
SECONDS = 10.0


def send(settings: Settings, subject: str, text: str) -> None:
    """Send to everybody in NIGHTFILL_EMAIL_TO, in one message.

    With NIGHTFILL_SMTP_TLS=starttls (the default) or tls the server's certificate is checked, and nothing is sent in clear.

    Raises:
        Refused: a setting is missing or unsafe, or the server does not want the message.
        TryAgain: the server cannot be reached.
    """
    message, password = compose(settings, subject, text), read_password(settings)
    try:
        with _open(settings) as server:
            if settings.smtp_tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if password:
                server.login(settings.smtp_user, password)
            server.send_message(message)
    except smtplib.SMTPConnectError as error:
        raise TryAgain(f"The mail server did not answer ({error.smtp_code})", "Try again later") from error
    except smtplib.SMTPException as error:
        raise Refused(f"The mail server did not take the message ({type(error).__name__})", "Check NIGHTFILL_SMTP_*") from error
    except (OSError, ValueError) as error:
        raise TryAgain(f"The mail server cannot be reached ({type(error).__name__})", "Check NIGHTFILL_SMTP_HOST") from error


def compose(settings: Settings, subject: str, text: str) -> EmailMessage:
    """The message. A line break in the subject becomes a space: nobody adds a header.

    Raises:
        Refused: an address is none.
    """
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())[:200] or "Nightfill"
    try:
        message["From"] = settings.smtp_from or f"nightfill@{settings.smtp_host or 'localhost'}"
        message["To"] = ", ".join(receivers(settings))
    except (ValueError, IndexError) as error:
        raise Refused("An e-mail address of the settings is none", "Correct NIGHTFILL_EMAIL_TO or _SMTP_FROM") from error
    message.set_content(text)
    return message


def receivers(settings: Settings) -> list[str]:
    """Addresses, separated by commas or spaces in the setting."""
    found = settings.email_to.replace(",", " ").split()
    if wrong := [one for one in found if one.count("@") != 1 or one.startswith(("@", "-")) or one.endswith("@")]:
        raise Refused(f"'{wrong[0][:60]}' is not an e-mail address", "Correct NIGHTFILL_EMAIL_TO")
    return found


def read_password(settings: Settings) -> str:
    """From the environment, else from the file in NIGHTFILL_SMTP_PASSWORD_FILE; empty without NIGHTFILL_SMTP_USER.

    Raises:
        Refused: others may read the file, it is not there, or the password would travel in clear.
    """
    if not settings.smtp_user:
        return ""
    if settings.smtp_tls == "none" and settings.smtp_host not in (LOOPBACK, "localhost"):
        raise Refused("The password would travel in clear", "Set NIGHTFILL_SMTP_TLS to starttls or tls")
    if found := os.environ.get(PASSWORD, ""):
        return found
    path = Path(settings.smtp_password_file)
    if not settings.smtp_password_file or not path.is_file():
        raise Refused(f"There is no password for {settings.smtp_user}", f"Give {PASSWORD} or NIGHTFILL_SMTP_PASSWORD_FILE")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Refused(f"Others may read {path}", f"chmod 600 {path}")
    return path.read_text().strip()


def _open(settings: Settings) -> smtplib.SMTP:
    if settings.smtp_tls == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=SECONDS, context=context)
    return smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SECONDS)
