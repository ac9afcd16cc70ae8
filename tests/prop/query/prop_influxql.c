/* SELECT against a list of points that is searched from end to end. */
#include "cm.h"
#include "prop.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/memvfs.h"
#include "query/influxql.h"

#define HOSTS 3
#define FIELDS 3
#define TIMES 24

/* v[h][f][t]; there: whether the point is. Field 0 and 1 are numbers, 2 an integer. */
struct model {
	bool there[HOSTS][FIELDS][TIMES];
	int v[HOSTS][FIELDS][TIMES];
};
struct question {
	unsigned fields;      /* bits; 0: all */
	bool descending, grouped, star;
	int host_not, host_is; /* -1: none */
	int above;            /* of field 0; < 0: none */
	int from, to;         /* inclusive; -1: none */
	int limit, offset;
};

static bool selected(const struct question *q, int f) { return q->fields & 1u << f; }

static bool row_at(const struct model *m, const struct question *q, int h, int t)
{
	bool any = false;
	for (int f = 0; f < FIELDS; f++)
		any |= selected(q, f) && m->there[h][f][t];
	if (!any || (q->from >= 0 && t < q->from) || (q->to >= 0 && t > q->to))
		return false;
	if (q->host_is >= 0 && h != q->host_is)
		return false;
	if (q->host_not >= 0 && h == q->host_not)
		return false;
	return q->above < 0 || (m->there[h][0][t] && m->v[h][0][t] > q->above);
}

static void row(struct buf *b, const struct model *m, const struct question *q, int h, int t)
{
	buf_printf(b, "[%d", t);
	for (int f = 0; f < FIELDS; f++) {
		if (!selected(q, f))
			continue;
		if (m->there[h][f][t])
			buf_printf(b, ",%d", m->v[h][f][t]);
		else
			buf_adds(b, ",null");
	}
	if (q->star && !q->grouped)
		buf_printf(b, ",\"%c\"", 'a' + h);
	buf_addc(b, ']');
}

static void head(struct buf *b, const struct question *q, int group)
{
	buf_adds(b, "{\"name\":\"m\",");
	if (group >= 0)
		buf_printf(b, "\"tags\":{\"h\":\"%c\"},", 'a' + group);
	buf_adds(b, "\"columns\":[\"time\"");
	for (int f = 0; f < FIELDS; f++)
		if (selected(q, f))
			buf_printf(b, ",\"f%d\"", f);
	if (q->star && !q->grouped)
		buf_adds(b, ",\"h\"");
	buf_adds(b, "],\"values\":[");
}

/* What must come: groups in order, in each the rows by time, at one time by host. */
static void brute(struct buf *b, const struct model *m, const struct question *q)
{
	bool any = false;
	buf_adds(b, "{\"results\":[{\"statement_id\":0");
	for (int k = 0; k < (q->grouped ? HOSTS : 1); k++) {
		int group = !q->grouped ? -1 : q->descending ? HOSTS - 1 - k : k, n = 0, given = 0;
		for (int i = 0; i < TIMES; i++)
			for (int h = 0; h < HOSTS; h++) {
				int t = q->descending ? TIMES - 1 - i : i;
				if ((group >= 0 && h != group) || !row_at(m, q, h, t) || n++ < q->offset || (q->limit && given == q->limit))
					continue;
				if (!given) {
					buf_adds(b, any ? "," : ",\"series\":[");
					head(b, q, group);
				}
				any = true;
				buf_adds(b, given++ ? "," : "");
				row(b, m, q, h, t);
			}
		if (given)
			buf_adds(b, "]}");
	}
	buf_adds(b, any ? "]}]}\n" : "}]}\n");
}

static void text(struct buf *b, const struct question *q)
{
	const char *sep = " WHERE ";
	buf_adds(b, "SELECT ");
	if (q->star)
		buf_addc(b, '*');
	for (int f = 0, n = 0; f < FIELDS && !q->star; f++)
		if (selected(q, f))
			buf_printf(b, "%s\"f%d\"", n++ ? ", " : "", f);
	buf_adds(b, " FROM m");
#define WHERE(cond, ...) \
	if (cond) { \
		buf_adds(b, sep); \
		buf_printf(b, __VA_ARGS__); \
		sep = " AND "; \
	}
	WHERE(q->host_is >= 0, "h = '%c'", 'a' + q->host_is)
	WHERE(q->from >= 0, "time >= %d", q->from)
	WHERE(q->above >= 0, "(f0 > %d OR f0 > %d.5)", q->above, q->above)
	WHERE(q->to >= 0, "time < %d", q->to + 1)
	WHERE(q->host_not >= 0, "h != '%c'", 'a' + q->host_not)
	if (q->grouped)
		buf_adds(b, q->star ? " GROUP BY *" : " GROUP BY h");
	if (q->descending)
		buf_adds(b, " ORDER BY time DESC");
	if (q->limit)
		buf_printf(b, " LIMIT %d", q->limit);
	if (q->offset)
		buf_printf(b, " OFFSET %d", q->offset);
}

