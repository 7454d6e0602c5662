#!/usr/bin/env python3
"""Makes files that ask for as much time and memory as they can, and measures what a program takes for them.

    hostile_files.py PROGRAM CHECKPOINT FOLDER

PROGRAM is the command, CHECKPOINT a folder with config.json, tokenizer.json and weights, FOLDER an empty one.
Prints a line of JSON for each file: `name`, `status`, `seconds` of processor time, `megabytes` above the size
of the file, `errors` (printed on standard error) and `expected`, words of the error, or null where the
file is read.
"""

import io
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import zipfile

PROTOCOL = b"\x80\x02"
MEGABYTE = 1 << 20


def safetensors(header):
    header = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(header)) + header


def archive(pickle, entries=(), method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as out:
        out.writestr("a/data.pkl", PROTOCOL + pickle)
        for name, content in entries:
            out.writestr(name, content)
    return stream.getvalue()


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


def numbers(values):
    return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"


def tensor(count, size, stride, key=b"0"):
    storage = b"(" + text(b"storage") + b"ctorch\nByteStorage\n" + text(key) + text(b"cpu")
    storage += b"\x8a\x08" + struct.pack("<q", count) + b"tQ"
    hooks = b"\x89ccollections\nOrderedDict\n)R"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + b"K\0"
        + numbers(size)
        + numbers(stride)
        + hooks
        + b"tR"
    )


def entry(name):
    return f'"{name}":' + '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'


def entries(count):
    return ",".join(entry(str(index)) for index in range(count))


def headers():
    """Files of safetensors: (name, bytes, words of the error)."""
    most = 1 << 16
    yield "most tensors", safetensors("{" + entries(most) + "}"), None
    yield "too many tensors", safetensors("{" + entries(most + 2) + "}"), "too many tensors"
    yield "a long header", safetensors("{" + entries(1_900_000)[:99_999_000] + "}"), "more values"
    yield "a long shape", safetensors('{"a":{"shape":[' + "0," * 40_000_000 + "0]}}"), "more values"
    yield "a long list", safetensors("[" + "[]," * 30_000_000 + "[]]"), "not known"
    yield "a long text", safetensors('{"a":"' + "x" * 99_000_000 + '"}'), "the entry is wrong"
    yield "escapes", safetensors('{"a":"' + "\\n" * 49_000_000 + '"}'), "the entry is wrong"
    yield "spaces", safetensors(" " * 99_000_000 + "{}"), "not known"
    yield "deep", safetensors('{"a":' * 1_000_000), "nesting"
    accents = [f"{index:04x}e" + "\u0301\u0327" * 20 for index in range(23_000)]
    yield "accents", safetensors("{" + ",".join(map(entry, accents)) + "}"), None
    yield "a name of accents", safetensors('{"e' + "\u0301" * 40_000_000 + '":1}'), "names of the tensors"
    metadata = ",".join(f'"{index}":""' for index in range(500_000))
    yield "metadata", safetensors('{"__metadata__":{' + metadata + "}}"), None


