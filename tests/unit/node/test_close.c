/* A node is closed in the middle of everything: devices that are read, requests, jobs for workers, log and store, live tests, reloads.
 * Under ASan nothing is used after it was freed or is left behind; under TSan nothing races. What was said to be durable is there after. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/collect.h"
#include "node/jobs.h"
#include "node/watch.h"
#include "os/thread.h"
#include "plc.h"
#include "rig.h"

#define ROUNDS 12u
#define PUSHERS 2u

static struct plc plc;

/* ---- points pushed through the log thread, as a door does ---- */
struct push {
	struct wjob job;
	struct rig *r;
	uint64_t seq;
};
static _Atomic uint64_t acknowledged; /* newest sequence number that was said to be durable */

static int push_run(struct wjob *j, struct writer *w, struct diag *d)
{
	struct push *p = (struct push *)j;
	struct point_key k = {.key = SPAN_LIT("T n"), .asset = SPAN_LIT("T"), .signal = SPAN_LIT("n"), .source = SPAN_LIT("test"),
		.type = SERIES_I64, .kind = SERIES_SEQUENCE};
	struct sbatch *b = NULL;
	struct sdb_appended did;
	series_id id;
	int err = node_resolve(p->r->n, &k, &id, d);
	if (err == 0 && (err = sbatch_new(&b)) == 0) {
		struct sbatch_point pt = {.id = id, .type = SERIES_I64, .t_ns = (int64_t)p->seq, .seq = p->seq, .arrival_ns = T_NONE, .v.i64 = 7};
		err = sbatch_add(b, &pt);
		if (err == 0)
			err = writer_append(w, b, &did, d);
	}
	sbatch_free(b);
	return err;
}

static void push_done(struct wjob *j, int err, const struct diag *d)
{
	struct push *p = (struct push *)j;
	(void)d;
	if (err == 0)
		atomic_store(&acknowledged, p->seq); /* one log thread: in order */
	free(p);
}

static struct load {
	struct rig *r;
	atomic_bool stop, stop_asking;
	_Atomic uint64_t *next;
	pthread_t threads[PUSHERS + 1];
} load;

static void *push_all(void *arg)
{
	struct load *l = arg;
	while (!atomic_load(&l->stop)) {
		struct push *p = calloc(1, sizeof *p);
		*p = (struct push){.job = {.run = push_run, .done = push_done}, .r = l->r};
		static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
		pthread_mutex_lock(&order);
		uint64_t seq = p->seq = atomic_load(l->next) + 1;
		int err = writer_submit(node_writer(l->r->n), &p->job);
		if (err == 0)
			atomic_store(l->next, seq); /* p is no longer ours */
		pthread_mutex_unlock(&order);
		if (err != 0) {
			free(p);
			mono_sleep(1000000);
		}
	}
	return NULL;
}

/* ---- requests ---- */
static void *ask_all(void *arg)
{
	struct load *l = arg;
	uint16_t port = node_port(l->r->n);
	static const char request[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n";
	while (!atomic_load(&l->stop_asking)) {
		char in[512], body[2000] = {0};
		int fd = rig_connect_port(port);
		if (fd < 0)
			break;
		for (unsigned i = 0; i < 50 && !atomic_load(&l->stop_asking); i++)
			if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0 || send(fd, body, i % 7 ? sizeof body : 100, MSG_NOSIGNAL) < 0 ||
				(i % 7 && recv(fd, in, sizeof in, 0) <= 0))
				break;
		close(fd);
	}
	return NULL;
}

/* ---- on the loop ---- */
static void tested(void *arg, const struct device_test *t)
{
	(void)t;
	++*(unsigned *)arg;
}

static unsigned tests_begun, tests_ended, runs_begun, runs_ended, polls_begun, polls_ended;

static void ran(void *arg, int err)
{
	(void)err;
	++*(unsigned *)arg;
}

static void stir(void *arg)
{
	struct rig *r = arg;
	char json[512];
	/* Half of what is asked for is not there, so that it lasts until the end. */
	snprintf(json, sizeof json, "{\"driver\":\"modbus\",\"asset\":\"P\",\"host\":\"127.0.0.1\",\"port\":%u,\"signals\":[{\"name\":\"a\",\"address\":1}]}",
		tests_begun % 2 ? plc.port : 1u);
	tests_begun += collect_test(node_collect(r->n), span_str(json), tested, &tests_ended, NULL) == 0;
	collect_reload(node_collect(r->n));
	runs_begun++;
	jobs_run(node_jobs(r->n), ran, &runs_ended);
	polls_begun++;
	watch_poll(node_watch(r->n), ran, &polls_ended);
}

