"""Writes examples into an OpenAPI document, beside their schemas.

usage: put-examples.py DOCUMENT EXAMPLES   (an object of values by their places, see ExamplePlace)
"""

import json
import sys


def media(document, place):
    """The media type object that a place means."""
    words = place.split(" ")
    if words[0] == "problem":
        return document["components"]["responses"][words[1]]["content"]["application/problem+json"]
    operation = document["paths"][words[1]][words[0].lower()]
    part = operation["requestBody"] if words[2] == "request" else operation["responses"][words[2]]
    return part["content"].get(words[3])


def whole(value):
    """Numbers without fractions as such."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(one) for one in value]
    if isinstance(value, dict):
        return {name: whole(one) for name, one in sorted(value.items())}
    return value


def parts(value, place=""):
    """Which parts a value has."""
    if isinstance(value, dict):
        inner = [parts(one, f"{place}.{name}") for name, one in value.items()]
    elif isinstance(value, list):
        inner = [parts(one, place + "[]") for one in value]
    else:
        inner = []
    return {f"{place} {type(value).__name__}"}.union(*inner)


def shortened(lines):
    """Of a stream's lines those that show something that none before them does."""
    seen, kept = set(), []
    for line in lines.splitlines(keepends=True):
        new = parts(json.loads(line))
        if new - seen:
            kept.append(line)
        seen |= new
    return "".join(kept)


def main(name, examples):
    with open(name, encoding="utf-8") as file:
        document = json.load(file)
    with open(examples, encoding="utf-8") as file:
        known = json.load(file)
    left = []
    for place in sorted(known):
        one = None
        try:
            one = media(document, place)
        except KeyError:
            pass
        if one is None:
            left.append(place)
            continue
        value = known[place]
        if place.endswith("ndjson"):
            value = shortened(value)
        one["example"] = whole(value)
    with open(name, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2, ensure_ascii=False)
        file.write("\n")
    for place in left:
        print(f"no place for {place}", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
