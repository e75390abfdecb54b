"""A week of runs, played against the template's first three alarms, minute by minute.

What each run writes is read from the table of the page on alarms, to which a test of the function holds it (process.rs). What an
alarm makes of it is CloudWatch's documented rule, which test_alarms.py holds to AWS's own tables.
"""

from unittest import TestCase

from support import page
from test_alarms import ALARM, KEEP, OK, Alarm, evaluate

HOUR = 60
WEEK = 7 * 24 * HOUR
COMPLETE, UNTOLD, FILTERED, GATE, NONE = range(5)


def table() -> list:
    """For each kind of run, when it writes `Denied`, `Inconclusive` and the rest."""
    lines = page("guides/schedule-and-alarms").splitlines()
    start = lines.index("| run | `Denied` | `Inconclusive` | `DurationMs` and the others | what the alarms do |") + 2
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start : start + 5]]
    return [dict(zip(("Denied", "Inconclusive", "DurationMs"), row[1:4], strict=True)) for row in rows]


class Run:
    def __init__(self, minute: int, kind: int = COMPLETE, denied: int = 0, inconclusive: int = 0) -> None:
        self.minute, self.kind = minute, kind
        self.values = {"Denied": denied, "Inconclusive": inconclusive, "DurationMs": 40}

    def written(self, metric: str, rules: list) -> int | None:
        rule, value = rules[self.kind][metric], self.values[metric]
        return value if rule == "always" or (rule == "above 0" and value > 0) else None


def week() -> list:
    """Hourly runs, and what happens beside them."""
    runs = []
    for hour in range(7 * 24):
        minute = HOUR * hour
        denied = 1 if 30 <= hour < 40 else 0
        if 34 <= hour < 36:
            # AWS throttles the check while the denial lasts.
            runs.append(Run(minute, UNTOLD, inconclusive=17))
        elif hour == 60:
            # One slow answer.
            runs.append(Run(minute, UNTOLD, inconclusive=1))
        elif 80 <= hour < 86:
            # The table is missing: allowed, and not as it should be.
            runs.append(Run(minute, UNTOLD, inconclusive=5))
        elif not 110 <= hour < 118:
            runs.append(Run(minute, denied=denied))
    # Somebody tries other actions while one is denied, a deployment asks and passes, and another is stopped.
    runs += [Run(HOUR * 31 + 20, FILTERED), Run(HOUR * 32 + 20, GATE), Run(HOUR * 33 + 10, NONE), Run(HOUR * 100 + 20, GATE, denied=1)]
    # While the schedule is broken, nobody's filtered run hides it.
    runs += [Run(HOUR * 112, FILTERED), Run(HOUR * 113, GATE)]
    return sorted(runs, key=lambda run: run.minute)


def states(name: str, length: int, rules: list, runs: list) -> list:
    """The alarm's state in each minute of the week, with an evaluation range that long."""
    alarm, state, found = Alarm(name), OK, []
    period = alarm.period // 60
    written = [(run.minute, run.written(alarm.metric, rules)) for run in runs]
    written = [(minute, value) for minute, value in written if value is not None]
    for now in range(WEEK):
        if now >= length * period:
            points = ""
            for at in reversed(range(length)):
                values = [value for minute, value in written if now - (at + 1) * period < minute <= now - at * period]
                value = (len(values) or None) if alarm.statistic == "SampleCount" else max(values, default=None)
                points += alarm.point(value)
            now_state = evaluate(points, alarm.needed, alarm.periods, alarm.treatment)
            state = state if now_state == KEEP else now_state
        found.append(state)
    return found


def spans(found: list) -> list:
    """The times in ALARM, each as its first minute and the one after its last."""
    edges, since = [], None
    for minute, state in enumerate(found):
        if state == ALARM and since is None:
            since = minute
        elif state != ALARM and since is not None:
            edges.append((since, minute))
            since = None
    return edges + ([(since, len(found))] if since is not None else [])


class Week(TestCase):
    rules = table()

    def alarmed(self, name: str, length: int) -> list:
        return spans(states(name, length, self.rules, week()))

    def test_a_denial_pages_once_until_a_run_that_knows_better(self) -> None:
        for length in (2, 5):
            with self.subTest(evaluation_range=length):
                # From the run of hour 30 to that of hour 40, through throttled, filtered and gate runs; and for the
                # deployment that was stopped, as long as the period looks back to it.
                expected = [(HOUR * 30, HOUR * 40), (HOUR * 100 + 20, HOUR * 101 + 20)]
                self.assertEqual(self.alarmed("DeniedAlarm", length), expected)

    def test_what_lasts_pages_and_what_does_not_does_not(self) -> None:
        for length in (3, 6):
            with self.subTest(evaluation_range=length):
                spans = self.alarmed("InconclusiveAlarm", length)
                self.assertEqual([start // HOUR for start, _ in spans], [35, 81], "twice in three hours, and the slow answer pages nobody")

    def test_missing_runs_page_whatever_else_runs(self) -> None:
        for length in (2, 5):
            with self.subTest(evaluation_range=length):
                ((start, end),) = self.alarmed("MissingAlarm", length)
                self.assertEqual((start, end), (HOUR * 109 + 2 * HOUR, HOUR * 118))

    def test_a_zero_of_a_filtered_run_would_turn_the_alarm_off(self) -> None:
        """What the table is for: with zeros always written, the denial of hour 30 is over with the next console test."""
        careless = [dict(rule, Denied="always") if rule["Denied"] == "above 0" else rule for rule in self.rules]
        found = spans(states("DeniedAlarm", 2, careless, week()))
        self.assertGreater(len(found), 2)
