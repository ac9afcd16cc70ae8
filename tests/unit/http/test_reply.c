/* Answers: streaming with bounded memory, bodies by reference, 1.0, HEAD, fields that are refused, breaking off. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/civil.h"
#include "os/clock.h"
#include "rig.h"

static struct rig r;
static struct buf got;

static int setup(void **state)
{
	(void)state;
	buf_init(&got, 0);
	return rig_new(&r, NULL);
}

static int teardown(void **state)
{
	(void)state;
	rig_free(&r);
	buf_free(&got);
	return 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* Undoes the chunks of the answer in got; false when they are not well formed. */
static bool unchunk(struct buf *out)
{
	const uint8_t *body = memmem(got.p, got.n, "\r\n\r\n", 4);
	struct http1_chunked c;
	size_t at;
	bool done = false;

	if (!body)
		return false;
	at = (size_t)(body - got.p) + 4;
	http1_chunked_init(&c);
	while (!done) {
		size_t eaten = 0;
		struct span piece = {NULL, 0};

		if (http1_chunked_next(&c, span_sub(buf_span(&got), at, got.n), &eaten, &piece, &done) < 0 || (eaten == 0 && !done))
			return false;
		buf_add(out, piece);
		at += eaten;
	}
	return at == got.n;
}

static void check_letters(const struct buf *b, uint64_t n, uint64_t piece)
{
	assert_int_equal(b->n, n);
	for (uint64_t i = 0; i < n; i++)
		if (b->p[i] != 'a' + i / piece % 26)
			fail_msg("byte %llu is wrong", (unsigned long long)i);
}

static void test_stream(void **state)
{
	static const uint64_t sizes[][2] = {
	        {0, 1}, {1, 1}, {26, 1}, {10000, 7}, {300000, 4095}, {300000, 4096}, {1000000, 65536}, {1000000, 100000}};
	int fd = rig_connect(&r);
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		r.stream_bytes = sizes[i][0];
		r.piece_bytes = sizes[i][1];
		buf_reset(&got);
		buf_reset(&out);
		assert_true(rig_sends(&r, fd, GET("/stream")) && rig_read(&r, fd, &got, "\r\n0\r\n\r\n", 1));
		assert_true(rig_has(&got, "Transfer-Encoding: chunked\r\n"));
		assert_false(rig_has(&got, "Content-Length"));
		assert_true(unchunk(&out));
		check_letters(&out, sizes[i][0], sizes[i][1]);
	}
	assert_int_equal(r.last_error, 0);
	close(fd);
	/* 1.0: until the end of the connection, even where keep-alive was asked for. */
	fd = rig_connect(&r);
	r.stream_bytes = 100000;
	r.piece_bytes = 999;
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") && rig_read(&r, fd, &got, NULL, 0));
	assert_true(rig_has(&got, "Connection: close\r\n"));
	assert_false(rig_has(&got, "chunked"));
	buf_reset(&out);
	{
		const uint8_t *body = memmem(got.p, got.n, "\r\n\r\n", 4);

		buf_add(&out, span_of(body + 4, got.n - (size_t)(body + 4 - got.p)));
	}
	check_letters(&out, 100000, 999);
	close(fd);
	/* HEAD: the same head, nothing else, and the connection goes on. */
	fd = rig_connect(&r);
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" GET("/")) && rig_read(&r, fd, &got, "hello", 1));
	assert_true(rig_has(&got, "Transfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n"));
	close(fd);
	buf_free(&out);
}

/* A reader that sleeps: the handler is told to wait, memory stays bounded, and all arrives in the end. */
static void test_slow_reader(void **state)
{
	struct buf out;
	int fd = rig_connect(&r), small = 65536;
	uint64_t before;

	(void)state;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	r.stream_bytes = UINT64_C(12) << 20;
	r.piece_bytes = 10000;
	assert_true(rig_sends(&r, fd, GET("/stream")));
	rig_turn(&r, 10);
	before = r.streamed;
	assert_true(before < r.stream_bytes);
	assert_int_equal(r.again, 1);
	rig_turn(&r, 20);
	assert_int_equal(r.streamed, before); /* not asked for more while nothing is read */
	buf_init(&out, 0);
	if (!rig_read(&r, fd, &got, "\r\n0\r\n\r\n", 1))
		fail_msg("%zu bytes came, %llu of them sent", got.n, (unsigned long long)r.streamed);
	assert_true(r.again > 1);
	assert_true(unchunk(&out));
	check_letters(&out, r.stream_bytes, r.piece_bytes);
	assert_int_equal(r.last_error, 0);
	buf_free(&out);
	close(fd);
}

