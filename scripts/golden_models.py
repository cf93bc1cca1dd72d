#!/usr/bin/env python3
"""Writes tests/golden/models/: outputs of transformers for small models with random weights.

    python3 scripts/golden_models.py [NAME...]      (needs torch and transformers; run once, the results are committed)

NAME.json is the config.json saved by transformers; NAME.txt contains tokens, every `stride`-th logit, and training losses.
Weights are drawn by the generator of src/base/random.c under their names in files, so that only results need to be stored: a matrix is 0.2 n, a
vector its initial value (1 or 0) + 0.2 n. Training: 20 steps of AdamW without decay on the same tokens. All in f64 but the rotary angles.
"""
import json
import math
import os
import sys
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
import torch
import transformers

sys.path.insert(0, str(Path(__file__).resolve().parent))
import golden_rwkv7
from golden_draw import bits, draw_normal, stream_of

OUT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "models"
SEQUENCES, TIME, VOCABULARY, KEPT, STEPS, RATE = 2, 24, 61, 300, 20, 3e-3
LLAMA = dict(vocab_size=VOCABULARY, hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=32, bos_token_id=1, eos_token_id=2, pad_token_id=None)
FULL, SLIDING = "full_attention", "sliding_attention"
NEOX = {k: v for k, v in {**LLAMA, "hidden_size": 32}.items() if k != "num_key_value_heads"}
GPTJ = dict(vocab_size=VOCABULARY, n_embd=24, n_layer=2, n_head=4, n_positions=32, bos_token_id=1, eos_token_id=2)
NEO = dict(vocab_size=VOCABULARY, hidden_size=24, num_layers=3, num_heads=4, max_position_embeddings=32, window_size=5, bos_token_id=1, eos_token_id=2)
OPT = dict(vocab_size=VOCABULARY, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, ffn_dim=40, max_position_embeddings=32, bos_token_id=1,
           eos_token_id=2, pad_token_id=None)
