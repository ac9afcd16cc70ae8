/* Requests that go out, against a receiver whose bytes are a script. */
#include "cm.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/outgoing.h"
#include "os/clock.h"
#include "os/thread.h"

#define PATIENCE_NS (10 * NS_PER_S)

static struct loop *loop;
static struct outgoing *out;

/* What it says to each connection, in order; NULL: nothing, until the other end goes. */
struct receiver {
	int fd;
	uint16_t port;
	const char *const *says;
	size_t n;
	char heard[8192];
	pthread_t thread;
};

static void *receive(void *arg)
{
	struct receiver *r = arg;
	for (size_t i = 0; i < r->n; i++) {
		int c = accept(r->fd, NULL, NULL);
		size_t n = 0;
		ssize_t got = 1;
		if (c < 0)
			break;
		while (got > 0 && !(n > 4 && memmem(r->heard, n, "\r\n\r\nbody", 8)) && n < sizeof r->heard - 1) {
			got = read(c, r->heard + n, sizeof r->heard - 1 - n);
			n += got > 0 ? (size_t)got : 0;
		}
		r->heard[n] = 0;
		if (r->says[i]) {
			size_t len = strlen(r->says[i]);
			if (write(c, r->says[i], len) != (ssize_t)len)
				got = 0;
		} else {
			char rest[64];
			while (read(c, rest, sizeof rest) > 0)
				;
		}
		close(c);
	}
	return NULL;
}

static void receiver_open(struct receiver *r, const char *const *says, size_t n)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	*r = (struct receiver){.says = says, .n = n};
	r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(r->fd >= 0);
	assert_int_equal(bind(r->fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(r->fd, 8), 0);
	assert_int_equal(getsockname(r->fd, (struct sockaddr *)&a, &len), 0);
	r->port = ntohs(a.sin_port);
	if (n)
		assert_int_equal(thread_start(&r->thread, "receiver", receive, r), 0);
}

static void receiver_close(struct receiver *r)
{
	if (r->n)
		thread_join(r->thread);
	close(r->fd);
}

