/* What goes through the doors: line protocol, records, registers, papers, all from one plan. */
#include "cm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/csv_papers.h"
#include "sim/lineproto.h"
#include "sim/peek.h"
#include "sim/records.h"
#include "sim/registers.h"

#define HOUR (3600 * NS_PER_S)
#define T0 INT64_C(1763770000000000000)

static struct plan *p;

static int open_plan(void **state)
{
	(void)state;
	struct plan_opts o = {.seed = 7, .life_h = 1};
	return plan_new(&p, &o);
}

static int close_plan(void **state)
{
	(void)state;
	plan_free(p);
	return 0;
}

struct tally {
	int lines;
	int64_t first, last;
};

static void tally(void *arg, const struct buf *out, size_t at, int64_t t_ns)
{
	struct tally *t = arg;
	assert_int_equal(out->p[out->n - 1], '\n');
	assert_true(at < out->n);
	t->lines++;
	t->first = t->lines == 1 || t_ns < t->first ? t_ns : t->first;
	t->last = t->lines == 1 || t_ns > t->last ? t_ns : t->last;
}

static void cycle_text(void **state)
{
	(void)state;
	struct buf b;
	struct tally t = {0};
	buf_init(&b, 0);
	/* The first bad module lot: one cycle in its first 56 s. */
	size_t machine = plan_machine_index("MCH-06");
	int64_t from = p->bad.mch_begin_ns + 50 * NS_PER_S;
	uint64_t n = lineproto_machine(&b, p, machine, from, from + 6 * NS_PER_S, T0, 0, tally, &t);
	char want[64], lot[64];
	(void)snprintf(want, sizeof want, "MCH-06 _cycle=%llui,force=1.", (unsigned long long)p->bad.mch_seq);
	(void)snprintf(lot, sizeof lot, ",lot=\"%s\" %lld\n", p->lots[p->bad.module[0]].number, (long long)(T0 + p->bad.mch_begin_ns + 55 * NS_PER_S));
	assert_int_equal(t.lines, 1);
	assert_int_equal(n, 5); /* force, distance, joining_time, cycle_time, lot */
	buf_addc(&b, 0);
	assert_memory_equal(b.p, want, strlen(want));
	assert_non_null(strstr((char *)b.p, lot));
	assert_string_equal(strstr((char *)b.p, lot), lot);
	buf_free(&b);
}

/* Pieces of time give the same lines as the whole, each within its piece, and no key twice. */
static void pieces(void **state)
{
	(void)state;
	static const char *const codes[] = {"MCH-01", "MCH-02", "MCH-03", "MOT-06", "MLD-06"};
	for (size_t c = 0; c < sizeof codes / sizeof codes[0]; c++) {
		size_t machine = plan_machine_index(codes[c]);
		struct buf all, part;
		buf_init(&all, 0);
		buf_init(&part, 0);
		uint64_t values = lineproto_machine(&all, p, machine, -30 * HOUR, -20 * HOUR, T0, 0, NULL, NULL), sum = 0;
		for (int64_t t = -30 * HOUR; t < -20 * HOUR; t += 60 * NS_PER_S) {
			struct tally y = {0};
			sum += lineproto_machine(&part, p, machine, t, t + 60 * NS_PER_S, T0, 0, tally, &y);
			assert_true(y.lines >= 6 && y.first > t && y.last <= t + 60 * NS_PER_S);
		}
		assert_int_equal(values, sum);
		assert_int_equal(all.n, part.n);
		buf_free(&all);
		buf_free(&part);
	}
}

static void ahead(void **state)
{
	(void)state;
	struct buf a, b;
	buf_init(&a, 0);
	buf_init(&b, 0);
	size_t machine = plan_machine_index("MCH-01");
	(void)lineproto_machine(&a, p, machine, -HOUR, -HOUR + 10 * NS_PER_S, T0, 0, NULL, NULL);
	(void)lineproto_machine(&b, p, machine, -HOUR, -HOUR + 10 * NS_PER_S, T0, 3 * NS_PER_S, NULL, NULL);
	buf_addc(&a, 0);
	buf_addc(&b, 0);
	long long ta = atoll(strrchr((char *)a.p, ' ')), tb = atoll(strrchr((char *)b.p, ' '));
	assert_int_equal(tb - ta, 3 * NS_PER_S);
	buf_free(&a);
	buf_free(&b);
}

static void record_text(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	bool seen[5] = {false};
	for (size_t i = 0; i < p->n_recs; i++) {
		struct span type, kind;
		buf_reset(&b);
		records_line(&b, p, &p->recs[i], T0);
		assert_int_equal(b.p[b.n - 1], '\n');
		struct span line = span_of(b.p, b.n - 1);
		assert_int_equal(span_find(line, 0, '\n'), line.n);
		assert_true(peek(&type, line, "type"));
		if (!seen[p->recs[i].type]) {
			static const char *const name[] = {"lot", "link", "operation", "event", "characteristic"};
			assert_true(span_is(type, name[p->recs[i].type]));
			seen[p->recs[i].type] = true;
		}
		if (span_is(type, "event") && peek(&kind, line, "kind") && span_is(kind, "planned_stop")) {
			assert_true(peek(&kind, line, "data.to"));
			assert_true(peek(&kind, line, "asset"));
		}
		if (span_is(type, "characteristic"))
			assert_true(peek(&kind, line, "value"));
	}
	for (size_t i = 0; i < 5; i++)
		assert_true(seen[i]);
	buf_free(&b);
}

