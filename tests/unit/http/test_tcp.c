/* Outgoing TCP against a listener in the same loop. */
#include "cm.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/civil.h"
#include "http/loop.h"

static struct loop *l;
static struct loop_timer *guard;
static int listener, peer;
static uint16_t port;
static struct tcp *t;
static struct buf got;
static unsigned connected, writable, closed;
static int why;
enum { STOP_NEVER, STOP_CONNECTED, STOP_INPUT, STOP_WRITABLE, STOP_CLOSED };
static int stop_at;
static bool free_inside;

static void reached(int what)
{
	if (what != stop_at)
		return;
	if (free_inside) {
		tcp_free(t);
		t = NULL;
	}
	loop_stop(l);
}

static void on_connected(void *arg)
{
	(void)arg;
	connected++;
	reached(STOP_CONNECTED);
}

static void on_input(void *arg, struct span bytes)
{
	(void)arg;
	buf_add(&got, bytes);
	reached(STOP_INPUT);
}

static void on_writable(void *arg)
{
	(void)arg;
	writable++;
	reached(STOP_WRITABLE);
}

static void on_closed(void *arg, int err)
{
	(void)arg;
	closed++;
	why = err;
	reached(STOP_CLOSED);
}

static const struct tcp_events events = {on_connected, on_input, on_writable, on_closed};

static void on_guard(void *arg)
{
	(void)arg;
	fail_msg("no patience left");
}

static void run_until(int what)
{
	stop_at = what;
	loop_timer_set(guard, 5 * NS_PER_S);
	assert_int_equal(loop_run(l), 0);
	loop_timer_set(guard, -1);
}

static int setup(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;

	(void)state;
	t = NULL;
	connected = writable = closed = 0;
	free_inside = false;
	peer = -1;
	buf_init(&got, 0);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, n) < 0 || listen(listener, 8) < 0 ||
	        getsockname(listener, (struct sockaddr *)&a, &n) < 0)
		return -1;
	port = ntohs(a.sin_port);
	if (loop_new(&l) < 0)
		return -1;
	return loop_timer_new(l, &guard, on_guard, NULL);
}

static int teardown(void **state)
{
	(void)state;
	tcp_free(t);
	loop_timer_free(guard);
	loop_free(l);
	close(listener);
	if (peer >= 0)
		close(peer);
	buf_free(&got);
	return 0;
}

static void start(const char *host)
{
	struct diag d;

	assert_int_equal(tcp_connect(l, &t, host, port, 3 * NS_PER_S, &events, NULL, &d), 0);
	assert_int_equal(connected, 0);
	run_until(STOP_CONNECTED);
	assert_int_equal(connected, 1);
	peer = accept(listener, NULL, NULL);
	assert_true(peer >= 0);
}

static void test_exchange(void **state)
{
	char bytes[16];

	(void)state;
	start("127.0.0.1");
	assert_int_equal(tcp_write(t, SPAN_LIT("ping")), 0);
	run_until(STOP_WRITABLE);
	assert_int_equal(recv(peer, bytes, sizeof bytes, 0), 4);
	assert_memory_equal(bytes, "ping", 4);
	assert_int_equal(send(peer, "pong", 4, MSG_NOSIGNAL), 4);
	run_until(STOP_INPUT);
	assert_int_equal(got.n, 4);
	assert_memory_equal(got.p, "pong", 4);
	assert_int_equal(send(peer, "bye", 3, MSG_NOSIGNAL), 3);
	close(peer);
	peer = -1;
	run_until(STOP_CLOSED);
	assert_memory_equal(got.p, "pongbye", 7);
	assert_int_equal(why, 0);
	assert_int_equal(closed, 1);
	assert_int_equal(tcp_write(t, SPAN_LIT("x")), MO_ESTATE);
}

/* A name goes to the resolver's thread; "localhost" needs no network. */
static void test_by_name(void **state)
{
	(void)state;
	start("localhost");
}

