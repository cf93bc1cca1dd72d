#!/usr/bin/env python3
"""Checks rules that the compiler does not: layers, allocation, printing, size, format, functions without callers, comments with
names that do not exist. For development only.

  scripts/lint.py              checks this tree: exit status 0 (possibly with warnings), 1 if a rule is violated
  scripts/lint.py --self-test  plants violations of every rule in a temporary tree and checks that each is found
"""
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
import xml.etree.ElementTree

# What the files of a layer may include: layers, or single files. Any layer may include inkstone.h.
LAYERS = {
    "kernels": {"kernels"},
    "base": {"base"},
    "ops": {"ops", "kernels", "base"},
    "nn": {"nn", "ops", "base"},
    "models": {"models", "nn", "ops", "base"},
    "text": {"text", "ops", "base"},
    "grammar": {"grammar", "text", "ops", "base"},
    "io": {"io", "ops", "text/alphabet.h", "text/stored_tokenizer.h", "base"},
    "hub": {"hub", "io", "base"},
    "data": {"data", "text", "ops", "base"},
    "run": {"run", "models/model.h", "models/generation.def", "nn", "ops", "kernels/kernels.h", "io", "data", "grammar", "text", "base"},
    "train": {"train", "run", "models/model.h", "nn", "ops", "kernels/kernels.h", "io", "data", "text", "base",
              "../../bench/shapes.def"},
    "serve": {"serve", "base"},
    "cli": {"cli", "serve/serve.h", "base"},
}
MODELS = "src/models/models.def"
ALLOCATES = r"malloc|calloc|realloc|free|strdup|strndup|posix_memalign|aligned_alloc"
JSON_UNCHECKED = r"json_(?:v?pack(?:_ex)?|object_(?:set|update)(?!_missing)\w*|array_(?:append|insert|set|extend)\w*|dumps|dumpf)"
PRINTS = r"exit|_exit|quick_exit|printf|vprintf|puts|putchar|perror"
PRINTS_TO = r"(fprintf|vfprintf|fputs|fputc|putc|fwrite)\s*\([^;]*?\bstd(?:err|out)\b"
# Files that print a message before abort().
PRINTS_AND_ABORTS = {"src/base/error.c", "src/base/memory.c"}

KERNELS = "src/kernels/kernels.def"
THIS = "scripts/lint.py"
# Names of other projects in comments: of jansson, TensorBoard, transformers, PyTorch and Unicode.
NAMES_ELSEWHERE = ("json_pack file_version simple_value attribute_map logits_process logits_process.py adjust_lr_fn match_rms_adamw "
                   "Case_Ignorable Final_Sigma White_Space base_model_prefix llama2.c trim_blocks lstrip_blocks ffn_up_exps").split()

FUNCTION_LINES, FUNCTION_MOST = 60, 100
FILE_LINES, FILE_MOST = 600, 800
CLANG_FORMAT = "14"  # other versions format some lines differently

C_ROOTS = ("include", "src", "tests", "bench", "examples")
MARKDOWN_COLUMNS = 100
HAN = "[\u4e00-\u9fff]"
TEXT_ROOTS = C_ROOTS + ("cmake", "packaging", "python", "scripts", "recipes")
TEXT_NAMES = (".c", ".h", ".inc", ".def", ".cmake", ".txt", ".py", ".sh", ".yaml")


