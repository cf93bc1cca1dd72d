"""The random number generator of src/base/random.c, for the scripts that write golden values."""
import math

import torch

MASK, SEED = 2**64 - 1, 1


def finalize(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def stream_of(name):
    h = 14695981039346656037
    for byte in name.encode():
        h = ((h ^ byte) * 1099511628211) & MASK
    return finalize(h)


def mix(x):
    return finalize((x + 0x9E3779B97F4A7C15) & MASK)


def bits(stream, index):
    return mix(mix(mix(SEED) ^ stream) ^ index)


def unit(stream, index):
    return (bits(stream, index) >> 11) * 2.0**-53


def draw_normal(name, shape):
    stream = stream_of(name)
    values = [math.sqrt(-2 * math.log(1 - unit(stream, 2 * i))) * math.cos(2 * math.pi * unit(stream, 2 * i + 1))
              for i in range(math.prod(shape))]
    return torch.tensor(values).float().double().reshape(shape)
