"""llama.cpp in the comparisons: its programs, its models, its tokens per second."""

import subprocess
from pathlib import Path

from environment import bench_folder, environment_python, is_installed
from measuring import HERE, json_output, note, run


def is_built():
    """Whether Tools/bench/build_llama has nothing to do but compare versions."""
    return (bench_folder() / "bin/version").exists() and is_installed("llama")


def llama_folder():
    """The folder with llama-bench and llama-quantize, built when needed."""
    built = run([HERE / "build_llama"], stdout=subprocess.PIPE, text=True).stdout
    return Path(built.strip().splitlines()[-1])


def gguf_file(path, layers, kind):
    """A GGUF of random weights, made when it is not there."""
    if not path.exists():
        note(f"making {path}")
        run([environment_python(), HERE / "make_gguf.py", path, "--type", kind, "--layers", layers])
    return path


class Llama:
    """A program of the comparison: llama-bench with a model in Q4_0 throughout."""

    key, name, title = "llama", "llama.cpp", "llama.cpp, Q4_0 throughout"

    def __init__(self, folder, layers, threads):
        self.folder, self.layers, self.threads = folder, layers, threads
        self.files = [folder / f"llama3-8b-{layers}.q4_0.gguf"]

    def prepare(self):
        llama_folder()
        gguf_file(*self.files, self.layers, "Q4_0")

    def prefill(self, tokens):
        return self._rate(tokens, 0)

    def decode(self, tokens):
        return self._rate(0, tokens)

    def about(self, rounds):
        version = (self.folder / "bin/version").read_text(encoding="utf-8").strip()
        return f"that of llama-cpp-python {version}"

    def _rate(self, prompt_tokens, new_tokens):
        [result] = json_output([
            self.folder / "bin/llama-bench", "-m", *self.files, "-p", prompt_tokens, "-n", new_tokens,
            "-t", self.threads, "-r", 1, "-o", "json",
        ])  # fmt: skip
        return {"tokensPerSecond": result["avg_ts"]}
