/* Any bytes read with the plan proposed for them or a fixed one, in pieces of
 * any size: the pieces change nothing, and rows taken and refused add up. */
#include <stdlib.h>

#include "../../unit/intake/collect.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char fixed[] = "t,place,v,s,b,n\n2021-01-01 10:00,A,1,a,true,9007199254740993\n2021-01-01 10:00,B,2,b,false,2\n"
		"2021-01-02 10:00,A,1,a,true,3\n2021-01-02 10:00,B,2,a,false,2\n";
	if (n < 2)
		return 0;
	struct arena a;
	struct intake_plan plan;
	struct collect whole = {0}, cut = {0};
	struct diag d;
	struct span text = span_of(p + 2, n - 2);
	arena_init(&a, 0);
	struct span head = p[0] & 1 ? span_of(fixed, sizeof(fixed) - 1) : text;
	if (intake_propose(&plan, &a, head, true, "x.csv", "en", &d) == 0 && collect_read(&whole, &plan, NULL, text, 0, &d) == 0) {
		if (collect_read(&cut, &plan, NULL, text, (size_t)p[1] + 1, &d))
			abort();
		if (!span_eq(buf_span(&whole.out), buf_span(&cut.out)) || !span_eq(buf_span(&whole.refused), buf_span(&cut.refused)))
			abort();
		if (cut.counts.rows != whole.counts.rows || cut.counts.refused != cut.refused_rows || cut.counts.refused > cut.counts.rows)
			abort();
	}
	collect_free(&whole);
	collect_free(&cut);
	arena_free(&a);
	return 0;
}
