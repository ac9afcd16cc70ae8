/* Reading agrees with the C library, and what is written reads back. */
#include <math.h>
#include <stdlib.h>

#include "base/num.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s = span_of(p, n);
	char out[32], text[4096];
	double v = 0, back = 0;
	int64_t i = 0, again = 0;
	int err = num_f64(&v, s);
	if (n < sizeof text && err != MO_EINVAL) {
		memcpy(text, p, n);
		text[n] = '\0';
		char *end;
		double want = strtod(text, &end);
		if (end != text + n || (err ? !isinf(want) : memcmp(&want, &v, sizeof v) != 0))
			abort();
	}
	if (err == 0) {
		size_t len = num_format_f64(out, v);
		if (num_f64(&back, span_of(out, len)) != 0 || memcmp(&back, &v, sizeof v) != 0)
			abort();
	}
	if (num_i64(&i, s) == 0) {
		size_t len = num_format_i64(out, i);
		if (num_i64(&again, span_of(out, len)) != 0 || again != i || num_f64(&v, s) != 0)
			abort();
	}
	if (n >= sizeof v) {
		memcpy(&v, p, sizeof v);
		size_t len = num_format_f64(out, v);
		if (isfinite(v) && (num_f64(&back, span_of(out, len)) != 0 || memcmp(&back, &v, sizeof v) != 0))
			abort();
	}
	return 0;
}
