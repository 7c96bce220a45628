"""A strict reader of the Prometheus text format (version 0.0.4).

It refuses what `promtool check metrics` refuses, and more: samples without
HELP and TYPE, series that come twice, families that are not together,
histograms whose buckets do not add up.
"""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
COMMENT = re.compile(rf"# (HELP|TYPE) ({NAME}) (.+)\Z")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? ([^ ]+)\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
TYPES = ("counter", "gauge", "histogram")
PARTS = ("_bucket", "_sum", "_count")


class Malformed(AssertionError):
    pass


class Metrics:
    def __init__(self):
        self.help, self.types = {}, {}
        self.samples = {}  # (name, frozenset of labels) -> value

    def get(self, sample, **labels):
        """The value of one series; 0 for one that is not there, as for Prometheus' sum()."""
        return self.samples.get((sample, frozenset(labels.items())), 0)

    def total(self, sample, **labels):
        """The sum of all series of that name with at least these labels."""
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.samples.items() if n == sample and wanted <= have)


def unescape(value):
    return re.sub(r'\\([\\"n])', lambda m: "\n" if m[1] == "n" else m[1], value)


def parse_labels(text, line):
    labels, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        if not m or m[1] in labels:
            raise Malformed(f"labels: {line}")
        labels[m[1]] = unescape(m[2])
        at = m.end()
        if at < len(text):
            if text[at] != "," or at + 1 == len(text):
                raise Malformed(f"labels: {line}")
            at += 1
    return labels


def parse_value(text, line):
    if text in ("+Inf", "-Inf", "NaN"):
        return float(text)
    if not re.match(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", text):
        raise Malformed(f"value: {line}")
    return float(text)


def family_of(name, types):
    for part in PARTS:
        base = name[:-len(part)]
        if name.endswith(part) and types.get(base) == "histogram":
            return base
    return name


def parse_comment(m, line, out):
    kind, name, text = m.groups()
    known = out.help if kind == "HELP" else out.types
    if name in known:
        raise Malformed(f"{kind} twice: {line}")
    if kind == "TYPE" and text not in TYPES:
        raise Malformed(f"type: {line}")
    if kind == "TYPE" and name not in out.help:
        raise Malformed(f"TYPE without HELP before it: {line}")
    known[name] = text
    return name


def parse(text):
    if not text.endswith("\n"):
        raise Malformed("the last line has no end")
    out, current, finished = Metrics(), None, set()
    for line in text[:-1].split("\n"):
        comment = COMMENT.match(line)
        sample = None if comment else SAMPLE.match(line)
        if not comment and not sample:
            raise Malformed(f"neither comment nor sample: {line!r}")
        if comment:
            family = parse_comment(comment, line, out)
        else:
            family = family_of(sample[1], out.types)
            if family not in out.types:
                raise Malformed(f"sample without TYPE: {line}")
            labels = parse_labels(sample[2] or "", line)
            series = (sample[1], frozenset(labels.items()))
            if series in out.samples:
                raise Malformed(f"series twice: {line}")
            out.samples[series] = parse_value(sample[3], line)
        if family != current:
            if family in finished:
                raise Malformed(f"family in two places: {line}")
            finished.add(current)
            current = family
    check_counters(out)
    check_histograms(out)
    return out


def check_counters(m):
    for (name, _), value in m.samples.items():
        if m.types.get(name) == "counter":
            if not name.endswith("_total"):
                raise Malformed(f"counter {name} does not end in _total")
            if value < 0 or math.isnan(value):
                raise Malformed(f"counter {name} is {value}")


def check_histograms(m):
    buckets = {}
    for (name, labels), value in m.samples.items():
        if family_of(name, m.types) != name and name.endswith("_bucket"):
            rest = frozenset(x for x in labels if x[0] != "le")
            bound = float(dict(labels)["le"])
            buckets.setdefault((name[:-7], rest), []).append((bound, value))
    for (name, labels), series in buckets.items():
        series.sort()
        counts = [count for _, count in series]
        if series[-1][0] != math.inf or counts != sorted(counts):
            raise Malformed(f"histogram {name} {set(labels)}: buckets {series}")
        if m.samples.get((name + "_count", labels)) != counts[-1]:
            raise Malformed(f"histogram {name} {set(labels)}: _count is not the +Inf bucket")
        if (name + "_sum", labels) not in m.samples:
            raise Malformed(f"histogram {name} {set(labels)}: no _sum")
    for name, kind in m.types.items():
        if kind == "histogram" and name in {n for n, _ in m.samples}:
            raise Malformed(f"histogram {name} has a plain sample")
