/* turns.h - the turns of a conversation as the public interface has them. */
#ifndef RUN_TURNS_H
#define RUN_TURNS_H

#include "data/layout.h"

/* Fails for an unknown role. `turns` [count] points to the same texts. */
bool turns_of(const ink_turn *said, int count, Turn *turns, Error *);

#endif
