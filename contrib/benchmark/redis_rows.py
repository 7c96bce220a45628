"""The redis store beside the memory store, and beside the tutorial's service on the same Redis."""
import contextlib
import statistics

import servers
from measuring import CONNECTIONS, Candidate, keeper, measure, span, warm_up

BUDGET = 1.3


def candidates(stack, core, others):
    keep = keeper(stack)
    wrapper = f"taskset -c {core}"
    redis = keep(servers.Redis(others))

    def onceway(window, **store):
        return keep(servers.Onceway(wrapper, None, window, store=store))
    here = {"plugin": "redis", "url": redis.url}
    service = keep(servers.TutorialService(core, redis))
    duplicates = Candidate("duplicates, memory", onceway("1h"), "same", "duplicate", 0)
    new = Candidate("new, memory", onceway("10s"), "new", "delivered", 0)
    return redis, [
        duplicates,
        Candidate("duplicates, redis", onceway("1h", **here), "same", "duplicate", BUDGET,
                  duplicates),
        Candidate("duplicates, redis with `local_cache`", onceway(
            "1h", **here, local_cache=10000), "same", "duplicate", BUDGET, duplicates),
        Candidate("duplicates, the tutorial's service", service, "same", "", 0, duplicates),
        new,
        Candidate("new, redis", onceway("10s", **here), "new", "delivered", BUDGET, new),
        Candidate("new, the tutorial's service", service, "new", "", 0, new),
    ]


def table(every):
    print("| | events/s | CPU \u00b5s per event | of the memory store's | budget | core busy |")
    print("|---|---|---|---|---|---|")
    for c in every:
        print(f"| {c.name} | {span(c.rates, 0)} | {span(c.cpu, 1)} | {span(c.ratios, 2)} "
              f"| {c.budget or '-'} | {statistics.median(c.busy):.0%} |")


def gains(every):
    by_name = {c.name: c for c in every}
    for kind in ("duplicates", "new"):
        ours, theirs = by_name[f"{kind}, redis"], by_name[f"{kind}, the tutorial's service"]
        times = [a / b for a, b in zip(ours.rates, theirs.rates)]
        print(f"Events per second, {kind}: {span(times, 1)} times those of the tutorial's "
              "service on the same Redis.")


def report(rounds, seconds):
    core, others = servers.cores()
    with contextlib.ExitStack() as stack:
        redis, every = candidates(stack, core, others)
        wrk = servers.Wrk(others, CONNECTIONS)
        warm_up(every, wrk)
        measure(every, wrk, rounds, seconds)
        version = next(line.partition(":")[2].strip()
                       for line in redis.ask("INFO", "server").splitlines()
                       if line.startswith("redis_version:"))
        print(f"Redis {version}; {rounds} rounds of {seconds} s, {CONNECTIONS} connections: "
              "median (least to most)\n")
        table(every)
        print()
        gains(every)
