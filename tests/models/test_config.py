#!/usr/bin/env python3
"""What config.json means where it does not say: every key of every architecture against transformers. Development only.

    test_config.py CONFIG_ECHO      exit 1 where something differs, 77 where transformers is absent

CONFIG_ECHO reads a config.json as inkstone does and writes all that it took it for.
"""
import json
import os
import subprocess
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
echo = sys.argv[1]
try:
    from transformers import AutoConfig, GenerationConfig
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

scratch = tempfile.TemporaryDirectory()
os.chdir(scratch.name)
failed = []
# What we write beside the keys that are read; and what is read elsewhere.
NOT_READ = {"architectures", "model_type", "torch_dtype", "forced_eos_token_id", "rope_scaling", "hidden_act", "activation_function",
            "is_encoder_decoder", "decoder_vocab_size", "share_encoder_decoder_embeddings", "n_ctx", "rope_parameters",
            "seq_length", "num_kv_heads", "attention_types", "n_positions", "attn_config"}
ALIASES = {"gpt2": {"num_hidden_layers": 2, "hidden_size": 120, "num_attention_heads": 3, "max_position_embeddings": 77},
           "marian": {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 2}}
ALIASES["gpt_neo"] = {"num_hidden_layers": 24, "num_attention_heads": 32}
ALIASES["bloom"] = {"num_hidden_layers": 4, "num_attention_heads": 4, "n_embed": 128}
ALIASES["mpt"] = {"num_hidden_layers": 4, "num_attention_heads": 4, "hidden_size": 128}
ALIASES["gptj"] = {**ALIASES["gpt2"], "hidden_size": 4096, "num_attention_heads": 8}
# Of every key one that is no default, so that leaving it out shows.
OTHER = {
    "llama": dict(vocab_size=60000, num_hidden_layers=3, hidden_size=128, num_attention_heads=16, num_key_value_heads=2, head_dim=16,
                  intermediate_size=70, max_position_embeddings=99, rms_norm_eps=1e-3, rope_theta=500.0, attention_bias=True, mlp_bias=True,
                  tie_word_embeddings=True, bos_token_id=7, eos_token_id=8, pad_token_id=9),
    "gpt2": dict(vocab_size=60000, n_layer=3, n_embd=96, n_head=6, n_inner=70, n_positions=99, layer_norm_epsilon=1e-3,
                 tie_word_embeddings=False, bos_token_id=7, eos_token_id=8, pad_token_id=9),
    "qwen3": dict(vocab_size=60000, num_hidden_layers=3, hidden_size=128, num_attention_heads=32, num_key_value_heads=2, head_dim=16,
                  intermediate_size=70, max_position_embeddings=99, rms_norm_eps=1e-3, rope_theta=500.0, attention_bias=True,
                  use_sliding_window=True, sliding_window=64, max_window_layers=1, tie_word_embeddings=True, bos_token_id=7, eos_token_id=8,
                  pad_token_id=9),
    "gemma3_text": dict(vocab_size=60000, num_hidden_layers=7, hidden_size=128, num_attention_heads=16, num_key_value_heads=2, head_dim=16,
                        intermediate_size=70, max_position_embeddings=99, rms_norm_eps=1e-3, rope_theta=500.0, rope_local_base_freq=70.0,
                        attention_bias=True, query_pre_attn_scalar=9, sliding_window=64, sliding_window_pattern=3,
                        final_logit_softcapping=5.0, tie_word_embeddings=False, bos_token_id=7, eos_token_id=8, pad_token_id=9),
    "marian": dict(vocab_size=60000, decoder_layers=3, encoder_layers=2, d_model=64, decoder_attention_heads=4, encoder_attention_heads=8,
                   decoder_ffn_dim=70, encoder_ffn_dim=72, max_position_embeddings=99, scale_embedding=True, bos_token_id=7, eos_token_id=8,
                   pad_token_id=9, decoder_start_token_id=10, tie_word_embeddings=True),
}
SIZES = dict(vocab_size=60000, num_hidden_layers=3, hidden_size=768, num_attention_heads=64, intermediate_size=70, max_position_embeddings=99,
             bos_token_id=7, eos_token_id=8, pad_token_id=9)
