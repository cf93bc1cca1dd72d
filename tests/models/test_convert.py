#!/usr/bin/env python3
"""What `inkstone convert` writes, in transformers: the same greedy text, the same values. Development only.

    test_convert.py INKSTONE SHARED      exit 1 where something differs, 77 where transformers or torch is absent

From models trained here, from a GGUF file of several types made of stories260K, and from TinyStories-656K.
"""
import os
import sys

os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
shared = os.path.abspath(os.environ.get("SHARED", sys.argv[2]))
from peer import check, failed, run

try:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.set_num_threads(1)
TOKENS = 24


def greedy_here(model, prompt):
    text = run("write", "-m", model, "--greedy", "--max-tokens", TOKENS, prompt)
    return text.removesuffix("\n")


def compare_text(source, converted, prompt, begins):
    """Transformers computes in f32, as this program does unless the weights of `source` are blocks of integers. `begins`:
    Inkstone puts the end of a document before the prompt."""
    model = AutoModelForCausalLM.from_pretrained(converted, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(converted)
    ids = tokenizer(prompt)["input_ids"]
    if begins:
        ids = [tokenizer.eos_token_id] + ids
    out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False,
                         max_new_tokens=TOKENS)[0]
    theirs = tokenizer.decode(out, skip_special_tokens=True)
    check(f"{converted}: text", greedy_here(source, prompt).strip() == theirs.strip())
    return model, tokenizer


# Models trained here, in each type: the values are those of torch, whose rounding is to the nearest even.
with open("text", "w", encoding="utf-8") as out:
    out.writelines(f"The moon {i % 7} sings over {i * i % 89} old stones.\n" for i in range(600))
for arch in ("llama", "gpt2", "gemma3"):
    run("train", "write", "text", "-o", arch, "--arch", arch, "--layers", 2, "--width", 32, "--heads", 4, "--context", 96, "--batch", 4,
        "--steps", 30, "--warmup", 3, "--lr", 0.01, "--vocab", 400, "--tokenizer", "bpe", "--sample-tokens", 0, "--threads", 1, "-q")
    before = load_file(f"{arch}/model.safetensors")
    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16), ("f16", torch.float16)):
        converted = f"{arch}-{name}"
        run("convert", arch, converted, "--type", name)
        after = load_file(f"{converted}/model.safetensors")
        check(f"{converted}: values", before.keys() == after.keys() and
              all(after[k].dtype == dtype and torch.equal(after[k], before[k].to(dtype)) for k in before))
        check(f"{converted}: type", AutoModelForCausalLM.from_pretrained(converted, dtype="auto").dtype == dtype)
        compare_text(converted, converted, "The moon 3", begins=True)

tiny = f"{shared}/weights/TinyStories-656K"
if os.path.isdir(tiny):
    prompt = "Once upon a time"
    original = load_file(f"{tiny}/model.safetensors")
    # ours shares the embedding, theirs the output matrix
    named = {("model.embed_tokens.weight" if k == "lm_head.weight" else k): v for k, v in original.items()}
    for converted, source in (("tiny", tiny), ("tiny-gguf", f"{tiny}/TinyStories-656K.derived-f32.gguf")):
        run("convert", source, converted)
        tensors = load_file(f"{converted}/model.safetensors")
        check(f"{converted}: values", named.keys() == tensors.keys() and all(torch.equal(named[k], tensors[k]) for k in named))
        _, tokenizer = compare_text(source, converted, prompt, begins=False)
        check(f"{converted}: ids", tokenizer(prompt)["input_ids"] == [1, 80, 147, 201, 282, 57])  # GOLDEN.txt
    check("tiny: special tokens", AutoTokenizer.from_pretrained("tiny").special_tokens_map == AutoTokenizer.from_pretrained(tiny).special_tokens_map)
else:
    print("SKIP: no", tiny)


def retyped(path, out, type_of):
    """The GGUF file `path` with its tensors in other types."""
    reader = gguf.GGUFReader(path)
    writer = gguf.GGUFWriter(out, "llama")
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(key, field.contents(), field.types[0], sub_type=inner)
    for tensor in reader.tensors:
        kind = type_of(tensor.name)
        writer.add_tensor(tensor.name, gguf.quants.quantize(tensor.data, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def as_stored(tensor):
    if tensor.tensor_type == gguf.GGMLQuantizationType.F16:
        return torch.from_numpy(tensor.data.copy())
    if tensor.tensor_type == gguf.GGMLQuantizationType.BF16:
        return torch.from_numpy(tensor.data.copy()).view(torch.bfloat16)
    return torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).copy())


def as_there(tensor, name, heads):
    """llama.cpp keeps the rows of queries and keys in pairs."""
    x = as_stored(tensor)
    if name in heads:
        x = x.reshape(heads[name], x.shape[0] // heads[name] // 2, 2, x.shape[1]).swapaxes(1, 2).reshape(x.shape)
    return x


NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
         "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj"}


def compare_values(path, converted, heads):
    after = load_file(f"{converted}/model.safetensors")
    expected = {}
    for tensor in gguf.GGUFReader(path).tensors:
        parts = tensor.name.split(".")
        name = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}.get(parts[0])
        part = parts[2] if parts[0] == "blk" else ""
        expected[f"{name or f'model.layers.{parts[1]}.{NAMES[part]}'}.weight"] = as_there(tensor, part, heads)
    if "lm_head.weight" not in after:
        expected.pop("lm_head.weight", None)
    check(f"{converted}: values", expected.keys() == after.keys() and
          all(after[k].dtype == v.dtype and torch.equal(after[k], v) for k, v in expected.items()))


stories = f"{shared}/weights/stories260K/stories260K.derived-f32.gguf"
real = os.environ.get("REAL", os.path.join(shared, "../dev/real")) + "/smollm2.gguf"
try:
    import gguf
except ImportError as missing:
    print("SKIP:", missing)
    stories = real = ""
if os.path.isfile(stories):
    KINDS = {"attn_q": "Q4_1", "attn_k": "Q8_0", "attn_v": "F16", "ffn_up": "Q4_0", "ffn_gate": "BF16", "token_embd": "Q8_0", "output": "Q5_1"}
    retyped(stories, "mixed.gguf", lambda name: gguf.GGMLQuantizationType[
        KINDS.get(name.split(".")[2] if name.startswith("blk") else name.split(".")[0], "F32")])
    for source, converted in ((stories, "stories"), ("mixed.gguf", "mixed")):
        run("convert", source, converted)
        compare_values(source, converted, {"attn_q": 8, "attn_k": 4})
        compare_text(converted, converted, "Once upon a time", begins=False)
else:
    print("SKIP: no stories260K, or no gguf")
if os.path.isfile(real):
    run("convert", real, "smollm2")
    compare_values(real, "smollm2", {"attn_q": 9, "attn_k": 3})
    compare_text("smollm2", "smollm2", "Once upon a time", begins=False)
else:
    print("SKIP: no smollm2.gguf, or no gguf")

print("failed:", failed or "nothing")
sys.exit(1 if failed else 0)
