"""Evidence that may be looked at after every event: a mixture of likelihood ratios.

Look only at EVENTS (an error, a slow answer) and ask which arm each came from. When a canary of weight w has r times
stable's rate of events, an event is the canary's with probability w r / (w r + 1 - w). Under H0, "r <= margin", the product
of likelihood ratios for a larger r is a supermartingale that starts at 1, and so is the mean over several r: by Ville's
inequality it ever reaches 1 / alpha with probability at most alpha, however often one looks and however the weight moves
(Lindon, Sanden, Shirikian: Rapid Regression Detection in Software Deployments through Sequential Testing, KDD 2022;
Howard et al.: Time-uniform Chernoff bounds via nonnegative supermartingales, 2020). What hits both arms alike (an incident,
a busy machine) gives events of both arms and no evidence.
"""

from math import exp, inf, log

EFFECTS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, inf)
"""Rates that the canary may have, in multiples of the margin; `inf` means that only the canary has such events."""
_FLOOR, _CEILING = -600.0, 600.0


class Martingale:
    """One metric's evidence against H0 "the canary's rate of events is at most `margin` times stable's"."""

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = margin
        self.peak = 1.0
        self._logs = [0.0] * len(EFFECTS)

    def event(self, canary: bool, weight: float) -> None:
        """One event, and the canary's weight (0 to 1) when its arm was drawn."""
        null = _share(weight, self.margin)
        shares = [_share(weight, self.margin * effect) for effect in EFFECTS]
        self._add([_ratio(share if canary else 1 - share, null if canary else 1 - null) for share in shares])

    def trial(self, failed: bool, reference: float) -> None:
        """One request when all traffic is the canary's and its rate can only be held against `reference` (0 to 1)."""
        rates = [min(0.99, reference * effect) if effect < inf else 0.99 for effect in EFFECTS]
        self._add([log(rate / reference) if failed else log((1 - rate) / (1 - reference)) for rate in rates])

    @property
    def value(self) -> float:
        """Mean likelihood ratio now; `peak` is its highest value so far."""
        return sum(map(exp, self._logs)) / len(self._logs)

    def _add(self, steps: list[float]) -> None:
        self._logs = [max(_FLOOR, min(_CEILING, total + step)) for total, step in zip(self._logs, steps, strict=True)]
        self.peak = max(self.peak, self.value)


class SplitCheck:
    """Evidence that arms do not get the households they should (sample ratio mismatch), both directions.

    Fabijan et al.: Diagnosing Sample Ratio Mismatch in Online Controlled Experiments, KDD 2019; as a martingale here.
    """

    ODDS = (0.5, 0.67, 0.8, 1.25, 1.5, 2.0)

    def __init__(self) -> None:
        self.peak = 1.0
        self._logs = [0.0] * len(self.ODDS)

    def household(self, canary: bool, weight: float) -> None:
        """A household's first request, and the canary's weight at that moment."""
        for i, odds in enumerate(self.ODDS):
            share = _share(weight, odds)
            step = _ratio(share if canary else 1 - share, weight if canary else 1 - weight)
            self._logs[i] = max(_FLOOR, min(_CEILING, self._logs[i] + step))
        self.peak = max(self.peak, sum(map(exp, self._logs)) / len(self._logs))


def _share(weight: float, ratio: float) -> float:
    """Probability that an event is the canary's."""
    if ratio == inf:
        return 1.0 if weight > 0 else 0.0
    return weight * ratio / (weight * ratio + 1 - weight)


def _ratio(alternative: float, null: float) -> float:
    """Log of a likelihood ratio; what neither hypothesis allows says nothing."""
    if alternative == null:
        return 0.0
    if alternative == 0:
        return _FLOOR
    return log(alternative / null) if null > 0 else 0.0
