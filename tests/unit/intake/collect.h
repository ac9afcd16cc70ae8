/* Reads a text with a plan and collects what the sink gets as lines:
 * "signal[key=value,...] t=N v" per value, "refused LINE id" per row. */
#ifndef MO_TESTS_INTAKE_COLLECT_H
#define MO_TESTS_INTAKE_COLLECT_H

#include "base/num.h"
#include "intake/intake.h"

struct collect_series {
	struct buf name;
};
struct collect {
	struct buf out, refused;
	struct collect_series **series;
	size_t n_series;
	struct intake_counts counts;
	uint64_t runs, refused_rows;
	const uint64_t *line; /* of the block that runs now */
	const int64_t *block_t;
	size_t block_n;
	int fail_run;      /* answer of run() when not 0 */
	int cancel;        /* answer of progress() */
	uint64_t progress; /* last told */
	bool times_as_utc;
};

static inline void collect_free(struct collect *c)
{
	for (size_t i = 0; i < c->n_series; i++) {
		buf_free(&c->series[i]->name);
		free(c->series[i]);
	}
	free(c->series);
	buf_free(&c->out);
	buf_free(&c->refused);
}

static inline int collect_series(void *arg, const struct intake_plan *p, const struct span *kv, size_t n, size_t column, void **ret, struct diag *d)
{
	struct collect *c = arg;
	(void)d;
	struct collect_series **more = realloc(c->series, (c->n_series + 1) * sizeof(*more));
	if (!more)
		return MO_ENOMEM;
	c->series = more;
	struct collect_series *s = calloc(1, sizeof(*s));
	if (!s)
		return MO_ENOMEM;
	buf_init(&s->name, 0);
	c->series[c->n_series++] = s;
	buf_add(&s->name, p->columns[column].signal);
	for (size_t i = 0; i < n; i++) {
		buf_adds(&s->name, i ? "," : "[");
		buf_add(&s->name, kv[2 * i]);
		buf_adds(&s->name, "=");
		buf_add(&s->name, kv[2 * i + 1]);
	}
	buf_adds(&s->name, n ? "]" : "");
	*ret = s;
	return s->name.err;
}

static inline int collect_rows(void *arg, size_t n, const int64_t *t_ns, const uint64_t *line, struct diag *d)
{
	struct collect *c = arg;
	(void)d;
	c->line = line;
	c->block_t = t_ns;
	c->block_n = n;
	return n == 0 || n > INTAKE_RUN_ROWS ? MO_EBUG : 0;
}

static inline int collect_run(void *arg, void *series, enum series_type type, size_t n, const uint16_t *row, const int64_t *t_ns, const void *v, struct diag *d)
{
	struct collect *c = arg;
	struct collect_series *s = series;
	char num[32];
	(void)d;
	c->runs++;
	if (c->fail_run)
		return c->fail_run;
	if (n == 0 || n > INTAKE_RUN_ROWS)
		return MO_EBUG;
	/* The rows of a run are rows of its block, in order. */
	for (size_t i = 0; i < n; i++) {
		size_t at = row ? row[i] : i;
		if (at >= c->block_n || c->block_t[at] != t_ns[i] || (row && i && row[i] <= row[i - 1]) || (!row && n != c->block_n))
			return MO_EBUG;
	}
	for (size_t i = 0; i < n; i++) {
		buf_add(&c->out, buf_span(&s->name));
		if (c->times_as_utc) {
			buf_adds(&c->out, " ");
			buf_add(&c->out, span_of(num, rfc3339_format(num, t_ns[i])));
		} else {
			buf_printf(&c->out, " t=%lld", (long long)t_ns[i]);
		}
		buf_adds(&c->out, " ");
		if (type == SERIES_F64)
			buf_add(&c->out, span_of(num, num_format_f64(num, ((const double *)v)[i])));
		else if (type == SERIES_I64)
			buf_printf(&c->out, "%lldi", (long long)((const int64_t *)v)[i]);
		else if (type == SERIES_BOOL)
			buf_adds(&c->out, ((const uint8_t *)v)[i] ? "true" : "false");
		else
			buf_add(&c->out, ((const struct span *)v)[i]);
		buf_adds(&c->out, "\n");
	}
	return c->out.err;
}

static inline int collect_refused(void *arg, uint64_t line, const struct span *fields, size_t n, const struct diag *why)
{
	struct collect *c = arg;
	(void)fields;
	(void)n;
	c->refused_rows++;
	buf_printf(&c->refused, "%llu %d %s|%s|%s\n", (unsigned long long)line, (int)why->msg, why->field, why->value, why->expected);
	return c->refused.err;
}

static inline int collect_progress(void *arg, uint64_t bytes)
{
	struct collect *c = arg;
	c->progress = bytes;
	return c->cancel;
}

static const struct intake_sink collect_sink = {collect_series, collect_rows, collect_run, collect_refused, collect_progress};

/* In pieces of `piece` bytes; 0: at once. The caller ends it with collect_free() whatever comes back. */
static inline int collect_read(struct collect *c, const struct intake_plan *p, const struct zone *z, struct span text, size_t piece, struct diag *d)
{
	struct intake_reader *r;
	int e = intake_open(&r, p, z, &collect_sink, c, d);
	if (e)
		return e;
	if (piece == 0)
		piece = text.n ? text.n : 1;
	for (size_t at = 0; e == 0 && at < text.n; at += piece)
		e = intake_feed(r, span_sub(text, at, piece), d);
	if (e == 0)
		e = intake_end(r, &c->counts, d);
	intake_close(r);
	return e;
}

#endif
