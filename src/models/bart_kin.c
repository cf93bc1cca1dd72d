/* bart_kin.c - families that are BART but for an attribute or two. Pegasus (Zhang et al. 2020): norms before
 * blocks, Marian's sinusoids. M2M100 and NLLB (Fan et al. 2021; NLLB team 2022): norms before blocks,
 * fairseq's sinusoids, no bias of logits. Blenderbot (Roller et al. 2021): norms before blocks, every row of
 * the position table used; the small one: norms after blocks, and in the decoder after the embedding alone.
 * transformers: PegasusForConditionalGeneration, M2M100ForConditionalGeneration,
 * BlenderbotForConditionalGeneration, BlenderbotSmallForConditionalGeneration. */
#include "models/encoder_decoder.h"

static const ConfigKey pegasus_keys[] = {ENCODER_DECODER_KEYS(50265, -1, 1, 0, 0)},
                       m2m_100_keys[] = {ENCODER_DECODER_SIZED_KEYS(12, 12, 1024, 16, 4096, 1024, 1, 128112,
                                                                    0, 2, 1, 2)},
                       blenderbot_keys[] = {ENCODER_DECODER_SIZED_KEYS(2, 24, 2560, 32, 10240, 128, 0, 8008,
                                                                       1, 2, 0, 1)},
                       blenderbot_small_keys[] = {
                           ENCODER_DECODER_SIZED_KEYS(8, 8, 512, 16, 2048, 512, 0, 50265, 1, 2, 0, 1)};

static const EncoderDecoder pegasus = {.names = &encoder_decoder_names,
                                       .pre_norm = true,
                                       .logits_bias = true},
                            m2m_100 = {.names = &encoder_decoder_names,
                                       .pre_norm = true,
                                       .positions = POSITIONS_FAIRSEQ},
                            blenderbot = {.names = &encoder_decoder_names,
                                          .pre_norm = true,
                                          .positions = POSITIONS_TABLE,
                                          .logits_bias = true},
                            blenderbot_small = {.names = &encoder_decoder_names,
                                                .positions = POSITIONS_TABLE,
                                                .embedding_norm = true,
                                                .norm_first = true,
                                                .logits_bias = true};

/* M2M100's positions begin behind the padding token's id, and the first frequencies differ by a factor. */
static bool complete_m2m_100(Config *c, const char *where, Error *err) {
  if (!encoder_decoder_complete(c, where, err)) return false;
  if (c->width < 4)
    return fail_value(err, where, "give at least 4", "a width of %lld is too small", (long long)c->width);
  return c->pad >= 0 || !where ||
         fail(err, "%s: \"pad_token_id\" is missing: positions begin behind it", where);
}

static bool read_m2m_100(Config *c, const json_t *config, const char *where, Error *err) {
  return encoder_decoder_read(c, config, "relu", where, err);
}

/* New models: small embeddings, so that what a layer reads is not mostly its token, which the output would
 * repeat. */
static void begin(Config *c) {
  c->scale_embedding = false;
}

/* transformers' table must have a row for the padding token. */
static void write_m2m_100(const Config *c, json_t *config) {
  encoder_decoder_write_rest(c, config);
  if (c->pad >= c->context) json_put(config, "max_position_embeddings", json_integer(c->pad + 1));
}

#define KIN(name_, type_, class_, complete_, read_, write_)                      \
  static Output forward_##name_(Net *net, const Config *c, const Batch *batch) { \
    return encoder_decoder_forward(net, c, batch, &name_);                       \
  }                                                                              \
  const Arch arch_##name_ = {.name = #name_,                                     \
                             .model_type = type_,                                \
                             .hf_class = class_ "ForConditionalGeneration",      \
                             .keys = name_##_keys,                               \
                             .facts = encoder_decoder_facts,                     \
                             .begin = begin,                                     \
                             .complete = complete_,                              \
                             .read_rest = read_,                                 \
                             .write_rest = write_,                               \
                             .namings = encoder_decoder_namings,                 \
                             .encodes = true,                                    \
                             .presets = encoder_decoder_presets,                 \
                             .forward = forward_##name_}
KIN(pegasus, "pegasus", "Pegasus", encoder_decoder_complete, encoder_decoder_read_rest,
    encoder_decoder_write_rest);
KIN(m2m_100, "m2m_100", "M2M100", complete_m2m_100, read_m2m_100, write_m2m_100);
KIN(blenderbot, "blenderbot", "Blenderbot", encoder_decoder_complete, encoder_decoder_read_rest,
    encoder_decoder_write_rest);
KIN(blenderbot_small, "blenderbot-small", "BlenderbotSmall", encoder_decoder_complete,
    encoder_decoder_read_rest, encoder_decoder_write_rest);
