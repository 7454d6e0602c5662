"""What the tools say of themselves, how they clean up, and how the guide puts cogvlm on the PATH."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

from tools import PACKAGE, TOOLS


class SmallTools(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = os.path.realpath(temporary.name)

    def program(self, name, script):
        """A stand-in for a program, on the PATH that `run` gives."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(f"#!/bin/sh\n{script}\n")
        os.chmod(path, 0o755)

    def run_tool(self, *words, **environment):
        """Runs a command where the stand-ins are found first."""
        path = f"{self.folder}:{os.environ['PATH']}"
        return subprocess.run(
            words,
            capture_output=True,
            text=True,
            check=False,
            cwd=PACKAGE,
            env={**os.environ, "PATH": path, **environment},
        )

    def test_help_prints_usage_and_begins_nothing(self):
        # Tools/install ends without Swift's compiler: what begins would fail.
        for name in ("swift", "dpkg-query", "apt-get"):
            self.program(name, "exit 9")
        for name in ("demo", "test", "sanitize", "test_systems", "fuzz"):
            for option in ("--help", "-h"):
                result = self.run_tool(os.path.join(TOOLS, name), option)
                self.assertEqual(result.returncode, 0, f"{name}: {result.stderr}")
                self.assertIn(f"usage: Tools/{name}", result.stdout)
                self.assertEqual(result.stderr, "")
        self.assertEqual(self.run_tool(os.path.join(TOOLS, "demo"), "--fast").returncode, 64)

    def test_help_of_make_checkpoint_has_a_line_for_each_preset(self):
        with open(os.path.join(TOOLS, "make_checkpoint.py"), encoding="utf-8") as stream:
            usage = stream.read().split('"""')[1]
        presets = re.findall(r"^  make_checkpoint.py --preset (\w+) -o FOLDER +[0-9.]+ [GM]B: ", usage, re.M)
        self.assertEqual(presets, ["full", "medium", "slice", "tiny"])

    def test_demo_verifies_both_models(self):
        with open(os.path.join(TOOLS, "demo"), encoding="utf-8") as stream:
            verified = re.findall(r'^run verify "\$out/(\S+)"', stream.read(), re.M)
        self.assertEqual(verified, ["sample.cogvlm", "sample.int4.cogvlm"])

    def test_a_calibration_that_is_not_there_is_named_also_where_the_array_is(self):
        tool = os.path.join(TOOLS, "read_calibration.py")
        missing, array = (os.path.join(self.folder, name) for name in ("none.cogcal", "there.npy"))
        with open(array, "wb"):
            pass
        words = [sys.executable, tool, missing, "--input", "x", "--npy", array]
        result = self.run_tool(*words)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stderr, f"error: {missing}: cannot open: No such file or directory\n")

    def test_kernels_that_do_not_compile_leave_nothing_behind(self):
        programs = os.path.join(self.folder, "bin")
        os.mkdir(programs)
        self.program("bin/swift", "exit 1")
        self.program("bin/clang", "echo it does not compile >&2; exit 1")
        temporary = os.path.join(self.folder, "temporary")
        os.mkdir(temporary)
        path = f"{programs}:{os.environ['PATH']}"
        result = self.run_tool(os.path.join(TOOLS, "sanitize"), "kernels", TMPDIR=temporary, PATH=path)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("it does not compile", result.stderr)
        self.assertEqual(os.listdir(temporary), [])

    def test_programs_find_cogvlm_after_the_first_lines_of_the_guide(self):
        os.mkdir(os.path.join(self.folder, "built"))
        self.program("swift", f'case "$*" in *--show-bin-path*) echo "{self.folder}/built" ;; esac')
        self.program("built/cogvlm", 'echo "found $*"')
        for name in ("GUIDE.md", "README.md"):
            with open(os.path.join(PACKAGE, name), encoding="utf-8") as stream:
                lines = [line.strip() for line in stream if re.match(" +(swift build|alias|export)", line)]
            self.assertEqual(len(lines), 2, name)
            result = self.run_tool("sh", "-c", "\n".join([*lines, "echo 1/4 | xargs cogvlm"]))
            self.assertEqual(result.stdout, "found 1/4\n", f"{name}: {result.stderr}")


if __name__ == "__main__":
    unittest.main()
