"""What the tests share that compare with other programs: `import` it first. They work in an empty folder, without network.

`inkstone` is the binary, sys.argv[1]; `failed` the names of what differed."""
import os
import subprocess
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")
inkstone = os.path.abspath(sys.argv[1])
scratch = tempfile.TemporaryDirectory()
os.chdir(scratch.name)
failed = []


def call(*command, text="", status=0):
    """inkstone, ended; the test ends if it does so with another exit status."""
    done = subprocess.run([inkstone, *map(str, command)], capture_output=True, text=True, input=text)
    if done.returncode != status:
        sys.exit(f"inkstone {' '.join(map(str, command))}: exit status {done.returncode}, not {status}\n{done.stderr}")
    return done


def run(*command, text=""):
    """What inkstone prints."""
    return call(*command, text=text).stdout


def check(name, good, says=""):
    print(f"{'ok' if good else 'DIFFERENT'}: {name} {says}".rstrip(), flush=True)
    if not good:
        failed.append(name)
