"""cogvlm in the comparisons: its binary, its synthetic models, its tokens per second."""

import os
import statistics
import sys
from pathlib import Path

from measuring import REPOSITORY, json_output, note, output, run

# Options of `cogvlm bench` for each model that is compared.
RECIPES = {
    "int4": ["--set", "*=int4/64"],
    "default": [],
}
WEIGHTS = {
    "int4": "int4/64 throughout",
    "default": "int4/64, head int8",
}


def cogvlm_binary():
    """The binary that COGVLM_BINARY names, or the release build of this checkout, built when needed."""
    if "COGVLM_BINARY" in os.environ:
        return Path(os.environ["COGVLM_BINARY"]).resolve()
    build = ["swift", "build", "-c", "release", "--package-path", REPOSITORY]
    note("building cogvlm for release")
    run([*build, "--product", "cogvlm"], stdout=sys.stderr)
    return Path(output([*build, "--show-bin-path"]).strip()) / "cogvlm"


def synthetic_model(binary, path, layers, options):
    """A native file of random weights in the language model's shapes, made when it is not there."""
    if not path.exists():
        note(f"making {path}")
        json_output([
            binary, "bench", "--preset", "language", "--layers", layers, *options, "--keep", path, "--json",
            "--frames", 0, "--prompt-tokens", 1, "--new-tokens", 0, "--runs", 1,
        ])  # fmt: skip


def bench(binary, model, threads, prompt_tokens, new_tokens):
    """The report of one run of `cogvlm bench`, tokens made from an empty context."""
    return json_output([
        binary, "bench", *model, "--json", "--frames", 0, "--runs", 1, "--prompt-tokens", prompt_tokens,
        "--new-tokens", new_tokens, "--threads", threads, "--empty-context",
    ])  # fmt: skip


def limits(binary, threads):
    """What the machine reaches at the moment: the limits of `cogvlm bench`, operations and bytes a second."""
    report = bench(binary, ["--preset", "tiny"], threads, 1, 0)
    found = {name: value["median"] for name, value in report["limits"].items() if value is not None}
    return {**found, "kernels": report["machine"]["kernels"]}


class Cogvlm:
    """A program of the comparison: the language model with one recipe."""

    def __init__(self, recipe, binary, folder, layers, threads):
        self.key, self.binary, self.threads = f"cogvlm-{recipe}", binary, threads
        self.title = f"cogvlm, {WEIGHTS[recipe]}"
        self.name = f"cogvlm {recipe}"
        self.recipe, self.layers = recipe, layers
        self.files = [folder / f"language-{layers}-{recipe}.cogvlm"]

    def prepare(self):
        synthetic_model(self.binary, *self.files, self.layers, RECIPES[self.recipe])

    def prefill(self, tokens):
        return self._rate(bench(self.binary, self.files, self.threads, tokens, 0)["prefill"], "shareOfPeak")

    def decode(self, tokens):
        report = bench(self.binary, self.files, self.threads, 1, tokens)
        return self._rate(report["decode"], "shareOfReadBandwidth")

    def about(self, rounds):
        peak, reads = (
            statistics.median(result[part][self.key][share] for result in rounds)
            for part, share in (("prefill", "shareOfPeak"), ("decode", "shareOfReadBandwidth"))
        )
        return f"{peak:.0%} of the peak in prefill, {reads:.0%} of the memory's reads in decode"

    @staticmethod
    def _rate(part, share):
        return {"tokensPerSecond": part["tokensPerSecond"]["median"], share: part[share]["median"]}
