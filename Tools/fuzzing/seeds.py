"""Makes the seeds of the fuzzers from the samples, in the forms that Tests/Fuzzing takes."""

import json
import pathlib
import struct
import zipfile
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "Tests" / "Fixtures"


def small_safetensors(tensors, metadata=None):
    """A safetensors file of {name: (dtype, shape, bytes)}."""
    header, data = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors():
    """Checkpoint files."""
    yield (FIXTURES / "checkpoints" / "tensors.safetensors").read_bytes()
    yield from (path.read_bytes() for path in sorted(FIXTURES.glob("reports/*.safetensors")))
    yield small_safetensors({"a": ("F32", [2], bytes(8))}, {"format": "pt"})
    yield small_safetensors({"model.norm.weight": ("BF16", [3], bytes(6)), "b": ("F4", [2, 1], bytes(1))})
    yield small_safetensors({"empty": ("F64", [0, 5], b""), "scalar": ("I64", [], bytes(8))})
    yield small_safetensors({})


def zips():
    """Whole PyTorch files, stored and deflated."""
    for path in sorted((FIXTURES / "checkpoints").glob("*.pt")):
        if "protocol2" in path.name or "protocol5" in path.name or path.name == "nested.pt":
            yield path.read_bytes()
    yield from (path.read_bytes() for path in sorted(FIXTURES.glob("reports/*.bin")))


def pickles():
    """The pickles in PyTorch files."""
    names = sorted((FIXTURES / "checkpoints").glob("*-stored.pt"))
    names += [FIXTURES / "checkpoints" / "nested.pt", *sorted(FIXTURES.glob("reports/*.bin"))]
    names += sorted((FIXTURES / "tiny" / "checkpoint-bin").glob("*.bin"))
    for path in names:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            yield archive.read(name)


def indexes():
    """Indexes of the shards that the fuzzer's entry has beside it."""
    shards = {"a": "a.safetensors", "b": "b.safetensors"}
    yield json.dumps({"metadata": {"total_size": 8}, "weight_map": shards}).encode()
    yield json.dumps({"weight_map": {"a": "a.safetensors"}}).encode()
    yield json.dumps({"weight_map": {"a": "../a.safetensors"}}).encode()
    yield json.dumps({"weight_map": {"a": "missing.safetensors", "b": "b.safetensors"}}).encode()
    yield json.dumps({"weight_map": {"a": "b.safetensors", "b": "a.safetensors"}}).encode()
    yield json.dumps({"weight_map": {}}).encode()


def natives():
    """Native files without the bytes of their tensors: the header, then what follows the data section."""
    for path in sorted((ROOT / "Formats" / "samples").glob("*/*.cogvlm")):
        raw = path.read_bytes()
        header = raw[:128]
        if len(header) < 128:
            continue
        offset, count = struct.unpack_from("<QQ", header, 24)
        yield header + raw[min(offset + count, len(raw)) :]


def journals():
    """The journal of the work that Tests/Fuzzing/NativeTargets.swift takes up."""
    first = {
        "journal": "cogvlm conversion",
        "version": 1,
        "output": "cogvlm 2",
        "tool": "fuzz",
        "recipe": {
            "linear": "int4/64",
            "vision": "int4/64",
            "adapter": "int4/64",
            "embedding": "source",
            "head": "source",
            "other": "source",
            "overrides": [],
            "method": "least-squares",
        },
        "keepsNonFinite": False,
        "allowsOverflow": False,
        "sources": [
            {"name": "model.safetensors", "bytes": 1000, "modified": 1},
            {"name": "config.json", "bytes": 10, "modified": 2},
        ],
    }
    error = {"relativeRMS": 0.5, "sqnr": None, "worstGroup": 0.25, "worstRow": 3, "worstGroupIndex": 1}
    tensor = {
        "name": "model.norm.weight",
        "encoding": "BF16",
        "file": "",
        "offset": 4096,
        "bytes": 128,
        "source": "0123456789abcdef",
        "crc32": "89abcdef",
        "error": error,
        "overflowed": 0,
        "vanished": 1,
        "nonFinite": 0,
    }

    def lines(*records):
        texts = [json.dumps(record, separators=(",", ":"), sort_keys=True).encode() for record in records]
        return b"".join(b"%08x %s\n" % (zlib.crc32(text), text) for text in texts)

    other = {**tensor, "name": "lm_head.weight", "offset": 8192}
    whole = lines(first, tensor, other)
    yield whole
    yield whole[:-5]
    yield lines(first)
    yield lines({**first, "tool": "another"}, tensor)
    yield lines(first, {**tensor, "file": "model.safetensors"})
    yield lines(first, {**tensor, "offset": 2**63 - 1})
    yield lines(first, {**tensor, "error": {**error, "worstRow": -1}})


def configs():
    """Configurations: published, small, and of models that look alike."""
    yield (FIXTURES / "published" / "published-config.json").read_bytes()
    text = (FIXTURES / "sample" / "checkpoint" / "config.json").read_bytes()
    yield text
    yield (FIXTURES / "tiny" / "checkpoint" / "config.json").read_bytes()
    config = json.loads(text)
    yield json.dumps({**config, "eos_token_id": [1, 2]}).encode()
    yield json.dumps({**config, "num_hidden_layers": 4096}).encode()
    yield json.dumps({**config, "num_attention_heads": 0}).encode()
    yield json.dumps({**config, "architectures": ["CogVLMForCausalLM"]}).encode()


