/* The generated table of messages (tools/words.py c). */
#ifndef MO_API_WORDS_TABLE_H
#define MO_API_WORDS_TABLE_H

#include "base/words.h"

struct words_row {
	const char *id, *ko, *en;
};
extern const struct words_row words_table[MSG_COUNT];

#endif
