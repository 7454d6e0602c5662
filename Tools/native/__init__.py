"""The parts of the second reader of native files, Tools/read_native.py."""
