#!/usr/bin/env python3
"""The tokens of conversations whose loss counts are those of transformers' assistant masks: random conversations by the templates of
scripts/golden_chat_masks.py and by those of models in the shared folder. Development only.

    test_chat_masks.py PROGRAM      the test data_chat_masks; exit 1 where something differs, 77 where transformers is absent
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import jinja2  # noqa: F401
    import transformers  # noqa: F401
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
templates = ROOT.parent / "shared/data/tokenizers/llama.cpp/templates"
more = ["--templates", str(templates)] if templates.is_dir() else []
if not more:
    print("SKIP: no templates of models in ../shared; those of the script only")
with tempfile.NamedTemporaryFile() as cases:
    subprocess.run([sys.executable, str(ROOT / "scripts/golden_chat_masks.py"), *more, "--random", "60"], stdout=cases, check=True)
    sys.exit(subprocess.run([sys.argv[1]], env={**os.environ, "INKSTONE_CHAT_MASKS": cases.name}).returncode)
