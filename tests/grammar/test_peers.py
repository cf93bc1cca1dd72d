"""Compares constraints with Python's re and jsonschema, on random patterns and schemas.

A regular expression must match what re.fullmatch matches. JSON by a schema must be valid by jsonschema (the reverse
need not hold: schema.h), and what jsonschema accepts must match where it is written as the constraint writes it."""
import datetime
import json
import os
import random
import re
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("SKIP: no jsonschema")
    sys.exit(77)

CASES = int(os.environ.get("INKSTONE_CASES", "300"))
matcher = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
failed = 0


def ask(form, text, candidates=(), samples=0):
    question = {"form": form, "text": text, "candidates": list(candidates), "samples": samples}
    matcher.stdin.write(json.dumps(question) + "\n")
    matcher.stdin.flush()
    return json.loads(matcher.stdout.readline())


def differs(what, *says):
    global failed
    failed += 1
    print("DIFFERENT:", what, *says, flush=True)


# ---- regular expressions ----

def pattern(r, depth=0):
    kind = r.randrange(10 if depth < 4 else 4)
    if kind < 2: return r.choice("ab.é好") + r.choice(("", "", "c"))
    if kind == 2: return r.choice(("[ab]", "[^a]", "[a-c]", r"\d", r"\w", "[^b-z]", r"[\d_a]", "[好-您]", "[]a]", r"\x61", r"\u597d"))
    if kind == 3: return ""
    if kind < 6: return pattern(r, depth + 1) + pattern(r, depth + 1)
    if kind < 8: return f"(?:{pattern(r, depth + 1)}|{pattern(r, depth + 1)})"
    repeat = r.choice(("*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "*?", "{0}"))
    return f"({pattern(r, depth + 1)}){repeat}"


def regular_expressions():
    refused = 0
    for case in range(CASES):
        r = random.Random(case)
        text = pattern(r)
        candidates = ["", *("".join(r.choice("abc1_é好") for _ in range(r.randrange(1, 8))) for _ in range(30))]
        got = ask("regex", text, candidates, 10)
        if "error" in got:
            refused += 1
            if "ambiguous" not in got["error"]: differs("regex refused", repr(text), got["error"])
            continue
        peer = re.compile(text, re.ASCII)
        for candidate, matches in zip(candidates, got["matches"]):
            if matches != bool(peer.fullmatch(candidate)): differs("regex", repr(text), repr(candidate), matches)
        for sample in got["samples"]:
            if not peer.fullmatch(sample): differs("regex sample", repr(text), repr(sample))
    print(f"{CASES} regular expressions, {refused} refused")


# ---- JSON schemas ----

def schema(r, depth=0):
    kind = r.choice(("string", "integer", "number", "boolean", "null", "enum", "array", "object", "any", "all", "types"))
    if depth > 2 and kind in ("array", "object", "any", "all"): kind = "integer"
    if kind == "enum": return {"enum": r.sample([1, "a", "ab", "好", None, True, {"x": [1, 2]}, -2.5], r.randrange(1, 5))}
    if kind == "any": return {"anyOf": [schema(r, depth + 1) for _ in range(r.randrange(1, 4))]}
    if kind == "all": return {"allOf": [{"type": "integer", "minimum": r.randrange(-9, 9)}, {"maximum": r.randrange(9, 30)}]}
    if kind == "types": return {"type": r.sample(("string", "integer", "boolean", "null"), 2), "maxLength": 3}
    out = {"type": kind}
    if kind == "string":
        choice = r.randrange(5)
        if choice == 0: out["minLength"] = r.randrange(3)
        if choice < 2: out["maxLength"] = r.randrange(3, 9)
        if choice == 2: out["pattern"] = r.choice(("^[a-c]+$", "b", "^x|y$", r'^["\\]?\d*$', "好"))
        if choice == 3: out["format"] = r.choice(("date", "date-time", "uuid", "ipv4", "ipv6", "email"))
    elif kind in ("integer", "number"):
        low = r.choice((None, *range(-150, 150)))
        high = r.choice((None, *range(low if low is not None else -150, 300)))
        if low is not None: out[r.choice(("minimum", "exclusiveMinimum"))] = low
        if high is not None: out[r.choice(("maximum", "exclusiveMaximum"))] = high
    elif kind == "array":
        if r.random() < 0.8: out["items"] = schema(r, depth + 1)
        if r.random() < 0.3: out["prefixItems"] = [schema(r, depth + 1) for _ in range(r.randrange(1, 3))]
        if r.random() < 0.5: out["minItems"] = r.randrange(3)
        if r.random() < 0.5: out["maxItems"] = r.randrange(2, 5)
    elif kind == "object":
        names = r.sample(("a", "ab", "b", "名", 'q"', "long name"), r.randrange(5))
        out["properties"] = {name: schema(r, depth + 1) for name in names}
        out["required"] = [name for name in names if r.random() < 0.5]
        if r.random() < 0.5: out["additionalProperties"] = r.choice((False, True, {"type": "integer"}))
        if r.random() < 0.1: out["required"].append("more")
    return out


def instance(r, s, depth=0):
    """Something like what the schema describes, in its order, valid or not."""
    if "enum" in s: return r.choice(s["enum"] + ["other"])
    if "anyOf" in s: return instance(r, r.choice(s["anyOf"]), depth)
    if "allOf" in s: return r.randrange(-20, 40)
    kind = s["type"] if isinstance(s["type"], str) else r.choice(s["type"])
    if kind == "string": return "".join(r.choice('abcxy好"\\1 ') for _ in range(r.randrange(6)))
    if kind == "integer": return r.choice((0, r.randrange(-200, 350), r.randrange(10)))
    if kind == "number": return r.choice((0, r.randrange(-200, 350), r.randrange(-200, 350) + 0.5))
    if kind == "boolean": return r.random() < 0.5
    if kind == "null": return None
    if kind == "array":
        prefix = s.get("prefixItems", [])
        return [instance(r, prefix[i] if i < len(prefix) else s.get("items", {"type": "null"})) for i in range(r.randrange(5))]
    out = {k: instance(r, v) for k, v in s["properties"].items() if k in s["required"] or r.random() < 0.7}
    if r.random() < 0.3: out["more"] = r.randrange(9)
    return out


def as_written(s, value):
    """Whether the constraint must have the value in this form: no limits that only the constraint has."""
    if isinstance(value, dict):
        known = s.get("properties", {})
        extra = [k for k in value if k not in known]
        if "properties" not in s or (extra and "additionalProperties" not in s): return False
        return all(as_written(known[k], v) for k, v in value.items() if k in known) and all(k.isalpha() for k in extra)
    if isinstance(value, list):
        prefix = s.get("prefixItems", [])
        return all(as_written(prefix[i] if i < len(prefix) else s.get("items", {}), v) for i, v in enumerate(value))
    if "anyOf" in s: return any(valid(o, value) and as_written(o, value) for o in s["anyOf"])
    return "format" not in s and not isinstance(value, float)


FORMATS = jsonschema.FormatChecker()
FORMATS.checks("date-time", raises=ValueError)(lambda text: not isinstance(text, str) or datetime.datetime.fromisoformat(text))


def valid(s, value):
    return jsonschema.Draft202012Validator(s, format_checker=FORMATS).is_valid(value)


def compare_schema(text, s, r, stats):
    values = [instance(r, s) for _ in range(30)] if r else []
    got = ask("json_schema", text, [json.dumps(v, ensure_ascii=False, separators=(",", ":")) for v in values], 20)
    if "error" in got:
        stats["refused"] += 1
        by_design = "no text matches" in got["error"] or "is required, and no property" in got["error"]
        if not by_design or any(valid(s, v) and as_written(s, v) for v in values):
            differs("schema refused", text, got["error"])
        return
    for value, matches in zip(values, got["matches"]):
        is_valid = valid(s, value)
        stats["valid"] += is_valid
        if matches and not is_valid: differs("schema", text, repr(value), "matches, and is not valid")
        if not matches and is_valid and as_written(s, value): differs("schema", text, repr(value), "does not match, and is valid")
    for sample in got["samples"]:
        stats["samples"] += 1
        try:
            value = json.loads(sample)
        except ValueError as problem:
            differs("schema sample", text, repr(sample), problem)
            continue
        if not valid(s, value): differs("schema sample", text, repr(sample))


FIXED = [
    {}, True,
    {"type": "object", "properties": {"name": {"type": "string"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
     "required": ["name", "next"], "additionalProperties": False},
    {"$defs": {"tree": {"type": "object", "properties": {"value": {"type": "integer"}, "children":
        {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["value"]}}, "$ref": "#/$defs/tree"},
    {"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind"]},
               {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]}, {"type": "null"}]},
    {"allOf": [{"$ref": "#/$defs/p"}, {"type": "object", "properties": {"b": {"maximum": 5}}, "required": ["b"]}],
     "$defs": {"p": {"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"type": "integer"}}, "required": ["a"]}}},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 3},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1}, {"type": "number", "minimum": -3, "exclusiveMaximum": -1},
    {"type": "integer", "minimum": 0.5, "maximum": 3.5}, {"type": "integer", "exclusiveMinimum": -1000000},
    {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": False},
    {"description": "x", "type": ["object", "null"], "properties": {"d": {"type": "string", "format": "duration"}}},
    {"type": "string", "format": "hostname"}, {"type": "string", "format": "uri"},
]


def schemas():
    stats = dict.fromkeys(("refused", "valid", "samples"), 0)
    for s in FIXED: compare_schema(json.dumps(s), s, None, stats)
    for case in range(CASES):
        r = random.Random(case)
        s = schema(r)
        compare_schema(json.dumps(s, ensure_ascii=r.random() < 0.5), s, r, stats)
    print(f"{len(FIXED) + CASES} schemas, {stats['refused']} refused; {stats['valid']} valid values, {stats['samples']} samples")


regular_expressions()
schemas()
matcher.stdin.close()
if matcher.wait(): differs("the matcher ended with", matcher.returncode)
sys.exit(failed > 0)
