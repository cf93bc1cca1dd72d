"""Open weights as people have them: the greedy texts of 20 prompts against llama.cpp's (llama-cpp-python).

    test_real_weights.py INKSTONE SHARED      exit 1 where something differs, 77 where the models or llama_cpp are absent

The models (shared/decoders.md says where they come from) are read in $REAL, else SHARED/../dev/real. Two texts may part where
both next tokens are about as likely. Two programs round activations differently, so that such a tie is proved with the same
weights in f32, where both round hardly at all: there, llama.cpp's own logits of the two tokens must differ by less than the
8-bit activations of its quantized model moved them.
"""
import json
import os
import sys

from peer import check, failed, run

real = os.environ.get("REAL", os.path.join(sys.argv[2], "../dev/real"))
try:
    import llama_cpp
    import numpy as np
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

TOKENS = 64
PROMPTS = ["Once upon a time", "The capital of France is", "1, 2, 3, 4,", "def fibonacci(n):", "Dear Sir or Madam,", "In the year 1969,", "To make bread, you need",
           "The theory of relativity", "Q: What is the largest planet?\nA:", "She opened the door and", "#include <stdio.h>\nint main", "Roses are red,", "The moon",
           "Wikipedia is a free", "Water boils at", "Breaking news:", "从前有一座山，", "Il était une fois", "My favourite book is", "{\"name\": \"Ada\", \"age\":"]
F32_NOISE = 2e-2  # f32 logits of both programs agree within this


class Llama:
    def __init__(self, path):
        llama_cpp.llama_log_set(QUIET, None)
        self.model = llama_cpp.Llama(path, n_ctx=256, n_threads=os.cpu_count(), verbose=False, logits_all=True)

    def ids(self, text):
        return self.model.tokenize(text.encode(), add_bos=True, special=False)

    def next(self, ids):
        """Logits after `ids`. A prefix that the model was given last is not computed again."""
        self.model.n_tokens = same = common_length(self.model.input_ids[: self.model.n_tokens].tolist(), ids[:-1])
        self.model._ctx.kv_cache_seq_rm(-1, same, -1)
        self.model.eval(ids[same:])
        return self.model.scores[len(ids) - 1].copy()


QUIET = llama_cpp.llama_log_callback(lambda *_: None)


def common_length(a, b):
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def written(path, prompt):
    line = json.loads(run("write", "-m", path, "-", "--greedy", "--max-tokens", TOKENS, "--json", "-q", text=prompt))
    return [token["id"] for token in line["tokens"]]


def greedy(model, ids, ends):
    """The end token, if it is reached, is the last."""
    text = []
    while len(text) < TOKENS and not (text and text[-1] in ends):
        text.append(int(model.next(ids + text).argmax()))
    return text


def tie(quantized, wide, prefix, ours, theirs, exactly):
    """-> (proved, words): the two tokens' logits in f32 differ by less than f32 rounds, or, if not exactly, by less than
    quantized activations move logits."""
    exact, rounded = wide.next(prefix), quantized.next(prefix)
    gap, moved = (float(x[theirs] - x[ours]) for x in (exact, rounded))
    noise = float(np.abs((rounded - rounded.mean()) - (exact - exact.mean())).max())
    return abs(gap) < (F32_NOISE if exactly else max(noise, F32_NOISE)), f"f32 {gap:+.4f}, quantized {moved:+.4f}, rounding moves logits by up to {noise:.3f}"


def compare(name):
    path = f"{real}/{name}.gguf"
    if not os.path.isfile(path):
        print(f"SKIP: no {path}")
        return False
    run("convert", path, f"{name}-f32.gguf", "--type", "f32", "-q")
    quantized, wide = Llama(path), Llama(f"{name}-f32.gguf")
    ends = {quantized.model.token_eos(), llama_cpp.llama_vocab_eot(llama_cpp.llama_model_get_vocab(quantized.model.model))}
    for kind, model, ours_of in (("", quantized, path), (" in f32", wide, f"{name}-f32.gguf")):
        equal = 0
        for prompt in PROMPTS:
            begin = model.ids(prompt)
            ours, theirs = written(ours_of, prompt), greedy(model, begin, ends)
            if len(ours) < TOKENS:
                ours.append(theirs[-1] if theirs[-1] in ends else model.model.token_eos())
            at = common_length(ours, theirs)
            if ours == theirs:
                equal += 1
                continue
            proved, says = tie(quantized, wide, begin + theirs[:at], ours[at], theirs[at], model is wide)
            check(f"{name}{kind} {prompt!r}: a tie at token {at}", proved, says)
        print(f"{name}{kind}: {equal} of {len(PROMPTS)} texts are the same")
    return True


compared = [compare(name) for name in ("smollm2", "gemma")]
print("failed:", failed or "nothing")
sys.exit(1 if failed else 0 if any(compared) else 77)
