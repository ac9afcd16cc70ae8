/* Everything that reads text of unknown origin: composing, counting, final sounds, units, diags, uuids. */
#include <stdlib.h>

#include "base/diag.h"
#include "base/unit.h"
#include "base/utf8.h"
#include "base/uuid.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s = span_of(p, n);
	struct buf once, twice;
	struct uuid u;
	char out[40];
	buf_init(&once, 0);
	buf_init(&twice, 0);
	size_t bad = utf8_check(s);
	if (bad > n || utf8_count(s) > n || !utf8_valid(span_sub(s, 0, bad)))
		abort();
	utf8_compose_hangul(&once, s);
	if (once.err == 0 && (once.n > n || utf8_valid(buf_span(&once)) != (bad == n)))
		abort();
	utf8_initials(&twice, s);
	if (twice.err == 0 && twice.n != n)
		abort();
	int sound = utf8_final_sound(s);
	if (sound < 0 || sound > 2)
		abort();
	diag_copy(out, sizeof out, s);
	if (!utf8_valid(span_str(out)))
		abort();
	unit_find(s);
	if (uuid_parse(&u, s) == 0) {
		struct uuid again;
		uuid_format(out, &u);
		if (uuid_parse(&again, span_str(out)) != 0 || !uuid_eq(&u, &again))
			abort();
	}
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