static void device(struct rig *r, unsigned i, unsigned change)
{
	char json[1024], name[16];
	snprintf(name, sizeof name, "plc%u", i);
	snprintf(json, sizeof json,
		"{\"driver\":\"modbus\",\"asset\":\"M%u\",\"host\":\"127.0.0.1\",\"port\":%u,\"poll_ms\":10,\"unit\":%u,\"signals\":["
		"{\"name\":\"a\",\"address\":1},{\"name\":\"s\",\"address\":10,\"type\":\"string\",\"length\":4},{\"name\":\"f\",\"address\":20,\"type\":\"f32\"}],"
		"\"cycle\":{\"table\":\"holding\",\"counter\":{\"address\":0,\"type\":\"u16\"},\"poll_ms\":10,\"signals\":[{\"name\":\"c\",\"address\":3}]}}",
		i, plc.port, change % 200 + 1);
	rig_device(r, name, json);
}

/* On the node's thread between run and close: whoever uses the node goes first, what they left in the queues stays. */
static void end_pushers(struct rig *r)
{
	(void)r;
	atomic_store(&load.stop, true);
	for (unsigned i = 0; i < PUSHERS; i++)
		thread_join(load.threads[i]);
}

static void closes_under_load(void **state)
{
	(void)state;
	static struct rig r;
	static _Atomic uint64_t next;
	r.before_close = NULL;
	tests_begun = tests_ended = runs_begun = runs_ended = polls_begun = polls_ended = 0;
	plc_start(&plc);
	rig_init(&r);
	for (unsigned round = 0; round < ROUNDS; round++) {
		load.r = &r;
		load.next = &next;
		atomic_store(&load.stop, false);
		atomic_store(&load.stop_asking, false);
		r.before_close = end_pushers;
		rig_start(&r);
		assert_int_equal(r.status, 0);
		/* What was acknowledged before is there. */
		struct sdb_point p;
		series_id id;
		uint64_t had = atomic_load(&acknowledged);
		if (had) {
			assert_int_equal(sdb_find(node_sdb(r.n), SPAN_LIT("T n"), &id), 0);
			assert_int_equal(sdb_last(node_sdb(r.n), id, &p), 0);
			assert_true(p.seq >= had);
			struct sdb_extent e;
			assert_int_equal(sdb_extent(node_sdb(r.n), id, &e, NULL), 0);
			assert_true(e.points >= had); /* none between is missing */
		}
		for (unsigned i = 0; i < 4; i++)
			device(&r, i, round);
		for (unsigned i = 0; i < PUSHERS; i++)
			assert_int_equal(thread_start(&load.threads[i], "push", push_all, &load), 0);
		assert_int_equal(thread_start(&load.threads[PUSHERS], "ask", ask_all, &load), 0);
		mono_sleep((int64_t)(round * 17 % 60) * NS_PER_MS);
		rig_on_loop(&r, stir, &r);
		device(&r, round % 4, round + 1);
		mono_sleep((int64_t)(round * 7 % 20) * NS_PER_MS);
		node_stop(r.n);
		rig_stop(&r);
		atomic_store(&load.stop_asking, true);
		thread_join(load.threads[PUSHERS]);
		assert_int_equal(r.status, 0);
		/* Everybody who waited was told. */
		assert_int_equal(tests_ended, tests_begun);
		assert_int_equal(runs_ended, runs_begun);
		assert_int_equal(polls_ended, polls_begun);
	}
	assert_true(atomic_load(&acknowledged) > 0);
	assert_true(atomic_load(&plc.answers) > 4 * ROUNDS);
	rig_free(&r);
	plc_stop(&plc);
}

static void stop_twice(void *arg)
{
	struct rig *r = arg;
	node_stop(r->n);
	node_stop(r->n);
}

static void stops_at_once_and_once(void **state)
{
	(void)state;
	static struct rig r;
	rig_init(&r);
	for (unsigned i = 0; i < 3; i++) {
		rig_start(&r);
		assert_int_equal(r.status, 0);
		rig_on_loop(&r, stop_twice, &r);
		thread_join(r.thread);
		assert_int_equal(r.status, 0);
	}
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(closes_under_load), cmocka_unit_test(stops_at_once_and_once)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
