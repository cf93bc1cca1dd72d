"""RWKV-7 (Peng et al. 2025) in plain PyTorch, step by step, under the names of flash-linear-attention's RWKV7ForCausalLM, for golden_models.py:
transformers has no such class. tests/models/test_rwkv7.py compares Inkstone with the authors' own package `rwkv`.
"""
import math
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedConfig


class Rwkv7Config(PreTrainedConfig):
    model_type = "rwkv7"

    def __init__(self, vocab_size=32000, hidden_size=2048, num_hidden_layers=24, head_dim=64, intermediate_size=None, decay_low_rank_dim=None,
                 gate_low_rank_dim=None, a_low_rank_dim=None, v_low_rank_dim=None, norm_eps=1e-5, norm_first=True, attn_implementation=None,
                 experts_implementation=None, **rest):
        super().__init__(**rest)
        self.vocab_size, self.hidden_size, self.num_hidden_layers, self.head_dim = vocab_size, hidden_size, num_hidden_layers, head_dim
        self.intermediate_size, self.norm_eps, self.norm_first = intermediate_size, norm_eps, norm_first
        self.decay_low_rank_dim, self.gate_low_rank_dim = decay_low_rank_dim, gate_low_rank_dim
        self.a_low_rank_dim, self.v_low_rank_dim = a_low_rank_dim, v_low_rank_dim
        self.value_dim, self.hidden_act, self.max_position_embeddings = [hidden_size] * num_hidden_layers, "sqrelu", 2048


def low_rank(width, rank, inner, bias=True):
    module = nn.Module()
    module.lora = nn.Sequential(nn.Linear(width, rank, bias=False), inner, nn.Linear(rank, width, bias=bias))
    if bias:
        nn.init.zeros_(module.lora[2].bias)
    module.forward = lambda x: module.lora(x)
    return module


def before(x):
    return F.pad(x, (0, 0, 1, -1))


class TimeMixing(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        width, self.size, self.layer = config.hidden_size, config.head_dim, layer
        for name in "rwkvag":
            setattr(self, f"x_{name}", nn.Parameter(torch.zeros(1, 1, width)))
        self.k_k, self.k_a, self.r_k = nn.Parameter(torch.ones(width)), nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width // self.size, self.size))
        self.r_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.w_lora = low_rank(width, config.decay_low_rank_dim, nn.Tanh())
        if layer:
            self.v_lora = low_rank(width, config.v_low_rank_dim, nn.Identity())
        self.a_lora = low_rank(width, config.a_low_rank_dim, nn.Identity())
        self.g_lora = low_rank(width, config.gate_low_rank_dim, nn.Sigmoid(), bias=False)
        self.g_norm = nn.GroupNorm(width // self.size, width, eps=self.size * config.norm_eps)

    def forward(self, x, first_values):
        heads = lambda y: y.unflatten(-1, (-1, self.size))
        r, w, k, v, a, g = (torch.lerp(x, before(x), getattr(self, f"x_{name}")) for name in "rwkvag")
        r, k, values = self.r_proj(r), self.k_proj(k), self.v_proj(v)
        w = torch.exp(-math.exp(-0.5) * torch.sigmoid(self.w_lora(w)))
        if self.layer:
            values = torch.lerp(values, first_values, torch.sigmoid(self.v_lora(v)))
        else:
            first_values = values
        a, g = torch.sigmoid(self.a_lora(a)), self.g_lora(g)
        remove = F.normalize(heads(k * self.k_k), dim=-1)
        k = k * (1 + (a - 1) * self.k_a)
        r, w, k, v, a = map(heads, (r, w, k, values, a))
        state, out = torch.zeros(*r.shape[:1], *r.shape[2:], self.size, dtype=x.dtype), []
        for t in range(x.shape[1]):
            removed = state @ remove[:, t, :, :, None]
            state = state * w[:, t, :, None] - removed * (remove * a)[:, t, :, None] + v[:, t, :, :, None] * k[:, t, :, None]
            out.append(state @ r[:, t, :, :, None])
        y = self.g_norm(torch.stack(out, 1).flatten(2).flatten(0, 1)).reshape(x.shape)
        y = y + ((r * k * self.r_k).sum(-1, keepdim=True) * v).flatten(-2)
        return self.o_proj(y * g), first_values


class ChannelMixing(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.x_k = nn.Parameter(torch.zeros(config.hidden_size))
        self.key = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.value = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x):
        return self.value(F.relu(self.key(torch.lerp(x, before(x), self.x_k)))**2)


class Block(nn.Module):
    def __init__(self, config, layer):
        super().__init__()
        norm = lambda: nn.LayerNorm(config.hidden_size, eps=config.norm_eps)
        if config.norm_first and not layer:
            self.pre_norm = norm()
        self.attn_norm, self.attn, self.ffn_norm, self.ffn = norm(), TimeMixing(config, layer), norm(), ChannelMixing(config)

    def forward(self, x, first_values):
        x = self.pre_norm(x) if hasattr(self, "pre_norm") else x
        y, first_values = self.attn(self.attn_norm(x), first_values)
        x = x + y
        return x + self.ffn(self.ffn_norm(x)), first_values


class Rwkv7ForCausalLM(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, self.model = config, nn.Module()
        self.model.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.model.layers = nn.ModuleList(Block(config, layer) for layer in range(config.num_hidden_layers))
        self.model.norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.model.embeddings.weight

    def forward(self, input_ids):
        x, first_values = self.model.embeddings(input_ids), None
        for block in self.model.layers:
            x, first_values = block(x, first_values)
        return SimpleNamespace(logits=self.lm_head(self.model.norm(x)))
