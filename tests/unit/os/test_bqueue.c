#include "cm.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "os/clock.h"
#include "os/thread.h"

#define MS INT64_C(1000000)

static void *item(uintptr_t i) { return (void *)i; }

static void first_in_first_out(void **state)
{
	struct bqueue *q = NULL;
	void *p = NULL, *many[8];
	size_t n = 0;
	(void)state;
	assert_int_equal(bqueue_new(&q, 0), MO_EINVAL);
	assert_int_equal(bqueue_new(&q, BQUEUE_CAPACITY_MAX + 1), MO_EINVAL);
	assert_int_equal(bqueue_new(&q, 3), 0);
	for (uintptr_t i = 1; i <= 3; i++)
		assert_int_equal(bqueue_try_push(q, item(i)), 0);
	assert_int_equal(bqueue_try_push(q, item(4)), MO_EAGAIN);
	void *two[] = {item(5), item(6)};
	assert_int_equal(bqueue_try_push_many(q, two, 2), MO_EAGAIN);
	assert_int_equal(bqueue_size(q), 3);
	assert_int_equal(bqueue_pop(q, &p, 0), 0);
	assert_ptr_equal(p, item(1));
	assert_int_equal(bqueue_push(q, item(4), 0), 0); /* round the ring */
	assert_int_equal(bqueue_pop_many(q, many, 0, &n, 0), MO_EINVAL);
	assert_int_equal(bqueue_pop_many(q, many, 2, &n, 0), 0);
	assert_int_equal(n, 2);
	assert_ptr_equal(many[0], item(2));
	assert_ptr_equal(many[1], item(3));
	assert_int_equal(bqueue_pop_many(q, many, 8, &n, -1), 0);
	assert_int_equal(n, 1);
	assert_ptr_equal(many[0], item(4));
	bqueue_free(q);
	bqueue_free(NULL);
}

static void waits_end_in_time(void **state)
{
	struct bqueue *q = NULL;
	void *p = NULL;
	(void)state;
	assert_int_equal(bqueue_new(&q, 1), 0);
	int64_t t = mono_now();
	assert_int_equal(bqueue_pop(q, &p, 20 * MS), MO_ETIMEOUT);
	assert_true(mono_now() - t >= 20 * MS);
	assert_int_equal(bqueue_pop(q, &p, 0), MO_ETIMEOUT);
	assert_int_equal(bqueue_push(q, item(1), INT64_MAX), 0);
	t = mono_now();
	assert_int_equal(bqueue_push(q, item(2), 20 * MS), MO_ETIMEOUT);
	assert_true(mono_now() - t >= 20 * MS);
	bqueue_free(q);
}

static void closing_lets_the_rest_out(void **state)
{
	struct bqueue *q = NULL;
	void *p = NULL;
	(void)state;
	assert_int_equal(bqueue_new(&q, 2), 0);
	assert_int_equal(bqueue_push(q, item(1), -1), 0);
	bqueue_close(q);
	assert_int_equal(bqueue_push(q, item(2), -1), MO_ECANCELED);
	assert_int_equal(bqueue_try_push(q, item(2)), MO_ECANCELED);
	assert_int_equal(bqueue_pop(q, &p, -1), 0);
	assert_ptr_equal(p, item(1));
	assert_int_equal(bqueue_pop(q, &p, -1), MO_ECANCELED);
	bqueue_free(q);
}

enum { PRODUCERS = 3, CONSUMERS = 3, EACH = 4000 };
struct crowd {
	struct bqueue *q;
	atomic_uint next;                     /* number of the producer */
	atomic_uchar seen[PRODUCERS * EACH + 1];
	atomic_uint taken, disorder;
};

static void *produce(void *arg)
{
	struct crowd *c = arg;
	uintptr_t base = atomic_fetch_add(&c->next, 1) * (uintptr_t)EACH;
	for (uintptr_t i = 1; i <= EACH; i++)
		if (bqueue_push(c->q, item(base + i), -1) != 0)
			abort();
	return NULL;
}

static void *consume(void *arg)
{
	struct crowd *c = arg;
	uintptr_t last[PRODUCERS] = {0};
	for (unsigned round = 0;; round++) {
		void *got[5];
		size_t n = 0;
		int r = round % 2 ? bqueue_pop_many(c->q, got, 5, &n, -1) : bqueue_pop(c->q, got, -1);
		if (r == MO_ECANCELED)
			return NULL;
		if (r)
			abort();
		n = round % 2 ? n : 1;
		for (size_t i = 0; i < n; i++) {
			uintptr_t k = (uintptr_t)got[i], from = (k - 1) / EACH;
			atomic_fetch_add(&c->seen[k], 1);
			atomic_fetch_add(&c->taken, 1);
			/* What one producer sent reaches one consumer in order. */
			if (k <= last[from])
				atomic_fetch_add(&c->disorder, 1);
			last[from] = k;
		}
	}
}

