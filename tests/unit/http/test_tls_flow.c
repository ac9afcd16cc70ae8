/* Bytes through TLS: clients that are slow or wrong, records in any pieces, back-pressure both ways. */
#include "tls_rig.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/civil.h"
#include "os/clock.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_CLOSE(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static int setup_short(void **state)
{
	(void)state;
	return begin(&(struct http_options){.head_timeout_ns = 150 * NS_PER_MS, .idle_timeout_ns = 150 * NS_PER_MS, .piece_timeout_ns = 300 * NS_PER_MS});
}

static int setup_few(void **state)
{
	(void)state;
	return begin(&(struct http_options){.connections_max = 1});
}

/* ---- clients that are slow, wrong, or too many ---- */
static void test_slow_handshakes(void **state)
{
	int silent = rig_connect(&r), one = rig_connect(&r), drip = rig_connect(&r);
	int64_t begun = mono_now();
	struct client idle;

	(void)state;
	client_open(&idle);
	assert_true(rig_send(&r, one, "\x16", 1));
	/* A byte now and then does not win time. */
	for (int i = 0; i < 20 && mono_now() - begun < NS_PER_S; i++) {
		if (send(drip, i == 0 ? "\x16" : "\x03", 1, MSG_NOSIGNAL) < 0)
			break;
		rig_turn(&r, 20);
	}
	assert_true(rig_closed(&r, silent));
	assert_true(rig_closed(&r, one));
	rig_turn(&r, 20);
	assert_int_equal(stats().open, 0); /* drip and idle, too */
	assert_int_equal(stats().handshakes_failed, 3);
	assert_true(mono_now() - begun < NS_PER_S);
	buf_reset(&got);
	assert_true(client_read(&idle, NULL)); /* a said end, nothing before it */
	assert_int_equal(got.n, 0);
	client_free(&idle);
	close(silent);
	close(one);
	close(drip);
}

static void test_plain_requests(void **state)
{
	static const char *const noise[] = {"\x80\x2e\x01\x00\x02", "\x00\x00\x00\x00", "\r\n\r\n", "0123"};

	(void)state;
	assert_true(rig_once(&r, GET("/"), strlen(GET("/")), &got));
	assert_true(rig_has(&got, "HTTP/1.1 400 Bad Request\r\n") && rig_has(&got, "Content-Type: text/plain; charset=utf-8\r\n") &&
	            rig_has(&got, "Connection: close\r\n") && rig_has(&got, "https://"));
	assert_int_equal(r.heads, 0);
	/* Also when much follows. */
	struct buf big;

	buf_init(&big, 0);
	buf_adds(&big, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
	while (big.n < 1000000)
		buf_adds(&big, "a line of a body that nobody wants\n");
	assert_true(rig_once(&r, (const char *)big.p, big.n, &got));
	assert_true(rig_has(&got, "https://"));
	buf_free(&big);
	for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
		int fd = rig_connect(&r);
		char byte;

		assert_true(rig_send(&r, fd, noise[i], 4));
		rig_turn(&r, 5);
		errno = 0;
		assert_true(recv(fd, &byte, 1, 0) <= 0 && errno != EAGAIN); /* an end or a reset, and nothing said */
		close(fd);
	}
	/* A handshake that turns into noise. */
	int fd = rig_connect(&r);

	assert_true(rig_send(&r, fd, "\x16\x03\x01\x00\x05hello", 10));
	rig_turn(&r, 5);
	assert_int_equal(stats().open, 0);
	assert_int_equal(stats().handshakes, 0);
	close(fd);
}

static void test_too_many(void **state)
{
	struct client c;
	int fd;

	(void)state;
	client_open(&c);
	fd = rig_connect(&r);
	assert_true(rig_closed(&r, fd)); /* without the price of a handshake */
	assert_true(client_ask(&c, GET("/"), "hello"));
	close(fd);
	client_free(&c);
}

