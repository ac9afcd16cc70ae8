/* Any bytes as a person's plan for a file: a plan that holds together, writes and reads back the same; or a refusal that says why. */
#include <stdlib.h>

#include "intake/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void write(struct buf *out, const struct intake_plan *plan)
{
	struct json_writer w;
	buf_init(out, 0);
	json_writer_init(&w, out);
	intake_plan_write(&w, plan);
	if (out->err)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char table[] = "time,a,b\n2021-09-06 10:45,1,x\n2021-09-06 10:46,2,y\n";
	struct arena a;
	struct intake_plan plan, again;
	struct diag d = {0};
	arena_init(&a, 0);
	int e = intake_plan_read(&plan, &a, span_of(p, n), &d);
	if (e == 0) {
		struct buf one, two;
		struct intake_cell *cells;
		size_t rows;
		uint64_t refused;
		char shape[65];
		write(&one, &plan);
		if (intake_plan_read(&again, &a, buf_span(&one), &d) != 0)
			abort();
		write(&two, &again);
		if (!span_eq(buf_span(&one), buf_span(&two)) || intake_shape(shape, &plan) != 0)
			abort();
		/* It need not suit the table, only come to an end. */
		e = intake_preview(&cells, &rows, &a, &plan, NULL, span_of((const uint8_t *)table, sizeof table - 1), 5, &d);
		if (e == 0)
			e = intake_refused_rows(&refused, &plan, NULL, span_of((const uint8_t *)table, sizeof table - 1), &d);
		if (e != 0 && e != MO_EINVAL && e != MO_ELIMIT)
			abort();
		buf_free(&one);
		buf_free(&two);
	} else if ((e != MO_EINVAL && e != MO_ELIMIT) || d.msg == MSG_NONE) {
		abort();
	}
	arena_free(&a);
	return 0;
}
