"""A small model of transformers whose tokenizer begins each text with a space, as SentencePiece does."""
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast


def save_spaced(directory, texts, alphabet=""):
    pieces = Tokenizer(models.BPE(unk_token="<unk>"))
    pieces.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    pieces.decoder = decoders.Metaspace(prepend_scheme="first", split=False)
    pieces.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"],
                                                          initial_alphabet=list(alphabet)))
    begin, end = (pieces.token_to_id(token) for token in ("<s>", "</s>"))
    pieces.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", begin)])
    PreTrainedTokenizerFast(tokenizer_object=pieces, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
                            pad_token="</s>").save_pretrained(directory)
    torch.manual_seed(3)
    LlamaForCausalLM(LlamaConfig(vocab_size=pieces.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                                 num_attention_heads=4, max_position_embeddings=128, bos_token_id=begin, eos_token_id=end,
                                 initializer_range=0.2)).save_pretrained(directory)