BLOOM = dict(vocab_size=VOCABULARY, hidden_size=24, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2)
MPT = dict(vocab_size=VOCABULARY, d_model=24, n_layers=2, max_seq_len=32, bos_token_id=1, eos_token_id=2)
FALCON = dict(vocab_size=VOCABULARY, hidden_size=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=32, bos_token_id=1, eos_token_id=2)
GEMMA3 = {**LLAMA, "head_dim": 10, "query_pre_attn_scalar": 7, "sliding_window": 5}
EXPERTS = dict(num_experts=6, num_experts_per_tok=3, moe_intermediate_size=28)
MODELS = {
    "llama": ("Llama", dict(**LLAMA, rope_theta=500.0, attention_bias=True, mlp_bias=True)),
    "llama_rope_llama3": ("Llama", dict(**LLAMA, tie_word_embeddings=True, head_dim=16, rope_theta=700.0, rope_scaling=dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64))),
    "llama_rope_linear": ("Llama", dict(**LLAMA, rope_scaling=dict(rope_type="linear", factor=3.0))),
    "llama_rope_dynamic": ("Llama", dict(**{**LLAMA, "max_position_embeddings": 16}, rope_theta=300.0, rope_scaling=dict(rope_type="dynamic", factor=2.0))),
    "llama_rope_yarn": ("Llama", dict(**{**LLAMA, "head_dim": 24, "max_position_embeddings": 64}, rope_theta=300.0, rope_scaling=dict(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=4.0, beta_slow=0.5))),
    "qwen2_rope_yarn": ("Qwen2", dict(**{**LLAMA, "num_attention_heads": 2, "max_position_embeddings": 40}, rope_theta=90.0, rope_scaling=dict(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=2.5, mscale=1.0, mscale_all_dim=0.6, truncate=False))),
    "gpt2": ("GPT2", dict(vocab_size=VOCABULARY, n_embd=24, n_layer=2, n_head=4, n_positions=32, bos_token_id=1, eos_token_id=2)),
    "qwen3": ("Qwen3", dict(**LLAMA, head_dim=10, attention_bias=True, rope_theta=1e6)),
    "qwen3_windows": ("Qwen3", dict(**LLAMA, head_dim=10, tie_word_embeddings=True, use_sliding_window=True, sliding_window=6,
                                    max_window_layers=1)),
    "gemma3": ("Gemma3", dict(**GEMMA3, layer_types=[SLIDING, FULL, SLIDING])),
    "gemma3_caps": ("Gemma3", dict(**GEMMA3, layer_types=[FULL, SLIDING, SLIDING], attention_bias=True,
                                   final_logit_softcapping=2.0, rope_parameters={
                                       FULL: dict(rope_type="linear", factor=8.0, rope_theta=300.0),
                                       SLIDING: dict(rope_type="default", rope_theta=20.0)})),
    "gemma2": ("Gemma2", dict(**GEMMA3, layer_types=[SLIDING, FULL, SLIDING], attn_logit_softcapping=1.5, final_logit_softcapping=2.0)),
    "qwen2": ("Qwen2", dict(**LLAMA, use_sliding_window=True, sliding_window=6, max_window_layers=2)),
    "mistral": ("Mistral", dict(**LLAMA, head_dim=10, sliding_window=6)),
    "ministral": ("Ministral", dict(**LLAMA, head_dim=6, sliding_window=6, layer_types=[SLIDING, FULL, SLIDING])),
    "ministral_all": ("Ministral", dict(**LLAMA, head_dim=10, sliding_window=5, tie_word_embeddings=True)),
    "mixtral": ("Mixtral", dict(**LLAMA, num_local_experts=6, num_experts_per_tok=2, sliding_window=6)),
    "qwen3_moe": ("Qwen3Moe", dict(**LLAMA, **EXPERTS, norm_topk_prob=True, attention_bias=True)),
    "qwen3_moe_shares": ("Qwen3Moe", dict(**LLAMA, **{**EXPERTS, "num_experts": 4}, head_dim=10, tie_word_embeddings=True, use_sliding_window=True, sliding_window=6)),
    "phi": ("Phi", dict(**LLAMA, partial_rotary_factor=2 / 3)),
    "phi_norms": ("Phi", dict(**{**LLAMA, "hidden_size": 32, "num_key_value_heads": 4}, qk_layernorm=True, rope_theta=300.0)),
    "phi3": ("Phi3", dict(**{**LLAMA, "hidden_size": 32, "pad_token_id": 0}, sliding_window=9, partial_rotary_factor=0.75)),
    "phi3_rope_long": ("Phi3", dict(**{**LLAMA, "hidden_size": 32, "pad_token_id": 0}, original_max_position_embeddings=16, rope_scaling=dict(
        rope_type="longrope", short_factor=[1.0, 1.5, 2.0, 2.5], long_factor=[1.0, 2.0, 3.0, 5.0]))),
    "phi3_rope_short": ("Phi3", dict(**{**LLAMA, "hidden_size": 32, "pad_token_id": 0}, original_max_position_embeddings=24, rope_scaling=dict(
        rope_type="longrope", short_factor=[1.0, 1.5, 2.0, 2.5], long_factor=[1.0, 2.0, 3.0, 5.0]))),
    "olmo": ("Olmo", dict(**LLAMA, rope_theta=300.0)),
    "olmo_bias": ("Olmo", dict(**LLAMA, tie_word_embeddings=True, attention_bias=True)),
    "olmo2": ("Olmo2", dict(**LLAMA, tie_word_embeddings=True)),
    "granite": ("Granite", dict(**LLAMA, embedding_multiplier=3.0, attention_multiplier=0.7, residual_multiplier=0.4, logits_scaling=2.5,
                                mlp_bias=True)),
    "cohere": ("Cohere", dict(**{**LLAMA, "pad_token_id": 0}, use_qk_norm=True, logit_scale=0.3)),
    "stablelm": ("StableLm", dict(**{**LLAMA, "hidden_size": 32}, partial_rotary_factor=0.5, use_qkv_bias=True)),
    "stablelm_parallel": ("StableLm", dict(**{**LLAMA, "hidden_size": 32}, use_parallel_residual=True)),
    "gpt_neox": ("GPTNeoX", dict(**NEOX, rotary_pct=0.5)),
    "gpt_neox_sequential": ("GPTNeoX", dict(**NEOX, use_parallel_residual=False, attention_bias=False)),
    "smollm3": ("SmolLM3", dict(**{**LLAMA, "pad_token_id": 0}, no_rope_layers=[1, 0, 1], use_sliding_window=True, sliding_window=8)),
    "starcoder2": ("Starcoder2", dict(**LLAMA, sliding_window=7)),
    "exaone4": ("Exaone4", dict(**LLAMA, head_dim=10, layer_types=[SLIDING, FULL, SLIDING], sliding_window=5)),
    "exaone4_no_window": ("Exaone4", dict(**LLAMA, tie_word_embeddings=True, layer_types=[FULL] * 3, sliding_window=None, rope_theta=300.0)),
    "exaone4_unrotated": ("Exaone4", dict(**LLAMA, layer_types=[FULL] * 3, sliding_window=5)),
    "glm": ("Glm", dict(**LLAMA, head_dim=12)),
    "glm_quarter": ("Glm", dict(**LLAMA, head_dim=16, partial_rotary_factor=0.25, attention_bias=False, tie_word_embeddings=True)),
    "glm4": ("Glm4", dict(**LLAMA, head_dim=12)),
    "gemma": ("Gemma", dict(**LLAMA, head_dim=10)),
    "gemma_bias": ("Gemma", dict(**LLAMA, head_dim=8, attention_bias=True, tie_word_embeddings=False, rope_theta=70.0)),
    "olmo3": ("Olmo3", dict(**LLAMA, sliding_window=5, layer_types=[SLIDING, FULL, SLIDING], rope_theta=300.0)),
    "olmo3_scaled": ("Olmo3", dict(**LLAMA, sliding_window=5, layer_types=[FULL, SLIDING, SLIDING], attention_bias=True, rope_parameters={
        FULL: dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=8, rope_theta=300.0),
        SLIDING: dict(rope_type="default", rope_theta=90.0)})),
    "cohere2": ("Cohere2", dict(**{**LLAMA, "pad_token_id": 0}, sliding_window=5, layer_types=[SLIDING, FULL, SLIDING], logit_scale=0.3)),
    "cohere2_bias": ("Cohere2", dict(**{**LLAMA, "pad_token_id": 0, "num_hidden_layers": 4}, sliding_window=7, tie_word_embeddings=False, attention_bias=True)),
    "helium": ("Helium", dict(**LLAMA, head_dim=6)),
    "helium_bias": ("Helium", dict(**LLAMA, head_dim=6, attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "ernie4_5": ("Ernie4_5", dict(**LLAMA, head_dim=10, use_bias=True)),
    "arcee": ("Arcee", dict(**LLAMA)),
    "arcee_bias": ("Arcee", dict(**LLAMA, head_dim=10, attention_bias=True, mlp_bias=True)),
    "seed_oss": ("SeedOss", dict(**LLAMA, head_dim=10)),
    "seed_oss_bias": ("SeedOss", dict(**LLAMA, head_dim=None, attention_bias=False, attention_out_bias=True, mlp_bias=True)),
    "gpt_neo": ("GPTNeo", dict(**NEO, attention_types=[[["local", "global"], 1], [["local"], 1]])),
    "gpt_neo_ffn": ("GPTNeo", dict(**NEO, attention_types=[[["global"], 3]], intermediate_size=40, tie_word_embeddings=False)),
    "opt": ("OPT", dict(**OPT)),
    "opt_behind": ("OPT", dict(**OPT, word_embed_proj_dim=16, do_layer_norm_before=False)),
    "opt_plain": ("OPT", dict(**OPT, activation_function="gelu", enable_bias=False, layer_norm_elementwise_affine=False, word_embed_proj_dim=16,
                              tie_word_embeddings=False)),
    "bloom": ("Bloom", dict(**BLOOM)),
    "bloom_heads": ("Bloom", dict(**{**BLOOM, "n_head": 6}, tie_word_embeddings=False)),
    "mpt": ("Mpt", dict(**MPT, n_heads=4)),
    "mpt_heads": ("Mpt", dict(**MPT, n_heads=6, tie_word_embeddings=False, attn_config=dict(softmax_scale=0.3))),
    "falcon": ("Falcon", dict(**FALCON)),
    "falcon_new": ("Falcon", dict(**FALCON, new_decoder_architecture=True, num_kv_heads=2, rope_theta=300.0)),
    "falcon_new_shared": ("Falcon", dict(**FALCON, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1, ffn_hidden_size=40)),
    "falcon_alibi": ("Falcon", dict(**{**FALCON, "num_attention_heads": 6}, alibi=True, multi_query=False, parallel_attn=False, bias=True, tie_word_embeddings=False)),
    "falcon_alibi_query": ("Falcon", dict(**FALCON, alibi=True, bias=True)),
    "gptj": ("GPTJ", dict(**GPTJ, rotary_dim=4)),
    "gptj_tied": ("GPTJ", dict(**GPTJ, rotary_dim=6, n_inner=40, tie_word_embeddings=True)),
}
RWKV7 = dict(vocab_size=VOCABULARY, hidden_size=24, num_hidden_layers=3, intermediate_size=40, decay_low_rank_dim=5, gate_low_rank_dim=9, a_low_rank_dim=7,
             v_low_rank_dim=3, bos_token_id=1, eos_token_id=2)
MODELS |= {
    "rwkv7": ("Rwkv7", dict(**RWKV7, head_dim=8, tie_word_embeddings=False)),
    "rwkv7_tied": ("Rwkv7", dict(**RWKV7, head_dim=12, norm_first=False, norm_eps=1e-3, tie_word_embeddings=True)),
}
ENCODER = dict(vocab_size=VOCABULARY, d_model=24, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=4, encoder_ffn_dim=40,
               decoder_ffn_dim=28, max_position_embeddings=32, eos_token_id=2, pad_token_id=VOCABULARY - 1, decoder_start_token_id=3)
T5 = dict(vocab_size=VOCABULARY, d_model=24, num_layers=2, num_heads=3, d_kv=10, d_ff=40, eos_token_id=2, pad_token_id=VOCABULARY - 1,
          decoder_start_token_id=3)
MODELS |= {
    "marian": ("Marian", dict(**ENCODER, scale_embedding=True)),
    "bart": ("Bart", dict(**ENCODER, activation_function="gelu_new")),
    "mbart": ("MBart", dict(**ENCODER, scale_embedding=True)),
    "pegasus": ("Pegasus", dict(**ENCODER, activation_function="silu")),
    "m2m_100": ("M2M100", dict(**{**ENCODER, "max_position_embeddings": 64})),
    "blenderbot": ("Blenderbot", dict(**ENCODER)),
    "blenderbot_small": ("BlenderbotSmall", dict(**ENCODER)),
    "t5": ("T5", dict(**T5, relative_attention_num_buckets=8, relative_attention_max_distance=20)),
    "t5_gated": ("T5", dict(**T5, num_decoder_layers=1, feed_forward_proj="gated-gelu", tie_word_embeddings=False)),
    "t5_silu": ("T5", dict(**T5, feed_forward_proj="gated-silu")),
    "mt5": ("MT5", dict(**T5)),
    "umt5": ("UMT5", dict(**T5, relative_attention_num_buckets=8, relative_attention_max_distance=20)),
}
ENCODERS = list(MODELS)[list(MODELS).index("marian"):]
RATES = {"T5": 5e-4, "MT5": 5e-4, "UMT5": 2e-4}  # scores are not scaled: at 3e-3 the losses of f32 and f64 part after eight steps
SOURCE_TIME, SHORT = 17, 12  # of the sources, the second is shorter
NULLS = ("pad_token_id", "sliding_window")  # null is another value of these than none
ATTENTION = {"Falcon": "sdpa"}  # transformers 5.24's eager one adds ALiBi twice
CLASSES = {"Gemma3": ("Gemma3TextConfig", "Gemma3ForCausalLM"), "GPT2": ("GPT2Config", "GPT2LMHeadModel"), "Marian": ("MarianConfig", "MarianMTModel")}


def draw_experts(model, name, shape):
    """The matrices that a model has in one tensor, gate above up, and its files one by one."""
    layer, which = name.rsplit(".experts.", 1)
    mixtral = model.config.model_type == "mixtral"
    layer = layer.replace(".mlp", ".block_sparse_moe") if mixtral else layer
    parts = {"gate_up_proj": ["w1", "w3"] if mixtral else ["gate_proj", "up_proj"], "down_proj": ["w2"] if mixtral else ["down_proj"]}[which]
    rows = (shape[1] // len(parts), shape[2])
    return torch.stack([torch.cat([draw_normal(f"{layer}.experts.{e}.{part}.weight", rows) for part in parts]) for e in range(shape[0])])


def draw_named(model, name, shape):
    if ".experts." in name:
        return draw_experts(model, name, shape)
    if model.config.model_type == "mixtral":
        name = name.replace("mlp.gate", "block_sparse_moe.gate")
    if model.config.model_type == "gpt_neox":  # its files call lm_head embed_out
        name = name.replace("lm_head", "embed_out")
    return draw_normal(name, shape)


def draw_weights(model):
    if hasattr(model, "final_logits_bias"):  # a buffer there, of which we train a copy
        bias = model.final_logits_bias
        del model.final_logits_bias
        model.final_logits_bias = torch.nn.Parameter(bias)
    for module in model.modules():
        if "Sinusoidal" in type(module).__name__:
            module.requires_grad_(False)
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        start = p.data.flatten()[0].item() if p.dim() == 1 or "norm" in name else 0
        assert start in (0, 1), (name, start)
        p.data = start + 0.2 * draw_named(model, name, tuple(p.shape))


def tokens_of(name, count, vocabulary=VOCABULARY):
    return [(bits(stream_of(name), i) * vocabulary) >> 64 for i in range(count)]


def watch_choices(model, gaps):
    """Collects how far the last chosen expert's logit is above the first one not chosen: a choice that rounding decides is no golden value."""
    def note(router, _, output):
        ranked = output[0].sort(-1, descending=True).values
        gaps.append((ranked[:, router.top_k - 1] - ranked[:, router.top_k]).min().item())
    for module in model.modules():
        if type(module).__name__.endswith("TopKRouter"):
            module.register_forward_hook(note)


def inputs_of(model):
    """The arguments of the model, and the targets. With an encoder, the last token is its padding only."""
    encodes = model.config.is_encoder_decoder
    tokens, targets = (torch.tensor(tokens_of(what, SEQUENCES * TIME, VOCABULARY - encodes)).reshape(SEQUENCES, TIME) for what in ("tokens", "targets"))
    if not encodes:
        return dict(input_ids=tokens), targets
    source = torch.tensor(tokens_of("source", SEQUENCES * SOURCE_TIME, VOCABULARY - 1)).reshape(SEQUENCES, SOURCE_TIME)
    mask = torch.arange(SOURCE_TIME) < torch.tensor([[SOURCE_TIME], [SHORT]])
    return dict(input_ids=source.where(mask, VOCABULARY - 1), attention_mask=mask.long(), decoder_input_ids=tokens), targets


def loss_of(model, inputs, targets):
    return torch.nn.functional.cross_entropy(model(**inputs).logits.flatten(0, 1), targets.flatten())


def write_numbers(file, what, values, form="%.9g"):
    file.write(f"{what} {len(values)}\n")
    for i in range(0, len(values), 8):
        file.write(" ".join(form % v for v in values[i:i + 8]) + "\n")


def model_of(name, family, settings):
    config_class, model_class = CLASSES.get(family, (f"{family}Config", f"{family}For{'ConditionalGeneration' if name in ENCODERS else 'CausalLM'}"))
    library = golden_rwkv7 if family == "Rwkv7" else transformers  # which has no such class
    config = getattr(library, config_class)(**settings, attn_implementation=ATTENTION.get(family, "eager"), experts_implementation="eager")
    model = getattr(library, model_class)(config).double().eval()  # eval() because GPT-2's default dropout is 0.1
    draw_weights(model)
    return model


def write_model(name, family, settings):
    model = model_of(name, family, settings)
    gaps = [math.inf]
    watch_choices(model, gaps)
    inputs, targets = inputs_of(model)
    with torch.no_grad():
        logits = model(**inputs).logits.flatten().tolist()
    stride = max(1, -(-len(logits) // KEPT)) | 1
    rate = RATES.get(family, RATE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, inputs, targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.config.architectures = [type(model).__name__]
    saved = {k: v for k, v in json.loads(model.config.to_json_string(use_diff=False)).items() if v is not None or k in NULLS}
    saved.pop("transformers_version", None)
    (OUT / f"{name}.json").write_text(json.dumps(saved, indent=1, sort_keys=True) + "\n")
    with open(OUT / f"{name}.txt", "w") as file:
        file.write(f"shape {SEQUENCES} {TIME} rate {rate} stride {stride}\n")
        write_numbers(file, "logits", logits[::stride])
        write_numbers(file, "losses", losses)
    assert min(gaps) > 1e-4, f"{name}: f32 may choose other experts (logits differ by {min(gaps)}): give it other sizes"
    print(name, losses[0], losses[-1])


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for name in sys.argv[1:] or MODELS:
        write_model(name, *MODELS[name])
    (OUT / "models.txt").write_text("".join(f"{name}\n" for name in MODELS))
