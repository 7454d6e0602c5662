"""The words of each format, for libFuzzer's dictionaries."""

JSON = ['"', '":', "{", "}", "[", "]", ",", "null", "true", "false", "-1", "0", "1e9", "\\u0000", "\\ud800"]
NUMBERS = ["9223372036854775807", "9223372036854775808", "4294967296", "1048576", "4611686018427387904"]

WORDS = {
    "safetensors": [
        *JSON,
        *NUMBERS,
        "__metadata__",
        '"dtype":"F32"',
        '"shape":[',
        '"data_offsets":[0,',
        "BF16",
        "F6_E2M3",
        "C128",
        "BOOL",
    ],
    "zip": [
        "PK\x01\x02",
        "PK\x03\x04",
        "PK\x05\x06",
        "PK\x06\x06",
        "PK\x06\x07",
        "\xff\xff\xff\xff",
        "data.pkl",
    ],
    "pickle": [
        "\x80\x02",
        "\x95",
        "ctorch._utils\n_rebuild_tensor_v2\n",
        "ctorch._utils\n_rebuild_tensor_v3\n",
        "ctorch._utils\n_rebuild_parameter\n",
        "ctorch\nFloatStorage\n",
        "ctorch.storage\nUntypedStorage\n",
        "ctorch\nSize\n",
        "ccollections\nOrderedDict\n",
        "cos\nsystem\n",
        "X\x07\x00\x00\x00storage",
        "\x8c\x07storage",
        "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
        "(K\x01K\x02t",
        ")R",
        "\x93",
        "\x81",
        "\x94",
    ],
    "index": [
        *JSON,
        '"weight_map":{',
        '"metadata":',
        ".safetensors",
        "../",
        "a.safetensors",
        "b.safetensors",
    ],
    "native": ["\x89COGVLM\n", "\xff\xff\xff\xff", "\x00\x10\x00\x00", *NUMBERS, '"config":', '"recipe":'],
    "journal": [
        *JSON,
        *NUMBERS,
        "00000000 ",
        '"offset":',
        '"worstRow":',
        '"file":"',
        '"vanished":',
        "null",
        "-0.0",
    ],
    "config": [
        *JSON,
        *NUMBERS,
        "num_hidden_layers",
        "num_attention_heads",
        "num_multi_query_heads",
        "eos_token_id",
        "vision_config",
        "architectures",
        "CogVLMVideoForCausalLM",
        "tie_word_embeddings",
        "rms_norm_eps",
        "1e-400",
    ],
    "tokenizer": [
        *JSON,
        '"added_tokens":[',
        '"special":true',
        '"normalized":false',
        '"merges":[',
        '"vocab":{',
        "CGTK",
    ],
    "calibration": [
        *JSON,
        *NUMBERS,
        "__metadata__",
        "cogvlm calibration",
        '"dtype":"F64"',
        '"dtype":"I64"',
        ".image.sum_of_squares",
        ".text.largest",
        "lm_head.weight",
        "model.layers.0.mlp.language_mlp.down_proj.weight",
        '"sets":"[{',
        '"counts":"{',
    ],
    "questions": [*JSON, '"candidates":[', '"answer":', '"video":', '"question":', '"task":'],
    "run": [
        *JSON,
        *NUMBERS,
        "\x00",
        "\n",
        '"format":"cogvlm run"',
        '"status":"failed"',
        '"run":"0000000000000000"',
        '"attempt":',
        '"finished":',
        '"damagedFrames":[',
        '"candidates":[',
    ],
    "videos": [
        *JSON,
        "\n",
        "\r\n",
        ",",
        '""',
        "video",
        "video_path",
        "file_name",
        "clip",
        "./",
        "\xef\xbb\xbf",
    ],
}


def dictionary(parser):
    """The text of libFuzzer's dictionary for a parser."""
    lines = []
    for word in WORDS[parser]:
        escaped = "".join(
            chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\x{byte:02x}"
            for byte in word.encode("latin-1")
        )
        lines.append(f'"{escaped}"\n')
    return "".join(lines)