static void nothing_lost_or_doubled_between_threads(void **state)
{
	struct crowd *c = calloc(1, sizeof *c);
	pthread_t p[PRODUCERS], t[CONSUMERS];
	(void)state;
	assert_non_null(c);
	assert_int_equal(bqueue_new(&c->q, 7), 0);
	for (int i = 0; i < CONSUMERS; i++)
		assert_int_equal(thread_start(&t[i], "consumer", consume, c), 0);
	for (int i = 0; i < PRODUCERS; i++)
		assert_int_equal(thread_start(&p[i], "producer", produce, c), 0);
	for (int i = 0; i < PRODUCERS; i++)
		thread_join(p[i]);
	bqueue_close(c->q);
	for (int i = 0; i < CONSUMERS; i++)
		thread_join(t[i]);
	assert_int_equal(c->taken, PRODUCERS * EACH);
	assert_int_equal(c->disorder, 0);
	for (unsigned i = 1; i <= PRODUCERS * EACH; i++)
		assert_int_equal(c->seen[i], 1);
	bqueue_free(c->q);
	free(c);
}

static void *wait_for_item(void *arg)
{
	void *p = NULL;
	int r = bqueue_pop(arg, &p, -1);
	return item((uintptr_t)-r);
}

static void *wait_for_room(void *arg)
{
	int r = bqueue_push(arg, item(2), -1);
	return item((uintptr_t)-r);
}

static void closing_wakes_who_waits(void **state)
{
	struct bqueue *empty = NULL, *full = NULL;
	pthread_t a, b;
	void *ra = NULL, *rb = NULL;
	(void)state;
	assert_int_equal(bqueue_new(&empty, 1), 0);
	assert_int_equal(bqueue_new(&full, 1), 0);
	assert_int_equal(bqueue_try_push(full, item(1)), 0);
	assert_int_equal(thread_start(&a, "a", wait_for_item, empty), 0);
	assert_int_equal(thread_start(&b, "b", wait_for_room, full), 0);
	bqueue_close(empty);
	bqueue_close(full);
	assert_int_equal(pthread_join(a, &ra), 0);
	assert_int_equal(pthread_join(b, &rb), 0);
	assert_int_equal((uintptr_t)ra, -MO_ECANCELED);
	assert_int_equal((uintptr_t)rb, -MO_ECANCELED);
	bqueue_free(empty);
	bqueue_free(full);
}

static void *push_in_time(void *arg)
{
	int r = bqueue_push(arg, item(9), 5000 * MS);
	return item((uintptr_t)-r);
}

/* Room for two wakes two. */
static void much_room_wakes_many(void **state)
{
	struct bqueue *q = NULL;
	void *many[2], *ra = NULL, *rb = NULL;
	pthread_t a, b;
	struct timespec moment = {0, 30 * MS};
	size_t n = 0;
	(void)state;
	assert_int_equal(bqueue_new(&q, 2), 0);
	assert_int_equal(bqueue_try_push(q, item(1)), 0);
	assert_int_equal(bqueue_try_push(q, item(2)), 0);
	assert_int_equal(thread_start(&a, "a", push_in_time, q), 0);
	assert_int_equal(thread_start(&b, "b", push_in_time, q), 0);
	(void)nanosleep(&moment, NULL); /* most likely both wait by now */
	int64_t t = mono_now();
	assert_int_equal(bqueue_pop_many(q, many, 2, &n, 0), 0);
	assert_int_equal(n, 2);
	assert_int_equal(pthread_join(a, &ra), 0);
	assert_int_equal(pthread_join(b, &rb), 0);
	assert_null(ra);
	assert_null(rb);
	assert_true(mono_now() - t < 4000 * MS); /* woken, not timed out into finding room */
	bqueue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_in_first_out),
		cmocka_unit_test(waits_end_in_time),
		cmocka_unit_test(closing_lets_the_rest_out),
		cmocka_unit_test(nothing_lost_or_doubled_between_threads),
		cmocka_unit_test(closing_wakes_who_waits),
		cmocka_unit_test(much_room_wakes_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
