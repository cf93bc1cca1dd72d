/* program.h - a grammar compiled to instructions of a pushdown automaton over bytes (Thompson 1968, with
 * calls): what automaton.h runs. */
#ifndef GRAMMAR_PROGRAM_H
#define GRAMMAR_PROGRAM_H

#include "grammar/byte_tables.h"
#include "grammar/grammar.h"

typedef enum OpCode {
  OP_BYTE,   /* reads the byte a */
  OP_SET,    /* reads a byte by table a; the set's further tables are at b, b + 1, ...; then on at c */
  OP_JUMP,   /* on at a */
  OP_SPLIT,  /* on at a and at b */
  OP_CALL,   /* the rule at a; then the next instruction */
  OP_RETURN, /* to the caller; from the start: the text may end */
  OP_LOOP,   /* the instructions behind it, a to b times (b < 0: any number); then on at c */
  OP_AGAIN,  /* the end of a loop's instructions: its OP_LOOP is at a */
  OP_FAIL    /* no text */
} OpCode;

typedef struct Instruction {
  OpCode op;
  int32_t a, b, c;
} Instruction;

enum { PROGRAM_MOST = 1000000 };

typedef struct Program {
  VEC(Instruction) code;
  ByteTables tables;
  int32_t start;
  uint8_t column[256]; /* bytes that no instruction tells apart have the same one */
  int32_t columns;
} Program;

/* NULL: an error of the grammar, such as left recursion, or a size beyond the limits. */
Program *program_compile(const Grammar *, Error *);
void program_free(Program *);

#endif