/* A handler that does not wait is refused at the named maximum. */
static void test_deaf_handler(void **state)
{
	static uint8_t piece[30000];
	int fd = rig_connect(&r), small = 8192, e = 0;
	uint64_t taken = 0;

	(void)state;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	assert_true(rig_sends(&r, fd, GET("/later")));
	rig_turn(&r, 2);
	assert_int_equal(http_reply_begin(r.held, 200, NULL, 0), 0);
	for (int i = 0; i < 1000 && e != MO_ELIMIT; i++) {
		e = http_reply_piece(r.held, span_of(piece, sizeof piece));
		assert_true(e == 0 || e == MO_EAGAIN || e == MO_ELIMIT);
		if (e != MO_ELIMIT)
			taken += sizeof piece;
	}
	assert_int_equal(e, MO_ELIMIT);
	assert_true(taken < (UINT64_C(12) << 20)); /* 1 MiB of ours and the system's socket buffers */
	http_abort(r.held);
	rig_turn(&r, 2);
	assert_int_equal(r.aborts, 1);
	close(fd);
}

static void test_by_reference(void **state)
{
	size_t n = 8 << 20;
	uint8_t *big = malloc(n);
	int fd = rig_connect(&r);

	(void)state;
	assert_non_null(big);
	for (size_t i = 0; i < n; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 24);
	big[n - 1] = 'Z';
	r.ref = span_of(big, n);
	assert_true(rig_sends(&r, fd, GET("/ref")));
	rig_turn(&r, 2);
	assert_int_equal(r.dones, 0); /* on its way */
	while (got.n < n && rig_read(&r, fd, &got, "\r\n\r\n", 1)) {
		uint8_t bytes[4096];
		ssize_t k = recv(fd, bytes, sizeof bytes, 0);

		if (k > 0)
			buf_add(&got, span_of(bytes, (size_t)k));
		else
			rig_turn(&r, 0);
		if (got.n >= n + 100)
			break;
	}
	while (r.dones == 0)
		rig_turn(&r, 1);
	{
		uint8_t bytes[4096];
		ssize_t k;

		while ((k = recv(fd, bytes, sizeof bytes, 0)) > 0)
			buf_add(&got, span_of(bytes, (size_t)k));
	}
	{
		const uint8_t *body = memmem(got.p, got.n, "\r\n\r\n", 4);

		assert_non_null(body);
		assert_int_equal(got.n - (size_t)(body + 4 - got.p), n);
		assert_memory_equal(body + 4, big, n);
	}
	assert_int_equal(r.aborts, 0);
	free(big);
	close(fd);
}

static void test_abort(void **state)
{
	int fd = rig_connect(&r);

	(void)state;
	assert_true(rig_sends(&r, fd, GET("/half")));
	(void)rig_read(&r, fd, &got, NULL, 0);
	assert_false(rig_has(&got, "\r\n0\r\n\r\n")); /* never a whole answer */
	assert_int_equal(r.aborts, 1);
	close(fd);
}

