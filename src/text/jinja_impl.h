/* jinja_impl.h - values, syntax tree and state of the template interpreter (jinja.h).
 *
 * Errors unwind to jinja_parse or jinja_render (work_fail); memory is that of an arena, freed at the end.
 * Values cannot change, as in the sandbox, except namespaces and iterators. */
#ifndef TEXT_JINJA_IMPL_H
#define TEXT_JINJA_IMPL_H

#include <string.h>

#include "base/arena.h"
#include "text/jinja.h"

/* ---- values ---- */

typedef enum ValueType {
  V_MISSING, /* an argument that was not given */
  V_UNDEFINED,
  V_NONE,
  V_BOOL,
  V_INT,
  V_FLOAT,
  V_STRING,
  V_ESCAPED, /* Markup: the result of |e */
  V_LIST,
  V_TUPLE,
  V_RANGE,
  V_VIEW,     /* of a dict: keys(), values(), items() */
  V_ITERATOR, /* of a filter such as map: can be read once */
  V_DICT,
  V_NAMESPACE,
  V_LOOP,
  V_MACRO,
  V_METHOD,
  V_FUNCTION
} ValueType;

typedef struct Value {
  ValueType type;
  union {
    bool truth;
    int64_t integer;
    double real;
    const char *text; /* with its length; V_UNDEFINED: what an error says, NUL-terminated */
    struct List *list;
    struct Dict *dict;
    struct Loop *loop;
    struct Macro *macro;
    struct Method *method;
    const struct Callable *function;
  };
  size_t length;
} Value;

typedef struct List {
  Value *items;
  size_t count, capacity;
  size_t next; /* of an iterator */
} List;

typedef struct Dict { /* in order of insertion */
  List keys, values;
} Dict;

typedef struct Keyword {
  const char *name;
  Value value;
} Keyword;
typedef struct Args {
  Value *items;
  Keyword *named;
  size_t count, named_count;
} Args;

enum { MOST_PARAMETERS = 4 };

/* A filter, test, method or function. */
struct Work;
typedef struct Callable {
  const char *name;
  const char *parameters; /* after the value itself: "needed|optional", by spaces; "*": any, left in Args */
  Value (*run)(struct Work *, const Value *v, const Args *); /* v[0]: the value, v[1]...: parameters */
} Callable;

#define CALLABLE(name, result)                                   \
  static Value name(Work *w, const Value *v, const Args *args) { \
    return result;                                               \
  }

typedef struct Method {
  Value self;
  const Callable *callable;
} Method;

/* ---- syntax tree ---- */

typedef enum NodeKind {
  /* expressions */
  N_CONST,
  N_NAME,
  N_LIST,
  N_TUPLE,
  N_DICT,
  N_NOT,
  N_NEGATIVE,
  N_POSITIVE,
  N_AND,
  N_OR,
  N_IF_ELSE,
  N_COMPARE,
  N_BINARY,
  N_CONCAT,
  N_ATTRIBUTE,
  N_ITEM,
  N_SLICE,
  N_CALL,
  N_FILTER,
  N_TEST,
  /* statements */
  N_OUTPUT,
  N_FOR,
  N_IF,
  N_SET,
  N_SET_BLOCK,
  N_MACRO,
  N_CALL_BLOCK,
  N_FILTER_BLOCK,
  N_WITH,
  N_GENERATION,
  N_BREAK,
  N_CONTINUE
} NodeKind;

typedef enum Operator {
  O_ADD,
  O_SUBTRACT,
  O_MULTIPLY,
  O_DIVIDE,
  O_FLOOR,
  O_MODULO,
  O_POWER,
  O_EQUAL,
  O_UNEQUAL,
  O_LESS,
  O_LESS_EQUAL,
  O_GREATER,
  O_GREATER_EQUAL,
  O_IN,
  O_NOT_IN
} Operator;

typedef struct Node {
  NodeKind kind;
  Operator op; /* also of a member of a chain of comparisons */
  int line;
  const char *name;       /* variable, attribute, filter, test, keyword */
  Value value;            /* constant */
  struct Node *a, *b;     /* operands; target and source of a statement */
  struct Node *c;         /* test of `for`, step of a slice */
  struct Node *args;      /* operands, parameters; linked by `next` */
  struct Node *body;      /* statements */
  struct Node *otherwise; /* else */
  struct Node *next;
} Node;

struct Jinja {
  Arena *arena;
  Node *body;
};

/* ---- state ---- */

typedef struct Text { /* grows in the arena */
  char *data;
  size_t length, capacity;
} Text;

typedef struct Scope {
  struct Scope *parent;
  struct Binding *bindings;
} Scope;

typedef struct Macro {
  const Node *node;
  Scope *scope;
} Macro;

