#!/usr/bin/env python3
"""Compares cogvlm's language model with llama.cpp on the same shapes, threads and machine, in one run.

usage: Tools/bench/compare.py [--rounds 3] [--threads 2] [--prompt-tokens 512] [--new-tokens 32] [--keep]

Both run random weights of Llama-3-8B's shapes: llama.cpp Q4_0 throughout (4.5 bits per weight), cogvlm int4
in groups of 64 throughout (4.375 bits; the row "int4") and with its default recipe, whose head is int8 (4.65
bits; the row "default"). They take turns, so that what else the machine does meets all of them; tokens are
made from an empty context, as llama-bench does it. Ratios are formed within a round, and the table has their
medians. Decoding waits for memory, whose speed a virtual machine's host may change from minute to minute: it
is measured before and after each decode, and the rounds in which it stayed the same are counted once more by
themselves.

Files go to COGVLM_BENCH_FOLDER (default: ${TMPDIR:-/tmp}/cogvlm-bench), about 14 GB, and the models are
removed at the end unless --keep is given. COGVLM_BINARY names a cogvlm to use instead of this checkout's.
"""

import argparse
import os
import statistics

from measuring import (
    cogvlm_binary,
    gguf_file,
    json_output,
    llama_folder,
    load_average,
    note,
    print_table,
    summary,
)

RECIPES = {
    "int4": ["--set", "*=int4/64"],
    "default": [],
}
PROGRAMS = ["llama", *RECIPES]

# Speeds of the memory that are as many times apart count as the same.
STEADY = 1.2


def llama_rate(folder, model, arguments, prompt_tokens, new_tokens):
    """Tokens per second of llama.cpp's prefill or decode: one of the numbers of tokens is 0."""
    [result] = json_output([
        folder / "bin/llama-bench", "-m", model, "-p", prompt_tokens, "-n", new_tokens,
        "-t", arguments.threads, "-r", 1, "-o", "json",
    ])  # fmt: skip
    return {"rate": result["avg_ts"]}


def cogvlm_report(binary, model, arguments, prompt_tokens, new_tokens):
    return json_output([
        binary, "bench", *model, "--json", "--frames", 0, "--runs", 1, "--prompt-tokens", prompt_tokens,
        "--new-tokens", new_tokens, "--threads", arguments.threads, "--empty-context",
    ])  # fmt: skip


def cogvlm_rate(report, part, share):
    return {"rate": report[part]["tokensPerSecond"]["median"], "share": report[part][share]["median"]}


def memory_speed(binary, arguments):
    """GB/s that the memory gives at the moment."""
    report = cogvlm_report(binary, ["--preset", "tiny"], arguments, 1, 0)
    return report["limits"]["readBytesPerSecond"]["median"] / 1e9


def measure_round(binary, folder, gguf, models, arguments):
    """What each program reaches in prefill and decode, and the speed of the memory before and after each
    decode."""
    tokens = arguments.prompt_tokens, arguments.new_tokens
    prefill = {"llama": llama_rate(folder, gguf, arguments, tokens[0], 0)}
    for name, model in models.items():
        prefill[name] = cogvlm_rate(
            cogvlm_report(binary, [model], arguments, tokens[0], 0), "prefill", "shareOfPeak"
        )
    decode, speeds = {}, [memory_speed(binary, arguments)]
    for name in PROGRAMS:
        if name == "llama":
            decode[name] = llama_rate(folder, gguf, arguments, 0, tokens[1])
        else:
            report = cogvlm_report(binary, [models[name]], arguments, 1, tokens[1])
            decode[name] = cogvlm_rate(report, "decode", "shareOfReadBandwidth")
        speeds.append(memory_speed(binary, arguments))
    return {"prefill": prefill, "decode": decode, "memory": speeds, "machine": report["machine"]}


