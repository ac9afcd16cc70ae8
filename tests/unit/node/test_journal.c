/* The node's log: what is said comes back whole, newest first; the ring forgets the oldest alone; each message has its own limit, and what is
 * over it is counted and said. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/journal.h"
#include "os/thread.h"

#define S NS_PER_S
#define T0 (INT64_C(1763770000) * S)

struct heard {
	unsigned n, own; /* own: lines that are no count */
	enum mo_msg last;
	int64_t left_out;
	char value[DIAG_TEXT_MAX], level[8];
};

static void put(void *arg, const char *level, const struct diag *d)
{
	struct heard *h = arg;
	h->n++;
	h->own += d->msg != MSG_LOG_LEFT_OUT;
	h->last = d->msg;
	snprintf(h->level, sizeof h->level, "%s", level);
	if (d->msg == MSG_LOG_LEFT_OUT) {
		h->left_out += d->arg[0].i;
		snprintf(h->value, sizeof h->value, "%s", d->value);
	}
}

static const char *code(enum mo_msg msg, void *arg)
{
	(void)arg;
	return msg == MSG_LOG_FLUSH ? "log_flush" : NULL;
}

static struct journal *fresh(struct heard *h)
{
	struct journal *j = NULL;
	struct journal_options opt = {.put = put, .code = code, .arg = h};
	memset(h, 0, sizeof *h);
	assert_int_equal(journal_new(&j, &opt), 0);
	return j;
}

static void a_line_comes_back_whole(void **state)
{
	(void)state;
	struct heard h;
	struct journal *j = fresh(&h);
	struct journal_line *l = calloc(4, sizeof *l);
	struct diag d = {0};
	diag_set(&d, MO_EIO, MSG_SETTING_VALUE);
	diag_file(&d, "/srv/공장/moru.yaml");
	diag_line(&d, 12, 3);
	diag_field(&d, SPAN_LIT("listen.port"));
	diag_value(&d, SPAN_LIT("가=\"나\""));
	diag_expected(&d, "0..65535");
	diag_int(&d, 0, INT64_MIN);
	diag_real(&d, 1, -0.125);
	diag_text(&d, 2, SPAN_LIT("loop"));
	journal_say_at(j, "warn", &d, T0, S);
	struct diag plain = {0};
	diag_set(&plain, 0, MSG_SETTINGS_RELOADED);
	journal_say_at(j, "info", &plain, T0 + 1, S);
	assert_int_equal(journal_read(j, l, 4, 0, JOURNAL_INFO), 2);
	assert_int_equal(l[0].number, 2);
	assert_int_equal(l[0].level, JOURNAL_INFO);
	assert_int_equal(l[0].d.msg, MSG_SETTINGS_RELOADED);
	assert_int_equal(l[1].number, 1);
	assert_int_equal(l[1].t_ns, T0);
	assert_int_equal(l[1].level, JOURNAL_WARN);
	assert_int_equal(l[1].d.err, MO_EIO);
	assert_string_equal(l[1].d.file, d.file);
	assert_int_equal(l[1].d.line, 12);
	assert_int_equal(l[1].d.column, 3);
	assert_string_equal(l[1].d.field, d.field);
	assert_string_equal(l[1].d.value, d.value);
	assert_string_equal(l[1].d.expected, d.expected);
	assert_true(l[1].d.arg[0].i == INT64_MIN && l[1].d.arg[0].kind == DIAG_INT);
	assert_true(l[1].d.arg[1].r == -0.125 && l[1].d.arg[1].kind == DIAG_REAL);
	assert_string_equal(l[1].d.arg[2].text, "loop");
	assert_int_equal(l[1].d.arg[3].kind, DIAG_NONE);
	/* By level, and by what is older than a line. */
	assert_int_equal(journal_read(j, l, 4, 0, JOURNAL_WARN), 1);
	assert_int_equal(journal_read(j, l, 4, 0, JOURNAL_ERROR), 0);
	assert_int_equal(journal_read(j, l, 4, 2, JOURNAL_INFO), 1);
	assert_int_equal(l[0].number, 1);
	assert_int_equal(journal_read(j, l, 4, 1, JOURNAL_INFO), 0);
	assert_int_equal(journal_read(j, l, 1, 0, JOURNAL_INFO), 1);
	assert_int_equal(l[0].number, 2);
	free(l);
	journal_free(j);
	assert_int_equal(h.n, 2);
}

static void the_ring_forgets_the_oldest(void **state)
{
	(void)state;
	struct heard h;
	struct journal *j = fresh(&h);
	struct journal_line *l = calloc(4000, sizeof *l);
	char text[DIAG_TEXT_MAX];
	const int64_t lines = 20000;
	for (int64_t i = 1; i <= lines; i++) {
		struct diag d = {0};
		int n = snprintf(text, sizeof text, "%0*lld", (int)(i % 180), (long long)i);
		diag_set(&d, 0, MSG_LOOP_SAYS);
		diag_text(&d, 0, span_of(text, (size_t)n));
		diag_int(&d, 1, i);
		journal_say_at(j, "info", &d, T0 + i, i * JOURNAL_REFILL_NS);
	}
	size_t n = journal_read(j, l, 4000, 0, JOURNAL_INFO);
	assert_in_range(n, 500, 2000);
	for (size_t i = 0; i < n; i++) {
		int64_t want = lines - (int64_t)i;
		assert_int_equal(l[i].number, want);
		assert_int_equal(l[i].t_ns, T0 + want);
		assert_int_equal(l[i].d.arg[1].i, want);
		snprintf(text, sizeof text, "%0*lld", (int)(want % 180), (long long)want);
		assert_string_equal(l[i].d.arg[0].text, text);
	}
	/* Page by page it is the same, each line once. */
	uint64_t before = 0;
	size_t seen = 0;
	for (size_t k; (k = journal_read(j, l, 7, before, JOURNAL_INFO)) != 0; before = l[k - 1].number)
		seen += k;
	assert_int_equal(seen, n);
	free(l);
	journal_free(j);
}

