#!/usr/bin/env python3
"""Compares `cogvlm quantize` with llama-quantize: input bytes per second on the same linear shapes, in one
run.

usage: Tools/bench/quantize.py [--rounds 3] [--threads 2] [--layers 8] [--keep]

llama-quantize turns an F16 GGUF into Q4_0 and Q4_K_M; cogvlm turns an F16 native file of the same tensors
into its default recipe, scale search on. Both inputs are in the page cache. cogvlm makes its output durable
(fsync) before it ends and llama-quantize does not, so its output is synced inside of its time too; the table
has its time without that as well. Fewer layers than the model's 32 save disk; the rate is the same.

Files go to COGVLM_BENCH_FOLDER (default: ${TMPDIR:-/tmp}/cogvlm-bench), with 8 layers about 14 GB, and are
removed at the end unless --keep is given. COGVLM_BINARY names a cogvlm to use instead of this checkout's.
"""

import argparse
import os
import statistics
import subprocess
import time

from cogvlm import cogvlm_binary, synthetic_model
from llama import gguf_file, llama_folder
from measuring import load_average, note, output, print_table, summary


def timed(command, produced):
    """Seconds until the program ended, and until its output was on disk; the output is removed."""
    start = time.monotonic()
    output(command)
    ended = time.monotonic() - start
    with open(produced, "rb") as file:
        os.fsync(file.fileno())
    synced = time.monotonic() - start
    os.unlink(produced)
    return ended, synced


def read_through(path):
    """Brings a file into the page cache."""
    subprocess.run(["cat", str(path)], stdout=subprocess.DEVNULL, check=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[3:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--keep", action="store_true", help="leave the inputs for another run")
    arguments = parser.parse_args()
    binary, folder = cogvlm_binary(), llama_folder()
    layers = arguments.layers
    gguf = gguf_file(folder / f"llama3-8b-{layers}.f16.gguf", layers, "F16")
    native = folder / f"language-{layers}-f16.cogvlm"
    synthetic_model(binary, native, layers, ["--recipe", "f16"])
    produced = folder / "quantized.part"
    runs = {
        "llama-quantize Q4_0": (
            gguf,
            [folder / "bin/llama-quantize", gguf, produced, "Q4_0", arguments.threads],
        ),
        "llama-quantize Q4_K_M": (
            gguf,
            [folder / "bin/llama-quantize", gguf, produced, "Q4_K_M", arguments.threads],
        ),
        "cogvlm quantize": (
            native,
            ["taskset", "-c", f"0-{arguments.threads - 1}", binary, "quantize", native, "-o", produced],
        ),
    }
    try:
        rates, synced_rates, loads = (
            {name: [] for name in runs},
            {name: [] for name in runs},
            [load_average()],
        )
        for number in range(arguments.rounds):
            for name, (source, command) in runs.items():
                read_through(source)
                ended, synced = timed(command, produced)
                rates[name].append(source.stat().st_size / ended / 1e9)
                synced_rates[name].append(source.stat().st_size / synced / 1e9)
                note(f"round {number + 1}: {name}: {ended:.1f} s, on disk after {synced:.1f} s")
            loads.append(load_average())
        print(
            f"{arguments.threads} threads, {arguments.layers} layers: "
            f"{gguf.stat().st_size / 1e9:.2f} GB GGUF, {native.stat().st_size / 1e9:.2f} GB native"
        )
        print(f"load averages before and after each round: {', '.join(f'{load:.1f}' for load in loads)}")
        rows = [["input GB/s", "median", "min", "max", "without sync", "cogvlm's ratio"]]
        for name in runs:
            ratios = [own / other for own, other in zip(synced_rates["cogvlm quantize"], synced_rates[name])]
            rows.append(
                [
                    name,
                    *summary(synced_rates[name], 3),
                    f"{statistics.median(rates[name]):.3f}",
                    f"{statistics.median(ratios):.2f}",
                ]
            )
        print_table(rows)
    finally:
        produced.unlink(missing_ok=True)
        if not arguments.keep:
            for path in (gguf, native):
                path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
