/* The pure parts: a device's clock offset, the time rule, series keys; and the watchdog over made-up threads. */
#include "cm.h"

#include <stdatomic.h>

#include "node/node.h"
#include "node/priv/node.h"
#include "node/backups.h"
#include "node/priv/turns.h"
#include "node/watchdog.h"

#define S NS_PER_S
#define T0 (INT64_C(1763770000) * S)

/* n values, one each step, whose clock is off by that much; how many are found to be beyond. */
static unsigned feed(struct offset *o, int64_t *arrival, unsigned n, int64_t step_ns, int64_t off_ns, int64_t delay_ns)
{
	unsigned beyond = 0;
	for (unsigned i = 0; i < n; i++, *arrival += step_ns)
		beyond += offset_seen(o, *arrival + off_ns - delay_ns * (i % 3) / 2, *arrival);
	return beyond;
}

static void offset_is_learnt(void **state)
{
	(void)state;
	struct offset o = {0};
	int64_t at = T0;
	/* Three minutes slow, up to a second of delay: not known before ten half minutes. */
	assert_int_equal(feed(&o, &at, 299, S, -180 * S, S), 0);
	assert_false(o.known);
	assert_int_equal(feed(&o, &at, 20, S, -180 * S, S), 0);
	assert_true(o.known);
	assert_int_equal(o.estimate_ns, -180 * S);
	/* 60 s beyond that is the limit. */
	assert_false(offset_seen(&o, at - 120 * S, at));
	assert_true(offset_seen(&o, at - 120 * S + 1, at));
	/* What comes late, from yesterday or in bulk, is late and nothing else; it moves nothing. */
	for (int64_t i = 0; i < 100000; i++)
		assert_false(offset_seen(&o, at - 86400 * S + i * S / 2, at + i * S / 1000));
	assert_int_equal(o.estimate_ns, -180 * S);
	at += 100 * S;
	/* Its clock is set right: the first minutes are marked, then that is its clock. */
	unsigned marked = feed(&o, &at, 600, S, 0, S);
	assert_in_range(marked, 250, 360);
	assert_int_equal(o.estimate_ns, 0);
	assert_int_equal(feed(&o, &at, 600, S, 0, S), 0);
	/* An hour fast at once (summer time). */
	marked = feed(&o, &at, 600, S, 3600 * S, S);
	assert_in_range(marked, 250, 360);
	assert_int_equal(o.estimate_ns, 3600 * S);
}

static void offset_is_not_guessed(void **state)
{
	(void)state;
	struct offset o = {0};
	int64_t at = T0;
	/* A backlog of six hours sent within six minutes, then life: nothing is wrong with any of it. */
	for (int64_t i = 0; i < 360; i++, at += S)
		assert_false(offset_seen(&o, T0 - 6 * 3600 * S + i * 60 * S, at));
	assert_int_equal(feed(&o, &at, 3600, S, 0, S), 0);
	assert_int_equal(o.estimate_ns, 0);
	/* Once an hour is too seldom to know. */
	o = (struct offset){0};
	assert_int_equal(feed(&o, &at, 100, 3600 * S, -300 * S, 0), 0);
	assert_false(o.known);
	/* One a minute is enough. */
	assert_int_equal(feed(&o, &at, 12, 60 * S, -300 * S, 0), 0);
	assert_true(o.known);
	/* The node's own clock running back confuses nobody. */
	at -= 7200 * S;
	assert_int_equal(feed(&o, &at, 20, S, -300 * S, 0), 0);
	/* Extremes. */
	o = (struct offset){0};
	assert_false(offset_seen(&o, INT64_MIN + 1, -5));
	assert_true(offset_seen(&o, INT64_MAX, -5));
	assert_true(offset_seen(&o, INT64_MIN + 1, INT64_MAX));
}

static void time_rules(void **state)
{
	(void)state;
	struct node n = {0};
	struct offset o = {0};
	int64_t at = T0;
	assert_int_equal(clock_new_real(&n.clock), 0);
	assert_int_equal(node_time_quality(&n, NULL, T0, T0, true), Q_GOOD);
	assert_int_equal(node_time_quality(&n, NULL, T0 + 5 * S, T0, true), Q_GOOD);
	assert_int_equal(node_time_quality(&n, NULL, T0 + 5 * S + 1, T0, true), Q_UNCERTAIN_TIME);
	assert_int_equal(node_time_quality(&n, NULL, INT64_MAX, INT64_MAX - 1, false), Q_GOOD);
	assert_int_equal(node_time_quality(&n, NULL, T0 - 365 * 86400 * S, T0, true), Q_GOOD); /* late is not wrong */
	assert_int_equal(node_time_quality(&n, NULL, INT64_C(946684800) * S - 1, T0, true), Q_UNCERTAIN_TIME);
	assert_int_equal(node_time_quality(&n, NULL, INT64_C(946684800) * S, T0, true), Q_GOOD);
	assert_int_equal(node_time_quality(&n, NULL, 0, T0, false), Q_GOOD); /* a file may hold the past */
	for (unsigned i = 0; i < 400; i++, at += S)
		assert_int_equal(node_time_quality(&n, &o, at - 180 * S, at, true), Q_GOOD);
	assert_int_equal(node_time_quality(&n, &o, at - 100 * S, at, true), Q_UNCERTAIN_TIME);
	clock_free(n.clock);
	/* On a demo's clock the rule has no meaning. */
	assert_int_equal(clock_new_stepped(&n.clock, T0), 0);
	assert_int_equal(node_time_quality(&n, &o, at - 100 * S, at, true), Q_GOOD);
	clock_free(n.clock);
}

