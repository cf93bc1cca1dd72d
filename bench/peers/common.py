"""Shared by the comparisons: the shape of SmolLM2-135M, Inkstone's measurement in it, and a vocabulary made without text."""
import json
import os
import re
import subprocess
import time



def shapes(work):
    """The shapes that `inkstone bench all` measures for training or writing: key -> settings, numeric ones as numbers."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "shapes.def"), encoding="utf-8") as f:
        lines = re.findall(rf'^SHAPE\({work}, "([^"]+)", "[^"]+", (.*)\)$', f.read(), flags=re.M)
    number = lambda word: int(word) if word.isdigit() else float(word) if word[0].isdigit() else word
    return {key: {words[i]: number(words[i + 1]) for i in range(0, len(words), 2)} for key, rest in lines for words in [re.findall(r'"([^"]*)"', rest)]}


SHAPE = shapes("writing")["llama-135m"]


def version(inkstone):
    return subprocess.run([inkstone, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def knows_precision(inkstone):
    """Does `inkstone bench` have --precision?"""
    return "--precision" in subprocess.run([inkstone, "bench", "--help"], capture_output=True, text=True, check=True).stdout


def generate(inkstone, prompt, new, threads, precision="f32"):
    """The result of `inkstone bench generate`: reading a prompt and generating, with random weights, in a separate process."""
    time.sleep(0.5)  # the threads of a peer spin for a while
    command = [inkstone, "bench", "generate", "--prompt-tokens", prompt, "--new-tokens", new, "--repeats", 3, "--threads", threads,
               "--json", "-q"]
    for name, value in SHAPE.items():
        command += ["--" + name, value]
    if precision != "f32":
        command += ["--precision", precision]
    return json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout)


def vocabulary(size):
    """Tokens and merges of a byte-level BPE: the 256 bytes in GPT-2's alphabet, an end token, and combinations of two to four letters."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    tokens = [chr(b) for b in plain] + [chr(256 + i) for i in range(256 - len(plain))] + ["<|endoftext|>"]
    letters, merges = "\u0120etaoinsrhldcumfpgwybvkxjqz", []
    longer = list(letters)
    while True:
        shorter, longer = longer, []
        for left in shorter:
            for right in letters[1:]:
                if len(tokens) == size:
                    return tokens, merges
                tokens.append(left + right)
                merges.append((left, right))
                longer.append(left + right)


def weights(kind, names, shape=SHAPE):
    """Names and random values in that shape, matrices in f32 or in bf16 (as uint16); norms stay f32 in GGUF only."""
    import numpy
    draw = numpy.random.default_rng(1)
    width, ffn, kv = shape["width"], shape["ffn"], shape["width"] // shape["heads"] * shape["kv-heads"]

    def make(*sizes):
        values = numpy.ones(sizes, "float32") if len(sizes) == 1 else draw.standard_normal(sizes, "float32") * numpy.float32(0.02)
        return (values.view("uint32") >> 16).astype("uint16") if kind == "bf16" and (len(sizes) > 1 or names is HUB_NAMES) else values

    yield names["table"], make(shape["vocab"], width)  # also the output matrix
    yield names["norm"], make(width)
    shapes = [(width,), (width, width), (kv, width), (kv, width), (width, width), (width,), (ffn, width), (ffn, width), (width, ffn)]
    for i in range(shape["layers"]):
        for name, sizes in zip(names["layer"], shapes):
            yield names["prefix"].format(i) + name + ".weight", make(*sizes)
            if shape["arch"] == "qwen2" and name in names["biased"]:
                yield names["prefix"].format(i) + name + ".bias", make(sizes[0])


GGUF_NAMES = {"table": "token_embd.weight", "norm": "output_norm.weight", "prefix": "blk.{}.", "layer": [
    "attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"], "biased": ["attn_q", "attn_k", "attn_v"]}
HUB_NAMES = {"table": "model.embed_tokens.weight", "norm": "model.norm.weight", "prefix": "model.layers.{}.", "layer": [
    "input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "post_attention_layernorm",
    "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
    "biased": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]}


def write_safetensors(path, kind, shape=SHAPE):
    """Those weights in Hugging Face's format."""
    header, blocks, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, values in weights(kind, HUB_NAMES, shape):
        header[name] = {"dtype": {"f32": "F32", "bf16": "BF16"}[kind], "shape": values.shape, "data_offsets": [at, at + values.nbytes]}
        blocks.append(values)
        at += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in blocks:
            file.write(values.tobytes())


