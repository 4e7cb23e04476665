"""Several writers at once on one store, call by call in a random order; each may be killed before any of its calls."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

NEVER = 10**6


class Killed(BaseException):
    """The process is gone: nothing of the code under test may catch it."""


class Baton:
    """Lets one thread at a time do one call."""

    def __init__(self) -> None:
        self.turn = threading.Condition()
        self.waiting: set[str] = set()
        self.running: set[str] = set()
        self.chosen: str | None = None

    def wait_for_turn(self, name: str) -> None:
        with self.turn:
            self.running.discard(name)
            self.waiting.add(name)
            self.turn.notify_all()
            self.turn.wait_for(lambda: self.chosen == name)
            self.chosen = None
            self.waiting.discard(name)
            self.running.add(name)

    def done(self, name: str) -> None:
        with self.turn:
            self.running.discard(name)
            self.turn.notify_all()

    def lead(self, choice: random.Random) -> None:
        with self.turn:
            while True:
                self.turn.wait_for(lambda: not self.running and self.chosen is None)
                if not self.waiting:
                    return
                self.chosen = choice.choice(sorted(self.waiting))
                self.turn.notify_all()


class Stepped:
    """A store that asks for the baton before each call, and dies at one, or when a delete would come too late: a real one is
    given up after some time."""

    parallel = 1

    def __init__(self, inner: Any, baton: Baton, name: str, dies_at: int, patience: float) -> None:
        self.inner, self.baton, self.name, self.dies_at, self.calls = inner, baton, name, dies_at, 0
        self.patience = patience

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            self.calls += 1
            asked = time.monotonic()
            self.baton.wait_for_turn(self.name)
            too_late = method == "delete" and time.monotonic() > asked + self.patience
            if self.calls == self.dies_at or too_late:
                raise Killed
            found = getattr(self.inner, method)(*args, **more)
            return iter(list(found)) if method in ("list", "scan") else found

        return call


def at_once(
    store: Any,
    actions: dict[str, Callable[[Any], Any]],
    choice: random.Random,
    dies_at: dict[str, int],
    expected: tuple[type, ...],
    patience: float = NEVER,
) -> dict[str, Any]:
    """Run every action on the store in a thread of its own; returns what each ended with: a value or an error.

    Args:
        dies_at: by name the number of the call before which it is killed.
        expected: errors in which an action may end; any other is raised here.
        patience: seconds for which a delete may wait for its turn.
    """
    baton, ended = Baton(), dict[str, Any]()

    def run(name: str) -> None:
        try:
            ended[name] = actions[name](Stepped(store, baton, name, dies_at.get(name, NEVER), patience))
        except BaseException as error:
            ended[name] = error
        finally:
            baton.done(name)

    threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in actions]
    baton.running |= actions.keys()
    for thread in threads:
        thread.start()
    baton.lead(choice)
    for thread in threads:
        thread.join(10)
    for end in ended.values():
        if isinstance(end, BaseException) and not isinstance(end, (Killed, *expected)):
            raise end
    return ended
