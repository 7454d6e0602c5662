"""Tools/fuzz with stand-ins for the fuzzers: what it says and how it ends."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

from tools import TOOLS

LOADER = importlib.machinery.SourceFileLoader("fuzz", os.path.join(TOOLS, "fuzz"))
fuzz = importlib.util.module_from_spec(importlib.util.spec_from_loader("fuzz", LOADER))
LOADER.exec_module(fuzz)

# The fuzzer's own words, in the folder that it is told; an input that is run again has none.
FATAL = """for word in "$@"; do
  case "$word" in -artifact_prefix=*) folder="${word#*=}" ;; esac
done
[ -n "$folder" ] || exit 0
printf input > "${folder}crash-1"
echo "artifact_prefix='$folder'; Test unit written to ${folder}crash-1" >&2
exit 77"""
SLOW = FATAL.replace("crash-1", "slow-unit-1").replace("exit 77", "kill -9 $$")


class Fuzz(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name).resolve()

    def run_with(self, script, *options):
        """Runs the tool with a stand-in for the fuzzer; returns its status and what it printed."""
        binary = self.folder / "fuzz-index"
        binary.write_text(f"#!/bin/sh\n{script}\n")
        binary.chmod(0o755)
        arguments = ["fuzz", "index", "--scratch-path", str(self.folder / "scratch"), *options]
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.object(sys, "argv", arguments))
            stack.enter_context(mock.patch.object(fuzz, "build", lambda parsers, scratch: self.folder))
            stack.enter_context(contextlib.redirect_stdout(output))
            stack.enter_context(contextlib.redirect_stderr(errors))
            return fuzz.main(), output.getvalue(), errors.getvalue()

    def test_a_fuzzer_that_finds_nothing_is_success(self):
        status, output, _ = self.run_with("exit 0", "--minutes", "0")
        self.assertEqual(status, 0)
        self.assertIn("0 found", output)

    def test_a_fuzzer_that_does_not_run_is_no_success_and_is_not_run_for_ever(self):
        for script in ("exit 1", "exec /nowhere/at/all", "kill -9 $$", SLOW):
            for minutes in ("0", "1"):
                status, output, errors = self.run_with(script, "--minutes", minutes, "--keep")
                self.assertEqual(status, 2, script)
                self.assertIn("COULD NOT RUN", output)
                self.assertIn("not by an input", errors)

    def test_an_input_that_ends_the_fuzzer_is_found_also_when_it_lies_there_already(self):
        for _ in range(2):
            status, output, _ = self.run_with(FATAL, "--minutes", "0")
            self.assertEqual(status, 1)
            self.assertIn(f"found: {self.folder}/scratch/found/index/crash-1", output)


if __name__ == "__main__":
    unittest.main()