def pickles():
    """PyTorch files: (name, bytes, words of the error)."""
    most = 4_000_000
    yield "tuples", archive(b"N" + b"\x85" * (most - 10) + b"."), "too many values"
    memo = b"".join(b"Nr" + struct.pack("<I", index) + b"0" for index in range(most // 3 - 10))
    yield "memo", archive(memo + b"N."), "stores too many values"
    yield "dicts", archive(b"}K\x01Ns0" * (most // 5 - 10) + b"N."), "too many values"
    yield "lists", archive(b"]" + b"Na" * (most // 2 - 10) + b"."), "names in the pickle are too long"
    yield (
        "texts",
        archive(b"".join(text(b"%016d" % i) + b"q\x000" for i in range(most // 3 - 10)) + b"N."),
        "no tensors",
    )
    yield "a long pickle", archive(b"N0" * 30_000_000 + b"N."), "the pickle is too long"
    yield "marks", archive(b"(" * 1_048_576 + b"N."), "stops before its end"
    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu") + b"K\x01tq\x00"
    yield "storages", archive(storage + b"Q0h\x00" * (most // 3 - 10) + b"."), "no tensors"
    views = b"".join(text(b"%06d" % index) + b"h\x05" for index in range(60_000))
    shared = b"}" + text(b"x") + tensor(16 * MEGABYTE, [16 * MEGABYTE], [1]) + b"q\x05s(" + views + b"u."
    yield "one storage", archive(shared, [("a/data/0", bytes(16 * MEGABYTE))]), "far larger than the file"
    repeated = b"".join(text(b"%03d" % index) + tensor(1, [256 * MEGABYTE], [0]) for index in range(40))
    yield (
        "repeated elements",
        archive(b"}(" + repeated + b"u.", [("a/data/0", b"x")]),
        "far larger than the file",
    )
    size = 512 * MEGABYTE
    bomb = b"}" + text(b"x") + tensor(size, [size], [1]) + b"s."
    yield "deflated", archive(bomb, [("a/data/0", bytes(size))], zipfile.ZIP_DEFLATED), "far larger"
    empty = [(str(index), b"") for index in range(131_000)]
    yield "entries", archive(b"N.", empty), "holds no tensors"
    yield (
        "too many entries",
        archive(b"N.", empty + [(f"x{index}", b"") for index in range(200)]),
        "not believable",
    )


def indexes():
    """Indexes: (name, bytes, words of the error)."""

    def index(count, shard="a"):
        return json.dumps({"weight_map": {str(number): shard for number in range(count)}}).encode()

    yield "index", index(300_000), "shards are missing"
    yield "index of too many", index(500_000), "names of the tensors are too long"
    yield "too long index", index(1_500_000), "too long"
    shards = {str(number): str(number) for number in range(250_000)}
    yield "shards", json.dumps({"weight_map": shards}).encode(), "250000 of 250000 shards are missing"


def settings(checkpoint):
    """Changed configurations and tokenizers: (file, name, text, words of the error)."""
    with open(os.path.join(checkpoint, "config.json"), encoding="utf-8") as stream:
        config = json.load(stream)
    huge = dict(
        config, hidden_size=1 << 20, intermediate_size=1 << 20, num_hidden_layers=4096, vocab_size=1 << 20
    )
    huge["vision_config"] = dict(config["vision_config"], num_hidden_layers=4096)
    yield "config.json", "huge", json.dumps(huge), ""
    yield (
        "config.json",
        "without heads",
        json.dumps(dict(config, num_attention_heads=0)),
        "num_attention_heads",
    )
    yield "config.json", "spaces", " " * (100 * MEGABYTE) + json.dumps(config), "too long"
    yield "config.json", "deep", '{"a":' * 200_000, "nesting"
    yield "config.json", "ids", json.dumps(dict(config, eos_token_id=[3] * 300_000)), None
    with open(os.path.join(checkpoint, "tokenizer.json"), encoding="utf-8") as stream:
        tokenizer = json.load(stream)

    def changed(**fields):
        return json.dumps({**tokenizer, "model": {**tokenizer["model"], **fields}})

    vocabulary = tokenizer["model"]["vocab"]
    count = len(vocabulary)
    more = {**vocabulary, **{f"q{index}": count + index for index in range(1_000_000)}}
    # The added tokens follow the vocabulary.
    yield "tokenizer.json", "vocabulary", changed(vocab=more), "more values"
    yield (
        "tokenizer.json",
        "larger vocabulary",
        changed(vocab={str(i): i for i in range(1_500_000)}),
        "more values",
    )
    # Merges that go in a circle: each result must be its parts put together, so none can.
    merges = tokenizer["model"]["merges"]
    yield "tokenizer.json", "the same merge", changed(merges=merges + ["a b"] * 1_000_000), "stands twice"
    yield "tokenizer.json", "a circle of merges", changed(merges=[["Ġ", ""], ["", "Ġ"]]), "merges[0]"
    yield "tokenizer.json", "deep", '{"a":' * 1_000_000, "nesting"
    yield "tokenizer.json", "spaces", "{" + " " * (200 * MEGABYTE) + "}", "too long"
    last = tokenizer["added_tokens"][-1]
    added = [dict(last, id=last["id"] + 1 + index, content=f"<{index}>") for index in range(100_000)]
    yield (
        "tokenizer.json",
        "added tokens",
        json.dumps({**tokenizer, "added_tokens": tokenizer["added_tokens"] + added}),
        None,
    )


def measure(program, name, arguments, size, expected):
    """Runs the program below a process of its own, which is small: what is greatest then is the program's."""
    call = [sys.executable, os.path.abspath(__file__), "--below", program, *arguments]
    line = json.loads(subprocess.run(call, stdout=subprocess.PIPE, check=True).stdout)
    line["megabytes"] -= size / MEGABYTE
    print(json.dumps({"name": name, "expected": expected, **line}), flush=True)


def run_below(call):
    outcome = subprocess.run(call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    line = {
        "status": outcome.returncode,
        "seconds": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss / 1024,
        "errors": outcome.stderr.decode("utf-8", "replace")[:2000],
    }
    print(json.dumps(line))


def main():
    if sys.argv[1] == "--below":
        run_below(sys.argv[2:])
        return
    program, checkpoint, folder = sys.argv[1:]
    path = os.path.join(folder, "file")
    for kind in (headers, pickles, indexes):
        for name, content, expected in kind():
            with open(path, "wb") as stream:
                stream.write(content)
            measure(program, f"{kind.__name__}: {name}", ["inspect", path], len(content), expected)
    os.remove(path)
    for file, name, content, expected in settings(checkpoint):
        copy = os.path.join(folder, "copy")
        shutil.copytree(checkpoint, copy)
        with open(os.path.join(copy, file), "w", encoding="utf-8") as stream:
            stream.write(content)
        measure(program, f"{file}: {name}", ["inspect", "--check", copy], len(content), expected)
        shutil.rmtree(copy)


if __name__ == "__main__":
    main()