static void test_refused_fields(void **state)
{
	static const char *const names[] = {"", "a b", "a:", "Content-Length", "date", "CONNECTION", "transfer-encoding", "na\xc3\xafve"};
	static const char *const values[] = {"a\r\nSet-Cookie: x", "a\nb", "a\rb"};
	static uint8_t long_value[20000];
	struct http_field f;
	int fd = rig_connect(&r);

	(void)state;
	assert_true(rig_sends(&r, fd, GET("/later")));
	rig_turn(&r, 2);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		f = (struct http_field){names[i], SPAN_LIT("v")};
		assert_int_equal(http_reply(r.held, 200, &f, 1, SPAN_LIT("")), MO_EINVAL);
		assert_int_equal(http_reply_begin(r.held, 200, &f, 1), MO_EINVAL);
	}
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		f = (struct http_field){"X", span_str(values[i])};
		assert_int_equal(http_reply(r.held, 200, &f, 1, SPAN_LIT("")), MO_EINVAL);
	}
	f = (struct http_field){"X", span_of("a\0b", 3)};
	assert_int_equal(http_reply(r.held, 200, &f, 1, SPAN_LIT("")), MO_EINVAL);
	memset(long_value, 'x', sizeof long_value);
	f = (struct http_field){"X", span_of(long_value, sizeof long_value)};
	assert_int_equal(http_reply(r.held, 200, &f, 1, SPAN_LIT("")), MO_ELIMIT);
	assert_int_equal(http_reply(r.held, 100, NULL, 0, SPAN_LIT("")), MO_EINVAL);
	assert_int_equal(http_reply(r.held, 600, NULL, 0, SPAN_LIT("")), MO_EINVAL);
	assert_int_equal(http_reply_piece(r.held, SPAN_LIT("x")), MO_ESTATE);
	assert_int_equal(http_reply_end(r.held), MO_ESTATE);
	/* After all that nothing was sent, and a right answer still goes. */
	f = (struct http_field){"X-Note", SPAN_LIT("\xea\xb0\x80")};
	assert_int_equal(http_reply(r.held, 599, &f, 1, SPAN_LIT("fine")), 0);
	assert_int_equal(http_reply(r.held, 200, NULL, 0, SPAN_LIT("")), MO_ESTATE);
	assert_true(rig_read(&r, fd, &got, "fine", 1));
	assert_memory_equal(got.p, "HTTP/1.1 599 ", 13);
	assert_true(rig_has(&got, "X-Note: \xea\xb0\x80\r\n"));
	close(fd);
}

/* The Date is today's, in the one form allowed (RFC 9110 5.6.7). */
static void test_date(void **state)
{
	int fd = rig_connect(&r), day, year, h, m, s, month = 0;
	char wd[4], mon[4];
	const uint8_t *p;
	int64_t ns, before = wall_now();
	struct civil c;
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec", days[] = "MonTueWedThuFriSatSun";

	(void)state;
	assert_true(rig_sends(&r, fd, GET("/")) && rig_read(&r, fd, &got, "hello", 1));
	buf_addc(&got, 0);
	p = memmem(got.p, got.n, "\r\nDate: ", 8);
	assert_non_null(p);
	assert_int_equal(sscanf((const char *)p, "\r\nDate: %3s, %2d %3s %4d %2d:%2d:%2d GMT\r\n", wd, &day, mon, &year, &h, &m, &s), 7);
	while (month < 12 && memcmp(months + 3 * month, mon, 3) != 0)
		month++;
	c = (struct civil){year, (uint8_t)(month + 1), (uint8_t)day, (uint8_t)h, (uint8_t)m, (uint8_t)s, 0};
	assert_int_equal(civil_to_ns(&ns, &c), 0);
	assert_true(ns > before - 2 * NS_PER_S && ns <= wall_now());
	assert_memory_equal(wd, days + 3 * civil_weekday(ns / NS_PER_DAY), 3);
	close(fd);
}

/* Answers from outside a turn (another thread's work came back) and small pieces over time (server-sent events). */
static void test_from_outside(void **state)
{
	int fd = rig_connect(&r);

	(void)state;
	assert_true(rig_sends(&r, fd, GET("/later") GET("/")));
	rig_turn(&r, 2);
	assert_int_equal(http_reply_begin(r.held, 200, NULL, 0), 0);
	assert_int_equal(http_reply_piece(r.held, SPAN_LIT("event: a\n\n")), 0);
	assert_true(rig_read(&r, fd, &got, "a\r\nevent: a\n\n\r\n", 1)); /* does not wait for more */
	assert_int_equal(http_reply_piece(r.held, SPAN_LIT("event: b\n\n")), 0);
	assert_true(rig_read(&r, fd, &got, "event: b", 1));
	assert_int_equal(r.dones, 0);
	assert_int_equal(http_reply_end(r.held), 0);
	assert_int_equal(r.dones, 0); /* done() never comes from inside a call */
	assert_true(rig_read(&r, fd, &got, "hello", 1));
	assert_int_equal(r.dones, 2);
	close(fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(test_stream), T(test_slow_reader), T(test_deaf_handler), T(test_by_reference), T(test_abort),
	        T(test_refused_fields), T(test_date), T(test_from_outside)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
