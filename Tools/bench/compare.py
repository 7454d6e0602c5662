#!/usr/bin/env python3
"""Compares cogvlm's language model with llama.cpp and OpenVINO on the same shapes, threads and machine.

usage: Tools/bench/compare.py [--with llama openvino] [--layers 32] [--rounds 3] [--threads 2]
         [--prompt-tokens 512] [--new-tokens 32] [--json] [--keep]

All run random weights of Llama-3-8B's shapes: llama.cpp Q4_0 throughout (4.5 bits per weight), cogvlm int4
in groups of 64 throughout (4.375 bits) and with its default recipe, whose head is int8. These are whole
models; tokens are made from an empty context, as llama-bench does it. OpenVINO runs the products of the
layers and the head with u4 weights in groups of 64 (4.31 bits), the norms and the MLP's activation, but no
attention, RoPE, cache or embedding: less work, so that ratios to it are too small rather than too large. It
computes in its default precision (bfloat16 where the processor has it), and in float32, where it quantizes
activations to 8 bits.

Programs take turns, so that what else the machine does meets all of them. Ratios are formed within a round;
the table (Markdown) has their medians and ranges. Decoding waits for memory, whose speed a virtual machine's
host may change from minute to minute: it is measured before and after each decode, and the rounds in which
it stayed the same are counted once more by themselves. Ctrl-C prints what the finished rounds gave.

--with says what to compare with, and builds or installs what is missing; by default it is what is there.
Files go to COGVLM_BENCH_FOLDER (default: ${TMPDIR:-/tmp}/cogvlm-bench), about 14 GB with 32 layers, and the
models are removed at the end unless --keep is given. COGVLM_BINARY names a cogvlm to use instead of this
checkout's.
"""

import argparse
import json
import os

import llama
import openvino_program
from cogvlm import RECIPES, Cogvlm, cogvlm_binary, limits
from environment import bench_folder
from measuring import load_average, lscpu, machine_text, note
from results import PARTS, comparisons, limits_text, table
from shapes import LAYERS

OTHERS = {"llama": llama.is_built, "openvino": openvino_program.is_there}


def chosen_programs(names, binary, folder, layers, threads):
    """cogvlm and those that it is compared with, in the order of their turns."""
    programs = [Cogvlm(recipe, binary, folder, layers, threads) for recipe in RECIPES]
    if "llama" in names:
        programs.append(llama.Llama(folder, layers, threads))
    if "openvino" in names:
        programs += [
            openvino_program.OpenVINO(precision, layers, threads) for precision in openvino_program.PRECISIONS
        ]
    return programs


def measure_round(programs, binary, arguments):
    """What each program reaches, and what the memory gives before and after each decode."""
    prefill = {program.key: program.prefill(arguments.prompt_tokens) for program in programs}
    seen = [limits(binary, arguments.threads)]
    decode = {}
    for program in programs:
        decode[program.key] = program.decode(arguments.new_tokens)
        seen.append(limits(binary, arguments.threads))
    return {
        "prefill": prefill,
        "decode": decode,
        "memory": [found["readBytesPerSecond"] for found in seen],
        "limits": seen[0],
        "loadAverage": load_average(),
    }


def measure_rounds(programs, binary, arguments):
    """The rounds that were asked for; Ctrl-C ends them early, and what was finished is kept."""
    rounds = []
    try:
        for number in range(arguments.rounds):
            rounds.append(measure_round(programs, binary, arguments))
            found = {
                part: {key: round(rate["tokensPerSecond"], 2) for key, rate in rounds[-1][part].items()}
                for part in PARTS
            }
            note(f"round {number + 1}, load average {load_average():.1f}: {found}")
    except KeyboardInterrupt:
        if not rounds:
            raise
        note(f"stopped after {len(rounds)} of {arguments.rounds} rounds")
    return rounds


def report_of(rounds, programs, skipped, arguments):
    """What --json prints."""
    owns = [program.key for program in programs if isinstance(program, Cogvlm)]
    others = [program.key for program in programs if program.key not in owns]
    return {
        "machine": lscpu(),
        "threads": arguments.threads,
        "layers": arguments.layers,
        "promptTokens": arguments.prompt_tokens,
        "newTokens": arguments.new_tokens,
        "programs": {program.key: program.title for program in programs},
        "skipped": skipped,
        "rounds": rounds,
        "ratios": comparisons(rounds, owns, others),
    }


def print_report(report, programs):
    rounds = report["rounds"]
    print(
        f"{machine_text(report['machine'])}, {report['threads']} threads, cogvlm's kernels "
        f"{rounds[-1]['limits']['kernels']}, {report['layers']} layers and the head, rounds: {len(rounds)}"
    )
    print(f"limits: {limits_text(rounds)}")
    loads = ", ".join(f"{result['loadAverage']:.1f}" for result in rounds)
    print(f"load averages after each round: {loads}")
    owns = {program.key: f"{program.name} over it" for program in programs if isinstance(program, Cogvlm)}
    labels = {"prefill": f"prompt of {report['promptTokens']}", "decode": "token by token"}
    print()
    names = {program.key: program.name for program in programs}
    print(table(rounds, report["programs"], names, owns, labels))
    print()
    for program in programs:
        print(f"{program.name}: {program.about(rounds)}")
    for name in report["skipped"]:
        print(f"skipped {name}: not installed; --with {name} installs it")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[4:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--with", dest="names", nargs="+", choices=OTHERS, metavar="NAME",
                        help=f"what to compare with: {' or '.join(OTHERS)}")  # fmt: skip
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--json", action="store_true", help="print one JSON document in place of the table")
    parser.add_argument("--keep", action="store_true", help="leave the models for another run")
    arguments = parser.parse_args()
    for name in ("layers", "rounds", "threads", "prompt_tokens", "new_tokens"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return arguments


def main():
    arguments = parse_arguments()
    names = arguments.names or [name for name, is_there in OTHERS.items() if is_there()]
    skipped = [] if arguments.names else [name for name in OTHERS if name not in names]
    binary, folder = cogvlm_binary(), bench_folder()
    folder.mkdir(parents=True, exist_ok=True)
    programs = chosen_programs(names, binary, folder, arguments.layers, arguments.threads)
    try:
        for program in programs:
            program.prepare()
        rounds = measure_rounds(programs, binary, arguments)
        report = report_of(rounds, programs, skipped, arguments)
        if arguments.json:
            print(json.dumps(report, indent=2))
        else:
            print_report(report, programs)
    finally:
        if not arguments.keep:
            for program in programs:
                for path in program.files:
                    path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