static bool fill(struct prop *p, struct sdb *db, struct model *m)
{
	struct sbatch *b = NULL;
	struct sdb_appended a;
	bool ok = sbatch_new(&b) == 0;
	for (int h = 0; h < HOSTS && ok; h++)
		for (int f = 0; f < FIELDS && ok; f++) {
			char key[16];
			series_id id = 0;
			bool fresh;
			snprintf(key, sizeof key, "m,h=%c f%d", 'a' + h, f);
			struct series_def def = {.uuid = uuid_v7(1, (uint8_t[10]){(uint8_t)h, (uint8_t)f}), .type = f == 2 ? SERIES_I64 : SERIES_F64, .kind = SERIES_CLOCK, .key = span_str(key)};
			ok = sdb_define(db, &def, &id, &fresh, NULL) == 0;
			for (int t = 0; t < TIMES && ok; t++) {
				m->there[h][f][t] = prop_below(p, 3) == 0;
				m->v[h][f][t] = (int)prop_below(p, 10);
				if (!m->there[h][f][t])
					continue;
				struct sbatch_point pt = {.id = id, .type = def.type, .t_ns = t, .arrival_ns = T_NONE};
				if (f == 2)
					pt.v.i64 = m->v[h][f][t];
				else
					pt.v.f64 = m->v[h][f][t];
				ok = sbatch_add(b, &pt) == 0;
			}
		}
	sbatch_set_arrival(b, 1);
	ok = ok && sdb_append(db, b, &a, NULL) == 0;
	sbatch_free(b);
	return ok;
}

static bool equal(struct prop *p, struct sdb *db, struct series_index *x, const struct model *m)
{
	struct question q = {.fields = 1 + (unsigned)prop_below(p, 7), .descending = prop_bool(p), .grouped = prop_bool(p), .star = prop_bool(p)};
	struct influx_options opt = {.epoch_ns = 1};
	struct buf want, got, ql;
	if (q.star)
		q.fields = 7;
	q.host_is = (int)prop_below(p, HOSTS + 3) - 3;
	q.host_not = (int)prop_below(p, HOSTS + 3) - 3;
	q.above = (int)prop_below(p, 16) - 8;
	q.from = (int)prop_below(p, TIMES * 2) - TIMES;
	q.to = (int)prop_below(p, TIMES * 2) - TIMES;
	q.limit = (int)prop_below(p, 6);
	q.offset = (int)prop_below(p, 4);
	buf_init(&want, 0);
	buf_init(&got, 0);
	buf_init(&ql, 0);
	text(&ql, &q);
	brute(&want, m, &q);
	bool ok = influxql_run(x, db, buf_span(&ql), NULL, &opt, &got, NULL) == 0 && span_eq(buf_span(&want), buf_span(&got));
	if (!ok)
		prop_note(p, "%.*s\nwant %.*s\ngot  %.*s", SPAN_FMT(buf_span(&ql)), SPAN_FMT(buf_span(&want)), SPAN_FMT(buf_span(&got)));
	buf_free(&want);
	buf_free(&got);
	buf_free(&ql);
	return ok;
}

static bool answers(struct prop *p, void *arg)
{
	struct model *m = calloc(1, sizeof *m);
	struct vfs *vfs = NULL;
	struct sdb *db = NULL;
	struct series_index *x = NULL;
	struct sdb_recovery rec;
	struct sdb_options opt = {.block_points = 8};
	(void)arg;
	bool ok = m && memvfs_new(&vfs, 1) == 0 && sdb_open(&db, vfs, "s", &opt, &rec, NULL) == 0 && series_index_new(&x, db) == 0;
	ok = ok && fill(p, db, m) && series_index_refresh(x) == 0;
	if (ok && prop_bool(p))
		ok = sdb_maintain(db, true, NULL) == 0;
	for (int i = 0; i < 20 && ok; i++)
		ok = equal(p, db, x, m);
	series_index_free(x);
	sdb_close(db);
	vfs_free(vfs);
	free(m);
	return ok;
}

static void test_answers(void **state)
{
	(void)state;
	assert_int_equal(prop_check("answers", answers, NULL, 120), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
