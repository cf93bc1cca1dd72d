/* shapes.c - shapes that other programs are measured in, too: what `inkstone bench all` goes through. */
#include "models/model.h"

const KnownShape known_shapes[] = {
    {"gpt2, 30M parameters",
     false,
     {"arch", "gpt2", "layers", "6", "width", "384", "heads", "6", "vocab", "50304", "context", "256",
      "batch", "4"}},
    {"llama, 6M",
     false,
     {"arch", "llama", "layers", "6", "width", "256", "heads", "8", "ffn", "688", "context", "256", "batch",
      "8"}},
    {"marian, Multi30k's",
     false,
     {"arch", "marian", "layers", "4", "width", "128", "heads", "4", "ffn", "256", "vocab", "10000",
      "context", "16", "batch", "256", "dropout", "0.3"}},
    {"lstm, 2 x 650",
     false,
     {"arch", "lstm", "layers", "2", "width", "650", "vocab", "10000", "context", "35", "batch", "20"}},
    {"llama, 135M",
     true,
     {"arch", "llama", "layers", "30", "width", "576", "heads", "9", "kv-heads", "3", "ffn", "1536", "vocab",
      "49152", "context", "2048"}},
    {"llama, 135M, bf16",
     true,
     {"arch", "llama", "layers", "30", "width", "576", "heads", "9", "kv-heads", "3", "ffn", "1536", "vocab",
      "49152", "context", "2048", "precision", "bf16"}},
    {0}};