def files_below(root, folders, endings):
    for folder in folders:
        skipped = ("golden", "__pycache__") + (("data",) if folder == "recipes" else ())
        for where, folders_inside, names in os.walk(os.path.join(root, folder)):
            folders_inside[:] = sorted(f for f in folders_inside if f not in skipped)
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(where, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def blank(match):
    """The match with all characters except line ends replaced by spaces."""
    return re.sub(r"[^\n]", " ", match.group())


def without_comments(text):
    return re.sub(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\')',
                  lambda m: m.group(1) or blank(m), text, flags=re.S)


def without_strings(code):
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', lambda m: m.group()[0] * 2, code)


def find_all(pattern, text):
    for match in re.finditer(pattern, text, flags=re.M | re.S):
        yield text.count("\n", 0, match.start()) + 1, match


def layer_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


# ---- rules for a file: each yields (line, problem); the format rule checks all files at once ----


def check_includes(root, path, code):
    layer = layer_of(path)
    if layer not in LAYERS:
        return
    for line, match in find_all(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', code):
        name = match.group(1)
        sibling = os.path.relpath(os.path.join(root, os.path.dirname(path), name), os.path.join(root, "src"))
        if "/" not in name and os.path.exists(os.path.join(root, "src", sibling)):
            name = sibling
        if name != "inkstone.h" and not {name, name.split("/")[0]} & LAYERS[layer]:
            yield line, f'{layer}/ may not include "{name}"'


@functools.lru_cache(None)
def architectures(root):
    """The names in models.def, as alternatives of a regular expression."""
    return "|".join(re.findall(r"^ARCH\((\w+)\)", read(root, MODELS), flags=re.M))


def check_names(root, path, code):
    if layer_of(path) in ("train", "run"):
        for line, match in find_all(rf"(?i)(?<![a-z0-9])({architectures(root)})(?![a-z0-9])", code):
            yield line, f'{layer_of(path)}/ names an architecture: "{match.group()}"'


def check_allocation(root, path, code):
    if layer_of(path) not in (None, "base"):
        for line, match in find_all(rf"(?<![\w.>])({ALLOCATES})\s*\(", without_strings(code)):
            yield line, f"{match.group(1)}() outside of base/: use base/memory.h or an arena"


def check_json(root, path, code):
    if layer_of(path) is not None and not path.startswith("src/base/json."):
        for line, match in find_all(rf"(?<![\w.>])({JSON_UNCHECKED})\s*\(", without_strings(code)):
            yield line, f"{match.group(1)}() fails silently: use json_build, json_put, json_push, json_merge, json_text (base/json.h)"


def check_printing(root, path, code):
    if layer_of(path) not in (None, "cli") and path not in PRINTS_AND_ABORTS:
        for line, match in find_all(rf"(?<![\w.>])(?:({PRINTS})\s*\(|{PRINTS_TO})", without_strings(code)):
            yield line, f"{match.group(1) or match.group(2)}() below cli/: use Error or News"


def check_pages(root, path, code):
    if path.startswith("src/") and not path.startswith("src/text/html.") and '#include "text/html.h"' in code:
        for line, _ in find_all(r"\bbuffer_addf\s*\(", without_strings(code)):
            yield line, "buffer_addf() in a page does not escape: use html_addf() (text/html.h)"


def check_form(root, path, text):
    for line, match in find_all(r"[ \t]+$", text):
        yield line, "space at the end of the line"
    for line, match in find_all(r"^[^\n]*?\t", text):
        yield line, "tab"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end of the file"


def columns_of(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def check_markdown(root, path, text):
    """Prose wraps at 100 columns, except tables, fenced blocks, quotations, images and lines without a space to break at."""
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and columns_of(line) > MARKDOWN_COLUMNS and line.lstrip()[0] not in "|>!" and re.search(r"\S \S", line.lstrip(" -*")):
            yield number, f"{columns_of(line)} columns: prose wraps at {MARKDOWN_COLUMNS}"


def check_breaks(root, path, text):
    """A code host shows a line break as a space: Chinese breaks after punctuation or at a space, not between two characters."""
    fenced, before = False, ""
    for number, line in enumerate(text.split("\n"), 1):
        fence = line.lstrip().startswith("```")
        if not fenced and re.search(HAN + r"[*_)\]]*$", before) and re.match(r"\s*[*_\[]*" + HAN, line):
            yield number - 1, "the line breaks between two Chinese characters, where a code host shows a space"
        fenced ^= fence
        before = "" if fence or line.startswith("#") else line


def without_code(text):
    return re.sub(r"^```.*?^```|`[^`\n]*`", blank, text, flags=re.M | re.S)


@functools.lru_cache(maxsize=None)
def anchors(text):
    """The names of a document's headings, as GitHub forms them: a name that repeats gets -1, -2 ..."""
    names, times = set(), {}
    for _, match in find_all(r"^#{1,6} +([^\n]+)", re.sub(r"^```.*?^```", blank, text, flags=re.M | re.S)):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1)).strip().lower()
        name = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        times[name] = times.get(name, -1) + 1
        names.add(f"{name}-{times[name]}" if times[name] else name)
    return names


def check_links(root, path, text):
    """What a relative link of a document names must exist, also the heading after #."""
    for line, match in find_all(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", without_code(text)):
        name, heading = match.groups()
        target = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if ":" in name:
            continue
        if not os.path.exists(os.path.join(root, target)):
            yield line, f"a link to {name}, which does not exist"
        elif heading and target.endswith(".md") and heading not in anchors(read(root, target)):
            yield line, f"a link to {name}#{heading}: {target} has no such heading"


def check_drawing(root, path, text):
    """Drawings of documents are well-formed, and nothing in them is executed."""
    try:
        if any(element.tag.endswith("script") for element in xml.etree.ElementTree.fromstring(text).iter()):
            yield 1, "a drawing with a script"
    except xml.etree.ElementTree.ParseError as error:
        yield error.position[0], f"not well-formed: {error}"


def check_clang_format(root, paths):
    tool = shutil.which(f"clang-format-{CLANG_FORMAT}") or shutil.which("clang-format")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else ""
    if f"version {CLANG_FORMAT}." not in version:
        print(f"format not checked: clang-format {CLANG_FORMAT} is not installed")
        return
    done = subprocess.run([tool, "--dry-run", "-Werror", *paths], cwd=root, capture_output=True, text=True)
    first = {}
    for path, line in re.findall(r"^([^\s:]+):(\d+):\d+: error:", done.stderr, flags=re.M):
        first.setdefault(path, line)
    for path, line in first.items():
        yield f"{path}:{line}: not formatted: clang-format -i {path}"


# ---- sizes ----


def functions_of(code):
    """(line, lines, name) of each function: its type starts, and its brace closes, in the first column."""
    for line, match in find_all(r"^(?!typedef|struct|enum|union|static const \w+ \w+\[)[A-Za-z_][^;{}=#]*?\b(?!__attribute__)(\w+)"
                                r"\([^;{}=]*\)\s*\{(?:[^\n]*\}$|.*?^\})", code):
        yield line, match.group().count("\n") + 1, match.group(1)


def check_sizes(sizes, what, desired, most):
    """`sizes`: (lines, place). Prints the ten largest, yields those that are too large."""
    sizes.sort(reverse=True)
    print(f"longest {what}s:")
    for lines, place in sizes[:10]:
        print(f"  {lines:4}  {place}")
    for lines, place in sizes:
        if lines > most:
            yield f"{place}: a {what} of {lines} lines: split it, the limit is {most}"
        elif lines > desired:
            print(f"warning: {place}: a {what} of {lines} lines, more than {desired}")


# ---- rules for the whole tree: unused functions, names that do not exist ----


def check_callers(root, code):
    """`code`: each C file without comments. A non-static function or a kernel must have a caller outside of tests, unless its header
    says "For tests"."""
    plain = {path: without_strings(text) for path, text in code.items() if not path.startswith("tests/")}
    used = set()
    for text in plain.values():
        for match in re.finditer(r"\b[A-Za-z_]\w*", text):
            before = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
            declares = text.startswith("(", match.end()) and re.fullmatch(r"[A-Za-z_][\w ]*[ *]+", before)
            if not declares:
                used.add(match.group())
    used |= {"main", *re.findall(r"\bink_\w+", plain.get("include/inkstone.h", ""))}
    headers = "\n".join(read(root, path) for path in plain if path.endswith(".h"))
    for comment, declaration in re.findall(r"/\*((?:(?!\*/).)*)\*/(?=([^;]*;))", headers, flags=re.S):
        if "For tests" in comment:
            used |= set(re.findall(r"\b(\w+)\(", declaration))
    members = set(re.findall(r"(?:->|\.)(\w+)", "".join(t for p, t in plain.items() if layer_of(p) != "kernels")))
    for path, text in plain.items():
        for line, _, name in functions_of(text) if path.startswith("src/") and path.endswith(".c") else ():
            if name not in used:
                yield f'{path}:{line}: only tests call {name}(): remove it, or write "For tests" in its header'
        for line, match in find_all(r"^KERNEL\([^,\n]*, (\w+)", text) if path == KERNELS else ():
            if match.group(1) not in members:
                yield f"{path}:{line}: only tests call the kernel {match.group(1)}: remove it"


def check_comments(root, texts, code):
    """Names in comments must exist: words with "_", "()" or the extension of a source file are looked up in the whole tree."""
    known = set(NAMES_ELSEWHERE)
    for path in (*code, *files_below(root, ("cmake", "scripts", "recipes", "tests", "bench"), (".py", ".sh", ".cmake", ".txt", ".yaml"))):
        known.update(re.findall(r"\w+", code[path] if path in code else read(root, path)))
        known.update((os.path.basename(path), os.path.basename(path).split(".")[0]))
    for path, text in texts.items():
        comments = "".join(a if a != b or a == "\n" else " " for a, b in zip(text, code[path]))
        for line, match in find_all(r"\b\w+\.(?:[ch]|def|inc|py|sh)\b|\b\w+(?=\(\))|\b[A-Za-z]\w+_\w+\b", comments):
            if match.group() not in known:
                yield f"{path}:{line}: a comment names {match.group()}, which does not exist (names of other projects: NAMES_ELSEWHERE in {THIS})"


def check_decisions(root):
    """Decisions are cited by their numbers."""
    first = {}
    for path in files_below(root, ("docs/decisions",), (".md",)):
        number = os.path.basename(path)[:4]
        if first.setdefault(number, path) != path:
            yield f"{path}: {number} is the number of {first[number]}"
        if not read(root, path).startswith(f"# {number} "):
            yield f"{path}:1: the heading begins with another number"


SABOTAGES = "tests/sabotage/sabotages.txt"


def check_sabotages(root):
    """Each fragment must occur exactly once in its file; checked here to avoid finding out after a long build."""
    if not os.path.exists(os.path.join(root, SABOTAGES)):
        return
    for number, line in enumerate(read(root, SABOTAGES).splitlines(), 1):
        parts = line.split(" ||| ")
        if line.startswith("#") or not line:
            continue
        if len(parts) != 4:
            yield f"{SABOTAGES}:{number}: {len(parts)} parts instead of 4 (to remove a statement, replace it by ;)"
            continue
        path, fragment = parts[:2]
        times = read(root, path).count(fragment) if os.path.exists(os.path.join(root, path)) else 0
        if times != 1:
            yield f"{SABOTAGES}:{number}: the fragment occurs {times} times in {path}: adapt it to occur once"


def lint(root):
    """Returns each violation as one line of text; prints sizes and warnings."""
    problems, functions, lengths, texts, codes = [], [], [], {}, {}

    def note(path, found):
        problems.extend(f"{path}:{line}: {what}" for line, what in found)

    for path in files_below(root, TEXT_ROOTS, TEXT_NAMES):
        note(path, check_form(root, path, read(root, path)))
    for path in (*files_below(root, ("docs", "recipes", "examples", "python"), (".md",)), *(p for p in os.listdir(root) if p.endswith(".md"))):
        note(path, check_markdown(root, path, read(root, path)))
        note(path, check_breaks(root, path, read(root, path)))
        note(path, check_links(root, path, read(root, path)))
    for path in files_below(root, ("docs",), (".svg",)):
        note(path, check_drawing(root, path, read(root, path)))
    for path in files_below(root, C_ROOTS, (".c", ".h", ".inc", ".def")):
        text = read(root, path)
        code = codes[path] = without_comments(text)
        texts[path] = text
        for rule in (check_includes, check_names, check_allocation, check_json, check_printing, check_pages):
            note(path, rule(root, path, code))
        functions += [(lines, f"{path}:{line} {name}") for line, lines, name in functions_of(without_strings(code))]
        lengths.append((text.count("\n"), path))
    problems += check_sizes(functions, "function", FUNCTION_LINES, FUNCTION_MOST)
    problems += check_sizes(lengths, "file", FILE_LINES, FILE_MOST)
    formatted = list(files_below(root, C_ROOTS, (".c", ".h")))
    problems += check_clang_format(root, formatted)
    problems += check_callers(root, codes)
    problems += check_comments(root, texts, codes)
    problems += check_decisions(root)
    problems += check_sabotages(root)
    return problems


# ---- self-test ----

CLEAN = {
    "include/inkstone.h": "int ink;\n",
    "src/base/memory.h": "void *mem_alloc(int bytes);\n",
    "src/base/memory.c": '#include "memory.h"\n\n#include <stdlib.h>\n\nvoid *mem_alloc(int bytes) {\n  return malloc(bytes);\n}\n',
    "src/train/train.c": '#include "base/memory.h"\n#include "inkstone.h"\n#include "models/model.h"\n\n'
                         "/* As GPT2 and the LSTM are trained: malloc(), printf() and exit() are only named here. */\n"
                         'static const char *text = "call free() /* or \\" exit(1) */";\n\n'
                         "void train(void) {\n  list->free(list);\n  snprintf(a, b, text);\n  fprintf(log, text);\n"
                         "  int grumble = 1;\n}\n",
    "src/models/lstm.c": "int lstm;\n",
    MODELS: "ARCH(lstm)\nARCH(gpt2)\n",
    "docs/decisions/0001-clean.md": "# 0001 Clean\n",
    "docs/clean.svg": "<svg xmlns='http://www.w3.org/2000/svg'><text>description</text></svg>\n",
    "docs/links.md": "# A `b`, C\n\n[clean](clean.md#here-1) [own](#a-b-c) [elsewhere](https://example.org/a) `[](code)`\n\n```\n[](fenced)\n```\n",
    "docs/clean.zh.md": "# 甲\n乙，\n丙 a\n丁\n\n- 戊\n- 己\n\n```\n庚\n辛\n```\n壬\n\n癸\n",
    "docs/clean.md": "# Here\n\n## Here\n\n| " + "a " * 60 + "|\n\n```\n" + "a " * 60 + "\n```\n> " + "a " * 60 + "\n" + "a" * 120 + "\n",
    "src/cli/main.c": '#include <stdio.h>\n\nint main(void) {\n  printf("text\\n");\n  return 0;\n}\n',
}
CLEAN["src/base/clean.h"] = ("/* clean.c: see mem_alloc() and mem_alloc. */\nint called(void);\n/* For tests: a hook. */\nint hook(void);\n")
CLEAN["src/base/clean.c"] = "int called(void) {\n  return 1;\n}\n\nint hook(void) {\n  return called();\n}\n"
CLEAN["include/inkstone.h"] = "int ink;\nint ink_use(void);\n"
CLEAN["src/train/clean.c"] = "int ink_use(void) {\n  train();\n  return mem_alloc(1) != NULL;\n}\n"
CLEAN[KERNELS] = "KERNEL(int, free, void)\n"
LONG_FUNCTION = "int f(int a,\n      int b) {\n" + "  a += b;\n" * (FUNCTION_MOST + 1) + "}\n"
# path, contents, expected message
PLANTED = [
    ("src/train/a.c", "void f(json_t *j) { json_object_set_new(j, \"a\", json_real(0)); }\n", "fails silently"),
    ("src/run/a.c", '#include "text/html.h"\n\nvoid f(void) { buffer_addf(b, "<p>%s", name); }\n', "use html_addf()"),
    ("src/base/a.c", '#include "ops/ops.h"\n', 'src/base/a.c:1: base/ may not include "ops/ops.h"'),
    ("src/kernels/a.c", '\n#include "base/memory.h"\n', "src/kernels/a.c:2: kernels/ may not include"),
    ("src/train/a.c", '#include "models/llama.h"\n', 'train/ may not include "models/llama.h"'),
    ("src/cli/a.c", '#include "run/session.h"\n', "cli/ may not include"),
    ("src/io/a.c", '#include "text/utf8.h"\n', "io/ may not include"),
    ("src/run/a.c", '/* comment\n */ int x = is(name, "gpt2");\n', 'src/run/a.c:2: run/ names an architecture: "gpt2"'),
    ("src/train/a.c", "int lstm_cell;\n", "train/ names an architecture"),
    ("src/ops/a.c", "\n\nvoid *p = malloc(3);\n", "src/ops/a.c:3: malloc() outside of base/"),
    ("src/cli/a.c", "void f(void) {\n  free(p);\n}\n", "src/cli/a.c:2: free() outside of base/"),
    ("src/text/a.c", "void f(void) { exit(1); }\n", "exit() below cli/"),
    ("src/text/a.c", 'void f(void) { printf("x"); }\n', "printf() below cli/"),
    ("src/base/a.c", 'void f(void) { fprintf(stderr, "x"); }\n', "fprintf() below cli/"),
    ("src/run/a.c", 'void f(void) { fputs("x", stdout); }\n', "fputs() below cli/"),
    ("tests/ops/test_a.c", "int a; \n", "tests/ops/test_a.c:1: space at the end"),
    ("cmake/a.cmake", "if(A)\n\tset(b)\n", "cmake/a.cmake:2: tab"),
    ("src/nn/a.def", "X(a)", "no newline"),
    ("docs/a.md", "a " * 51 + "b\n", "docs/a.md:1: 103 columns"),
    ("README.zh.md", "字" * 50 + " 字\n", "README.zh.md:1: 103 columns"),
    ("docs/a.zh.md", "甲\n\n- 乙*丙*\n  [丁](clean.md)\n", "docs/a.zh.md:3: the line breaks between two Chinese characters"),
    ("docs/a.md", "a\n[b](../src/gone.c#c)\n", "docs/a.md:2: a link to ../src/gone.c"),
    ("docs/a.md", "a\n[b](clean.md#gone)\n", "docs/a.md:2: a link to clean.md#gone: docs/clean.md has no such heading"),
    ("docs/a.md", "# a\n\n```\n# b\n```\n[b](#b)\n", "docs/a.md:6: a link to #b"),
    ("docs/decisions/0001-too.md", "# 0001 Too\n", "docs/decisions/0001-too.md: 0001 is the number of docs/decisions/0001-clean.md"),
    ("docs/decisions/0002-b.md", "# 0003 B\n", "docs/decisions/0002-b.md:1: the heading begins with another number"),
    ("docs/a.svg", "<svg>\n<g></svg>\n", "docs/a.svg:2: not well-formed"),
    ("docs/a.svg", "<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>\n", "a drawing with a script"),
    ("src/nn/a.c", LONG_FUNCTION, f"src/nn/a.c:1 f: a function of {FUNCTION_MOST + 4} lines"),
    ("src/nn/a.c", "int a;\n" * (FILE_MOST + 1), f"src/nn/a.c: a file of {FILE_MOST + 1} lines"),
    ("src/nn/a.c", "int  a;\n", "not formatted"),
    ("src/data/a.c", "int a; \n", "src/data/a.c:1: space at the end"),
    ("src/nn/a.c", "int nobody(void) {\n  return 1;\n}\n", "src/nn/a.c:1: only tests call nobody()"),
    ("src/nn/a.c", "/* hook() and other() */\nint other(void) {\n  return 1;\n}\n", "only tests call other()"),
    (KERNELS, "KERNEL(int, free, void)\nKERNEL(int, nobody, void)\n", f"{KERNELS}:2: only tests call the kernel nobody"),
    ("src/nn/a.c", "/* as mem_gives does */\nint a;\n", "src/nn/a.c:1: a comment names mem_gives"),
    ("src/nn/a.c", "int a; /* see gone() */\n", "a comment names gone"),
    ("src/nn/a.c", "/* a.c - what gone.h says */\nint a;\n", "a comment names gone.h"),
    (SABOTAGES, "src/models/lstm.c ||| int gru; ||| int x; ||| ^a$\n", f"{SABOTAGES}:1: the fragment occurs 0 times in src/models/lstm.c"),
]


def write_tree(root, files):
    for path, contents in files.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as f:
            f.write(contents)


def lint_of(files):
    with tempfile.TemporaryDirectory() as root:
        shutil.copy(os.path.join(home(), ".clang-format"), root)
        write_tree(root, files)
        output, sys.stdout = sys.stdout, open(os.devnull, "w")
        try:
            return lint(root)
        finally:
            sys.stdout = output


def self_test():
    failures = [f"reported for a clean tree: {problem}" for problem in lint_of(CLEAN)]
    has_format = any("not formatted" in p for p in lint_of({"src/nn/a.c": "int  a;\n"}))
    for path, contents, expected in PLANTED:
        if expected == "not formatted" and not has_format:
            continue
        found = lint_of({**CLEAN, path: contents})
        if not any(expected in problem for problem in found):
            failures.append(f"not found: {expected}; found: {found}")
    print("\n".join(failures) or f"self-test: all {len(PLANTED)} planted violations were found")
    return 1 if failures else 0


def home():
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if sys.argv[1:]:
        print(__doc__)
        return 2
    problems = lint(home())
    print("\n".join(problems) or "lint: no violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
