#include "cm.h"

#include <stdlib.h>

#include "base/prng.h"
#include "series/priv/head.h"

static struct headmem mem;

static struct hpoint point(int64_t t, double v)
{
	return (struct hpoint){.key = {t, 0}, .arr = t + 5, .v.f64 = v};
}

static int put(struct head *h, struct hpoint p)
{
	struct hplace at;
	if (head_find(h, p.key, &at))
		return head_exchange(h, at, &p);
	return head_insert(h, &mem, SERIES_F64, false, &at, &p);
}

static void check_order(const struct head *h, uint64_t n)
{
	uint64_t seen = 0;
	int64_t last = INT64_MIN;
	for (uint32_t i = 0; i < h->n; i++)
		for (uint32_t k = 0; k < h->c[i]->n; k++, seen++) {
			assert_true(h->c[i]->t[k] > last);
			last = h->c[i]->t[k];
			assert_true(h->c[i]->v.f64[k] == (double)last);
			assert_int_equal(chunk_arrival(h->c[i], k), last + 5 + (last % 100 == 7 ? 99 : 0));
		}
	assert_int_equal(seen, n);
	assert_int_equal(h->points, n);
}

static void test_orders(void **state)
{
	(void)state;
	for (uint64_t step = 1; step < 5000; step = step * 3 + 4) {
		struct head h = {0};
		struct prng r;
		prng_seed(&r, step);
		for (uint64_t i = 0; i < 5003; i++) {
			struct hpoint p = point((int64_t)(i * step % 5003), (double)(i * step % 5003));
			if (p.key.t % 100 == 7)
				p.arr += 99;
			assert_int_equal(put(&h, p), 0);
		}
		check_order(&h, 5003);
		for (int i = 0; i < 200; i++) { /* again */
			int64_t t = (int64_t)prng_below(&r, 5003);
			struct hpoint p = point(t, (double)t);
			p.arr += t % 100 == 7 ? 99 : 0;
			assert_int_equal(put(&h, p), 0);
		}
		check_order(&h, 5003);
		struct hplace at;
		assert_false(head_find(&h, (struct pkey){9999, 0}, &at));
		head_free(&h, &mem);
		assert_int_equal(mem.bytes, 0);
	}
}

/* A reader's chunk keeps what it held, whatever the writer does. */
static void test_readers(void **state)
{
	(void)state;
	struct head h = {0};
	for (int64_t t = 0; t < 300; t++)
		assert_int_equal(put(&h, point(t * 10, (double)t * 10)), 0);
	struct chunk *c = h.c[0];
	uint32_t n = c->n;
	chunk_ref(c);
	for (int64_t t = 300; t < 600; t++)
		assert_int_equal(put(&h, point(t * 10, (double)t * 10)), 0);
	for (int64_t t = 0; t < 500; t++)
		assert_int_equal(put(&h, point(t * 7 + 1, 1)), 0);
	assert_int_equal(put(&h, point(50, -1)), 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(c->t[i], i * 10);
		assert_true(c->v.f64[i] == i * 10.0);
	}
	head_free(&h, &mem);
	assert_true(mem.bytes > 0);
	chunk_unref(c);
	assert_int_equal(mem.bytes, 0);
}

static void test_undo(void **state)
{
	(void)state;
	struct head h = {0};
	for (int64_t t = 0; t < 1000; t++)
		assert_int_equal(put(&h, point(t * 2, (double)t * 2)), 0);
	struct hplace at;
	struct hpoint p = point(501, 1), q = point(500, 7);
	assert_false(head_find(&h, p.key, &at));
	assert_int_equal(head_insert(&h, &mem, SERIES_F64, false, &at, &p), 0);
	assert_true(head_find(&h, q.key, &at));
	q.q = Q_BAD;
	assert_int_equal(head_exchange(&h, at, &q), 0);
	assert_true(q.v.f64 == 500 && q.q == Q_GOOD);
	for (int64_t t = 1000; t < 1700; t++)
		assert_int_equal(put(&h, point(t * 2, (double)t * 2)), 0);
	head_restore(&h, (struct pkey){500, 0}, &q);
	assert_true(q.v.f64 == 7);
	head_remove(&h, p.key);
	head_pop(&h, &mem, 700);
	struct pkey last;
	assert_true(head_last(&h, &last));
	assert_int_equal(last.t, 1998);
	check_order(&h, 1000);
	head_pop(&h, &mem, 1000);
	assert_false(head_last(&h, &last));
	head_free(&h, &mem);
	assert_int_equal(mem.bytes, 0);
}

static void test_strings(void **state)
{
	(void)state;
	struct head h = {0};
	struct hplace at;
	for (int64_t t = 600; t-- > 0;) {
		struct hpoint p = {.key = {t, (uint64_t)t % 3}, .arr = 77};
		assert_int_equal(hstr_new(&p.str, &mem, SPAN_LIT("text")), 0);
		head_find(&h, p.key, &at);
		assert_int_equal(head_insert(&h, &mem, SERIES_STR, true, &at, &p), 0);
	}
	assert_int_equal(h.c[0]->arr_form, 1); /* one arrival for all takes no memory */
	assert_null(h.c[0]->arr);
	assert_true(head_find(&h, (struct pkey){5, 2}, &at));
	assert_false(head_find(&h, (struct pkey){5, 1}, &at));
	head_free(&h, &mem);
	assert_int_equal(mem.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_orders), cmocka_unit_test(test_readers), cmocka_unit_test(test_undo), cmocka_unit_test(test_strings)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
