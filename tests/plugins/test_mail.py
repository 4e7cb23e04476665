"""E-mail over a real small SMTP server, with and without STARTTLS; settings that would leak something are refused."""

import socketserver
import ssl
import subprocess
import threading
from types import SimpleNamespace

import pytest

from include import mail
from include.errors import Refused, TryAgain
from include.rollout.verdict import Kind
from include.settings import Settings
from nightfill.hooks.job import child_environ
from nightfill.notifications import notify_failure, post, tell_release


class Mailbox(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP for smtplib, and keeps what it is told. `refuse` is answered to every recipient."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.context, self.messages, self.logins, self.secure, self.refuse = context, [], [], [], False

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up, as one does that does not trust the certificate, is no news."""

    @property
    def port(self) -> int:
        return self.server_address[1]


class Talk(socketserver.StreamRequestHandler):
    server: Mailbox

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self) -> None:
        secure, lines = False, []
        self.say("220 mailbox")
        while raw := self.rfile.readline():
            word = raw.decode(errors="replace").strip()
            verb = word.split(" ")[0].upper()
            if verb in ("EHLO", "HELO"):
                self.say("250-mailbox\r\n250-AUTH PLAIN" + ("\r\n250 STARTTLS" if self.server.context else "\r\n250 OK"))
            elif verb == "STARTTLS":
                self.say("220 go")
                self.request = self.server.context.wrap_socket(self.request, server_side=True)
                self.setup()
                secure = True
            elif verb == "AUTH":
                self.server.logins.append((word, secure))
                self.say("235 welcome")
            elif verb == "RCPT" and self.server.refuse:
                self.say("550 no such person")
            elif verb == "DATA":
                self.say("354 go on")
                lines = []
                while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(line)
                self.server.messages.append("\n".join(lines))
                self.server.secure.append(secure)
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


@pytest.fixture
def mailbox():
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def secure_mailbox(tmp_path, monkeypatch):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=localhost"
    subprocess.run([*words.split(), "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Mailbox(context) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server, certificate
        server.shutdown()


def settings(port: int, **more) -> Settings:
    return Settings.model_validate({"email_to": "ada@shop.example", "smtp_port": port, "smtp_tls": "none"} | more)


def environ(monkeypatch, found: Settings) -> None:
    for name, value in found.environ().items():
        monkeypatch.setenv(name, value)


def test_a_message_reaches_everybody(mailbox):
    mail.send(settings(mailbox.port, email_to="ada@shop.example, bob@shop.example"), "A night failed", "because")
    assert "To: ada@shop.example, bob@shop.example" in mailbox.messages[0] and "because" in mailbox.messages[0]


def test_nobody_adds_a_header(mailbox):
    mail.send(settings(mailbox.port), "it failed\r\nBcc: eve@evil.example", "text")
    head = mailbox.messages[0].split("\n\n")[0]
    assert "\nBcc:" not in head and "it failed Bcc: eve@evil.example" in head


def test_over_starttls_the_password_is_never_in_clear(secure_mailbox, monkeypatch):
    server, certificate = secure_mailbox
    monkeypatch.setenv(mail.PASSWORD, "planted")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    mail.send(settings(server.port, smtp_host="localhost", smtp_tls="starttls", smtp_user="ada"), "s", "t")
    assert server.secure == [True] and [secure for _, secure in server.logins] == [True]


def test_a_certificate_that_nobody_signed_is_not_trusted(secure_mailbox):
    server, _ = secure_mailbox
    with pytest.raises(TryAgain, match="SSL"):
        mail.send(settings(server.port, smtp_host="localhost", smtp_tls="starttls"), "s", "t")
    assert server.messages == []


def test_a_server_without_starttls_gets_nothing(mailbox):
    with pytest.raises(Refused, match="did not take"):
        mail.send(settings(mailbox.port, smtp_tls="starttls"), "s", "t")
    assert mailbox.messages == []


def test_a_password_in_clear_over_a_network_is_refused(monkeypatch):
    monkeypatch.setenv(mail.PASSWORD, "planted")
    with pytest.raises(Refused, match="travel in clear"):
        mail.send(settings(25, smtp_host="mail.example", smtp_user="ada"), "s", "t")


def test_a_password_file_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "password"
    path.write_text("planted\n")
    found = settings(25, smtp_user="ada", smtp_password_file=str(path))
    path.chmod(0o644)
    with pytest.raises(Refused, match="chmod 600"):
        mail.read_password(found)
    path.chmod(0o600)
    assert mail.read_password(found) == "planted"


def test_without_a_password_the_sentence_says_where_it_goes():
    with pytest.raises(Refused, match=mail.PASSWORD):
        mail.read_password(settings(25, smtp_user="ada"))


@pytest.mark.parametrize("to", ["ada", "@shop.example", "ada@", "-x@shop.example", "a@b@c"])
def test_an_address_that_is_none_is_refused(to):
    with pytest.raises(Refused, match="not an e-mail address"):
        mail.compose(settings(25, email_to=to), "s", "t")


def test_a_person_whom_the_server_does_not_know_is_a_sentence(mailbox):
    mailbox.refuse = True
    with pytest.raises(Refused, match="did not take"):
        mail.send(settings(mailbox.port), "s", "t")


def test_a_failed_task_is_told_by_e_mail(mailbox, monkeypatch):
    environ(monkeypatch, settings(mailbox.port))
    task = SimpleNamespace(dag_id="train_home", task_id="train_model", run_id="r1", try_number=3)
    notify_failure({"task_instance": task, "exception": ValueError("the disk is full")})
    assert "Subject: Nightfill: train_home.train_model failed: the disk is full" in mailbox.messages[0]


@pytest.mark.parametrize("kind", [Kind.ROLL_BACK, Kind.REFUSE, Kind.HOLD])
def test_a_release_that_was_not_promoted_is_told(mailbox, monkeypatch, kind):
    environ(monkeypatch, settings(mailbox.port))
    assert tell_release(ended(kind), {"ti": SimpleNamespace(dag_id="release_home", task_id="end_release", run_id="r1")})
    assert str(kind) in mailbox.messages[0] and "the scores are all alike" in mailbox.messages[0]


def test_neither_a_promotion_nor_a_drill_is_news(mailbox, monkeypatch):
    environ(monkeypatch, settings(mailbox.port))
    assert not tell_release(ended(Kind.PROMOTE), {})
    assert not tell_release(ended(Kind.ROLL_BACK, drill="nan"), {})
    assert mailbox.messages == []


def test_a_dead_mail_server_changes_nothing(monkeypatch):
    environ(monkeypatch, settings(9))
    assert post({"text": "hello"}) is False


def test_no_job_sees_the_password(monkeypatch):
    monkeypatch.setenv(mail.PASSWORD, "planted")
    assert "planted" not in str(child_environ(Settings()))


def ended(kind: Kind, drill: str = ""):
    values = {"surface": "home", "candidate_version": 2, "reason": "the scores are all alike", "release": "r1"}
    return SimpleNamespace(verdict=kind, drill=drill, **values)
