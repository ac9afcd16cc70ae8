/* Any bytes as TZif; whatever parses must answer everywhere without harm, and local time must lead back. */
#include <stdlib.h>

#include "base/civil.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const int64_t seconds[] = {-9223372036, -5000000000, -2208988800, -1, 0, 547578000, 1000000000, 1772953199, 1793512800,
		4102444800, 9223372035};
	struct zone *z = NULL;
	if (zone_parse(&z, span_of(p, n)) != 0)
		return 0;
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
		struct civil c;
		int64_t t = seconds[i] * NS_PER_S, back = 0;
		int kind = -1;
		zone_local(&c, z, t);
		int err = zone_to_ns(&back, &kind, z, &c);
		/* Near the ends of int64 ns the local year may lie outside. */
		if (err && err != MO_ELIMIT)
			abort();
		if (err == 0 && (kind < 0 || kind > 1 || back > t || (kind == 0 && back != t)))
			abort();
	}
	zone_free(z);
	return 0;
}
