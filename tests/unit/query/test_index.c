/* The index grows with the engine, beside those who ask it. */
#include "fixture.h"

#include <pthread.h>

#include "query/priv/key.h"

static void test_split(void **state)
{
	struct key_parts k;
	(void)state;
	OK(key_split(&k, S("m f")));
	assert_true(span_is(k.measurement, "m") && span_is(k.field, "f") && k.n_tags == 0);
	OK(key_split(&k, S("a\\ b\\,c,k\\=1=v\\ 2,z== f g")));
	assert_true(span_is(k.measurement, "a\\ b\\,c") && k.n_tags == 2 && span_is(k.tags[0].key, "k\\=1") && span_is(k.tags[0].value, "v\\ 2"));
	assert_true(span_is(k.tags[1].value, "=") && span_is(k.field, "f g"));
	static const char *const bad[] = {"", "m", "m ", " f", "m,k=v", "m,k f", "m,=v f", "m,k=v, f", "m\\ f", ",k=v f", "m,k=v\\"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(key_split(&k, S(bad[i])), MO_EINVAL);
	struct buf b;
	buf_init(&b, 0);
	key_plain(&b, S("a\\ b\\,c\\=d\\\\e\\q\\"));
	assert_true(span_is(buf_span(&b), "a b,c=d\\e\\q\\"));
	buf_free(&b);
}

static void test_grows(void **state)
{
	struct rig *r = *state;
	r->opt.epoch_ns = 1;
	put_f(r, "not-a-key", 1, 1); /* no way to ask for it, and no harm */
	ANSWER(r, "SELECT * FROM m", "");
	put_f(r, "m,h=b f", 1, 1);
	ANSWER(r, "SELECT * FROM m", SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"f\",\"h\"],\"values\":[[1,1,\"b\"]]}"));
	put_f(r, "m,h=a,g=x f", 1, 2);
	put_f(r, "m,h=b e", 2, 3);
	ANSWER(r, "SELECT * FROM m",
		SERIES("{\"name\":\"m\",\"columns\":[\"time\",\"e\",\"f\",\"g\",\"h\"],\"values\":[[1,null,2,\"x\",\"a\"],[1,null,1,null,\"b\"],[2,3,null,null,\"b\"]]}"));
}

struct asker {
	struct rig *r;
	int bad;
};

static void *asks(void *arg)
{
	struct asker *a = arg;
	struct buf out;
	struct influx_options opt = {.epoch_ns = 1};
	buf_init(&out, 1u << 24);
	for (int i = 0; i < 60; i++) {
		buf_reset(&out);
		a->bad += series_index_refresh(a->r->x) != 0;
		a->bad += influxql_run(a->r->x, a->r->db, SPAN_LIT("SELECT * FROM m GROUP BY h LIMIT 1; SELECT last(f) FROM m"), NULL, &opt, &out, NULL) != 0;
	}
	buf_free(&out);
	return NULL;
}

static void test_threads(void **state)
{
	struct rig *r = *state;
	struct asker a[2] = {{r, 0}, {r, 0}};
	pthread_t t[2];
	put_f(r, "m,h=0 f", 1, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, asks, &a[i]), 0);
	for (int i = 0; i < 200; i++) {
		char key[32];
		snprintf(key, sizeof key, "m,h=%d f%d", i % 50, i / 50);
		put_f(r, key, i, i);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(a[i].bad, 0);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_split), T(test_grows), T(test_threads)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
