"""Start the gateway: mend its files, then become Envoy, so that its pid and signals are Envoy's own.

Being run by the supervisor at every start, it also guards a restart after a crash: routes that would be refused at
boot (alive, and 404 for everybody) are replaced by the last good ones first.
"""

import logging
import os

from include.serving.attempts import rotate_attempts
from include.serving.gateway import Gateway
from include.serving.precheck import envoy_path
from include.settings import Settings


def command(gateway: Gateway) -> list[str]:
    """The command line of Envoy. Log lines are flushed five times a second, for the judge of a ramp waits for them."""
    return [
        envoy_path(),
        "-c",
        str(gateway.bootstrap_file),
        "--concurrency",
        "1",
        "--use-dynamic-base-id",
        "--disable-hot-restart",
        "--reject-unknown-dynamic-fields",
        "--file-flush-interval-msec",
        "200",
        "--drain-time-s",
        "1",
        "-l",
        "warn",
    ]


def main() -> None:
    """Prepare the files and exec."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    gateway = Gateway(Settings.load())
    gateway.prepare()
    rotate_attempts(gateway.attempts)
    line = command(gateway)
    os.execv(line[0], line)


if __name__ == "__main__":
    main()
