"""Tools/check in a small repository: each defect fails its own check and no other."""

import os
import shutil
import subprocess
import tempfile
import unittest

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHECKS = {
    "format": "swift format lint --strict",
    "kernel format": "clang-format",
    "headers": "kernel headers can be opened alone",
    "lengths": "no source file over 400 lines",
    "columns": "no line over 110 columns",
    "cells": "no table cell over 120 characters",
    "paths": "no machine path in a tracked file",
    "products": "no build product tracked",
    "size": "tracked files under 60 MB",
    "python": "Python syntax",
    "shell": "shell syntax",
    "imports": "imports follow Package.swift",
}


@unittest.skipUnless(shutil.which("git") and shutil.which("bash"), "Tools/check needs git and bash")
class Check(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.repository = os.path.join(os.path.realpath(temporary.name), "src", "repository")
        self.programs = os.path.join(temporary.name, "bin")
        os.makedirs(self.programs)
        self.write("Package.swift", "// swift-tools-version: 6.1\n")
        self.write("Sources/One/src/one.swift", "// see Sources/One/src/one.swift\n")
        self.write("Tools/tool.py", "print(1)\n")
        shutil.copy(os.path.join(PACKAGE, "Tools", "check"), os.path.join(self.repository, "Tools", "check"))
        self.swift("exit 0")
        self.clang_format("exit 0")
        self.git("init", "-q")

    def write(self, path, text):
        path = os.path.join(self.repository, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)

    def program(self, name, script):
        path = os.path.join(self.programs, name)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(f"#!/bin/sh\n{script}\n")
        os.chmod(path, 0o755)

    def swift(self, script):
        """A stand-in for swift, so that nothing is built."""
        self.program("swift", script)

    def clang_format(self, script, version="23.1.5"):
        """A stand-in for clang-format, which need not be installed."""
        self.program(
            "clang-format",
            f'if [ "$1" = --version ]; then echo "clang-format version {version}"; exit; fi\n{script}',
        )

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.repository, *arguments], check=True, capture_output=True)

    def run_check(self, *arguments):
        self.git("add", "-A", "-f")
        environment = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"}
        command = [os.path.join(self.repository, "Tools", "check"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    def expect_only(self, failing, *arguments):
        result = self.run_check(*arguments)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        failed = {line.split(None, 1)[1] for line in result.stdout.splitlines() if line.startswith("FAILED")}
        self.assertEqual(failed, {CHECKS[failing]}, result.stdout)
        self.assertTrue(result.stdout.endswith("1 failed\n"))
        return result.stdout

    def test_a_clean_repository_passes_every_check(self):
        result = self.run_check()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(
            result.stdout.splitlines(), [f"ok      {name}" for name in CHECKS.values()] + ["all passed"]
        )

    def test_a_format_complaint_fails(self):
        self.swift('if [ "$1" = format ]; then echo complaint; exit 1; fi')
        self.assertIn("complaint", self.expect_only("format"))

    def test_a_complaint_about_kernels_fails_and_another_version_is_not_asked(self):
        self.write("Sources/CKernels/one.c", "int one;\n")
        self.clang_format("echo complaint; exit 1")
        self.assertIn("complaint", self.expect_only("kernel format"))
        self.clang_format("exit 1", version="14.0.6")
        result = self.run_check()
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("skipped clang-format", result.stdout)

    def test_an_import_that_package_swift_does_not_allow_fails_by_exit_status(self):
        self.swift('if [ "$1" = build ]; then echo "Build complete!"; exit 1; fi')
        self.expect_only("imports")

    def test_the_import_check_uses_the_given_folder_and_configuration(self):
        self.swift('if [ "$1" = build ]; then echo "$@"; exit 1; fi')
        output = self.expect_only("imports", "--scratch-path", "/elsewhere", "-c", "release")
        self.assertIn("--configuration release --scratch-path /elsewhere", output)
        self.assertIn("--explicit-target-dependency-import-check error", output)

    def test_a_file_of_401_lines_fails_and_one_of_400_does_not(self):
        self.write("Tests/OneTests/long.swift", "//\n" * 400)
        self.write("Tests/Fixtures/long.py", "#\n" * 900)
        self.assertEqual(self.run_check().returncode, 0)
        self.write("Tests/OneTests/long.swift", "//\n" * 401)
        self.assertIn("long.swift has 401 lines", self.expect_only("lengths"))

    def test_a_line_of_111_columns_fails_and_one_of_110_does_not(self):
        self.write("Tests/OneTests/wide.swift", "// " + "é" * 107 + "\n")
        self.write("Tests/Fixtures/wide.py", "#" * 200 + "\n")
        self.write("README.md", "x" * 200 + "\n")
        self.assertEqual(self.run_check().returncode, 0)
        self.write("Tools/wide", "# " + "é" * 109 + "\n")
        self.assertIn("Tools/wide:1: 111 columns", self.expect_only("columns"))

    def test_a_table_cell_of_121_characters_fails_and_one_of_120_does_not(self):
        self.write("Formats/commands.md", f"| {'x' * 300} |\n")
        self.write("GUIDE.md", f"{'x' * 300}\n| a | {'x' * 120} |\n")
        self.assertEqual(self.run_check().returncode, 0)
        self.write("GUIDE.md", f"| a | {'é' * 121} |\n")
        self.assertIn("GUIDE.md:1: a cell of 121 characters", self.expect_only("cells"))

    def test_the_path_of_the_checkout_and_of_what_is_around_it_fails(self):
        for path in (self.repository, os.path.dirname(self.repository) + "/other"):
            self.write("README.md", f"Run it in {path}.\n")
            self.assertIn("README.md:1", self.expect_only("paths"))

    def test_a_tracked_build_product_fails(self):
        self.write("Package.resolved", "{}")
        self.assertIn("Package.resolved", self.expect_only("products"))

    def test_more_than_60_megabytes_fail_and_the_largest_files_are_named(self):
        self.write("large.bin", "")
        os.truncate(os.path.join(self.repository, "large.bin"), 60_000_000)
        self.assertIn("60000000 large.bin", self.expect_only("size"))

    def test_python_that_does_not_parse_fails(self):
        self.write("Tools/tool.py", "def broken(:\n")
        self.assertIn("Tools/tool.py", self.expect_only("python"))

    def test_shell_that_does_not_parse_fails(self):
        self.write("Tools/demo", "#!/usr/bin/env bash\nif true; then\n")
        self.assertIn("demo", self.expect_only("shell"))

    def test_usage_errors_exit_64(self):
        for arguments in (["--what"], ["-c"], ["-c", "fast"], ["--scratch-path"]):
            result = self.run_check(*arguments)
            self.assertEqual((result.returncode, result.stdout), (64, ""), arguments)


if __name__ == "__main__":
    unittest.main()
