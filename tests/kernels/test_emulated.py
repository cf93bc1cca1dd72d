#!/usr/bin/env python3
"""Kernels that this processor cannot run, on an emulated one: products of bf16 by AVX-512. Development only.

    test_emulated.py CC SOURCES OBJECT;...     exit 1 where something differs, 77 where something needed is absent

emulated.c is linked with the object file the build made and run by Bochs' Sapphire Rapids, without an operating system.
Wants the Python package bochscpu-python, which is why it skips itself nearly everywhere.
"""
import importlib.util
import os
import struct
import subprocess
import sys
import tempfile

PAGE = 4096
STACK = 0x70000000
PHYSICAL = 0x100000000  # added to an address to get where it lies in memory
TABLES = 0x100000

# The package has the processor it was built with, and wants a C library of 2023.
SHIM = r"""
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
unsigned long long __isoc23_strtoull(const char *s, char **end, int base) { return strtoull(s, end, base); }
int __isoc23_sscanf(const char *s, const char *format, ...) {
  va_list values;
  va_start(values, format);
  const int n = vsscanf(s, format, values);
  va_end(values);
  return n;
}
void *_Z23create_corei3_cnl_cpuidP8BX_CPU_C(void *cpu) {
  void *(*create)(void *);
  *(void **)&create = dlsym(NULL, "_Z28create_sapphire_rapids_cpuidP8BX_CPU_C");
  return create(cpu);
}
"""


def begin_again_with_shim(compiler):
    path = os.path.join(tempfile.mkdtemp(), "shim.so")
    subprocess.run([compiler, "-std=c11", "-shared", "-fPIC", "-x", "c", "-", "-o", path, "-ldl"], input=SHIM, text=True,
                   check=True)
    os.execve(sys.executable, [sys.executable, *sys.argv], dict(os.environ, LD_PRELOAD=path, EMULATED_SHIM=path))


def link(compiler, sources, objects):
    kernels = [o for o in objects.split(";") if "avx512bf16" in o]
    if not kernels:
        print("SKIP: there are no kernels of AVX-512 in this build")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, "program")
        subprocess.run([compiler, "-std=c11", "-O2", "-march=haswell", "-ffreestanding", "-fno-stack-protector", "-fno-pie",
                        "-ffp-contract=off", "-nostdlib", "-static", "-no-pie", "-I", sources,
                        os.path.join(os.path.dirname(os.path.abspath(__file__)), "emulated.c"), *kernels, "-o", program],
                       check=True)
        names = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
        counts = next(int(line.split()[0], 16) for line in names.splitlines() if line.endswith(" counts"))
        with open(program, "rb") as file:
            return file.read(), counts


def pages_of(elf):
    """-> entry, {address of a page: its bytes}"""
    entry, headers = struct.unpack_from("<QQ", elf, 24)
    pages = {STACK - PAGE * (i + 1): bytearray(PAGE) for i in range(16)}
    for i in range(struct.unpack_from("<H", elf, 56)[0]):
        kind, _, offset, address, _, in_file, in_memory, _ = struct.unpack_from("<IIQQQQQQ", elf, headers + 56 * i)
        for k in range(in_memory if kind == 1 else 0):
            page = pages.setdefault((address + k) // PAGE * PAGE, bytearray(PAGE))
            if k < in_file:
                page[(address + k) % PAGE] = elf[offset + k]
    return entry, pages


def segment(selector, attributes):
    s = bochscpu.Segment()
    s.present, s.selector, s.base, s.limit, s.attr = True, selector, 0, 0xFFFFFFFF, attributes
    return s


def state_at(entry):
    s = bochscpu.State()
    bochscpu.cpu.set_long_mode(s)
    s.cr3 = TABLES
    s.cr4 |= 1 << 9 | 1 << 10 | 1 << 18  # SSE, its exceptions, XSAVE
    s.xcr0 = 0xE7  # AVX-512's registers
    s.mxcsr, s.mxcsr_mask = 0x1F80, 0xFFFF
    s.rip, s.rsp, s.rflags = entry, STACK - 64, 2
    s.cs = segment(0x10, 0x229B)
    s.ds = s.ss = s.es = s.fs = s.gs = segment(0x2B, 0xCF3)
    return s


def emulate(elf, counts):
    entry, pages = pages_of(elf)
    session, tables, hook = bochscpu.Session(), bochscpu.memory.PageMapLevel4Table(), bochscpu.Hook()
    for address, data in pages.items():
        bochscpu.memory.page_insert(PHYSICAL + address, bochscpu.memory.allocate_host_page())
        bochscpu.memory.phy_write(PHYSICAL + address, list(data))
        tables.insert(address, PHYSICAL + address, 1)
    for host, physical in tables.commit(TABLES):
        bochscpu.memory.page_insert(physical, host)
    session.cpu.state = state_at(entry)
    hook.hlt = lambda session, cpu: session.stop()
    hook.exception = lambda session, cpu, vector, code: (print("exception", vector), session.stop())
    session.run([hook])
    return struct.unpack("<6I", bytes(bochscpu.memory.virt_read(TABLES, counts, 24)))


compiler, sources, objects = sys.argv[1:]
if not importlib.util.find_spec("bochscpu"):
    print("SKIP: the Python package bochscpu-python is not installed")
    sys.exit(77)
if "EMULATED_SHIM" not in os.environ:
    begin_again_with_shim(compiler)
os.environ.pop("LD_PRELOAD")
os.remove(os.environ["EMULATED_SHIM"])
os.rmdir(os.path.dirname(os.environ["EMULATED_SHIM"]))
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)  # so that the shim's processor is found
import bochscpu  # noqa: E402
import bochscpu.cpu  # noqa: E402
import bochscpu.memory  # noqa: E402

done, values, wrong, order, outside, tiny = emulate(*link(compiler, sources, objects))
print(f"{values} values of products of bf16 by AVX-512: {wrong} wrong, {outside} written outside; {order} would be others in "
      f"another order; {'zero' if tiny == 0 else hex(tiny)} for 2^-140")
right = done and values and order and not (wrong or outside or tiny)
sys.stdout.flush()
os._exit(0 if right else 1)  # the package does not survive its own end
