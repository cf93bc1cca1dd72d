/* metric.h - what a metric is, for the files that hold one. */
#ifndef TEXT_METRIC_H
#define TEXT_METRIC_H

#include "text/codes.h"
#include "text/common.h"
#include "text/edits.h"
#include "text/metrics.h"
#include "text/ngrams.h"

typedef struct MetricKind {
  const char *family; /* a word that asks for all of its members; NULL: none */
  int variant;        /* what tells members of a family apart */
  size_t (*statistics)(const Metric *);
  void (*title)(const Metric *, Buffer *);
  void (*signature)(const Metric *, Buffer *); /* "case:mixed|eff:no|" */
  void (*measure)(Metric *, Segment hypothesis, const Segment *references, size_t count, double *row);
  double (*score)(const Metric *, const double *sum);
  void (*details)(const Metric *, const double *sum, Buffer *); /* NULL: none */
} MetricKind;

typedef VEC(size_t) Ends; /* of sentences, in tokens */

struct Metric {
  const char *name; /* as --metric says it */
  const MetricKind *kind;
  const MetricSettings *settings;
  Map *words; /* all words there were, numbered */
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

/* The line in metric->codes, its end trimmed, lower-cased if asked for. */
void metric_line(Metric *, Segment, bool lowercase);
/* Cuts metric->codes at white space: its words' numbers are added to the tokens. */
void metric_words(Metric *, Tokens *);
/* Adds one word, given as bytes. */
void metric_word(Metric *, const char *word, size_t length, Tokens *);

/* metric->codes with spaces at the places where words end: sacrebleu's tokenizers of that name. */
void tokenize_line(Metric *, const char *name);
/* Those of TER, by the settings. */
void tokenize_ter(Metric *);

#endif
