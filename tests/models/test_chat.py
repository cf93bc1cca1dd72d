#!/usr/bin/env python3
"""A conversation as transformers lays it out by our chat template: the same ids, the same reply. Development only.

    test_chat.py INKSTONE      exit 1 where something differs, 77 where transformers or torch is absent
"""
import json
import sys

from peer import run

try:
    import jinja2  # noqa: F401  (apply_chat_template needs it)
    import torch
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

torch.set_num_threads(1)


with open("talks", "w", encoding="utf-8") as out:
    for i in range(80):
        print(f"hello {i}\nhello you {i % 7}\nhow are you?\nfine, 谢谢 {i % 5}\n", file=out)
run("train", "reply", "talks", "-o", "talker", "--layers", 2, "--width", 32, "--heads", 2, "--context", 96, "--batch", 8, "--steps", 120,
    "--lr", 0.01, "--tokenizer", "bpe", "--vocab", 320, "--sample-tokens", 0, "--threads", 1, "-q")
tokenizer = AutoTokenizer.from_pretrained("talker")
model = AutoModelForCausalLM.from_pretrained("talker", dtype=torch.float32).eval()
messages = [{"role": "user", "content": "hello 3"}, {"role": "assistant", "content": "hello you 3"},
            {"role": "user", "content": "how are you?"}]

ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
wanted = []
for m in messages:
    spelled = [int(i) for i in run("tokenizer", "encode", "-m", "talker", m["content"]).split()]
    wanted += [tokenizer.convert_tokens_to_ids(f"<|{m['role']}|>"), *spelled, tokenizer.convert_tokens_to_ids("<|end|>")]
wanted.append(tokenizer.convert_tokens_to_ids("<|assistant|>"))
if ids != wanted:
    sys.exit(f"DIFFERENT ids: {ids} {wanted}")

# The same conversation through `chat`, whose own replies come between.
theirs, said = [], []
for line in ("hello 3", "how are you?"):
    said.append({"role": "user", "content": line})
    start = tokenizer.apply_chat_template(said, add_generation_prompt=True, return_tensors="pt", return_dict=False)
    with torch.no_grad():
        row = model.generate(start, attention_mask=torch.ones_like(start), do_sample=False, num_beams=1, max_new_tokens=20)[0, start.shape[1]:]
    said.append({"role": "assistant", "content": tokenizer.decode(row, skip_special_tokens=True)})
    theirs.append(said[-1]["content"])
ours = run("chat", "-m", "talker", "--beam", 1, "--max-tokens", 20, "-q", text="hello 3\nhow are you?\n").splitlines()
if ours != theirs:
    sys.exit(f"DIFFERENT replies: {ours} {theirs}")
print("ok:", theirs)

# Models from elsewhere go on learning to reply, by the tokens that they have for it or by none: what we write for transformers lays a
# conversation out as we do.
run("train", "write", "talks", "-o", "writer", "--layers", 2, "--width", 32, "--heads", 2, "--context", 128, "--batch", 4, "--steps", 20, "--lr",
    0.01, "--tokenizer", "bpe", "--vocab", 320, "--sample-tokens", 0, "--threads", 1, "-q")
MARKS = {"chatml": ["<|im_start|>", "<|im_end|>"], "llama3": ["<|begin|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], "words": []}
for name, marks in MARKS.items():
    tokenizer = AutoTokenizer.from_pretrained("writer")
    tokenizer.add_special_tokens({"additional_special_tokens": marks})
    if name == "llama3":
        tokenizer.bos_token = "<|begin|>"
        tokenizer._tokenizer.post_processor = TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", tokenizer.bos_token_id)])
    model = AutoModelForCausalLM.from_pretrained("writer", dtype=torch.float32)
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(name)
    tokenizer.save_pretrained(name)
    run("train", "reply", "talks", "-o", name + "_talker", "--from", name, "--batch", 8, "--steps", 150, "--lr", 0.01, "--sample-tokens", 0,
        "--threads", 1, "-q")
    tokenizer = AutoTokenizer.from_pretrained(name + "_talker")
    model = AutoModelForCausalLM.from_pretrained(name + "_talker", dtype=torch.float32).eval()
    for content in (messages[0]["content"], "  hello 3 \t"):  # blanks around it are part of a message
        text = tokenizer.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)
        start = torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])
        with torch.no_grad():
            row = model.generate(start, attention_mask=torch.ones_like(start), do_sample=False, num_beams=1, max_new_tokens=20)[0, start.shape[1]:]
            log_p = torch.log_softmax(model(torch.cat([start, row[None]], 1)).logits[0].double(), -1)[start.shape[1] - 1:-1]
        theirs = tokenizer.decode(row, skip_special_tokens=True)
        nats = log_p[range(len(row)), row].sum().item()
        ours = json.loads(run("reply", "-m", name + "_talker", "--beam", 1, "--max-tokens", 20, "-q", "--json", content))
        if ours["text"] != theirs or abs(ours["logprob"] - nats) > 1e-3 or not theirs.startswith("hello"):
            sys.exit(f"DIFFERENT reply of {name}: {ours} {theirs!r} {nats}")
        print("ok:", name, repr(text), repr(theirs), nats - ours["logprob"])
