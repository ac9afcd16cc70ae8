/* Many connections: whom they count for, who makes way, what an idle one keeps. */
#include "cm.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/civil.h"
#include "http/priv/peers.h"
#include "rig.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define MANY 200u
#define IDLE_BYTES_MAX 2048u

static struct rig r;
static struct buf got;

static int begin(const struct http_options *opt)
{
	buf_init(&got, 0);
	return rig_new(&r, opt);
}

static int teardown(void **state)
{
	(void)state;
	rig_free(&r);
	buf_free(&got);
	return 0;
}

/* From 127.0.0.`last`. */
static int connect_from(unsigned last)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(r.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~255u) + last)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_true(fcntl(fd, F_SETFL, O_NONBLOCK) >= 0);
	return fd;
}

static struct http_server_stats stats(void)
{
	struct http_server_stats s;

	http_server_stats(r.s, &s);
	return s;
}

static bool answered(int fd, const char *with)
{
	buf_reset(&got);
	return rig_sends(&r, fd, GET) && rig_read(&r, fd, &got, with, 1);
}

static void test_peers(void **state)
{
	static struct peers p;
	uint8_t four[4] = {10, 0, 0, 1}, six[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9}, other[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 7};
	uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};
	struct peer *a, *b, *all[600];

	(void)state;
	a = peers_join(&p, four, 4, 2);
	assert_non_null(a);
	assert_ptr_equal(peers_join(&p, mapped, 16, 2), a); /* the same machine */
	assert_null(peers_join(&p, four, 4, 2));
	assert_ptr_equal(peers_join(&p, four, 4, 0), a); /* no bound */
	peers_leave(&p, a);
	peers_leave(&p, a);
	assert_ptr_equal(peers_join(&p, four, 4, 2), a);
	b = peers_join(&p, six, 16, 2);
	assert_ptr_equal(peers_join(&p, other, 16, 2), b); /* of one /64 */
	assert_null(peers_join(&p, other, 16, 2));
	other[7]++;
	all[0] = peers_join(&p, other, 16, 2);
	assert_ptr_not_equal(all[0], b);
	peers_leave(&p, all[0]);
	peers_leave(&p, a);
	peers_leave(&p, a);
	peers_leave(&p, b);
	peers_leave(&p, b);
	peers_leave(&p, NULL);
	/* Chains lose whoever leaves, wherever he stands. */
	for (unsigned i = 0; i < 600; i++) {
		four[2] = (uint8_t)(i >> 8);
		four[3] = (uint8_t)i;
		all[i] = peers_join(&p, four, 4, 1);
		assert_non_null(all[i]);
	}
	for (unsigned i = 0; i < 600; i++)
		peers_leave(&p, all[i * 7 % 600]);
	for (unsigned i = 0; i < PEERS_BUCKETS; i++)
		assert_null(p.buckets[i]);
}

static int setup_each(void **state)
{
	(void)state;
	return begin(&(struct http_options){.connections_max = 10, .connections_of_address_max = 3});
}

static void test_one_address_does_not_take_all(void **state)
{
	int one[4], two;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		one[i] = connect_from(5);
	for (unsigned i = 0; i < 3; i++)
		assert_true(answered(one[i], "hello"));
	assert_true(rig_read(&r, one[3], &got, "503 Service Unavailable", 1));
	two = connect_from(6);
	assert_true(answered(two, "hello"));
	assert_int_equal(stats().refused, 1);
	assert_int_equal(stats().open, 4);
	/* Who leaves makes room for another of the same address. */
	close(one[0]);
	close(one[3]);
	rig_turn(&r, 5);
	one[0] = connect_from(5);
	assert_true(answered(one[0], "hello"));
	for (unsigned i = 0; i < 3; i++)
		close(one[i]);
	close(two);
}

static char socket_path[108];

static int setup_few(void **state)
{
	(void)state;
	snprintf(socket_path, sizeof socket_path, "/tmp/moru-many-%d.sock", (int)getpid());
	return begin(&(struct http_options){.connections_max = 2, .unix_path = socket_path});
}

static void test_idle_ones_make_way(void **state)
{
	int a = connect_from(1), b = connect_from(2), c, local;

	(void)state;
	assert_true(answered(a, "hello") && answered(b, "hello"));
	/* Not those that were busy a moment ago. */
	c = connect_from(3);
	assert_true(rig_read(&r, c, &got, "503 Service Unavailable", 1));
	close(c);
	/* The socket of the machine's own has room beside them. */
	local = rig_connect_unix(socket_path);
	assert_true(local >= 0 && answered(local, "hello"));
	rig_turn(&r, 600);
	assert_true(answered(a, "hello"));
	rig_turn(&r, 500);
	c = connect_from(3); /* b has been idle for a second, a has not */
	assert_true(answered(c, "hello"));
	assert_true(rig_closed(&r, b));
	assert_true(answered(a, "hello") && answered(local, "hello"));
	assert_int_equal(stats().yielded, 1);
	assert_int_equal(stats().refused, 1);
	assert_int_equal(stats().open, 3);
	close(a);
	close(b);
	close(c);
	close(local);
}

static int setup_many(void **state)
{
	(void)state;
	return begin(NULL);
}

static void test_idle_ones_keep_little(void **state)
{
	static int fd[MANY];
	size_t before;

	(void)state;
	fd[0] = connect_from(1);
	assert_true(answered(fd[0], "hello"));
	before = mallinfo2().uordblks;
	for (unsigned i = 1; i < MANY; i++) {
		static const char head[] = "GET /stream HTTP/1.1\r\nHost: a\r\nX-Long: 0123456789012345678901234567890123456789";

		r.stream_bytes = 3000;
		r.streamed = 0;
		fd[i] = connect_from(1);
		/* In two pieces, so that there was unread input; in small pieces back, so that there was gathered output. */
		assert_true(rig_send(&r, fd[i], head, sizeof head - 1));
		rig_turn(&r, 0);
		buf_reset(&got);
		assert_true(rig_sends(&r, fd[i], "\r\n\r\n") && rig_read(&r, fd[i], &got, "\r\n0\r\n\r\n", 1));
	}
	rig_turn(&r, 2);
	assert_int_equal(stats().open, MANY);
	if (mallinfo2().uordblks > 0) /* 0: another allocator */
		assert_true(mallinfo2().uordblks - before < MANY * IDLE_BYTES_MAX);
	for (unsigned i = 0; i < MANY; i++)
		close(fd[i]);
	rig_turn(&r, 5);
	assert_int_equal(stats().open, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers),
		cmocka_unit_test_setup_teardown(test_one_address_does_not_take_all, setup_each, teardown),
		cmocka_unit_test_setup_teardown(test_idle_ones_make_way, setup_few, teardown),
		cmocka_unit_test_setup_teardown(test_idle_ones_keep_little, setup_many, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
