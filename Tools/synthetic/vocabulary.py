"""A `tokenizer.json` of any size: byte-level byte-pair encoding with the settings of Llama 3, made-up
words."""

import json
from typing import Any, Dict, Iterator, List, Tuple

from reference.errors import ToolError

# The split pattern of Llama 3's tokenizer.
_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LETTERS = "etaoinshrdlucmfwygpbvkxqjz"  # by how often English has them


def _byte_alphabet() -> List[str]:
    """The character that spells each byte (GPT-2's `bytes_to_unicode`)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = (chr(0x100 + index) for index in range(256))
    return [chr(byte) if byte in printable else next(others) for byte in range(256)]


def _words() -> Iterator[Tuple[str, str]]:
    """Every word of 2 letters, then of 3, and so on, as the shorter word and the letter that it is joined
    of."""
    words = list(_LETTERS)
    while True:
        longer = []
        for word in words:
            for letter in _LETTERS:
                yield word, letter
                longer.append(word + letter)
        words = longer


def synthetic_tokenizer(config: Dict[str, Any]) -> str:
    """The text of a tokenizer with the vocabulary size of `config` and the special tokens at the ids it
    names."""
    named = {config["bos_token_id"]: "<|begin_of_text|>", config["eos_token_id"]: "<|end_of_text|>"}
    first_special, count = min(*named, config["pad_token_id"]), config["vocab_size"]
    if first_special < 256:
        raise ToolError(
            f"the first special token is {first_special}, expected at least 256: one for each byte"
        )
    vocabulary = {character: index for index, character in enumerate(_byte_alphabet())}
    merges = []
    for left, right in _words():
        if len(vocabulary) == first_special:
            break
        vocabulary[left + right] = len(vocabulary)
        merges.append(f"{left} {right}")
    specials = {
        index: named.get(index, f"<|reserved_special_token_{index - first_special}|>")
        for index in range(first_special, count)
    }
    return json.dumps(_document(vocabulary, merges, specials), ensure_ascii=False, indent=1)


def _document(vocabulary: Dict[str, int], merges: List[str], specials: Dict[int, str]) -> Dict[str, Any]:
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": _PATTERN}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": index, "content": text, **plain} for index, text in specials.items()],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": None,
        "decoder": {**byte_level, "add_prefix_space": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": merges,
        },
    }


def checked_tokenizer(path: str, config: Dict[str, Any]) -> str:
    """The text of a tokenizer file, which must not have more tokens than the configuration.

    Raises ToolError when it cannot be read, is no tokenizer, or does not fit the model.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        document = json.loads(text)
        ids = [*document["model"]["vocab"].values(), *(token["id"] for token in document["added_tokens"])]
        largest = max(ids)
    except OSError as error:
        raise ToolError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ToolError(
            f"{path}: not a tokenizer.json of byte-pair encoding ({error}); download it again"
        ) from error
    if not isinstance(largest, int) or largest >= config["vocab_size"]:
        raise ToolError(
            f"{path}: the largest token id is {largest}, expected less than {config['vocab_size']}; "
            "take the tokenizer of the model that the preset is made after, or leave --tokenizer out"
        )
    return text
