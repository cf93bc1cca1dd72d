#!/usr/bin/env python3
"""Every key of every configuration class that transformers has for our architectures. Development only.

    test_config_keys.py CONFIG_ECHO [MODEL_TYPE...]      exit 1 where something differs, 77 where transformers is absent

1. What an architecture's table says of a key that a file lacks is what the class says.
2. A file that spells out what the class has for a key means the same as one without it, for every key, also those that no
   table has because an architecture reads them in its own way.
3. A key of the class whose change changes what transformers computes is read, so that our shape changes too, or refused by
   its name: never passed over. Each key is changed to several other values in a tiny model with the same weights.
"""
import copy
import inspect
import json
import os
import subprocess
import sys
import tempfile
import warnings

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
warnings.filterwarnings("ignore")
echo = sys.argv[1]
try:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM
except ImportError as missing:
    print("SKIP:", missing)
    sys.exit(77)

scratch = tempfile.TemporaryDirectory()
os.chdir(scratch.name)
torch.set_num_threads(1)
failed = []
TABLES = [json.loads(line) for line in subprocess.run([echo], capture_output=True, text=True, check=True).stdout.splitlines()]
# A model that is quick: by the end of a key's name.
SMALL = {"vocab_size": 64, "n_layer": 2, "num_hidden_layers": 2, "n_embd": 32, "hidden_size": 32, "n_head": 4, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 48, "max_position_embeddings": 64, "n_positions": 64,
         "decoder_layers": 2, "encoder_layers": 2, "d_model": 32, "decoder_attention_heads": 4, "encoder_attention_heads": 4,
         "decoder_ffn_dim": 48, "encoder_ffn_dim": 48, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3, "decoder_start_token_id": 3,
         "num_layers": 2, "num_heads": 4, "ffn_dim": 48, "window_size": 5, "attention_types": [[["local", "global"], 1]],
         "rotary_dim": 4, "query_pre_attn_scalar": 8, "sliding_window": 5}
# Of no consequence to a forward pass over given tokens, though it may change what is built: the numbers' type, training.
NOT_COMPUTED = {"model_type", "dtype", "torch_dtype", "transformers_version", "_name_or_path", "_attn_implementation", "architectures",
                "output_hidden_states", "output_attentions", "return_dict", "id2label", "label2id", "num_labels"}


def complain(*what):
    print("DIFFERENT:", *what)
    failed.append(" ".join(what[:2]))


def ours(values):
    with open("config.json", "w") as out:
        json.dump(values, out)
    result = subprocess.run([echo, "config.json", "out.json"], capture_output=True, text=True)
    return json.load(open("out.json")) if result.returncode == 0 else result.stderr.strip()


def class_default(cls, key):
    """What the class has where nothing is given, before it derives anything."""
    for base in cls.__mro__:
        if key in base.__dict__ and not isinstance(base.__dict__[key], property):
            return True, base.__dict__[key]
    parameter = inspect.signature(cls.__init__).parameters.get(key)
    if parameter is not None and parameter.default is not parameter.empty:
        return True, parameter.default
    whole = cls().to_dict()
    rope = whole.get("rope_parameters") or {}
    if key in rope:
        return True, rope[key]
    return key in whole, whole.get(key)


def check_defaults(table):
    cls = type(AutoConfig.for_model(table["model_type"]))
    for k in table["keys"]:
        key, otherwise = k["key"], k["otherwise"]
        known, wanted = class_default(cls, key)
        if not known:
            continue  # of older files; test_config.py has what it does
        if otherwise is None:
            complain(table["model_type"], key, "must be there, transformers has", wanted)
        # None: derived from the others, or no such token; ours say 0 or -1 then
        elif wanted is None and otherwise in (0, -1) or wanted == otherwise or key == "head_dim" and otherwise == 0:
            pass
        elif not isinstance(wanted, (int, float)):
            complain(table["model_type"], key, "is", otherwise, "and no number in transformers:", wanted)
        else:
            complain(table["model_type"], key, "is", otherwise, "by default, transformers has", wanted)


def check_spelled_out(table):
    model_type = table["model_type"]
    absent = ours({"model_type": model_type})
    whole = AutoConfig.for_model(model_type).to_dict()
    for key, value in whole.items():
        if key.endswith("_token_id") and isinstance(value, int) and value >= whole["vocab_size"]:
            continue  # a default that its own vocabulary lacks is dropped, spelled out it is refused
        found = ours({"model_type": model_type, key: value}) if key != "model_type" else absent
        if found != absent:
            differs = found if isinstance(found, str) else {k: (absent.get(k), v) for k, v in found.items() if absent.get(k) != v}
            complain(model_type, key, json.dumps(value), "as the class has it is not what a file without it means:", differs)


