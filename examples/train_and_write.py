"""Trains a small model on a text and writes with it: python train_and_write.py TEXT MODEL"""
import sys

import inkstone


def show(event: inkstone.Event) -> None:
    if event.stage == "training":
        print(f"\rstep {event.done} of {event.total}, loss {event.loss:.2f}", end="", file=sys.stderr)


text, path = sys.argv[1:]
inkstone.train("write", text, path, size="nano", tokenizer="byte", context=64, steps=50, call=inkstone.Call(on_event=show))
with inkstone.Model(path) as model:
    for token in model.stream("The ", temperature=0.8, max_tokens=100):
        print(token, end="", flush=True)
    print(f"\n{model.evaluate(text).bits_per_character:.2f} bits per character")
