"""Rounds in which candidates take turns, and what is noted of each."""
import dataclasses
import statistics
import sys

import servers

CONNECTIONS = 64


@dataclasses.dataclass
class Candidate:
    name: str
    server: object
    mode: str  # of events.lua
    outcome: str  # that every event must have; empty: it has none
    budget: float  # of CPU per event, as a multiple of the reference's; 0: there is none
    reference: object = None  # the nginx that does the like; None: it is one itself
    rates: list = dataclasses.field(default_factory=list)
    cpu: list = dataclasses.field(default_factory=list)  # microseconds per event
    busy: list = dataclasses.field(default_factory=list)  # share of its core
    ratios: list = dataclasses.field(default_factory=list)
    half: dict = None


def say(text):
    print(text, file=sys.stderr, flush=True)


def keeper(stack):
    def keep(server):
        stack.callback(server.close)
        return server
    return keep


def load(candidate, wrk, seconds, think_ms=0):
    """One run. Returns what wrk says and the CPU seconds of the server meanwhile."""
    server = candidate.server
    before = server.outcomes()
    cpu = servers.cpu_seconds(server.process.pid)
    result = wrk.run(server, candidate.mode, seconds, think_ms)
    cpu = servers.cpu_seconds(server.process.pid) - cpu
    other = {outcome: count - before.get(outcome, 0)
             for outcome, count in server.outcomes().items()
             if outcome != candidate.outcome and count > before.get(outcome, 0)}
    server.end_round()
    if result["failed"] or other:
        raise SystemExit(f"bench: {candidate.name}: {result['failed']} requests failed, "
                         f"other outcomes: {other or 'none'}")
    return result, cpu


def warm_up(every, wrk):
    for candidate in every:
        wrk.run(candidate.server, candidate.mode, 1)
        candidate.server.end_round()


def measure(every, wrk, rounds, seconds):
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for c in every:
            result, cpu = load(c, wrk, seconds)
            elapsed = result["microseconds"] / 1e6
            c.rates.append(result["requests"] / elapsed)
            c.cpu.append(cpu * 1e6 / result["requests"])
            c.busy.append(cpu / elapsed)
            c.ratios.append(c.cpu[-1] / (c.reference or c).cpu[-1])


def span(values, digits):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f})")
