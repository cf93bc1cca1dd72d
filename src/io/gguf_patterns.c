/* gguf_patterns.c - how "tokenizer.ggml.pre" cuts words. The patterns are those of the models'
 * tokenizer.json; llama.cpp has others in places, which its own expressions can say (no \p{Lu} within a
 * class, say). To add a name: a line, and a case of tests/text/test_gguf_pre.py. */
#include <string.h>

#include "io/gguf_model.h"

#define ONE_DIGIT    "\\p{N}"
#define THREE_DIGITS "\\p{N}{1,3}"
#define CASELESS     "(?i:" CONTRACTIONS ")"
#define SPACES       "|\\s+(?!\\S)|\\s+"
#define LINES        "|\\s*[\\r\\n]+" SPACES
#define NO_LETTER    "[^\\r\\n\\p{L}\\p{N}]?"
#define OTHERS       "| ?[^\\s\\p{L}\\p{N}]+"
#define CHINESE      "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f\xe3\x82\xa0-\xe3\x83\xbf]+"
/* A word that begins with capitals, or one of capitals, and what may follow either. */
#define CASES(behind) NO_LETTER UPPER "*" LOWER "+" behind "|" NO_LETTER UPPER "+" LOWER "*" behind
#define WORDS_DEEPSEEK                                                                                    \
  "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[" \
  "\\p{P}\\p{S}]+"
#define WORDS_TEKKEN                                                                  \
  "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER \
  "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
/* Not of . , ! ? ... in Latin, Chinese, Arabic and Indic writing. */
#define WORDS_BLOOM \
  " ?[^(\\s|.,!?\xe2\x80\xa6\xe3\x80\x82\xef\xbc\x8c\xe3\x80\x81\xe0\xa5\xa4\xdb\x94\xd8\x8c)]+"

static const GgufPattern patterns[] = {
    {"gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert mpt olmo jais "
     "trillion granite-docling exaone4",
     {WORDS_GPT2},
     false,
     false},
    {"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     {WORDS_CL100K},
     true,
     true},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 stablelm2 hunyuan solar-open megrez grok-2",
     {WORDS_QWEN2},
     false,
     false},
    {"smollm starcoder refact command-r codeshell exaone minerva-7b mellum2",
     {ONE_DIGIT, WORDS_GPT2},
     false,
     false},
    {"dbrx smaug-bpe chatglm-bpe", {WORDS_CL100K}, false, false},
    {"glm4 glm5", {WORDS_CL100K}, false, true},
    {"gpt-4o llama4 kanana2 talkie minimax-m2", {WORDS_O200K}, false, false},
    {"tekken", {WORDS_TEKKEN}, true, true},
    {"deepseek-v3 hunyuan-dense joyai-llm hy_v4",
     {THREE_DIGITS, CHINESE, WORDS_DEEPSEEK "[\\r\\n]*" LINES},
     false,
     false},
    {"spark2_5", {THREE_DIGITS, CHINESE, WORDS_DEEPSEEK "|[\\r\\n]" SPACES, ONE_DIGIT}, false, false},
    {"deepseek-coder",
     {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+",
      "[\xe4\xb8\x80-\xe9\xbe\xa5\xe0\xa0\x80-\xe4\xb8\x80\xea\xb0\x80-\xed\x9f\xbf]+", ONE_DIGIT},
     false,
     false},
    {"qwen35",
     {CASELESS "|" NO_LETTER "[\\p{L}\\p{M}]+|" ONE_DIGIT "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" LINES},
     false,
     false},
    {"minicpm5",
     {THREE_DIGITS, CASELESS "|" NO_LETTER "\\p{L}+|\\p{N}+" OTHERS "[\\r\\n]*" LINES},
     false,
     true},
    {"jais-2",
     {CASELESS
      "|" NO_LETTER "\\p{L}+|" THREE_DIGITS OTHERS
      "[\\r\\n]*|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}"
      "(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}"},
     false,
     false},
    {"tiny_aya cohere2moe", {"\\d{1,3}(?=(?:\\d{3})*\\b)", WORDS_O200K}, false, false},
    {"bailingmoe bailingmoe2 llada-moe",
     {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|" ONE_DIGIT
      "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]" SPACES},
     false,
     false},
    {"seed-coder",
     {CASELESS "|" NO_LETTER "\\p{L}+|" ONE_DIGIT "| ?[^\\s\\p{L}\\p{N}\\r\\n]+" LINES},
     false,
     false},
    {"ufakzeka", {NO_LETTER "\\p{L}+|" ONE_DIGIT OTHERS "[\\r\\n]*" LINES}, false, false},
    {"exaone-moe",
     {CASELESS "|" NO_LETTER "(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|" ONE_DIGIT OTHERS
               "[\\r\\n/]?|\\s*[\\r\\n]" SPACES},
     false,
     false},
    {"laguna", {"[^\\n]+|[\\n]+", WORDS_QWEN2}, false, false},
    {"falcon", {"[\\p{P}\\$\\+<=>\\^~\\|`]+", WORDS_GPT2, "[0-9][0-9][0-9]"}, false, false},
    {"bloom poro-chat gpt3-finnish", {WORDS_BLOOM}, false, false},
    {"viking", {WORDS_BLOOM, ONE_DIGIT}, false, false}};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

const GgufPattern *gguf_pattern(int index) {
  return index < PATTERNS ? &patterns[index] : NULL;
}

/* Whether the list, of names with spaces between them, has the name. */
static bool has_name(const char *list, const char *name) {
  const size_t length = strlen(name);
  for (const char *at = list; length && at; at = strchr(at, ' ')) {
    at += *at == ' ';
    if (!strncmp(at, name, length) && (!at[length] || at[length] == ' ') && !strchr(name, ' ')) return true;
  }
  return false;
}

const GgufPattern *gguf_pattern_named(const char *name) {
  int i = 0;
  while (i < PATTERNS && !has_name(patterns[i].names, name)) i++;
  return gguf_pattern(i);
}

static bool same_patterns(const GgufPattern *p, const char *const *others) {
  for (int i = 0; i <= MOST_PATTERNS; i++) {
    if (!p->patterns[i] || !others[i]) return p->patterns[i] == others[i];
    if (strcmp(p->patterns[i], others[i])) return false;
  }
  return true;
}

const GgufPattern *gguf_pattern_of(const char *const each[MOST_PATTERNS + 1], bool whole) {
  int i = 0;
  while (i < PATTERNS && (patterns[i].whole != whole || !same_patterns(&patterns[i], each))) i++;
  return gguf_pattern(i);
}