def make_models(binary, folder):
    models = {}
    for name, options in RECIPES.items():
        models[name] = folder / f"language-{name}.cogvlm"
        if not models[name].exists():
            note(f"making {models[name]}")
            json_output([
                binary, "bench", "--preset", "language", *options, "--keep", models[name], "--json",
                "--frames", 0, "--prompt-tokens", 1, "--new-tokens", 0, "--runs", 1,
            ])  # fmt: skip
    return models


def print_rounds(rounds):
    print("decode, tokens/s, between the GB/s that the memory gave before and after each:")
    for number, result in enumerate(rounds, 1):
        speeds = result["memory"]
        texts = [
            f"{name} {result['decode'][name]['rate']:.2f} ({speed:.0f})"
            for name, speed in zip(PROGRAMS, speeds[1:])
        ]
        print(f"round {number}: ({speeds[0]:.0f}) {', '.join(texts)}")


def ratio(result, part, name):
    return result[part][name]["rate"] / result[part]["llama"]["rate"]


def ratio_text(ratios):
    return "{} ({} to {})".format(*summary(ratios, 2))


def print_results(rounds):
    rows = [
        [
            "what",
            "llama.cpp Q4_0",
            *(f"cogvlm {name}" for name in RECIPES),
            *(f"ratio {name}" for name in RECIPES),
        ]
    ]
    for part in ("prefill", "decode"):
        medians = [statistics.median(result[part][name]["rate"] for result in rounds) for name in PROGRAMS]
        texts = [ratio_text([ratio(result, part, name) for result in rounds]) for name in RECIPES]
        rows.append([f"{part}, tokens/s", *(f"{median:.2f}" for median in medians), *texts])
    print_table(rows)
    for name in RECIPES:
        shares = [
            100 * statistics.median(result[part][name]["share"] for result in rounds)
            for part in ("prefill", "decode")
        ]
        print(
            f"cogvlm {name}: {shares[0]:.0f} % of the int8 peak in prefill, "
            f"{shares[1]:.0f} % of the memory's read bandwidth in decode"
        )


def print_steady_memory(rounds):
    """Decoding waits for memory: a ratio tells about the programs only where the memory was as fast for
    both."""
    for index, name in enumerate(RECIPES, 1):
        groups = []
        for result in sorted(rounds, key=lambda result: result["memory"][0]):
            speeds = result["memory"][: index + 2]
            if max(speeds) > STEADY * min(speeds):
                continue
            if not groups or max(speeds) > STEADY * groups[-1][0][1]:
                groups.append([])
            groups[-1].append((ratio(result, "decode", name), min(speeds)))
        for group in groups:
            speed = statistics.median(speed for _, speed in group)
            ratios = ratio_text([ratio for ratio, _ in group])
            print(
                f"decode ratio {name} with memory steady at {speed:.0f} GB/s, "
                f"{len(group)} of {len(rounds)} rounds: {ratios}"
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[3:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--keep", action="store_true", help="leave the models for another run")
    arguments = parser.parse_args()
    binary, folder = cogvlm_binary(), llama_folder()
    gguf = gguf_file(folder, "llama3-8b.q4_0.gguf", "Q4_0")
    models = make_models(binary, folder)
    try:
        rounds, loads = [], [load_average()]
        for number in range(arguments.rounds):
            result = measure_round(binary, folder, gguf, models, arguments)
            rounds.append(result)
            loads.append(load_average())
            note(f"round {number + 1}, load average {loads[-1]:.1f}: {result}")
        machine = rounds[-1]["machine"]
        print(
            f"{machine['processor']}, {machine['threads']} threads, kernels {machine['kernels']}, "
            f"{len(rounds)} rounds"
        )
        print(f"load averages before and after each round: {', '.join(f'{load:.1f}' for load in loads)}")
        print_rounds(rounds)
        print_results(rounds)
        print_steady_memory(rounds)
    finally:
        if not arguments.keep:
            for path in (gguf, *models.values()):
                path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
