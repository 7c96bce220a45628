"""Events per second, CPU per event and latency of onceway beside nginx. contrib/bench runs it."""
import argparse
import contextlib
import os
import pathlib
import platform
import statistics
import subprocess

import connections
import durable_rows
import instructions
import redis_rows
import servers
import sqs_rows
from measuring import CONNECTIONS, Candidate, keeper, load, measure, say, span, warm_up

CONNECTIONS_HALF = 128


def candidates(stack):
    core, others = servers.cores()
    wrapper = f"taskset -c {core}"
    keep = keeper(stack)
    sink = keep(servers.Nginx(others))
    # Keys live 10 s: the table is as large as it gets, and expiry is part of the cost.
    nginx = Candidate("nginx, `return 200`", keep(servers.Nginx(core)), "same", "", 1)
    every = [
        nginx,
        Candidate("duplicates", keep(servers.Onceway(wrapper, None, "1h")), "same",
                  "duplicate", 1.7, nginx),
        Candidate("new, log sink", keep(servers.Onceway(wrapper, None, "10s")), "new",
                  "delivered", 2.2, nginx),
        Candidate("new, http sink", keep(servers.Onceway(wrapper, sink, "10s")), "new",
                  "delivered", 3.2, nginx),
    ]
    certificate = keep(servers.Certificate())
    if not servers.speaks_tls(certificate):
        say("no rows with TLS: this onceway was built without")
        return every
    tls_sink = keep(servers.Nginx(others, certificate))
    tls_nginx = Candidate("nginx, `return 200`, TLS", keep(servers.Nginx(core, certificate)),
                          "same", "", 0)
    return every + [
        tls_nginx,
        Candidate("duplicates, TLS",
                  keep(servers.Onceway(wrapper, None, "1h", certificate)), "same",
                  "duplicate", 0, tls_nginx),
        Candidate("new, TLS to TLS sink",
                  keep(servers.Onceway(wrapper, tls_sink, "10s", certificate)), "new",
                  "delivered", 0, tls_nginx),
    ]


def measure_half(every, core, seconds):
    """
    wrk has no rate: its connections wait a random time after each answer, so
    long on average that about half the rate comes out. (It adds the samples
    that a stall kept it from taking.)
    """
    wrk = servers.Wrk(core, CONNECTIONS_HALF)
    wrk.first += 50000000
    for c in every:
        say(f"half load: {c.name}")
        # The mean wait is half of think_ms.
        think = max(1, round(2000 * CONNECTIONS_HALF / (statistics.median(c.rates) / 2)))
        c.half, _ = load(c, wrk, seconds, think)


def machine():
    model = next((line.partition(":")[2].strip()
                  for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    nginx = subprocess.run(["/usr/sbin/nginx", "-v"], capture_output=True, text=True,
                           check=False).stderr.strip().rpartition(" ")[2]
    return f"{model}, {os.cpu_count()} processors, Linux {platform.release()}, {nginx}"


def table(every):
    print("| | events/s | CPU µs per event | of nginx's | budget | core busy "
          "| half load: events/s | p50 ms | p99 ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for c in every:
        half_rate = c.half["requests"] / c.half["microseconds"] * 1e6
        print(f"| {c.name} | {span(c.rates, 0)} | {span(c.cpu, 1)} | {span(c.ratios, 2)} "
              f"| {c.budget or '-'} | {statistics.median(c.busy):.0%} | {half_rate:.0f} "
              f"| {c.half['p50'] / 1000:.2f} | {c.half['p99'] / 1000:.2f} |")


def report_events(rounds, seconds):
    with contextlib.ExitStack() as stack:
        every = candidates(stack)
        others = servers.cores()[1]
        wrk = servers.Wrk(others, CONNECTIONS)
        warm_up(every, wrk)
        measure(every, wrk, rounds, seconds)
        measure_half(every, others, seconds)
        print(f"{rounds} rounds of {seconds} s, {CONNECTIONS} connections: "
              "median (least to most)\n")
        table(every)


def report_workers(rounds, seconds):
    """Two workers against one, both free to use two processors, if two are left for the load."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 4:
        print(f"Two workers beside one: not measured, as {len(cores)} processors leave none for "
              "the load; see the instructions per event.")
        return
    wrapper, load_cores = f"taskset -c {cores[0]},{cores[1]}", ",".join(map(str, cores[2:]))
    with contextlib.ExitStack() as stack:
        keep = keeper(stack)
        every = [
            Candidate(f"duplicates, {n} worker{'s' if n > 1 else ''}", keep(servers.Onceway(
                wrapper, None, "1h", onceway={"workers": n},
                listener={"address": f"127.0.0.1:{servers.free_port()}"})),
                      "same", "duplicate", 0) for n in (1, 2)]
        every[1].reference = every[0]
        wrk = servers.Wrk(load_cores, CONNECTIONS_HALF, threads=2)
        warm_up(every, wrk)
        measure(every, wrk, rounds, seconds)
        gains = [two / one for one, two in zip(every[0].rates, every[1].rates)]
        print("| | events/s | CPU µs per event | processors busy |\n|---|---|---|---|")
        for c in every:
            print(f"| {c.name} | {span(c.rates, 0)} | {span(c.cpu, 1)} "
                  f"| {statistics.median(c.busy):.0%} |")
        print(f"\nTwo workers do {span(gains, 2)} times what one does (at least 1.7 wanted).")


def main():
    parser = argparse.ArgumentParser(prog="contrib/bench")
    parser.add_argument("--quick", action="store_true", help="a short run")
    parser.add_argument("--rounds", type=int, help="of all candidates; 7, or 2 if quick")
    parser.add_argument("--seconds", type=int, help="of each measurement; 4, or 1 if quick")
    for name, text in (("events", "events per second, CPU and latency"),
                       ("workers", "two workers beside one"),
                       ("redis", "the redis store beside the memory store"),
                       ("durable", "the memory store's durable file"),
                       ("sqs", "the source sqs beside a consumer on the AWS SDK"),
                       ("connections", "a normal client among 10,000 idle connections"),
                       ("instructions", "instructions per event, with callgrind")):
        parser.add_argument(f"--{name}", action="append_const", dest="only", const=name,
                            help=f"only these tables: {text}")
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 7)
    seconds = options.seconds or (1 if options.quick else 4)
    reports = {
        "events": lambda: report_events(rounds, seconds),
        "workers": lambda: report_workers(rounds, seconds),
        "redis": lambda: redis_rows.report(rounds, seconds),
        "durable": lambda: durable_rows.report(
            rounds, seconds, 500 if options.quick else 3000),
        "sqs": lambda: sqs_rows.report(rounds, 2000 if options.quick else 10000),
        "connections": lambda: connections.report(
            2000 if options.quick else 10000, 2 if options.quick else 10),
        "instructions": lambda: instructions.report(500 if options.quick else 3000),
    }
    print(machine())
    for name, report in reports.items():
        if not options.only or name in options.only:
            print(f"\n## {name.capitalize()}\n", flush=True)
            report()


main()
