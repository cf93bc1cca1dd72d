/* numeral.h - the value of a number as it is written: 1,250.5, 1.250,5, １２５０, 1.5 million, 150万,
 * 三百二十, twelve. */
#ifndef TEXT_NUMERAL_H
#define TEXT_NUMERAL_H

#include <stdbool.h>
#include <stddef.h>

enum { NUMERAL_READINGS = 4, NUMERAL_CAPACITY = 96 };

/* 1.250 is 1250 or 1.25: which, depends on the language. "billion" is 10^9 or 10^12. */
typedef struct Numeral {
  int count;
  char readings[NUMERAL_READINGS][NUMERAL_CAPACITY]; /* decimal, "-1250.5", without zeros that mean nothing */
  char digits[NUMERAL_CAPACITY];                     /* in their order, as ASCII; "" if it has none */
} Numeral;

/* Reads the text of a span, which is whole: a number, or a word that is one. Digits beyond the capacity are
 * kept by no reading: such numbers are equal if their digits are. */
void numeral_read(Numeral *, const char *text, size_t length);
/* Whether a reading of one is one of the other. */
bool numerals_equal(const Numeral *, const Numeral *);

#endif
