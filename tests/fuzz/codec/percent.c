/* Percent coding: any bytes survive there and back in both dialects. */
#include <stdlib.h>

#include "codec/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);
	struct buf a, b;
	buf_init(&a, 0);
	buf_init(&b, 0);
	for (int plus = 0; plus < 2; plus++) {
		buf_reset(&a);
		buf_reset(&b);
		percent_encode(&a, in);
		if (percent_decode(&b, buf_span(&a), plus) || !span_eq(buf_span(&b), in))
			abort();
		buf_reset(&b);
		if (percent_decode(&b, in, plus) == 0 ? b.n > n : b.n != 0)
			abort();
	}
	buf_free(&a);
	buf_free(&b);
	return 0;
}