def tokenizers():
    """tokenizer.json with few tokens, and the compact form of one."""
    text = (FIXTURES / "text" / "small-tokenizer.json").read_bytes()
    yield text
    data = json.loads(text)
    yield json.dumps(data, separators=(",", ":")).encode()
    pairs = data["model"]["merges"]
    data["model"]["merges"] = [" ".join(pair) if isinstance(pair, list) else pair for pair in pairs]
    yield json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    tokens = [bytes([byte]) for byte in range(256)] + [b"he", b"ll", b"hell", b"<|x|>"]
    merges = [(104, 101, 256), (108, 108, 257), (256, 257, 258)]
    kinds = bytes([1] * 259 + [6])
    ends, end = [], 0
    for token in tokens:
        end += len(token)
        ends.append(end)
    yield (
        struct.pack("<4sIIIII", b"CGTK", 1, 1, len(tokens), len(merges), end)
        + struct.pack(f"<{len(ends)}I", *ends)
        + b"".join(struct.pack("<III", *merge) for merge in merges)
        + kinds
        + b"".join(tokens)
    )


def calibrations():
    """Calibration files, small and damaged ones."""
    folder = ROOT / "Formats" / "samples" / "calibration"
    yield from (path.read_bytes() for path in sorted(folder.glob("*.cogcal")))


def questions():
    """Question files."""
    entries = json.loads((FIXTURES / "sample" / "questions.json").read_text())
    yield json.dumps(entries[:3]).encode()
    yield json.dumps([{**entries[0], "candidates": None}, {**entries[1], "candidates": []}]).encode()
    yield json.dumps([{**entries[0], "video": "/absolute/clip.mp4"}]).encode()
    yield json.dumps([{**entries[0], "answer": "none of them"}]).encode()
    yield b"[]"


def runs():
    """Runs: header, list and a part with zeros between; zeros stand for what Tests/Fuzzing puts right."""
    header = {
        "format": "cogvlm run",
        "version": 1,
        "job": "questions",
        "model": {"name": "m.cogvlm", "digest": "ab" * 32, "encodings": {"BF16": 3}},
        "prompt": {"template": "chat", "profile": "plain"},
        "frames": "uniform:16",
        "settings": {"mode": "fast", "maxNewTokens": 8, "toleratesDamage": False},
        "items": {"digest": "0" * 64, "count": 2, "videos": 1},
    }
    item = {"key": "1" * 32, "dataset": "questions", "video": "a.mp4", "task": "t", "question": "Which?"}
    items = [{**item, "candidates": ["a", "b"], "answer": "a"}, {**item, "key": "2" * 32, "task": None}]
    record = {
        "key": "1" * 32,
        "status": "ok",
        "reply": "(A) a",
        "ids": [1, 2],
        "frames": [0.0, 1.5],
        "attempt": 1,
        "seconds": {"video": 0.5, "prompt": 0.25, "reply": 0.125, "total": 1},
        "finished": 1.8e9,
        "tool": "cogvlm 1",
        "kernels": "avx512",
        "run": "0" * 16,
    }
    damage = [{"index": 3, "seconds": 1.5, "damage": "decoder"}]
    failed = {**record, "key": "2" * 32, "status": "failed", "reply": None, "error": "broken", "ids": []}
    parts = [
        [],
        [record],
        [record, {**record, "reply": "(B) b", "attempt": 2}],
        [failed, {**record, "damagedFrames": damage}],
        [failed, {**failed, "status": "ok", "reply": "", "error": None}],
        [{**record, "run": "1" * 16}],
    ]

    def lines(values):
        return b"".join(json.dumps(value, separators=(",", ":")).encode() + b"\n" for value in values)

    for part in parts:
        yield lines([header]) + b"\0" + lines(items) + b"\0" + lines(part)
    yield lines([header]) + b"\0" + lines(items) + b"\0" + lines([record])[:-9]
    yield lines([header]) + b"\0" + lines(items) + b"\0not a line\n" + lines([record])
    yield lines([{**header, "version": 2}]) + b"\0" + lines(items) + b"\0"
    yield lines([{**header, "items": {**header["items"], "digest": "1" * 64}}]) + b"\0" + lines(items)
    yield lines([header]) + b"\0" + lines([{"key": 1}]) + b"\0"


def videos():
    """Lists of videos: lines, tables and JSON lines."""
    yield b'a.mp4\nb c/d.mp4\r\n\n./e, "f".mp4\n/g.mp4'
    yield b"a.mp4\n./a.mp4\na.mp4\n../videos\n"
    yield "\ufeffv/é.mp4\n電視.webm\n".encode() + b"\xff\xfe.mp4\n"
    yield b'n,video,text\n1,a.mp4,"two\nlines, and ""quotes"""\n\n2,"b,c.mp4",\r\n'
    yield b"file_name,path\na.mp4,b.mp4\n"
    yield b"video\na.mp4\n,\n"
    yield b'clip,video\n"a.mp4,b.mp4\n'
    yield b"clip;video\na.mp4;b.mp4\n"
    yield b'{"video": "a.mp4"}\n\n{"file_name": "b\\u00e9.mp4", "caption": "x"}\n'
    yield b'{"video_path": "a.mp4"}\n{"text": "no video"}\n'
    yield b'{"video": "a.mp4"}\n{"video": 1}\n'
    yield b'{"video": "a.mp4"}\n{\n'
    yield b"\n \t\n"
    yield b"\0\0\0\x18ftypmp42"
    yield b""


SEEDS = {
    "safetensors": safetensors,
    "zip": zips,
    "pickle": pickles,
    "index": indexes,
    "native": natives,
    "journal": journals,
    "config": configs,
    "tokenizer": tokenizers,
    "calibration": calibrations,
    "questions": questions,
    "run": runs,
    "videos": videos,
}