LLAMA = dict(**SIZES, num_key_value_heads=2, rope_theta=500.0, tie_word_embeddings=True)
NORM = dict(rms_norm_eps=1e-3)
OTHER |= {
    "gemma2": dict(**{**LLAMA, "tie_word_embeddings": False}, **NORM, head_dim=16, attention_bias=True, query_pre_attn_scalar=9, sliding_window=64,
                   attn_logit_softcapping=3.0, final_logit_softcapping=5.0),
    "qwen2": dict(**LLAMA, **NORM, use_sliding_window=True, sliding_window=64, max_window_layers=1),
    "mistral": dict(**LLAMA, **NORM, head_dim=16, sliding_window=64),
    "ministral": dict(**LLAMA, **NORM, head_dim=16, sliding_window=64),
    "mixtral": dict(**LLAMA, **NORM, head_dim=16, sliding_window=64, num_local_experts=6, num_experts_per_tok=3),
    "qwen3_moe": dict(**LLAMA, **NORM, head_dim=16, use_sliding_window=True, sliding_window=64, attention_bias=True, num_experts=16,
                      num_experts_per_tok=3, moe_intermediate_size=40, norm_topk_prob=True),
    "phi": dict(**{**LLAMA, "hidden_size": 1536}, layer_norm_eps=1e-3, partial_rotary_factor=0.25, qk_layernorm=True),
    "phi3": dict(**LLAMA, **NORM, original_max_position_embeddings=55, partial_rotary_factor=0.5, sliding_window=64),
    "olmo": dict(**LLAMA, attention_bias=True),
    "olmo2": dict(**LLAMA, **NORM, attention_bias=True),
    "granite": dict(**LLAMA, **NORM, attention_bias=True, mlp_bias=True, embedding_multiplier=2.0, attention_multiplier=3.0,
                    residual_multiplier=4.0, logits_scaling=5.0),
    "cohere": dict(**{**LLAMA, "vocab_size": 260000, "num_attention_heads": 128, "tie_word_embeddings": False}, layer_norm_eps=1e-3, attention_bias=True, use_qk_norm=True, logit_scale=0.5),
    "stablelm": dict(**{**LLAMA, "hidden_size": 1536}, layer_norm_eps=1e-3, partial_rotary_factor=0.5, use_qkv_bias=True, use_parallel_residual=True),
    "gpt_neox": dict(**{**SIZES, "hidden_size": 1536, "num_attention_heads": 32}, layer_norm_eps=1e-3, rotary_emb_base=500.0, rotary_pct=0.5, attention_bias=False, use_parallel_residual=False,
                     tie_word_embeddings=True),
    "smollm3": dict(**{**LLAMA, "vocab_size": 200000, "tie_word_embeddings": False}, **NORM, attention_bias=True, mlp_bias=True,
                    no_rope_layer_interval=2),
    "starcoder2": dict(**{**LLAMA, "tie_word_embeddings": False}, norm_epsilon=1e-3, use_bias=False, sliding_window=64),
    "glm": dict(**{**LLAMA, "vocab_size": 200000}, **NORM, head_dim=16, partial_rotary_factor=0.25, attention_bias=False),
    "gptj": dict(vocab_size=60000, n_layer=3, n_embd=2048, n_head=32, n_inner=70, n_positions=99, rotary_dim=8, layer_norm_epsilon=1e-3,
                 tie_word_embeddings=True, bos_token_id=7, eos_token_id=8, pad_token_id=9),
    "exaone4": dict(**LLAMA, **NORM, head_dim=16, sliding_window=64, sliding_window_pattern=2),
}
ENDS = dict(bos_token_id=7, eos_token_id=8, pad_token_id=9)
OTHER |= {
    "gemma": dict(**{**LLAMA, "tie_word_embeddings": False}, **NORM, head_dim=16, attention_bias=True),
    "olmo3": dict(**LLAMA, **NORM, attention_bias=True, sliding_window=64),
    "cohere2": {**{k: v for k, v in OTHER["cohere"].items() if k != "use_qk_norm"}, "sliding_window": 64},
    "glm4": OTHER["glm"],
    "helium": dict(**{k: v for k, v in LLAMA.items() if k not in ("hidden_size", "num_attention_heads")}, **NORM, attention_bias=True, mlp_bias=True),
    "ernie4_5": dict(**{**LLAMA, "vocab_size": 110000, "num_key_value_heads": 4, "tie_word_embeddings": False}, **NORM, head_dim=16, use_bias=True),
    "arcee": dict(**LLAMA, **NORM, head_dim=16, attention_bias=True, mlp_bias=True),
    "seed_oss": dict(**LLAMA, **NORM, head_dim=16, attention_bias=False, attention_out_bias=True, mlp_bias=True),
    "gpt_neo": dict(vocab_size=60000, hidden_size=768, num_heads=32, intermediate_size=70, max_position_embeddings=99, window_size=64,
                    layer_norm_epsilon=1e-3, tie_word_embeddings=False, **ENDS),
    "opt": dict(vocab_size=60000, num_hidden_layers=3, hidden_size=1536, num_attention_heads=24, ffn_dim=70, max_position_embeddings=99,
                word_embed_proj_dim=96, do_layer_norm_before=False, layer_norm_elementwise_affine=False, enable_bias=False,
                tie_word_embeddings=False, **ENDS),
    "bloom": dict(vocab_size=60000, n_layer=3, hidden_size=96, n_head=16, layer_norm_epsilon=1e-3, tie_word_embeddings=False, **ENDS),
    "mpt": dict(vocab_size=60000, n_layers=3, d_model=96, n_heads=16, max_seq_len=99, layer_norm_epsilon=1e-3, tie_word_embeddings=False, **ENDS),
    "falcon": dict(vocab_size=60000, num_hidden_layers=3, hidden_size=9088, num_attention_heads=142, ffn_hidden_size=70, rope_theta=500.0,
                   max_position_embeddings=99, layer_norm_epsilon=1e-3, multi_query=False, parallel_attn=False, alibi=True, bias=True,
                   tie_word_embeddings=False, **ENDS),
}
for one in ("bart", "mbart", "pegasus", "m2m_100", "blenderbot", "blenderbot-small"):
    OTHER[one] = {**OTHER["marian"], "vocab_size": 70000 if one != "m2m_100" else 130000, "scale_embedding": one != "m2m_100"}
    ALIASES[one] = ALIASES["marian"]