static void keys(void **state)
{
	(void)state;
	struct buf b, asset, field;
	buf_init(&b, 0);
	buf_init(&asset, 0);
	buf_init(&field, 0);
	struct span kv[] = {SPAN_LIT("z"), SPAN_LIT("a b"), SPAN_LIT("asset"), SPAN_LIT("M,1=x\\")};
	series_key_write(&b, SPAN_LIT("ma chine,=1"), kv, 2, SPAN_LIT("온도 1"));
	assert_memory_equal(b.p, "ma\\ chine\\,=1,asset=M\\,1\\=x\\\\,z=a\\ b 온도\\ 1", b.n);
	series_key_read(buf_span(&b), &asset, &field);
	assert_true(span_is(buf_span(&asset), "M,1=x\\"));
	assert_true(span_is(buf_span(&field), "온도 1"));
	/* Without tags the measurement is the asset; the order of tags is of no matter. */
	buf_reset(&b);
	series_key_write(&b, SPAN_LIT("MLD 01"), NULL, 0, SPAN_LIT("f=1"));
	series_key_read(buf_span(&b), &asset, &field);
	assert_true(span_is(buf_span(&asset), "MLD 01"));
	assert_true(span_is(buf_span(&field), "f=1"));
	struct buf c;
	buf_init(&c, 0);
	struct span vk[] = {kv[2], kv[3], kv[0], kv[1]};
	buf_reset(&b);
	series_key_write(&b, SPAN_LIT("m"), kv, 2, SPAN_LIT("f"));
	series_key_write(&c, SPAN_LIT("m"), vk, 2, SPAN_LIT("f"));
	assert_true(span_eq(buf_span(&b), buf_span(&c)));
	buf_free(&b);
	buf_free(&c);
	buf_free(&asset);
	buf_free(&field);
}

/* ---- backups ---- */
static void backups_give_way_to_a_busy_log(void **state)
{
	(void)state;
	assert_false(backups_gives_way(20 * NS_PER_MS, 0));
	assert_false(backups_gives_way(20 * NS_PER_MS, 2 * NS_PER_MS));
	assert_true(backups_gives_way(20 * NS_PER_MS, 10 * NS_PER_MS));
	/* Beside the rest a turn is little: a fifteenth. */
	assert_true(TURNS_REST_NS >= 15 * TURNS_STEP_NS);
	assert_false(backups_gives_way(TURNS_REST_NS, TURNS_REST_NS / 10));
}

/* ---- watchdog ---- */
static _Atomic int64_t since[2];
static atomic_uint stuck_said[2], back_said[2];

static int64_t get_since(void *arg) { return atomic_load((_Atomic int64_t *)arg); }

static void said(void *arg, const char *name, bool stuck, int64_t stood_ns)
{
	unsigned i = name[0] == 'b';
	assert_ptr_equal(arg, since);
	assert_true(stood_ns > 20 * NS_PER_MS);
	atomic_fetch_add(stuck ? &stuck_said[i] : &back_said[i], 1);
}

static void until(atomic_uint *what, unsigned n)
{
	for (unsigned i = 0; i < 5000 && atomic_load(what) < n; i++)
		mono_sleep(NS_PER_MS);
	assert_int_equal(atomic_load(what), n);
}

static atomic_uint beats;

static void beaten(void *arg, int64_t beat_ns)
{
	assert_ptr_equal(arg, since);
	assert_int_equal(beat_ns, NS_PER_MS);
	atomic_fetch_add(&beats, 1);
}

static void watchdog_says_each_once(void **state)
{
	(void)state;
	struct watchdog *g;
	struct watchdog_row rows[WATCHDOG_ROWS_MAX + 1] = {{"a", 20 * NS_PER_MS, get_since, &since[0]}, {"b", 20 * NS_PER_MS, get_since, &since[1]}};
	unsigned stuck;
	uint64_t times;
	assert_int_equal(watchdog_new(&g, rows, WATCHDOG_ROWS_MAX + 1, NS_PER_MS, NULL, 0, said, since), MO_EINVAL);
	assert_int_equal(watchdog_new(&g, rows, 2, 4 * NS_PER_MS, beaten, NS_PER_MS, said, since), 0);
	mono_sleep(30 * NS_PER_MS);
	assert_int_equal(atomic_load(&stuck_said[0]) + atomic_load(&stuck_said[1]), 0);
	assert_true(atomic_load(&beats) > 2);
	for (unsigned i = 1; i <= 2; i++) {
		atomic_store(&since[1], mono_now());
		until(&stuck_said[1], i);
		mono_sleep(20 * NS_PER_MS);
		assert_int_equal(atomic_load(&stuck_said[1]), i); /* not again and again */
		watchdog_stats(g, &stuck, &times);
		assert_int_equal(stuck, 1);
		assert_int_equal(times, i);
		atomic_store(&since[1], 0);
		until(&back_said[1], i);
		watchdog_stats(g, &stuck, &times);
		assert_int_equal(stuck, 0);
	}
	assert_int_equal(atomic_load(&stuck_said[0]), 0);
	watchdog_free(g);
	watchdog_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(offset_is_learnt), cmocka_unit_test(offset_is_not_guessed), cmocka_unit_test(time_rules),
		cmocka_unit_test(keys), cmocka_unit_test(backups_give_way_to_a_busy_log), cmocka_unit_test(watchdog_says_each_once)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
