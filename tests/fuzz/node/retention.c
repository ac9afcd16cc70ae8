/* Any bytes as rules of retention: what is taken keeps its bounds, no two rules are for the same, and a limit lies before now; what is not is refused
 * in words. */
#include <stdlib.h>

#include "node/retention.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const int64_t now = 20000 * NS_PER_DAY;
	struct retention r;
	struct diag d = {0};
	struct arena a;
	arena_init(&a, 4u << 20);
	int err = retention_read(&r, &a, span_of(p, n), &d);
	if (err != 0 && (d.msg == MSG_NONE || d.err != err))
		abort();
	for (size_t i = 0; err == 0 && i < r.n; i++) {
		const struct retention_rule *x = &r.rules[i];
		if (x->keep_days < retention_days_min(x->class) || (x->asset.n && !retention_by_asset(x->class)) || x->keep_days > RETENTION_DAYS_MAX || x->class >= RETENTION_CLASSES || x->asset.n > RETENTION_ASSET_MAX)
			abort();
		if (retention_before(&r, x->class, x->asset, now) != now - x->keep_days * NS_PER_DAY && x->asset.n)
			abort();
		for (size_t k = 0; k < i; k++)
			if (r.rules[k].class == x->class && span_eq(r.rules[k].asset, x->asset))
				abort();
	}
	arena_free(&a);
	return 0;
}
