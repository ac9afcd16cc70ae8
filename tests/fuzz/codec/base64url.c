/* base64url and hex: any bytes survive there and back, any accepted text is the one spelling of its bytes. */
#include <stdlib.h>

#include "codec/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = span_of(p, n);
	struct buf a, b;
	buf_init(&a, 0);
	buf_init(&b, 0);
	base64url_encode(&a, in);
	if (base64url_decode(&b, buf_span(&a)) || !span_eq(buf_span(&b), in))
		abort();
	buf_reset(&a);
	buf_reset(&b);
	if (base64url_decode(&a, in) == 0) {
		base64url_encode(&b, buf_span(&a));
		if (!span_eq(buf_span(&b), in))
			abort();
	} else if (a.n) {
		abort();
	}
	buf_reset(&a);
	buf_reset(&b);
	hex_encode(&a, in);
	if (hex_decode(&b, buf_span(&a)) || !span_eq(buf_span(&b), in))
		abort();
	buf_reset(&a);
	if (hex_decode(&a, in) == 0 && a.n * 2 != n)
		abort();
	buf_free(&a);
	buf_free(&b);
	return 0;
}
