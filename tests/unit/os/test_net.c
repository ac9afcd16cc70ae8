#include "cm.h"

#include <fcntl.h>

#include <stdlib.h>

#include "os/net.h"

#define S INT64_C(1000000000)

static void wait_for(int fd, bool want_read)
{
	struct net_poll p = {.fd = fd, .want_read = want_read, .want_write = !want_read};
	size_t n = 0;
	assert_int_equal(net_poll(&p, 1, 5 * S, &n), 0);
	assert_int_equal(n, 1);
	assert_true(want_read ? p.readable : p.writable);
}

struct pair {
	int listener, a, b;
};

static struct pair connect_pair(void)
{
	struct pair p = {-1, -1, -1};
	uint16_t port = 0;
	assert_int_equal(net_listen(&p.listener, 0), 0);
	assert_int_equal(net_port(p.listener, &port), 0);
	assert_int_not_equal(port, 0);
	assert_int_equal(net_accept(&p.b, p.listener), MO_EAGAIN);
	assert_int_equal(net_connect(&p.a, port), 0);
	wait_for(p.a, false);
	assert_int_equal(net_connected(p.a), 0);
	wait_for(p.listener, true);
	assert_int_equal(net_accept(&p.b, p.listener), 0);
	return p;
}

static void close_pair(struct pair p)
{
	net_close(p.a);
	net_close(p.b);
	net_close(p.listener);
	net_close(-1);
}

static void bytes_go_both_ways_to_the_end(void **state)
{
	struct pair p = connect_pair();
	char b[8] = "";
	size_t n = 9;
	(void)state;
	assert_int_equal(net_read(p.b, b, 8, &n), MO_EAGAIN);
	assert_int_equal(n, 9);
	assert_int_equal(net_write(p.a, "ping", 4, &n), 0);
	assert_int_equal(n, 4);
	wait_for(p.b, true);
	assert_int_equal(net_read(p.b, b, 8, &n), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(b, "ping", 4);
	assert_int_equal(net_shutdown(p.a), 0);
	wait_for(p.b, true);
	assert_int_equal(net_read(p.b, b, 8, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(net_write(p.b, "pong", 4, &n), 0);
	wait_for(p.a, true);
	assert_int_equal(net_read(p.a, b, 8, &n), 0);
	assert_memory_equal(b, "pong", 4);
	close_pair(p);
}

static void a_full_pipe_says_so(void **state)
{
	struct pair p = connect_pair();
	uint8_t *block = calloc(1, 1 << 16);
	size_t n = 0, total = 0;
	int r = 0;
	(void)state;
	assert_non_null(block);
	for (int i = 0; i < 4096 && !r; i++) {
		r = net_write(p.a, block, 1 << 16, &n);
		total += r ? 0 : n;
	}
	assert_int_equal(r, MO_EAGAIN);
	assert_true(total > 0);
	struct net_poll q = {.fd = p.a, .want_write = true};
	assert_int_equal(net_poll(&q, 1, 0, &n), MO_ETIMEOUT);
	assert_false(q.writable);
	free(block);
	close_pair(p);
}

static void failures_have_names(void **state)
{
	struct pair p = connect_pair();
	uint16_t port = 0;
	int fd = -1, r = 0;
	size_t n = 0;
	(void)state;
	assert_int_equal(net_port(p.listener, &port), 0);
	assert_int_equal(net_listen(&fd, port), MO_EBUSY);
	/* Writing to a peer that is gone: no signal, an error. */
	net_close(p.b);
	p.b = -1;
	for (int i = 0; i < 100 && !r; i++)
		r = net_write(p.a, "x", 1, &n);
	assert_int_equal(r, MO_ECANCELED);
	/* Nobody listens there any more. */
	net_close(p.listener);
	p.listener = -1;
	r = net_connect(&fd, port);
	if (!r) {
		wait_for(fd, false);
		r = net_connected(fd);
		net_close(fd);
	}
	assert_int_equal(r, MO_EDENIED);
	close_pair(p);
}

static void polling_skips_and_times_out(void **state)
{
	struct pair p = connect_pair();
	struct net_poll q[2] = {{.fd = -1, .want_read = true}, {.fd = p.a, .want_read = true, .want_write = true}};
	size_t n = 0;
	(void)state;
	assert_int_equal(net_poll(q, 2, -1, &n), 0);
	assert_int_equal(n, 1);
	assert_false(q[0].readable);
	assert_false(q[1].readable);
	assert_true(q[1].writable);
	q[1].want_write = false;
	assert_int_equal(net_poll(q, 2, 1000000, &n), MO_ETIMEOUT);
	assert_int_equal(net_poll(q, NET_POLL_MAX + 1, 0, &n), MO_ELIMIT);
	assert_int_equal(net_poll(NULL, 0, 1000, &n), MO_ETIMEOUT);
	close_pair(p);
}

static void a_pair_goes_both_ways(void **state)
{
	int ours = -1, theirs = -1;
	char got[8];
	size_t n = 0;
	(void)state;
	assert_int_equal(net_pair(&ours, &theirs), 0);
	assert_int_equal(net_read(ours, got, sizeof got, &n), MO_EAGAIN); /* ours does not block */
	assert_int_equal(fcntl(theirs, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(ours, F_GETFD) & fcntl(theirs, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(net_write(theirs, "up", 2, &n), 0);
	assert_int_equal(net_read(ours, got, sizeof got, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(net_write(ours, "down", 4, &n), 0);
	assert_int_equal(net_read(theirs, got, sizeof got, &n), 0);
	assert_int_equal(n, 4);
	net_close(theirs);
	assert_int_equal(net_read(ours, got, sizeof got, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(net_write(ours, "x", 1, &n), MO_ECANCELED); /* no signal */
	net_close(ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_both_ways_to_the_end),
		cmocka_unit_test(a_full_pipe_says_so),
		cmocka_unit_test(failures_have_names),
		cmocka_unit_test(polling_skips_and_times_out),
		cmocka_unit_test(a_pair_goes_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