for one in ("t5", "mt5", "umt5"):
    OTHER[one] = dict(vocab_size=60000, d_model=96, d_kv=16, d_ff=70, num_layers=3, num_decoder_layers=2, num_heads=12, feed_forward_proj="gated-silu",
                      relative_attention_num_buckets=16, relative_attention_max_distance=99, layer_norm_epsilon=1e-3, decoder_start_token_id=10, **ENDS)
    ALIASES[one] = {"num_hidden_layers": 4, "hidden_size": 64, "num_attention_heads": 2, "head_dim": 12}


def complain(*what):
    print("DIFFERENT:", *what)
    failed.append(what[0])


def ours(values):
    with open("config.json", "w") as out:
        json.dump(values, out)
    result = subprocess.run([echo, "config.json", "out.json"], capture_output=True, text=True)
    return json.load(open("out.json")) if result.returncode == 0 else result.stderr.strip()


def theirs(values):
    config = AutoConfig.for_model(**values)
    have = config.to_dict()
    rope = have.get("rope_parameters") or {}
    have["rope_theta"] = (rope.get("full_attention") or rope).get("rope_theta")
    have["rotary_emb_base"] = have["rope_theta"]
    have["partial_rotary_factor"] = have["rotary_pct"] = rope.get("partial_rotary_factor")
    have["rope_local_base_freq"] = (rope.get("sliding_attention") or {}).get("rope_theta")
    return config, have


def compare(name, values):
    found = ours(values)
    if isinstance(found, str):
        return complain(name, found)
    config, wanted = theirs(values)
    for key, value in found.items():
        if key in NOT_READ or "drop" in key or key == "num_hidden_layers" and "encoder_layers" in found:
            continue
        should = wanted[key] if key in wanted else getattr(config, key, None)
        if key == "num_key_value_heads":
            should = should or wanted["num_attention_heads"]
        if key == "head_dim":
            should = should or wanted["hidden_size"] // wanted["num_attention_heads"]
        if key == "intermediate_size":
            should = should or 4 * wanted["hidden_size"]
        if key == "n_inner":
            should = should or 4 * wanted["n_embd"]
        if key == "decoder_start_token_id" and should is None:
            should = wanted["pad_token_id"] if wanted["model_type"] == "t5" else wanted["bos_token_id"]  # as generate does; T5's files have it
        if "token_id" in key and isinstance(should, int) and should >= wanted["vocab_size"]:
            should = None  # no token that the model has
        if value != should:
            complain(name, f"{key} is {value}, transformers has {should}")


count = 0
for model_type, others in OTHER.items():
    compare(f"{model_type} by default", {"model_type": model_type})
    compare(f"{model_type} nothing by default", {"model_type": model_type, **others})
    for key in others:
        count += 1
        # (widths here are multiples of the heads there, and the other way round)
        compare(f"{model_type} without {key}", {"model_type": model_type, **{k: v for k, v in others.items() if k != key}})
        compare(f"{model_type} with {key} only", {"model_type": model_type, key: others[key]})
    for key, value in ALIASES.get(model_type, {}).items():
        compare(f"{model_type} alias {key}", {"model_type": model_type, **others, key: value})
    # every key of the class is known: none of a file that transformers saves is refused
    of_class = AutoConfig.for_model(model_type, **({"vocab_size": 130000} if model_type in ("starcoder2", "arcee") else {}))  # which lack their own ends
    found = ours({k: v for k, v in of_class.to_dict().items() if k != "model_type"} | {"model_type": model_type})
    if isinstance(found, str):
        complain(f"{model_type} saved", found)

# Every key of GenerationConfig is in generation.def, and every key there is one that some transformers has.
listed = set()
for line in open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/models/generation.def"), encoding="utf-8"):
    if "_KEY(" in line and not line.startswith(" *"):
        listed.add(line.split("(")[1].split(",")[0].split(")")[0])
known = {key for key in vars(GenerationConfig()) if not key.startswith("_")} | set(GenerationConfig._get_default_generation_params())
if known - listed:
    complain("generation.def lacks", known - listed)
print(f"{count} keys;", "beyond this transformers:", sorted(listed - known), "failed:", failed or "nothing")
sys.exit(1 if failed else 0)