typedef struct Loop {
  const Node *node;
  Scope *scope; /* around it */
  Value source;
  const List *list;
  size_t taken;  /* items of the source that were looked at */
  List accepted; /* those that passed the test */
  size_t index;
  Value changed;
} Loop;

typedef struct Work {
  jmp_buf place;
  Arena *arena;
  Error *err;
  Scope *scope;
  Text *out, top;
  Value block; /* what the filters of {% set %} and {% filter %} apply to */
  JinjaSpans *generated;
  size_t bytes;
  int64_t steps;
  int depth, line;
} Work;

_Noreturn void work_fail(Work *, const char *format, ...) PRINTF(2, 3);
_Noreturn void work_raise(Work *, Value message); /* raise_exception */
void *work_alloc(Work *, size_t bytes);           /* zeroed */
void work_step(Work *, size_t work);              /* fails after too many */
void work_enter(Work *);                          /* one level deeper: fails if too deep */
void work_leave(Work *);

void text_add(Work *, Text *, const char *bytes, size_t length);
void text_adds(Work *, Text *, const char *);
Value text_value(const Text *);

Node *jinja_tree(Work *, const char *text, size_t length); /* parses */

/* ---- tokens ---- */

typedef enum TokenType {
  T_DATA,
  T_OUTPUT,
  T_BLOCK,
  T_END,
  T_NAME,
  T_CONST,
  T_STRING,
  T_OPERATOR,
  T_EOF
} TokenType;
typedef struct Token {
  TokenType type;
  int line;
  const char *text; /* name, operator: NUL-terminated */
  Value value;      /* data, number, string */
} Token;
typedef struct Tokens {
  Token *items;
  size_t count, capacity;
} Tokens;
void jinja_lex(Work *, const char *text, size_t length, Tokens *);
void *work_grow(Work *, void *items, size_t *capacity, size_t count, size_t size); /* room for one more */

/* ---- operations on values ---- */

Value value_bool(bool);
Value value_int(int64_t);
Value value_real(double);
Value value_string(const char *text, size_t length); /* shares the bytes */
Value value_texts(const char *text);
Value value_undefined(Work *, const char *format, ...) PRINTF(2, 3);
Value value_list(ValueType, List *);
Value value_json(Work *, const json_t *);

List *list_new(Work *);
void list_add(Work *, List *, Value);
Dict *dict_new(Work *);
void dict_put(Work *, Dict *, Value key, Value);
const Value *dict_find(Work *, const Dict *, Value key); /* NULL: none */

const char *value_type(Value); /* as Python names it */
bool value_true(Value);
bool value_is_text(Value);
bool value_is_number(Value);
bool value_is_iterable(Value);
double value_double(Value);
int64_t value_index(Work *, Value, const char *what); /* an int */
bool value_equal(Work *, Value, Value);
int value_order(Work *, Value, Value, const char *operator); /* < 0, 0, > 0 */
int64_t value_length(Work *, Value);
List *value_items(Work *, Value); /* of an iterable; reads iterators */
bool value_in(Work *, Value item, Value container);
void value_print(Work *, Value, Text *); /* str() */
void value_repr(Work *, Value, Text *);
void value_tojson(Work *, Value, Value indent, const Value *separators, bool ascii, bool sort, Text *);
Value value_str(Work *, Value); /* as a V_STRING */
void real_print(Work *, double, Text *);

/* Code points. */
size_t text_offset(const char *text, size_t length, int64_t characters);
int64_t text_count(const char *text, size_t length);
Value text_case(Work *, Value,
                char how); /* 'u'pper, 'l'ower, 'c'apitalize, 't'itle; 'w': its first letter upper */
Value text_strip(Work *, Value, Value chars, bool left, bool right);
Value text_replace(Work *, Value text, Value old, Value with, int64_t most);
List *text_lines(Work *, Value);
Value text_escape(Work *, Value); /* for HTML: V_ESCAPED */

Value value_attribute(Work *, Value, const char *name);
Value value_item(Work *, Value, Value index);
Value value_slice(Work *, Value, const Value bounds[3]);
Value value_binary(Work *, Operator, Value, Value);

Value call_callable(Work *, const char *kind, const Callable *, Value self, const Args *);
Value call_value(Work *, Value function, const Args *);
const Callable *method_find(Work *, Value, const char *name); /* NULL: Python has none */
const Callable *function_find(Work *, const char *name);
Value filter_run(Work *, const char *name, Value, const Args *);
bool test_run(Work *, const char *name, Value, const Args *);
Value format_run(Work *, Value format, Value arguments); /* format % arguments */

Value eval(Work *, const Node *);
Value loop_attribute(Work *, Loop *, const char *name);
void scope_set(Work *, Scope *, const char *name, Value);

#endif
