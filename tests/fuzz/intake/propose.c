/* Any bytes as a file's head: a proposal that is consistent, writes and reads back as JSON, and can be read with; or a refusal that says why. */
#include <stdlib.h>

#include "intake/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(const struct intake_plan *plan, struct arena *a, struct span head)
{
	struct intake_plan again;
	struct intake_cell *cells;
	struct json_writer w;
	struct buf json;
	struct diag d;
	char shape[65];
	size_t rows;
	buf_init(&json, 0);
	json_writer_init(&w, &json);
	intake_plan_write(&w, plan);
	if (json.err || intake_shape(shape, plan))
		abort();
	int e = intake_plan_read(&again, a, buf_span(&json), &d);
	if (e && d.msg != MSG_INTAKE_PLAN_NO_VALUES) /* a table of times alone */
		abort();
	if (e == 0 && (again.n_columns != plan->n_columns || intake_preview(&cells, &rows, a, plan, NULL, head, 5, &d)))
		abort();
	buf_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	struct arena a;
	struct intake_plan plan;
	struct diag d;
	struct span head = span_of(p + 1, n - 1);
	arena_init(&a, 0);
	int e = intake_propose(&plan, &a, head, p[0] & 1, "dir/name.csv", p[0] & 2 ? "ko" : "en", &d);
	if (e == 0)
		check(&plan, &a, head);
	else if (e == MO_EINVAL && d.msg == MSG_NONE)
		abort();
	arena_free(&a);
	return 0;
}
