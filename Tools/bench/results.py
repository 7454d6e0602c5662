"""From what the rounds of a comparison measured to ratios and the table.

A round is {"prefill": {key: {"tokensPerSecond": ...}}, "decode": the same, "memory": [...]}, its programs in
the order in which they had their turns; memory is the bytes per second that it gave before the first decode
and after each. Ratios are formed within a round.
"""

import itertools
import statistics

from measuring import markdown_table, spread, summary

# Speeds of the memory that are as many times apart count as the same.
STEADY = 1.2
PARTS = ("prefill", "decode")


def rates(rounds, part, key):
    return [result[part][key]["tokensPerSecond"] for result in rounds]


def ratios(rounds, part, own, other):
    """How many times as fast the one is as the other, in each round."""
    return [mine / its for mine, its in zip(rates(rounds, part, own), rates(rounds, part, other))]


def steady_groups(rounds, owns, other):
    """The rounds in which the memory was as fast for all of these programs, by its speed: [(speed, rounds)].
    Decoding waits for memory, and a ratio tells about the programs only there."""
    found = []
    for result in rounds:
        places = [list(result["decode"]).index(key) for key in (*owns, other)]
        speeds = result["memory"][min(places) : max(places) + 2]
        if max(speeds) <= STEADY * min(speeds):
            found.append((min(speeds), max(speeds), result))
    groups = []
    for slowest, fastest, result in sorted(found, key=lambda entry: entry[:2]):
        if not groups or fastest > STEADY * groups[-1][0][0]:
            groups.append([])
        groups[-1].append((slowest, result))
    return [
        (statistics.median(speed for speed, _ in group), [result for _, result in group]) for group in groups
    ]


def comparisons(rounds, owns, others):
    """All ratios, for JSON."""
    found = []
    for other, own in itertools.product(others, owns):
        pair = {"own": own, "other": other}
        for part in PARTS:
            found.append({**pair, "part": part, **spread(ratios(rounds, part, own, other))})
        for speed, steady in steady_groups(rounds, owns, other):
            where = {"part": "decode", "memoryBytesPerSecond": speed, "rounds": len(steady)}
            found.append({**pair, **where, **spread(ratios(steady, "decode", own, other))})
    return found


def with_range(values):
    """Median and range; the value alone where there is but one."""
    median, smallest, largest = summary(values, 2)
    return median if len(values) == 1 else f"{median} ({smallest} to {largest})"


def table(rounds, programs, names, owns, labels):
    """The table in Markdown.

    programs: {key: title} of all, in the order of the rows; names: {key: short title}; owns: {key: title of
    the column of its ratios}; labels: {part: text}.
    """
    others = [key for key in programs if key not in owns]
    rows = [["what", "program", "tokens/s", *owns.values()]]
    for part in PARTS:
        for key, title in programs.items():
            cells = [with_range(ratios(rounds, part, own, key)) if key in others else "" for own in owns]
            rows.append([labels[part], title, with_range(rates(rounds, part, key)), *cells])
    for key in others:
        for speed, steady in steady_groups(rounds, owns, key):
            count = f"{len(steady)} of {len(rounds)} rounds"
            what = f"{labels['decode']}, memory steady at {speed / 1e9:.0f} GB/s, {count}"
            cells = [with_range(ratios(steady, "decode", own, key)) for own in owns]
            rows.append([what, names[key], "", *cells])
    return markdown_table(rows)


def limits_text(rounds):
    """What the machine reached in loops that do nothing else, in the middle of the rounds."""
    names = {
        "int8OperationsPerSecond": ("int8", 1e12, "TOPS"),
        "tileOperationsPerSecond": ("int8 tiles", 1e12, "TOPS"),
        "readBytesPerSecond": ("memory reads", 1e9, "GB/s"),
    }
    texts = []
    for name, (what, size, unit) in names.items():
        values = [result["limits"][name] for result in rounds if name in result["limits"]]
        if values:
            texts.append(f"{what} {statistics.median(values) / size:.2f} {unit}")
    return ", ".join(texts)