def others(key, value):
    """Other values of a key, of which some may be no values that the class takes."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, 2 * value, max(value // 2, 1)]
    if isinstance(value, float):
        return [value / 2 if value else 0.5, 2.0 * value + 0.25, 30.0]
    if isinstance(value, str):
        return [v for v in ("relu", "silu", "gelu", "gelu_new", "gelu_pytorch_tanh") if v != value]
    if isinstance(value, list):
        kinds = ["full_attention", "sliding_attention"]
        return [[kinds[0]] * len(value), [kinds[1]] * len(value)] if value and value[0] in kinds else [value[:-1]]
    if isinstance(value, dict) and "rope_type" in value:
        return [dict(value, rope_theta=77.0), dict(value, rope_type="linear", factor=3.0), dict(value, rope_type="dynamic", factor=3.0),
                dict(value, rope_type="yarn", factor=3.0), dict(value, partial_rotary_factor=0.5),
                dict(value, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)]
    if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
        return [dict(value, **{k: other}) for k, v in value.items() for other in others(k, v)]
    if value is None:
        return [5, 0.5, True, 30.0, {"rope_type": "linear", "factor": 3.0}]
    return []


class Machine:
    """A tiny model of a class, and what it computes of one text."""

    def __init__(self, table):
        self.encodes = table["encodes"]
        known = AutoConfig.for_model(table["model_type"]).to_dict()
        self.values = {"model_type": table["model_type"]} | {k: v for k, v in SMALL.items() if k in known}
        if "sliding_window" in known and known["sliding_window"] is None:
            del self.values["sliding_window"]
        if "decoder_vocab_size" in known:
            self.values["decoder_vocab_size"] = self.values["vocab_size"]
        self.ids = torch.randint(4, 64, (2, 24), generator=torch.Generator().manual_seed(1))
        model = self.build(self.values)
        generator = torch.Generator().manual_seed(2)
        # No weight at its initial value: a norm's 1 and a bias of 0 would hide what is done with them.
        self.weights = {k: v + 0.1 * torch.randn(v.shape, generator=generator) if v.is_floating_point() else v
                        for k, v in model.state_dict().items()}
        self.expected = self.logits(self.values)

    def build(self, values):
        config = AutoConfig.for_model(**copy.deepcopy(values))
        config._attn_implementation = "eager"
        torch.manual_seed(0)
        return (AutoModelForSeq2SeqLM if self.encodes else AutoModelForCausalLM).from_config(config).eval()

    def logits(self, values):
        model = self.build(values)
        model.load_state_dict(self.weights)
        with torch.no_grad():
            more = {"decoder_input_ids": self.ids[:, :12]} if self.encodes else {}
            return model(input_ids=self.ids, use_cache=False, **more).logits

    def changes(self, values):
        """None: the class does not take these values."""
        try:
            got = self.logits(values)
        except RuntimeError as problem:
            return True if "size mismatch" in str(problem) or "key(s) in state_dict" in str(problem) else None
        except Exception:
            return None
        most = max(1.0, float(self.expected.abs().max()))  # another order of the same sums is no change
        return not torch.allclose(got, self.expected, rtol=1e-4, atol=1e-5 * most)


def check_effects(table):
    machine = Machine(table)
    base = ours(machine.values)
    if isinstance(base, str):
        return complain(table["model_type"], "tiny", base)
    tried = effective = 0
    keys = AutoConfig.for_model(**machine.values).to_dict()
    for key, value in AutoConfig.for_model(table["model_type"]).to_dict().items():
        keys.setdefault(key, value)
    for key, value in keys.items():
        if key in NOT_COMPUTED:
            continue
        for other in others(key, value):
            values = machine.values | {key: other}
            changes = machine.changes(values)
            tried += changes is not None
            if not changes:
                continue
            effective += 1
            found = ours(values)
            if isinstance(found, str):
                if key not in found and not any(k in found for k in ("heads", "width", "embedding", "rotary")):
                    complain(table["model_type"], key, json.dumps(other), "is refused without its name:", found)
            elif found == base:
                complain(table["model_type"], key, json.dumps(other), "changes what transformers computes and is passed over")
    print(f"{table['model_type']}: {len(keys)} keys, {tried} other values, {effective} of which change the logits")


for table in TABLES:
    unknown = table["model_type"].startswith("inkstone_") or table["model_type"] == "rwkv7"  # to transformers
    if unknown or (sys.argv[2:] and table["model_type"] not in sys.argv[2:]):
        continue
    check_defaults(table)
    check_spelled_out(table)
    check_effects(table)
print("failed:", failed or "nothing")
sys.exit(1 if failed else 0)
