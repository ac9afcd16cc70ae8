/* What is read and written again reads the same. */
#include <stdlib.h>

#include "base/civil.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char out[32];
	int64_t t = 0, back = 0;
	if (rfc3339_parse(&t, span_of(p, n)) != 0)
		return 0;
	size_t len = rfc3339_format(out, t);
	if (len >= sizeof out || rfc3339_parse(&back, span_of(out, len)) != 0 || back != t)
		abort();
	return 0;
}
