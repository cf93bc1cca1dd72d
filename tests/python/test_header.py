"""The package declares and uses the whole of inkstone.h."""
import ctypes
import os
import pathlib
import re
import subprocess
import sys

import inkstone
from inkstone import _c

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = re.sub(r"/\*.*?\*/", " ", (ROOT / "include/inkstone.h").read_text(), flags=re.S)
PACKAGE = "\n".join(path.read_text() for path in (ROOT / "python/inkstone").glob("*.py") if path.name != "_c.py")


def test_declarations_are_the_header():
    done = subprocess.run([sys.executable, ROOT / "scripts/python_bindings.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_each_function_has_a_binding():
    functions = set(re.findall(r"INK_API [^;]*?\b(ink_\w+)\(", HEADER))
    assert len(functions) > 70
    used = set(re.findall(r"\blib\.(ink_\w+)", PACKAGE))
    used |= {f"ink_settings_{activity}" for activity in inkstone._settings.ACTIVITIES}  # opened by name
    assert functions - used == set()
    assert used - functions == set()


def test_each_error_code_has_an_exception():
    codes = {name for name in re.findall(r"\b(INK_[A-Z_]+) = \d+", HEADER)} - {"INK_OK", "INK_FAILED"}
    assert codes == {name for name in codes if getattr(_c, name) in inkstone._errors._kinds}
    assert len(codes) == len(inkstone._errors._kinds)


def test_each_result_has_all_members():
    for struct, result in ((_c.ink_written, inkstone.Written), (_c.ink_rewritten, inkstone.Rewritten), (_c.ink_scores, inkstone.Scores),
                           (_c.ink_comparison, inkstone.Comparison), (_c.ink_converted, inkstone.Converted),
                           (_c.ink_event, inkstone.Event), (_c.ink_token, inkstone.Token), (_c.ink_output, inkstone.Output),
                           (_c.ink_setting_info, inkstone.SettingInfo)):
        members = {{"default_value": "default"}.get(name, name) for name, *_ in struct._fields_} - {"size", "length", "alternative_count"}
        assert members - {"texts", "outputs"} == set(result.__dataclass_fields__) - {"texts", "outputs"}, result


def test_structs_have_the_sizes_of_the_compiler(tmp_path):
    names = sorted(name for name in vars(_c) if name.startswith("ink_") and issubclass(getattr(_c, name), ctypes.Structure))
    assert len(names) > 15
    prints = "".join(f'printf("{name} %zu\\n", sizeof({name}));' for name in names)
    (tmp_path / "sizes.c").write_text(f"#include <stdio.h>\n#include <inkstone.h>\nint main(void) {{ {prints} }}\n")
    subprocess.run([os.environ.get("CC", "cc"), f"-I{ROOT}/include", tmp_path / "sizes.c", "-o", tmp_path / "sizes"], check=True)
    sizes = dict(line.split() for line in subprocess.run([tmp_path / "sizes"], capture_output=True, text=True).stdout.splitlines())
    assert sizes == {name: str(ctypes.sizeof(getattr(_c, name))) for name in names}
