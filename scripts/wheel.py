#!/usr/bin/env python3
"""Makes the wheel of the Python package with the library inside, without other tools.

  scripts/wheel.py LIBRARY LICENSES DIRECTORY      LIBRARY: libinkstone.so with all but libc linked into it; LICENSES: a folder
                                                   with those of what is linked in (scripts/package.sh wheel)

The same inputs give the same bytes. The platform tag is that of PEP 600, manylinux_X_Y: the library may need only libraries that every
system with glibc has, and X.Y is the newest version of glibc whose symbols it uses, read from the library itself.
"""
import base64
import hashlib
import pathlib
import re
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Of glibc, and so on every system that the tag names (PEP 600).
ALLOWED = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2"}
TIME = (1980, 1, 1, 0, 0, 0)


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


def platform_of(library):
    machine = re.search(r"Machine: +(.*)", output_of("readelf", "-h", library)).group(1)
    if machine != "Advanced Micro Devices X86-64":
        raise SystemExit(f"wheel: {library} is for {machine}: only x86-64 has a tag here")
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "-d", library)))
    if needed - ALLOWED:
        raise SystemExit(f"wheel: {library} needs {', '.join(sorted(needed - ALLOWED))}, which other systems may lack: link it statically")
    versions = [tuple(map(int, v.split("."))) for v in re.findall(r"Name: GLIBC_([\d.]+)", output_of("readelf", "-V", library))]
    major, minor = max(versions)[:2]
    return f"manylinux_{major}_{minor}_x86_64"


def metadata(version):
    readme = (ROOT / "python/README.md").read_text(encoding="utf-8")
    return (f"Metadata-Version: 2.1\nName: inkstone\nVersion: {version}\nSummary: Deep-learning text generator: train and run language "
            "models on the CPU\nLicense: MIT\nRequires-Python: >=3.9\nClassifier: Programming Language :: Python :: 3\n"
            "Classifier: Operating System :: POSIX :: Linux\nClassifier: Typing :: Typed\nDescription-Content-Type: text/markdown\n\n"
            f"{readme}")


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    library, licenses, out = map(pathlib.Path, sys.argv[1:])
    version = re.search(r'INK_VERSION "(.*)"', (ROOT / "include/inkstone.h").read_text(encoding="utf-8")).group(1)
    tag = f"py3-none-{platform_of(library)}"
    info = f"inkstone-{version}.dist-info"
    sources = sorted(p for p in (ROOT / "python/inkstone").iterdir() if p.suffix in (".py", ".typed"))
    files = {f"inkstone/{p.name}": p.read_bytes() for p in sources}
    files["inkstone/libinkstone.so"] = library.read_bytes()
    files.update((f"{info}/licenses/{p.name}", p.read_bytes()) for p in (ROOT / "LICENSE", *sorted(licenses.iterdir())))
    files[f"{info}/METADATA"] = metadata(version).encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: scripts/wheel.py\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    record = "".join(f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
                     for name, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = out / f"inkstone-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, TIME)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    print(wheel)


if __name__ == "__main__":
    main()