static unsigned pending;
static void done(struct outgoing_request *r)
{
	(void)r;
	if (--pending == 0)
		loop_stop(loop);
}
static void give_up(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void run(void)
{
	struct loop_timer *t = NULL;
	assert_int_equal(loop_timer_new(loop, &t, give_up, NULL), 0);
	loop_timer_set(t, PATIENCE_NS);
	assert_int_equal(loop_run(loop), 0);
	loop_timer_free(t);
	assert_int_equal(pending, 0);
}

static char url[128];
static struct outgoing_request request(uint16_t port, int64_t timeout_ms)
{
	snprintf(url, sizeof url, "http://127.0.0.1:%u/in?key=secret", port);
	return (struct outgoing_request){.who = "erp", .url = url, .content_type = "text/plain", .bearer = "tok", .body = SPAN_LIT("body"), .timeout_ms = timeout_ms,
		.done = done};
}

static void ask(struct receiver *r, const char *says, int64_t timeout_ms, struct outgoing_request *q)
{
	receiver_open(r, &says, 1);
	*q = request(r->port, timeout_ms);
	pending = 1;
	assert_int_equal(outgoing_send(out, q), 0);
	run();
	receiver_close(r);
}

static int setup(void **state)
{
	(void)state;
	return loop_new(&loop) != 0 || outgoing_new(&out, loop) != 0;
}

static int teardown(void **state)
{
	(void)state;
	outgoing_stop(out);
	loop_drain(loop);
	outgoing_free(out);
	loop_free(loop);
	return 0;
}

static void test_answers(void **state)
{
	struct receiver r;
	struct outgoing_request q;
	(void)state;
	ask(&r, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 5000, &q);
	assert_int_equal(q.err, 0);
	assert_int_equal(q.status, 200);
	assert_true(span_is(span_of(q.answer, q.n_answer), "ok"));
	assert_non_null(strstr(r.heard, "POST /in?key=secret HTTP/1.1\r\n"));
	assert_non_null(strstr(r.heard, "Authorization: Bearer tok\r\n"));
	assert_non_null(strstr(r.heard, "Content-Type: text/plain\r\n"));
	assert_non_null(strstr(r.heard, "Content-Length: 4\r\n"));
	assert_null(strstr(r.heard, "Expect"));
	ask(&r, "HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 5000, &q);
	assert_int_equal(q.err, 0);
	assert_int_equal(q.status, 429);
	assert_int_equal(q.retry_after_s, 7);
	ask(&r, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 5000, &q);
	assert_int_equal(q.err, 0);
	assert_int_equal(q.status, 302);
}

static void test_broken_answers(void **state)
{
	static const char *const says[] = {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "", "rubbish\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"};
	struct receiver r;
	struct outgoing_request q;
	(void)state;
	for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
		ask(&r, says[i], 5000, &q);
		assert_int_equal(q.err, MO_EIO);
		assert_int_equal(q.why.msg, MSG_HTTP_EXCHANGE_FAILED);
		assert_string_equal(q.why.arg[0].text, "erp"); /* never the url */
	}
}

static void test_long_answer(void **state)
{
	struct receiver r;
	struct outgoing_request q;
	char *says = malloc(3u << 20);
	(void)state;
	assert_non_null(says);
	int n = snprintf(says, 100, "HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n");
	memset(says + n, 'x', 2097152);
	says[n + 2097152] = 0;
	ask(&r, says, 5000, &q);
	assert_int_equal(q.err, MO_EIO);
	assert_int_equal(q.n_answer, OUTGOING_ANSWER_MAX);
	free(says);
}

static void test_nobody_and_silence(void **state)
{
	struct receiver r;
	struct outgoing_request q;
	(void)state;
	int64_t t0 = mono_now();
	ask(&r, NULL, 300, &q);
	assert_int_equal(q.err, MO_ETIMEOUT);
	assert_true(mono_now() - t0 >= 290 * NS_PER_MS && mono_now() - t0 < 3 * NS_PER_S);
	receiver_open(&r, NULL, 0);
	close(r.fd); /* nobody listens there */
	q = request(r.port, 1000);
	pending = 1;
	assert_int_equal(outgoing_send(out, &q), 0);
	run();
	assert_int_equal(q.err, MO_EIO);
	assert_int_equal(q.why.msg, MSG_HTTP_NO_CONNECTION);
	q = request(1, 1000);
	q.url = "gopher://x/";
	pending = 1;
	assert_int_equal(outgoing_send(out, &q), 0);
	run();
	assert_int_equal(q.err, MO_EINVAL);
}

/* One that hangs holds up no other; it is broken off when that is wanted, and at the end. */
static void test_many_cancel_and_stop(void **state)
{
	struct receiver hangs[2], fine;
	struct outgoing_request q[3];
	static const char *const nothing[] = {NULL}, *const ok[] = {"HTTP/1.1 204 No Content\r\n\r\n"};
	char urls[3][64];
	(void)state;
	receiver_open(&hangs[0], nothing, 1);
	receiver_open(&hangs[1], nothing, 1);
	receiver_open(&fine, ok, 1);
	for (size_t i = 0; i < 3; i++) {
		q[i] = request(0, 60000);
		snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%u/", i < 2 ? hangs[i].port : fine.port);
		q[i].url = urls[i];
		assert_int_equal(outgoing_send(out, &q[i]), 0);
	}
	pending = 1;
	run();
	assert_int_equal(q[2].status, 204);
	pending = 1;
	outgoing_cancel(out, &q[0]);
	outgoing_cancel(out, &q[2]); /* over: nothing to do */
	run();
	assert_int_equal(q[0].err, MO_ECANCELED);
	pending = 1;
	outgoing_stop(out);
	loop_drain(loop);
	assert_int_equal(pending, 0);
	assert_int_equal(q[1].err, MO_ECANCELED);
	assert_int_equal(outgoing_send(out, &q[1]), MO_ESTATE);
	for (size_t i = 0; i < 2; i++)
		receiver_close(&hangs[i]);
	receiver_close(&fine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_answers, setup, teardown), cmocka_unit_test_setup_teardown(test_long_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_and_silence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_cancel_and_stop, setup, teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
