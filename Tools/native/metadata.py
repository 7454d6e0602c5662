"""The metadata of a native file, from Formats/native.md alone."""

import json

from .refusal import Refusal, require


def _unique_object(pairs):
    require(len({key for key, _ in pairs}) == len(pairs), "the metadata has a key that stands twice")
    return dict(pairs)


def parse_metadata(content):
    try:
        metadata = json.loads(content.decode("utf-8"), object_pairs_hook=_unique_object)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"the metadata cannot be read: {error}") from None
    require(isinstance(metadata, dict), "the metadata is no object")
    for key, kind in (("config", str), ("provenance", dict), ("recipe", dict)):
        require(isinstance(metadata.get(key), kind), f"the metadata's field {key} is missing or wrong")
    provenance, recipe = metadata["provenance"], metadata["recipe"]
    tool = provenance.get("tool")
    require(isinstance(tool, str), "the metadata's field provenance.tool is missing or wrong")
    _check_list(provenance, "sources", {"name": str, "bytes": int, "sha256": str})
    for key in ("linear", "vision", "adapter", "embedding", "head", "other", "method"):
        require(isinstance(recipe.get(key), str), f"the metadata's field recipe.{key} is missing or wrong")
    _check_list(recipe, "overrides", {"pattern": str, "encoding": str})
    for key in ("calibration", "budget"):
        texts = recipe.get(key, {})
        good = isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values())
        require(good, f"the metadata's field recipe.{key} is no object of strings")
    _check_ids(metadata.get("endOfText", []))
    warnings = metadata.get("warnings", [])
    good = isinstance(warnings, list) and all(isinstance(each, str) for each in warnings)
    require(good, "the metadata's field warnings is no list of strings")
    return metadata


def _check_ids(ids):
    good = isinstance(ids, list) and all(type(each) is int and each >= 0 for each in ids)
    require(good, "the metadata's field endOfText is no list of token ids")


def _check_list(parent, key, fields):
    require(isinstance(parent.get(key), list), f"the metadata's field {key} is missing or wrong")
    for entry in parent[key]:
        known = entry if isinstance(entry, dict) else {}
        good = all(isinstance(known.get(name), kind) for name, kind in fields.items())
        require(good, f"an entry of the metadata's field {key} is wrong")