def write_directory(folder, kind, shape=SHAPE):
    """The output of transformers' save_pretrained, written here so that PyTorch is not needed."""
    os.makedirs(folder, exist_ok=True)
    tokens, merges = vocabulary(shape["vocab"])
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    special = {"id": 256, "content": tokens[256], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    files = {
        "tokenizer.json": {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special], "normalizer": None, "pre_tokenizer": byte_level,
            "post_processor": None, "decoder": byte_level, "model": {
                "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                "fuse_unk": False, "byte_fallback": False, "vocab": {t: i for i, t in enumerate(tokens)}, "merges": merges}},
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": tokens[256], "clean_up_tokenization_spaces": False},
        "config.json": {
            "architectures": [{"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}[shape["arch"]]], "model_type": shape["arch"], "torch_dtype": {"f32": "float32", "bf16": "bfloat16"}[kind],
            "vocab_size": shape["vocab"], "hidden_size": shape["width"], "intermediate_size": shape["ffn"],
            "num_hidden_layers": shape["layers"], "num_attention_heads": shape["heads"],
            "num_key_value_heads": shape["kv-heads"], "max_position_embeddings": shape["context"], "hidden_act": "silu",
            "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": True, "bos_token_id": 256, "eos_token_id": 256}}
    if shape["arch"] == "llama":
        files["config.json"].update(attention_bias=False, mlp_bias=False)
    for name, content in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(content, file)
    write_safetensors(os.path.join(folder, "model.safetensors"), kind, shape)


def write_gguf(path, kind):
    """Those weights with that vocabulary in llama.cpp's format."""
    import gguf as library
    width = SHAPE["width"]
    writer = library.GGUFWriter(path, "llama")
    writer.add_context_length(SHAPE["context"])
    writer.add_embedding_length(width)
    writer.add_block_count(SHAPE["layers"])
    writer.add_feed_forward_length(SHAPE["ffn"])
    writer.add_head_count(SHAPE["heads"])
    writer.add_head_count_kv(SHAPE["kv-heads"])
    writer.add_rope_dimension_count(width // SHAPE["heads"])
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(SHAPE["vocab"])
    writer.add_file_type(library.LlamaFileType.ALL_F32 if kind == "f32" else library.LlamaFileType.MOSTLY_BF16)
    tokens, merges = vocabulary(SHAPE["vocab"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([library.TokenType.CONTROL if t == "<|endoftext|>" else library.TokenType.NORMAL for t in tokens])
    writer.add_token_merges([" ".join(m) for m in merges])
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(256)

    for name, values in weights(kind, GGUF_NAMES):
        type_ = library.GGMLQuantizationType.BF16 if values.dtype == "uint16" else None
        writer.add_tensor(name, values.view("uint8") if type_ else values, raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quiet_llama_cpp():
    """Silences its messages. The callback must stay referenced."""
    import llama_cpp as library
    quiet_llama_cpp.callback = library.llama_log_callback(lambda level, text, data: None)
    library.llama_log_set(quiet_llama_cpp.callback, None)


class LlamaCpp:
    """A GGUF model in llama.cpp, used through the C functions that llama-cpp-python exports. exact_cache: keys and values as f32."""

    def __init__(self, path, threads, flash, context=1024, mapped=False, exact_cache=False):
        import llama_cpp as library
        self.library = library
        quiet_llama_cpp()
        library.llama_backend_init()
        given = library.llama_model_default_params()
        given.n_gpu_layers = 0
        given.load_mode = library.LLAMA_LOAD_MODE_MMAP if mapped else library.LLAMA_LOAD_MODE_NONE
        self.model = library.llama_model_load_from_file(path.encode(), given)
        given = library.llama_context_default_params()
        given.n_ctx, given.n_batch, given.n_ubatch = context, 512, 512
        given.n_threads = given.n_threads_batch = threads
        given.flash_attn_type = library.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash else library.LLAMA_FLASH_ATTN_TYPE_DISABLED
        if exact_cache:
            given.type_k = given.type_v = library.GGML_TYPE_F32
        self.context = self.model and library.llama_init_from_model(self.model, given)
        if not self.context:
            raise RuntimeError(f"llama.cpp does not load {path}")

    def close(self):
        self.library.llama_free(self.context)
        self.library.llama_model_free(self.model)

    def decode(self, ids):
        """Processes the ids; returns the logits after the last one."""
        row = (self.library.llama_token * len(ids))(*ids)
        if self.library.llama_decode(self.context, self.library.llama_batch_get_one(row, len(ids))):
            raise RuntimeError("llama_decode failed")
        return self.library.llama_get_logits_ith(self.context, -1)

    def decode_all(self, ids):
        """Processes the ids; returns an array of the logits after each of them."""
        import numpy
        first = self.library.llama_memory_seq_pos_max(self.library.llama_get_memory(self.context), 0) + 1
        batch = self.library.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, first + i, 1, True
            batch.seq_id[i][0] = 0
        failed = self.library.llama_decode(self.context, batch)
        self.library.llama_batch_free(batch)
        if failed:
            raise RuntimeError("llama_decode failed")
        return numpy.ctypeslib.as_array(self.library.llama_get_logits(self.context), (len(ids), self.vocabulary()))

    def vocabulary(self):
        return self.library.llama_vocab_n_tokens(self.library.llama_model_get_vocab(self.model))

    def begin(self):
        """The token before a text, as a list; empty if the model has none."""
        vocabulary = self.library.llama_model_get_vocab(self.model)
        return [self.library.llama_vocab_bos(vocabulary)] if self.library.llama_vocab_get_add_bos(vocabulary) else []

    def forget(self):
        self.library.llama_memory_clear(self.library.llama_get_memory(self.context), False)

    def vocabulary(self):
        return self.library.llama_vocab_n_tokens(self.library.llama_model_get_vocab(self.model))

    def tokenize(self, text):
        row = (self.library.llama_token * 1024)()
        count = self.library.llama_tokenize(self.library.llama_model_get_vocab(self.model), text, len(text), row, 1024, False, False)
        return row[:count]


def llama_cpp_version():
    import llama_cpp
    built = llama_cpp.llama_print_system_info().decode()
    built = " ".join(p.strip().split(" = ")[0].split()[-1] for p in built.split("|") if p.strip().endswith("= 1"))
    return f"llama.cpp {llama_cpp.llama_version().decode()} of llama-cpp-python {llama_cpp.__version__} ({built})"
