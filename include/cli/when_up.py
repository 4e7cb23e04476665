"""Become another program as soon as a web address answers: python -m include.cli.when_up URL PROGRAM [WORD ...]

Airflow's scheduler starts tasks at once, and a task that finds no API server uses up its retries. After a restart in the
middle of a night that would fail the night.
"""

import os
import sys
import time
import urllib.error
import urllib.request


def answers(url: str) -> bool:
    """Whether anybody answers at all, whatever the answer is."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def main(words: list[str]) -> None:
    """Wait without end: the supervisor ends this process when it is not wanted any more."""
    url, *command = words
    while not answers(url):
        time.sleep(0.3)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
