/* metric.h - the interface that each metric implements. */
#ifndef TEXT_METRIC_H
#define TEXT_METRIC_H

#include "text/codes.h"
#include "text/common.h"
#include "text/edits.h"
#include "text/metrics.h"
#include "text/ngrams.h"

typedef struct MetricKind {
  const char *family; /* the name that selects all its members; NULL: none */
  int variant;        /* distinguishes the members of a family */
  size_t (*statistics)(const Metric *);
  void (*title)(const Metric *, Buffer *);
  void (*signature)(const Metric *, Buffer *); /* "case:mixed|eff:no|" */
  void (*measure)(Metric *, Segment hypothesis, const Segment *references, size_t count, double *row);
  double (*score)(const Metric *, const double *sum);
  void (*details)(const Metric *, const double *sum, Buffer *); /* NULL: none */
} MetricKind;

typedef VEC(size_t) Ends; /* sentence ends, as token indices */

struct Metric {
  const char *name; /* as in --metric */
  const MetricKind *kind;
  const MetricSettings *settings;
  Map *words; /* word -> number, of all words so far */
  Codes codes, other;
  Buffer word;
  Tokens hypothesis, reference;
  Ngrams ngrams, word_ngrams;
  Ends hypothesis_ends, reference_ends;
  Common common;
  VEC(char) kept;
  Edits edits;
};

const char *yes_or_no(bool);

/* ---- words (metric_words.c) ---- */

/* Decodes the line to metric->codes, trims its end, and optionally lower-cases it. */
void metric_line(Metric *, Segment, bool lowercase);
/* Splits metric->codes at white space and appends the words' numbers to the tokens. */
void metric_words(Metric *, Tokens *);
/* Appends the number of one word, given as bytes. */
void metric_word(Metric *, const char *word, size_t length, Tokens *);

/* Inserts spaces between the words of metric->codes, as sacrebleu's tokenizer of that name. */
void tokenize_line(Metric *, const char *name);
/* The same with TER's tokenizer, as set by the settings. */
void tokenize_ter(Metric *);

#endif