static void say(struct journal *j, enum mo_msg msg, const char *level, int64_t mono)
{
	struct diag d = {0};
	diag_set(&d, MO_EIO, msg);
	journal_say_at(j, level, &d, T0 + mono, mono);
}

static void each_message_has_its_limit(void **state)
{
	(void)state;
	struct heard h;
	struct journal *j = fresh(&h);
	struct journal_stats st;
	int64_t at = 1000 * S;
	for (unsigned i = 0; i < JOURNAL_BURST + 480; i++)
		say(j, MSG_LOG_FLUSH, "error", at);
	assert_int_equal(h.n, JOURNAL_BURST);
	/* Another message is not held up. */
	say(j, MSG_CLOCK_SET_BACK, "warn", at);
	assert_int_equal(h.n, JOURNAL_BURST + 1);
	assert_int_equal(h.last, MSG_CLOCK_SET_BACK);
	journal_stats(j, &st);
	assert_int_equal(st.left_out, 480);
	assert_int_equal(st.lines[JOURNAL_ERROR], JOURNAL_BURST);
	/* Nothing is due yet; then the count is said, once, with its code, at its level. */
	journal_tick(j, T0, at + JOURNAL_REFILL_NS - 1);
	assert_int_equal(h.left_out, 0);
	journal_tick(j, T0, at + JOURNAL_REFILL_NS);
	assert_int_equal(h.left_out, 480);
	assert_string_equal(h.value, "log_flush");
	assert_string_equal(h.level, "error");
	journal_tick(j, T0, at + 2 * JOURNAL_REFILL_NS);
	assert_int_equal(h.n, JOURNAL_BURST + 2);
	/* A line that comes first says the count before itself. */
	for (unsigned i = 0; i < 10; i++)
		say(j, MSG_LOG_FLUSH, "warn", at + 2 * JOURNAL_REFILL_NS);
	assert_int_equal(h.n, JOURNAL_BURST + 3);
	say(j, MSG_LOG_FLUSH, "warn", at + 3 * JOURNAL_REFILL_NS);
	assert_int_equal(h.left_out, 489);
	assert_int_equal(h.last, MSG_LOG_FLUSH);
	assert_int_equal(h.n, JOURNAL_BURST + 5);
	/* After a quiet while the whole burst is there again, and no more. */
	at += 1000 * S;
	for (unsigned i = 0; i < 2 * JOURNAL_BURST; i++)
		say(j, MSG_LOG_FLUSH, "warn", at);
	assert_int_equal(h.n, 2 * JOURNAL_BURST + 5);
	journal_free(j);
	assert_int_equal(h.left_out, 489 + JOURNAL_BURST);
	assert_int_equal(h.n, 2 * JOURNAL_BURST + 6);
}

static void a_message_without_a_name_is_counted_too(void **state)
{
	(void)state;
	struct heard h;
	struct journal *j = fresh(&h);
	for (unsigned i = 0; i < JOURNAL_BURST + 3; i++)
		say(j, MSG_NONE, "info", S);
	assert_int_equal(h.n, JOURNAL_BURST);
	journal_free(j);
	assert_int_equal(h.left_out, 3);
	assert_string_equal(h.value, "0");
}

#define SAYERS 4u
#define SAID 2000u
static void *sayer(void *arg)
{
	struct journal *j = arg;
	for (int64_t i = 0; i < SAID; i++) {
		say(j, MSG_LOOP_SAYS, "info", (1 + i) * 100 * S);
		if (i % 64 == 0) {
			struct journal_line l;
			assert_true(journal_read(j, &l, 1, 0, JOURNAL_INFO) == 1);
		}
	}
	return NULL;
}

static void from_many_threads(void **state)
{
	(void)state;
	struct heard h;
	struct journal *j = fresh(&h);
	pthread_t t[SAYERS];
	struct journal_stats st;
	for (unsigned i = 0; i < SAYERS; i++)
		assert_int_equal(thread_start(&t[i], "sayer", sayer, j), 0);
	for (unsigned i = 0; i < SAYERS; i++)
		thread_join(t[i]);
	journal_stats(j, &st);
	assert_int_equal(h.n, st.lines[JOURNAL_INFO]);
	/* Each was said, or counted. */
	assert_int_equal(h.own + st.left_out, SAYERS * SAID);
	journal_free(j);
	assert_int_equal(h.left_out, st.left_out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_comes_back_whole), cmocka_unit_test(the_ring_forgets_the_oldest), cmocka_unit_test(each_message_has_its_limit),
		cmocka_unit_test(a_message_without_a_name_is_counted_too), cmocka_unit_test(from_many_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
