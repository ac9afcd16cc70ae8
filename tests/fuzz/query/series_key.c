/* A key taken apart and put together again is the key. */
#include <stdlib.h>

#include "query/priv/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct key_parts k;
	struct buf b;
	if (key_split(&k, span_of(p, n)) != 0)
		return 0;
	buf_init(&b, 0);
	buf_add(&b, k.measurement);
	for (size_t i = 0; i < k.n_tags; i++) {
		buf_addc(&b, ',');
		buf_add(&b, k.tags[i].key);
		buf_addc(&b, '=');
		buf_add(&b, k.tags[i].value);
	}
	buf_addc(&b, ' ');
	buf_add(&b, k.field);
	if (!span_eq(buf_span(&b), span_of(p, n)))
		abort();
	buf_reset(&b);
	key_plain(&b, k.measurement);
	if (b.n > k.measurement.n)
		abort();
	buf_free(&b);
	return 0;
}
