"""What becomes of outcomes: figures, and the bounds that they keep or miss."""

from dataclasses import replace

from chaos.figures import LATE_SECONDS, NEVER, Bounds, Figures, Span, as_json, summed_up
from chaos.load import FAILED, LOST, REFUSED, UNSENT, WHOLE, WITH_GAPS, Outcome, Sent

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
SPAN = Span(began=10.0, ended=20.0)


def came(at: float, kind: str = WHOLE, seconds: float = 0.01, *codes: int) -> Outcome:
    return Outcome(at, seconds, kind, 200, codes, 100)


def test_an_answer_is_known_by_its_words() -> None:
    refusal = b'HTTP/1.1 503 Service Unavailable\r\n\r\n{"errors":[{"extensions":{"code":5030200}}]}'
    broken = b'HTTP/1.1 200 OK\r\n\r\n{"errors":[{"extensions":{"code":5000000}},{"extensions":{"code":5030100}}]}'
    answers = [HEAD + b'{"data":{}}', HEAD + b'{"data":{},"extensions":{"degraded":[]}}', refusal, broken]
    found = [Sent(0.0).answered(answer) for answer in answers]
    assert [outcome.kind for outcome in found] == [WHOLE, WITH_GAPS, REFUSED, FAILED]
    assert found[3].codes == (5000000, 5030100)
    assert Sent(0.0).answered(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").kind == FAILED


def test_outcomes_are_counted_and_timed() -> None:
    outcomes = [came(9), came(11, WITH_GAPS, 0.5), came(19, FAILED, 0.2, 5030100), came(20.5), came(21)]
    found = summed_up(outcomes, SPAN)
    assert (found.sent, found.failed, found.degraded, found.unclear) == (5, 1, 1, 0)
    assert (found.p99_ms, round(found.recover_s, 2)) == (500.0, 0.51)
    assert found.codes == "1 × 5030100"


def test_what_the_load_could_not_send_counts_as_nobodys_failure_but_is_told() -> None:
    outcomes = [came(11), came(21), *[Outcome(12.0, 0.0, UNSENT, 0, (), 0)] * 3]
    found = summed_up(outcomes, SPAN)
    assert (found.sent, found.failed, found.unclear) == (2, 0, 0)
    assert Bounds().missed(found) == ["3 were not sent: 3000 connections were waiting for answers already"]


def test_a_load_that_does_not_keep_its_rate_says_so() -> None:
    outcomes = [came(11)] * 98 + [came(21)] * 2
    late = [replace(outcome, late=LATE_SECONDS * 1.5) for outcome in outcomes[-2:]]
    assert summed_up([*outcomes[:-2], *late[:1], outcomes[-1]], SPAN).complaints == ()
    found = summed_up([*outcomes[:-2], *late], SPAN)
    assert found.complaints == ("the load did not keep its rate: 1% was sent 150 ms late or later",)


def test_what_never_comes_back_took_for_ever() -> None:
    assert summed_up([came(11), came(21, WITH_GAPS)], SPAN).recover_s == NEVER


def test_times_count_until_what_died_is_started_again() -> None:
    outcomes = [came(11, WHOLE, 0.1), came(16, WHOLE, 3.0)]
    assert summed_up(outcomes, Span(10.0, 20.0, calm_until=15.0)).p99_ms == 100.0


def test_a_failure_that_says_nothing_is_unclear() -> None:
    outcomes = [came(11, FAILED, 0.1, 5000000), came(11, LOST), came(11, FAILED), came(11, REFUSED)]
    found = summed_up(outcomes, SPAN)
    assert (found.failed, found.unclear, found.refused) == (4, 3, 1)


def test_bounds_that_are_kept_complain_of_nothing() -> None:
    kept = Figures(sent=1000, failed=0, degraded=9, p99_ms=49.0, recover_s=2.0, goodput=0.85)
    assert Bounds(p99_ms=50.0, goodput=0.85, sent=1000).missed(kept) == []


def test_each_bound_that_is_missed_is_told() -> None:
    found = Figures(9, 1, 2, 51.0, 2.5, unclear=1, codes="1 × 5000000", goodput=0.5, complaints=("it smells",))
    assert Bounds(degraded=0, p99_ms=50.0, goodput=0.85, sent=10).missed(found) == [
        "failed 1 > 0 (1 × 5000000)",
        "degraded 2 > 0",
        "p99_ms 51 > 50",
        "recover_s 2.5 > 2",
        "1 failed without a clear code (1 × 5000000)",
        "sent 9 < 10",
        "goodput 50% < 85%",
        "it smells",
    ]


def test_a_critical_backend_may_fail_requests_but_must_say_so() -> None:
    assert Bounds(failed=None).missed(Figures(9, 9, 0, 1.0, 1.0)) == []


def test_what_is_written_has_the_promised_shape() -> None:
    written = as_json(Figures(9, 1, 2, 51.26, 0.123), ["failed 1 > 0"])
    assert written == {
        "sent": 9,
        "failed": 1,
        "degraded": 2,
        "p99_ms": 51.3,
        "recover_s": 0.12,
        "refused": 0,
        "missed": ["failed 1 > 0"],
    }
