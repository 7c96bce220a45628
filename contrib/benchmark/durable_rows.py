"""What it costs the memory store to keep each key on disk as it is committed."""
import contextlib
import os
import pathlib
import tempfile

import instructions
import servers
from measuring import CONNECTIONS, Candidate, keeper, measure, say, span, warm_up

KINDS = ("100ms", "always")
KEYS = {"plugin": "memory", "max_keys": 10000000}


def durable(directory, name, sync):
    return {**KEYS, "durable": str(pathlib.Path(directory, name)), "sync": sync}


def candidates(stack, core, directory):
    keep = keeper(stack)
    wrapper = f"taskset -c {core}"
    new = Candidate("new, memory alone", keep(servers.Onceway(wrapper, None, "10s", store=KEYS)),
                    "new", "delivered", 0)
    return [new] + [
        Candidate(f"new, `durable`, `sync: {sync}`", keep(servers.Onceway(
            wrapper, None, "10s", store=durable(directory, sync, sync))),
                  "new", "delivered", 0, new) for sync in KINDS]


def shared(candidate):
    """How many keys there are in a transaction."""
    metrics = candidate.server.metrics()
    transactions = metrics.get("onceway_store_durable_transactions_total", store="main")
    return metrics.get("onceway_store_durable_keys_total", store="main") / max(1, transactions)


def report_instructions(events, directory):
    runs = {"memory alone": instructions.profile(events, True, None, store=KEYS)}
    for sync in KINDS:
        say(f"callgrind: {sync}")
        runs[sync] = instructions.profile(
            events, True, None, store=durable(directory, "profile-" + sync, sync))
    costs = {name: sum(p.cost.values()) / count for name, (p, count) in runs.items()}
    print("\nInstructions per event: " + ", ".join(
        f"{name} {cost:.0f} ({cost / costs['memory alone']:.2f})"
        for name, cost in costs.items()))


def report(rounds, seconds, events):
    core, others = servers.cores()
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(
            prefix="onceway-bench-", dir=os.environ.get("TMPDIR", "/var/tmp")))
        every = candidates(stack, core, directory)
        wrk = servers.Wrk(others, CONNECTIONS)
        warm_up(every, wrk)
        measure(every, wrk, rounds, seconds)
        print(f"{rounds} rounds of {seconds} s, {CONNECTIONS} connections: "
              "median (least to most)\n")
        print("| | events/s | CPU \u00b5s per event | of the memory store's | keys per fsync |")
        print("|---|---|---|---|---|")
        for c in every:
            keys = f"{shared(c):.0f}" if c.reference else ""
            print(f"| {c.name} | {span(c.rates, 0)} | {span(c.cpu, 1)} | {span(c.ratios, 2)} "
                  f"| {keys} |")
        report_instructions(events, directory)