static void test_no_such_name(void **state)
{
	struct diag d;
	char host[300];

	(void)state;
	assert_int_equal(tcp_connect(l, &t, "no such host.invalid", port, 4 * NS_PER_S, &events, NULL, &d), 0);
	run_until(STOP_CLOSED);
	assert_int_equal(why, MO_ENOENT);
	tcp_free(t);
	t = NULL;
	/* Freed while the thread is at work: no call comes. */
	assert_int_equal(tcp_connect(l, &t, "localhost", port, NS_PER_S, &events, NULL, &d), 0);
	tcp_free(t);
	t = NULL;
	assert_int_equal(closed, 1);
	memset(host, 'a', sizeof host - 1);
	host[sizeof host - 1] = '\0';
	assert_int_equal(tcp_connect(l, &t, host, port, NS_PER_S, &events, NULL, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_HTTP_BAD_ADDRESS);
	assert_null(t);
}

static void test_nobody_listens(void **state)
{
	(void)state;
	close(listener);
	assert_int_equal(tcp_connect(l, &t, "127.0.0.1", port, NS_PER_S, &events, NULL, NULL), 0);
	assert_int_equal(closed, 0);
	run_until(STOP_CLOSED);
	assert_int_equal(why, MO_EDENIED);
	assert_int_equal(closed, 1);
	assert_int_equal(connected, 0);
	listener = dup(0);
}

/* A full backlog answers nothing: the time for connecting ends it. */
static void test_timeout(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fill[16];

	(void)state;
	assert_int_equal(listen(listener, 0), 0);
	for (size_t i = 0; i < 16; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(fill[i], (struct sockaddr *)&a, sizeof a);
	}
	assert_int_equal(tcp_connect(l, &t, "127.0.0.1", port, 30 * NS_PER_MS, &events, NULL, NULL), 0);
	run_until(STOP_CLOSED);
	assert_int_equal(why, MO_ETIMEOUT);
	for (size_t i = 0; i < 16; i++)
		close(fill[i]);
}

static void test_reset(void **state)
{
	const struct linger reset = {1, 0};

	(void)state;
	start("127.0.0.1");
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(peer);
	peer = -1;
	run_until(STOP_CLOSED);
	assert_int_equal(why, MO_EIO);
}

/* Output is bounded and all or nothing. */
static void test_output_limit(void **state)
{
	static uint8_t big[TCP_OUT_MAX_BYTES + 1];
	static uint8_t in[1 << 16];
	size_t all = 0;
	ssize_t n;

	(void)state;
	start("127.0.0.1");
	assert_int_equal(tcp_write(t, span_of(big, TCP_OUT_MAX_BYTES + 1)), MO_EAGAIN);
	assert_int_equal(tcp_write(t, span_of(big, TCP_OUT_MAX_BYTES)), 0);
	assert_int_equal(tcp_write(t, span_of(big, 1)), MO_EAGAIN);
	writable = 0;
	for (int i = 0; i < 10000 && all < TCP_OUT_MAX_BYTES; i++) {
		n = recv(peer, in, sizeof in, MSG_DONTWAIT);
		if (n > 0)
			all += (size_t)n;
		else if (!writable)
			run_until(STOP_WRITABLE);
	}
	assert_int_equal(all, TCP_OUT_MAX_BYTES);
}

/* tcp_free() from inside each callback. */
static void test_free_inside(void **state)
{
	static const int where[] = {STOP_CONNECTED, STOP_WRITABLE, STOP_INPUT, STOP_CLOSED};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		free_inside = where[i] == STOP_CONNECTED;
		start("127.0.0.1");
		free_inside = true;
		if (where[i] == STOP_WRITABLE)
			assert_int_equal(tcp_write(t, SPAN_LIT("x")), 0);
		if (where[i] == STOP_INPUT)
			assert_int_equal(send(peer, "yz", 2, MSG_NOSIGNAL), 2);
		if (where[i] == STOP_CLOSED)
			shutdown(peer, SHUT_WR);
		if (where[i] != STOP_CONNECTED)
			run_until(where[i]);
		assert_null(t);
		close(peer);
		peer = -1;
		connected = 0;
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(test_exchange), T(test_by_name), T(test_no_such_name), T(test_nobody_listens), T(test_timeout),
	        T(test_reset), T(test_output_limit), T(test_free_inside)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
