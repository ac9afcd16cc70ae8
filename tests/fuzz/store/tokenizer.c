/* The search tokenizer over any bytes: positions agree between what is indexed
 * and what is asked for, offsets stay inside the text, terms stay in bounds. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "store/priv/tokenizer.h"

#define POSITIONS_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct seen {
	size_t text_n;
	size_t positions, from[POSITIONS_MAX];
	bool query;
};

static void expect(bool ok)
{
	if (!ok)
		abort();
}

static int note(void *arg, struct span token, bool colocated, size_t from, size_t to)
{
	struct seen *s = arg;
	expect(token.n > 0 && token.n <= TOKEN_BYTES_MAX && utf8_valid(token));
	expect(from <= to && to <= s->text_n);
	expect(!colocated || (!s->query && s->positions > 0));
	if (!colocated) {
		if (s->positions < POSITIONS_MAX)
			s->from[s->positions] = from;
		s->positions++;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct seen index, query;
	index = (struct seen){.text_n = n};
	query = (struct seen){.text_n = n, .query = true};
	expect(tokenizer_run(span_of(p, n), false, note, &index) == 0);
	expect(tokenizer_run(span_of(p, n), true, note, &query) == 0);
	expect(index.positions == query.positions);
	for (size_t i = 0; i < index.positions && i < POSITIONS_MAX; i++)
		expect(index.from[i] == query.from[i]);
	return 0;
}