static void characteristic_is_the_cycles_value(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	int found = 0;
	for (size_t i = 0; i < p->n_recs; i++) {
		const struct plan_rec *r = &p->recs[i];
		if (r->type != REC_CHAR || r->lot != p->bad.motor[0] || strcmp(r->kind, "insulation") != 0)
			continue;
		double v[SIGNALS_MAX];
		char want[64];
		records_line(&b, p, r, T0);
		buf_addc(&b, 0);
		cycle_values(p, r->machine, (size_t)(r->seq_first - p->machine[r->machine].first_seq), v);
		assert_true(fabs(v[r->signal] - p->bad.insulation[0]) < 0.051);
		(void)snprintf(want, sizeof want, "\"seq\":%llu", (unsigned long long)p->bad.mot_seq);
		assert_non_null(strstr((char *)b.p, want));
		found++;
	}
	assert_int_equal(found, 1);
	buf_free(&b);
}

static void cycle_block(void **state)
{
	(void)state;
	static struct mb_regs r;
	size_t machine = plan_machine_index("MLD-01");
	registers_set(&r, p, machine, p->bad.begin_ns + 42 * NS_PER_S);
	assert_int_equal((uint32_t)r.holding[200] << 16 | r.holding[201], p->bad.mld_seq);
	char lot[17] = {0};
	for (size_t i = 0; i < 8; i++) {
		lot[2 * i] = (char)(r.holding[202 + i] >> 8);
		lot[2 * i + 1] = (char)r.holding[202 + i];
	}
	assert_string_equal(lot, p->lots[p->bad.container[0]].number);
	/* cycle_time, then peak_pressure: ABCD. */
	uint32_t bits = (uint32_t)r.holding[212] << 16 | r.holding[213];
	float pressure;
	memcpy(&pressure, &bits, sizeof pressure);
	assert_true(fabsf(pressure - 87.5f) < 5.0f);
	registers_set(&r, p, machine, p->bad.begin_ns + 42 * NS_PER_S - 1);
	assert_int_equal((uint32_t)r.holding[200] << 16 | r.holding[201], p->bad.mld_seq - 1);
}

/* Every signal by the clock or cycle stands once in the device document, at addresses that do not overlap. */
static void documents(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	for (size_t m = 0; m < SIM_MACHINES; m++) {
		const struct sim_machine_def *d = sim_machine_at(m);
		struct span v;
		buf_reset(&b);
		if (d->door == DOOR_CSV)
			continue;
		if (d->door == DOOR_MODBUS)
			registers_config(&b, p, m, 1502);
		else
			push_config(&b, p, m);
		assert_true(peek(&v, buf_span(&b), "asset") && span_is(v, d->code));
		buf_addc(&b, 0);
		for (size_t i = 0; i < d->n_signals; i++) {
			char name[64];
			(void)snprintf(name, sizeof name, "{\"name\":\"%s\"", d->signals[i].name);
			const char *at = strstr((char *)b.p, name);
			if (d->signals[i].rate == RATE_HAND)
				assert_null(at);
			else {
				assert_non_null(at);
				assert_null(strstr(at + 1, name));
				char label[128];
				(void)snprintf(label, sizeof label, "\"label\":\"%s\"", d->signals[i].label);
				const char *said = strstr(at, label), *end = strchr(at, '}');
				assert_true(said && said < end);
				(void)snprintf(label, sizeof label, "\"unit\":\"%s\"", d->signals[i].unit);
				said = strstr(at, label);
				assert_int_equal(said && said < end, d->signals[i].unit[0] != 0);
			}
		}
	}
	buf_free(&b);
}

static void papers(void **state)
{
	(void)state;
	struct paper x[PAPERS_MAX];
	size_t n = 0;
	/* The day of the bad bag: -49 h to -25 h. */
	assert_int_equal(papers_due(x, &n, p, -26 * HOUR, -25 * HOUR, -168 * HOUR, T0), 0);
	assert_int_equal(n, 2);
	static const char head[] = "\xbd\xc3\xb0\xa2,\xc1\xdf\xb7\xae(g),\xb7\xce\xc6\xae\r\n"; /* CP949 */
	assert_string_equal(x[0].name, "MLD-01 weight HLD-A 399.csv");
	assert_memory_equal(x[0].content.p, head, sizeof head - 1);
	assert_true(x[0].rows >= 15 && x[0].rows <= 20); /* 384 shots, every twentieth */
	assert_int_equal(x[0].values, 2 * x[0].rows);
	for (size_t i = 0; i < n; i++)
		buf_free(&x[i].content);
	/* The EDM's: every minute of twelve hours. */
	assert_int_equal(papers_due(x, &n, p, -15 * HOUR, -14 * HOUR, -168 * HOUR, T0), 0);
	assert_int_equal(n, 1);
	assert_int_equal(x[0].rows, 720);
	assert_memory_equal(x[0].content.p, "\xef\xbb\xbf", 3);
	buf_free(&x[0].content);
	/* Nothing from before the history. */
	assert_int_equal(papers_due(x, &n, p, -15 * HOUR, -14 * HOUR, -15 * HOUR, T0), 0);
	assert_int_equal(x[0].rows, 60);
	buf_free(&x[0].content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(cycle_text), cmocka_unit_test(pieces), cmocka_unit_test(ahead), cmocka_unit_test(record_text),
		cmocka_unit_test(characteristic_is_the_cycles_value), cmocka_unit_test(cycle_block), cmocka_unit_test(documents), cmocka_unit_test(papers)};
	return cmocka_run_group_tests(tests, open_plan, close_plan);
}