/* ---- records in any pieces ---- */
static void test_every_piece(void **state)
{
	static const char pair[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nfactor" GET_CLOSE("/");

	(void)state;
	for (size_t step = 1; step < 40; step += 6) {
		struct client c;
		BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
		int64_t end = mono_now() + 3 * NS_PER_S;
		bool sent = false, over = false;
		uint8_t bytes[4096];

		client_init(&c);
		buf_reset(&got);
		c.ssl = SSL_new(c.ctx);
		SSL_set_bio(c.ssl, in, out);
		SSL_set1_host(c.ssl, "localhost");
		SSL_set_connect_state(c.ssl);
		while (!over && mono_now() < end) {
			if (!sent && SSL_do_handshake(c.ssl) == 1) {
				sent = true;
				for (size_t i = 0; i < strlen(pair); i += step)
					assert_true(SSL_write(c.ssl, pair + i, (int)(strlen(pair) - i < step ? strlen(pair) - i : step)) > 0);
			}
			for (int n; (n = BIO_read(out, bytes, (int)step)) > 0;)
				assert_true(rig_send(&r, c.fd, (const char *)bytes, (size_t)n));
			rig_turn(&r, 0);
			ssize_t n = recv(c.fd, bytes, step * 3, 0);

			if (n > 0)
				BIO_write(in, bytes, (int)n);
			int k = sent ? SSL_read(c.ssl, bytes, sizeof bytes) : 0;

			if (k > 0)
				buf_add(&got, span_of(bytes, (size_t)k));
			else if (sent)
				over = SSL_get_error(c.ssl, k) == SSL_ERROR_ZERO_RETURN;
			ERR_clear_error();
		}
		assert_true(over);
		assert_true(rig_has(&got, "\r\n\r\nfactorHTTP/1.1 200 OK"));
		assert_true(rig_has(&got, "hello"));
		client_free(&c);
	}
	assert_int_equal(r.aborts, 0);
}

/* ---- back-pressure ---- */
static void test_a_client_that_reads_late(void **state)
{
	const uint64_t all = 24u << 20;
	struct client c;
	uint64_t first;

	(void)state;
	r.stream_bytes = all;
	r.piece_bytes = 100000;
	client_open(&c);
	assert_true(client_send(&c, GET_CLOSE("/stream"), strlen(GET_CLOSE("/stream"))));
	for (int i = 0; i < 50; i++)
		rig_turn(&r, 1);
	first = r.streamed;
	assert_true(first < all && r.again > 0); /* it was told to wait */
	for (int i = 0; i < 20; i++)
		rig_turn(&r, 1);
	assert_int_equal(r.streamed, first);
	buf_reset(&got);
	assert_true(client_read(&c, NULL));
	assert_int_equal(r.streamed, all);
	assert_int_equal(r.last_error, 0);
	/* Each piece is one letter: count them all. */
	uint64_t letters[26] = {0}, want[26] = {0};

	for (size_t i = 0; i < got.n; i++)
		if (got.p[i] >= 'a' && got.p[i] <= 'z')
			letters[got.p[i] - 'a']++;
	for (uint64_t i = 0; i < all; i += r.piece_bytes)
		want[i / r.piece_bytes % 26] += all - i < r.piece_bytes ? all - i : r.piece_bytes;
	for (size_t i = 6; i < 26; i++) /* those of the chunks' sizes and the head aside */
		if (letters[i] < want[i] || letters[i] > want[i] + 40)
			fail_msg("%c: %llu of %llu", (int)('a' + i), (unsigned long long)letters[i], (unsigned long long)want[i]);
	client_free(&c);
}

static void test_a_body_that_is_held_back(void **state)
{
	enum { ALL = 12 << 20 };
	static uint8_t body[1 << 16];
	struct client c;
	size_t sent = 0;
	unsigned quiet = 0;
	int64_t end = mono_now() + 5 * NS_PER_S;
	uint64_t in;
	char head[100];

	(void)state;
	r.hold = true;
	client_open(&c);
	snprintf(head, sizeof head, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", ALL);
	assert_true(client_send(&c, head, strlen(head)));
	/* Nobody takes it: the client gets stuck, and the server holds little. */
	while (quiet < 20 && sent < ALL) {
		int n = SSL_write(c.ssl, body, sizeof body);

		quiet = n > 0 ? 0 : quiet + 1;
		sent += n > 0 ? (size_t)n : 0;
		ERR_clear_error();
		rig_turn(&r, 1);
	}
	assert_true(sent < ALL);
	in = stats().bytes_in;
	assert_true(in < 2 * 262144);
	assert_int_equal(r.pieces, 1);
	/* Piece by piece, it all comes. */
	while (r.counted < ALL && mono_now() < end) {
		if (r.held)
			http_resume(r.held);
		if (sent < ALL) {
			int n = SSL_write(c.ssl, body, sent + sizeof body <= ALL ? (int)sizeof body : (int)(ALL - sent));

			sent += n > 0 ? (size_t)n : 0;
			ERR_clear_error();
		}
		rig_turn(&r, 0);
	}
	assert_int_equal(r.counted, ALL);
	for (int i = 0; i < 5 && r.held; i++) {
		http_resume(r.held);
		rig_turn(&r, 0);
	}
	buf_reset(&got);
	assert_true(client_read(&c, "12582912"));
	client_free(&c);
}

static bool whole(size_t body_bytes)
{
	const uint8_t *head = got.n ? memmem(got.p, got.n, "\r\n\r\n", 4) : NULL;

	return head && (size_t)(got.p + got.n - head) == body_bytes + 4;
}

static bool client_read_some(struct client *c)
{
	static uint8_t bytes[1 << 16];
	int64_t end = mono_now() + 3 * NS_PER_S;
	int n;

	while ((n = SSL_read(c->ssl, bytes, sizeof bytes)) <= 0)
		if (!again(c, n, end))
			return false;
	buf_add(&got, span_of(bytes, (size_t)n));
	return true;
}

static int setup_small(void **state)
{
	(void)state;
	return begin(&(struct http_options){.body_buffer_bytes = 1}); /* HTTP1_HEAD_MAX, then */
}

/* A read that is full within the last record: its rest waits in memory, and no event of the socket will come for it. */
static void test_the_rest_of_a_record(void **state)
{
	static uint8_t body[HTTP1_HEAD_MAX];
	struct client c;
	char head[100];

	(void)state;
	client_open(&c);
	for (size_t first = 1; first < 2000; first += 300) {
		buf_reset(&got);
		snprintf(head, sizeof head, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", first + sizeof body);
		assert_true(client_send(&c, head, strlen(head)));
		rig_turn(&r, 2);
		/* All of it is in the socket before the server looks. */
		assert_int_equal(SSL_write(c.ssl, body, (int)first), (int)first);
		assert_int_equal(SSL_write(c.ssl, body, sizeof body), sizeof body);
		assert_true(client_read(&c, "\r\n\r\n1"));
		assert_int_equal(r.counted, first + sizeof body);
	}
	client_free(&c);
}

/* Much, faster than it is taken. */
static void test_all_at_once(void **state)
{
	static uint8_t body[700000];
	struct client c;

	(void)state;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (uint8_t)(i * 2654435761u >> 23);
	r.limit = sizeof body;
	client_open(&c);
	for (unsigned round = 0; round < 3; round++) {
		static const char head[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 700000\r\n\r\n";

		buf_reset(&got);
		assert_true(client_send(&c, head, sizeof head - 1) && client_send(&c, body, sizeof body));
		while (!whole(sizeof body))
			assert_true(client_read_some(&c));
		assert_memory_equal(got.p + got.n - sizeof body, body, sizeof body);
	}
	client_free(&c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_slow_handshakes, setup_short, teardown), T(test_plain_requests),
	        cmocka_unit_test_setup_teardown(test_too_many, setup_few, teardown), T(test_every_piece), T(test_a_client_that_reads_late),
	        T(test_a_body_that_is_held_back), cmocka_unit_test_setup_teardown(test_the_rest_of_a_record, setup_small, teardown),
	        T(test_all_at_once)};

	return cmocka_run_group_tests(tests, make, unmake);
}
