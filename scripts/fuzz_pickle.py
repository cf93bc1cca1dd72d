#!/usr/bin/env python3
"""Writes the seeds of fuzz_pickle with torch.save; `types` is also read by tests/io/test_pickle.c.

    ../dev/venv/bin/python scripts/fuzz_pickle.py        (run once with torch 2.15, the seeds are committed)
"""
import collections
import os
import pathlib

import torch

SEEDS = pathlib.Path(__file__).parent.parent / "tests/fuzz/seeds/pickle"


class Call:
    def __reduce__(self):
        return os.system, ("true",)


def main():
    SEEDS.mkdir(parents=True, exist_ok=True)
    matrix = torch.tensor([[1, -2, 3.5], [0, 0.25, -1e30]])
    state = torch.nn.Linear(1, 1).state_dict()  # an OrderedDict with attributes
    state.clear()
    state.update(a=matrix, b=torch.tensor([1, -2], dtype=torch.bfloat16), c=torch.tensor([1, -2, 0.5]).half(), row=matrix[1],
                 p=torch.nn.Parameter(matrix), i=torch.tensor([7, -9], dtype=torch.int32), scalar=torch.tensor(2.5),
                 empty=torch.zeros(0, 4), mask=torch.tensor([[True, False], [True, True]]), ids=torch.arange(3))
    torch.save(state, SEEDS / "types")
    torch.save({"a": matrix[0]}, SEEDS / "small")
    torch.save(collections.OrderedDict(t=matrix.t()), SEEDS / "transposed")
    torch.save({"x": Call()}, SEEDS / "call")
    torch.save({"a": matrix[0]}, SEEDS / "legacy", _use_new_zipfile_serialization=False)
    torch.save({"a": matrix[0]}, SEEDS / "protocol_4", pickle_protocol=4)


if __name__ == "__main__":
    main()
