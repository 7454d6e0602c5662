"""Holds JSON documents against a JSON Schema of Formats/json, and the schema against the documents.

usage: validate_documents.py SCHEMA DOCUMENT...

Prints what is wrong, one finding on each line, and leaves with 1 when there is any:
- a document that the schema does not allow,
- a key of the schema that no document has, or that is required although it may be missing,
- a document that the schema still allows after a key was added or removed, or a value became one of another
kind.
"""

import copy
import json
import sys

from jsonschema import Draft202012Validator


def places(value, path=()):
    """All values in a document with their paths; of the elements of a list, the first of each form alone."""
    yield path, value
    if isinstance(value, dict):
        for key, member in value.items():
            yield from places(member, (*path, key))
    elif isinstance(value, list):
        forms = set()
        for index, element in enumerate(value):
            form = (type(element), tuple(element) if isinstance(element, dict) else ())
            if form not in forms:
                forms.add(form)
                yield from places(element, (*path, index))


def changed(document, path, change):
    """A copy of a document in which the value at a path is what `change` makes of it."""
    document = copy.deepcopy(document)
    if not path:
        return change(document)
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = change(parent[path[-1]])
    return document


def without(value, key):
    return {name: member for name, member in value.items() if name != key}


class Closed:
    """A schema and which of its parts describe the values of a document."""

    def __init__(self, schema):
        self.schema = schema
        self.validator = Draft202012Validator(schema)

    def resolve(self, part):
        while "$ref" in part:
            part = self.schema["$defs"][part["$ref"].rsplit("/", 1)[-1]]
        return part

    def objects(self, part=None):
        """Every part that describes an object with fixed keys."""
        part = self.schema if part is None else part
        if isinstance(part, dict):
            if "properties" in part and "type" in part:
                yield part
            for value in part.values():
                yield from self.objects(value)
        elif isinstance(part, list):
            for value in part:
                yield from self.objects(value)

    def described(self, part, value):
        """Pairs of a part of the schema with fixed keys and an object that it describes."""
        part = self.resolve(part)
        for choice in part.get("anyOf", []) + part.get("oneOf", []):
            if self.validator.evolve(schema={**choice, "$defs": self.schema.get("$defs", {})}).is_valid(
                value
            ):
                yield from self.described(choice, value)
        if isinstance(value, dict) and "properties" in part:
            yield part, value
            for key, member in value.items():
                if key in part["properties"]:
                    yield from self.described(part["properties"][key], member)
        elif isinstance(value, list) and "items" in part:
            for element in value:
                yield from self.described(part["items"], element)


def findings(schema, documents):
    Draft202012Validator.check_schema(schema)
    closed = Closed(schema)
    for name, document in documents:
        for error in closed.validator.iter_errors(document):
            yield f"{name}: {error.json_path}: {error.message[:200]}"
    seen = {}
    for _, document in documents:
        for part, value in closed.described(schema, document):
            objects, keys = seen.setdefault(id(part), ([], set()))
            objects.append(value)
            keys.update(value)
    for part in closed.objects():
        objects, keys = seen.get(id(part), ([], set()))
        for key in part["properties"]:
            if key not in keys:
                yield f"no document has the key {key} of {list(part['properties'])}"
            elif key not in part["required"] and all(key in value for value in objects):
                yield f"every document has the key {key} of {list(part['properties'])}, which is not required"
    for name, document in documents:
        yield from escapes(closed, name, document)


def shortened(value):
    """A document in which lists of objects have one of each form, for what is slow."""
    if isinstance(value, dict):
        return {key: shortened(member) for key, member in value.items()}
    if isinstance(value, list):
        forms = {tuple(element): element for element in reversed(value) if isinstance(element, dict)}
        return [shortened(element) for element in forms.values()] if forms else value
    return value


def escapes(closed, name, document):
    """What of a changed document the schema does not notice."""
    document = shortened(document)
    parts = {id(value): part for part, value in closed.described(closed.schema, document)}
    for path, value in places(document):
        where = f"{name}: {'.'.join(map(str, path))}"

        def allows(change, path=path):
            return closed.validator.is_valid(changed(document, path, change))

        for other in ({"unexpected": []}, [["unexpected"]]):
            if allows(lambda _, other=other: other):
                yield f"{where}: may be {other}"
        if not isinstance(value, dict):
            continue
        if allows(lambda value: {**value, "unexpected": []}):
            yield f"{where}: may have a key more"
        for key in parts.get(id(value), {}).get("required", []):
            if allows(lambda value, key=key: without(value, key)):
                yield f"{where}: may lack {key}"


def main():
    with open(sys.argv[1], encoding="utf-8") as stream:
        schema = json.load(stream)
    documents = []
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as stream:
            documents.append((path.rsplit("/", 1)[-1], json.load(stream)))
    wrong = list(dict.fromkeys(findings(schema, documents)))
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


main()
