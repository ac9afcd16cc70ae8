/* The server by literal requests: framing, limits, refusals, deadlines, back-pressure, breaking off. */
#include "cm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/civil.h"
#include "os/clock.h"
#include "rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_CLOSE(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static struct rig r;
static struct buf got;

static int begin(const struct http_options *opt)
{
	buf_init(&got, 0);
	return rig_new(&r, opt);
}

static int setup(void **state)
{
	(void)state;
	return begin(NULL);
}

static int teardown(void **state)
{
	(void)state;
	rig_free(&r);
	buf_free(&got);
	return 0;
}

static void expect_once(const char *request, const char *status_line, const char *has)
{
	assert_true(rig_once(&r, request, strlen(request), &got));
	if (got.n < strlen(status_line) || memcmp(got.p, status_line, strlen(status_line)) != 0)
		fail_msg("%s\n-> %.*s", request, SPAN_FMT(buf_span(&got)));
	if (has && !rig_has(&got, has))
		fail_msg("%s\n-> %.*s\nlacks %s", request, SPAN_FMT(buf_span(&got)), has);
}

static void test_answers(void **state)
{
	(void)state;
	expect_once(GET_CLOSE("/"), "HTTP/1.1 200 OK\r\nDate: ", "GMT\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
	expect_once(GET_CLOSE("/head"), "HTTP/1.1 200 OK\r\n", "\r\n\r\nfrom head");
	assert_int_equal(r.heads, 2);
	assert_int_equal(r.ends, 1); /* what is answered in head() has no end() */
	assert_int_equal(r.dones, 2);
	assert_int_equal(r.aborts, 0);
	expect_once("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n",
	        "Content-Length: 5\r\nConnection: close\r\n\r\n");
	assert_false(rig_has(&got, "hello"));
	expect_once(GET_CLOSE("/204"), "HTTP/1.1 204 No Content\r\n", "Connection: close\r\n\r\n");
	assert_false(rig_has(&got, "Content-Length"));
	expect_once(GET_CLOSE("/304"), "HTTP/1.1 304 Not Modified\r\n", "ETag: \"7\"\r\nConnection: close\r\n\r\n");
	assert_false(rig_has(&got, "never"));
	assert_false(rig_has(&got, "Content-Length"));
	expect_once("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\n",
	        "\r\n\r\nabc");
	expect_once("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: "
	            "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n",
	        "HTTP/1.1 200 OK\r\n", "\r\n\r\nabcde");
	expect_once("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
	        "Content-Length: 0\r\n");
	assert_int_equal(r.last_error, 0);
	assert_int_equal(http_server_active(r.s), 0);
}

static void test_keep_alive(void **state)
{
	int fd = rig_connect(&r);
	struct http_server_stats st;

	(void)state;
	assert_true(rig_sends(&r, fd, GET("/")) && rig_read(&r, fd, &got, "hello", 1));
	assert_false(rig_has(&got, "Connection:"));
	assert_true(rig_sends(&r, fd, GET("/")) && rig_read(&r, fd, &got, "hello", 2));
	assert_true(rig_sends(&r, fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") && rig_read(&r, fd, &got, "hello", 3));
	assert_int_equal(rig_times(&got, "Connection: keep-alive\r\n"), 1);
	http_server_stats(r.s, &st);
	assert_int_equal(st.connections, 1);
	assert_int_equal(st.requests, 3);
	assert_int_equal(st.open, 1);
	assert_int_equal(st.bytes_out, got.n);
	/* 1.0 without a word closes, and says so. */
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, "GET / HTTP/1.0\r\n\r\n") && rig_read(&r, fd, &got, NULL, 0));
	assert_true(rig_has(&got, "Connection: close\r\n"));
	close(fd);
}

/* One POST with a chunked body and one GET behind it, cut in two at every byte. */
static void test_every_split(void **state)
{
	static const char pair[] =
	        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n" GET_CLOSE("/");
	static const char small[] = "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nfactor" GET_CLOSE("/");
	const char *all[] = {pair, small};

	(void)state;
	for (size_t k = 0; k < 2; k++)
		for (size_t cut = 1; cut < strlen(all[k]); cut++) {
			int fd = rig_connect(&r);

			buf_reset(&got);
			assert_true(rig_send(&r, fd, all[k], cut));
			rig_turn(&r, 0);
			assert_true(rig_send(&r, fd, all[k] + cut, strlen(all[k]) - cut));
			assert_true(rig_read(&r, fd, &got, NULL, 0));
			assert_int_equal(rig_times(&got, "HTTP/1.1 200 OK\r\n"), 2);
			assert_int_equal(rig_times(&got, k == 0 ? "\r\n\r\nwikipediaHTTP/1.1" : "\r\n\r\nfactorHTTP/1.1"), 1);
			assert_int_equal(rig_times(&got, "\r\n\r\nhello"), 1);
			close(fd);
		}
	/* And byte by byte. */
	for (size_t k = 0; k < 2; k++) {
		int fd = rig_connect(&r);

		buf_reset(&got);
		for (size_t i = 0; i < strlen(all[k]); i++)
			assert_true(rig_send(&r, fd, all[k] + i, 1));
		assert_true(rig_read(&r, fd, &got, NULL, 0));
		assert_int_equal(rig_times(&got, "HTTP/1.1 200 OK\r\n"), 2);
		close(fd);
	}
	assert_int_equal(r.aborts, 0);
}

/* Many at once: answered in order, the next not begun before the last one ended. */
static void test_pipeline(void **state)
{
	struct buf many;
	int fd = rig_connect(&r);

	(void)state;
	buf_init(&many, 0);
	for (int i = 0; i < 300; i++)
		buf_printf(&many, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n%04d", i);
	assert_true(rig_send(&r, fd, (const char *)many.p, many.n));
	assert_true(rig_read(&r, fd, &got, "HTTP/1.1 200", 300));
	for (int i = 0, at = 0; i < 300; i++) {
		char want[16];
		const uint8_t *p;

		snprintf(want, sizeof want, "\r\n\r\n%04d", i);
		p = memmem(got.p + at, got.n - (size_t)at, want, 8);
		assert_non_null(p);
		assert_true((int)(p - got.p) >= at);
		at = (int)(p - got.p);
	}
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, GET("/later") GET("/")));
	rig_turn(&r, 5);
	assert_non_null(r.held);
	assert_int_equal(r.heads, 301);
	assert_int_equal(http_server_active(r.s), 1);
	assert_int_equal(http_reply(r.held, 200, NULL, 0, SPAN_LIT("now")), 0);
	assert_true(rig_read(&r, fd, &got, "hello", 1));
	assert_true(rig_has(&got, "\r\n\r\nnowHTTP/1.1 200"));
	buf_free(&many);
	close(fd);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *request, *status;
	} rows[] = {
	        {"rubbish\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	        {"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n"},
	        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
	        {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n", "HTTP/1.1 413 Content Too Large\r\n"},
	        {"POST /want0 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 413 Content Too Large\r\n"},
	        {"POST /want0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
	                "HTTP/1.1 413 Content Too Large\r\n"},
	};
	struct buf big;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_once(rows[i].request, rows[i].status, "Content-Type: application/problem+json\r\n");
		assert_true(rig_has(&got, "Connection: close\r\n\r\n{\"type\":\"about:blank\",\"title\":\""));
		assert_int_equal(rig_times(&got, "HTTP/1.1"), 1);
	}
	assert_int_equal(r.dones, r.heads);
	assert_int_equal(r.aborts, 4);
	buf_init(&big, 0);
	buf_adds(&big, "GET /");
	for (int i = 0; i < 9000; i++)
		buf_addc(&big, 'a');
	assert_true(rig_once(&r, (const char *)big.p, big.n, &got)); /* without its end yet */
	assert_true(rig_has(&got, "HTTP/1.1 414 URI Too Long\r\n"));
	buf_reset(&big);
	buf_adds(&big, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	for (int i = 0; i < 17000; i++)
		buf_addc(&big, 'a');
	assert_true(rig_once(&r, (const char *)big.p, big.n, &got));
	assert_true(rig_has(&got, "HTTP/1.1 431 Request Header Fields Too Large\r\n"));
	buf_reset(&big);
	buf_adds(&big, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 64; i++)
		buf_adds(&big, "X: y\r\n");
	buf_adds(&big, "\r\n");
	assert_true(rig_once(&r, (const char *)big.p, big.n, &got));
	assert_true(rig_has(&got, "HTTP/1.1 431 Request Header Fields Too Large\r\n"));
	buf_free(&big);
}

/* The limit on chunks is counted: the piece that passes it is refused, and nothing past it was given. */
static void test_chunked_limit(void **state)
{
	(void)state;
	r.limit = 10;
	expect_once("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: "
	            "chunked\r\n\r\n5\r\n12345\r\n5\r\n67890\r\n0\r\n\r\n",
	        "HTTP/1.1 200", "1234567890");
	r.counted = 0;
	expect_once("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n6\r\n678901\r\n0\r\n\r\n",
	        "HTTP/1.1 413 ", NULL);
	assert_int_equal(r.counted, 5);
}

static void test_expect_continue(void **state)
{
	int fd = rig_connect(&r);

	(void)state;
	/* Wanted: told to go on, once, before the body. */
	assert_true(rig_sends(&r, fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"));
	assert_true(rig_read(&r, fd, &got, "\r\n\r\n", 1));
	assert_memory_equal(got.p, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	assert_int_equal(got.n, 25);
	assert_true(rig_sends(&r, fd, "body") && rig_read(&r, fd, &got, "\r\n\r\nbody", 1));
	/* The body is there already: no 100. */
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nBODY"));
	assert_true(rig_read(&r, fd, &got, "\r\n\r\nBODY", 1));
	assert_false(rig_has(&got, "100 Continue"));
	/* Too long: 413 instead of 100. */
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n"));
	assert_true(rig_read(&r, fd, &got, NULL, 0));
	assert_memory_equal(got.p, "HTTP/1.1 413 ", 13);
	close(fd);
	/* Not wanted: the answer, and the connection ends, since nobody knows whether a body follows. */
	expect_once("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", "HTTP/1.1 200 OK\r\n",
	        "Connection: close\r\n");
	assert_int_equal(r.aborts, 1);
}

/* A body nobody wants is dropped up to 64 KiB and the connection kept; past that it ends after the answer. */
static void test_unwanted_body(void **state)
{
	static char zeros[70000];
	int fd = rig_connect(&r);
	char head[128];

	(void)state;
	snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", 65536);
	assert_true(rig_sends(&r, fd, head) && rig_send(&r, fd, zeros, 65536));
	assert_true(rig_read(&r, fd, &got, "hello", 1));
	assert_true(rig_sends(&r, fd, GET("/")) && rig_read(&r, fd, &got, "hello", 2));
	assert_false(rig_has(&got, "Connection: close"));
	snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", 65537);
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, head) && rig_send(&r, fd, zeros, 65537));
	assert_true(rig_read(&r, fd, &got, NULL, 0));
	assert_true(rig_has(&got, "Connection: close\r\n\r\nhello"));
	close(fd);
	/* Chunked: found out on the way. */
	fd = rig_connect(&r);
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n"));
	assert_true(rig_send(&r, fd, zeros, 70000) && rig_read(&r, fd, &got, NULL, 0));
	assert_true(rig_has(&got, "hello"));
	close(fd);
	/* Refused in head() with the body under way. */
	fd = rig_connect(&r);
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n") &&
	            rig_read(&r, fd, &got, "\r\n\r\nno", 1));
	assert_true(rig_sends(&r, fd, "12345" GET("/")) && rig_read(&r, fd, &got, "hello", 1));
	assert_int_equal(r.aborts, 0);
	close(fd);
}

/* A handler that takes one piece at a time stops the client; memory holds what is allowed and no more. */
static void test_back_pressure(void **state)
{
	static char piece[65536];
	int fd = rig_connect(&r);
	uint64_t sent = 0, all = UINT64_C(24) << 20, before;
	char head[128];
	int stuck = 0;
	struct http_server_stats st;

	(void)state;
	r.hold = true;
	snprintf(head, sizeof head, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)all);
	assert_true(rig_sends(&r, fd, head));
	while (sent < all && stuck < 20) {
		ssize_t n = send(fd, piece, sizeof piece, MSG_NOSIGNAL);

		stuck = n > 0 ? 0 : stuck + 1;
		if (n > 0)
			sent += (uint64_t)n;
		rig_turn(&r, 0);
	}
	assert_true(sent < all); /* the kernel's buffers are full */
	assert_int_equal(r.pieces, 1);
	http_server_stats(r.s, &st);
	assert_true(st.bytes_in <= 65536 * 2 + 128);
	before = r.counted;
	assert_non_null(r.held);
	http_resume(r.held);
	rig_turn(&r, 0);
	assert_true(r.counted > before);
	assert_int_equal(r.pieces, 2);
	/* Let go: everything arrives. */
	r.hold = false;
	while (sent < all) {
		size_t n = all - sent < sizeof piece ? (size_t)(all - sent) : sizeof piece;

		if (r.held)
			http_resume(r.held);
		assert_true(rig_send(&r, fd, piece, n));
		sent += n;
	}
	if (r.held)
		http_resume(r.held);
	assert_true(rig_read(&r, fd, &got, "\r\n\r\n25165824", 1));
	assert_int_equal(r.ends, 1);
	close(fd);
}

/* The end of a body waits for a handler that is behind, like the next piece would. */
static void test_pause_at_the_end(void **state)
{
	static const char *const requests[] = {
	        "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
	        "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	};

	(void)state;
	r.hold = true;
	for (unsigned i = 0; i < 2; i++) {
		int fd = rig_connect(&r);

		buf_reset(&got);
		assert_true(rig_sends(&r, fd, requests[i]));
		rig_turn(&r, 5);
		assert_int_equal(r.ends, i);
		assert_non_null(r.held);
		http_resume(r.held);
		assert_true(rig_read(&r, fd, &got, "\r\n\r\n3", 1));
		assert_int_equal(r.ends, i + 1);
		close(fd);
	}
}

/* While an answer is awaited, pipelined input is taken up to the buffer's limit and no further. */
static void test_pipelined_input_is_bounded(void **state)
{
	static char requests[1 << 16];
	const char one[] = GET("/");
	struct http_server_stats st;
	int fd = rig_connect(&r), stuck = 0;
	size_t n = 0;

	(void)state;
	while (n + sizeof one < sizeof requests) {
		memcpy(requests + n, one, sizeof one - 1);
		n += sizeof one - 1;
	}
	assert_true(rig_sends(&r, fd, GET("/later")));
	rig_turn(&r, 1);
	for (int k = 0; k < 400 && stuck < 20; k++) {
		ssize_t sent = send(fd, requests, n, MSG_NOSIGNAL);

		stuck = sent > 0 ? 0 : stuck + 1;
		rig_turn(&r, 0);
	}
	assert_int_equal(stuck, 20);
	http_server_stats(r.s, &st);
	assert_true(st.bytes_in <= 262144 + 64);
	assert_true(st.bytes_in >= 262144);
	http_abort(r.held);
	rig_turn(&r, 1);
	assert_int_equal(r.aborts, 1);
	close(fd);
}

static int setup_deadlines(void **state)
{
	struct http_options o = {
	        .head_timeout_ns = 60 * NS_PER_MS, .idle_timeout_ns = 120 * NS_PER_MS, .piece_timeout_ns = 150 * NS_PER_MS};

	(void)state;
	return begin(&o);
}

static void test_deadlines(void **state)
{
	int fd = rig_connect(&r);
	int64_t t = mono_now();

	(void)state;
	/* Slow head, dripping: 408 though something always comes. */
	for (int i = 0; i < 100 && !rig_has(&got, "408"); i++) {
		char c = "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"[i];
		uint8_t in[512];
		ssize_t n;

		send(fd, &c, 1, MSG_NOSIGNAL);
		rig_turn(&r, 5);
		n = recv(fd, in, sizeof in, 0);
		if (n > 0)
			buf_add(&got, span_of(in, (size_t)n));
	}
	t = mono_now() - t;
	assert_true(rig_has(&got, "HTTP/1.1 408 Request Timeout\r\n"));
	assert_true(t >= 60 * NS_PER_MS && t < 2 * NS_PER_S);
	close(fd);
	/* Nothing at all, before the first request and after one: closed without a word. */
	fd = rig_connect(&r);
	t = mono_now();
	assert_true(rig_closed(&r, fd));
	assert_true(mono_now() - t >= 110 * NS_PER_MS);
	close(fd);
	fd = rig_connect(&r);
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, GET("/")) && rig_read(&r, fd, &got, "hello", 1));
	assert_true(rig_closed(&r, fd));
	close(fd);
	/* A body that stops: 408, done(aborted). */
	assert_int_equal(r.aborts, 0);
	fd = rig_connect(&r);
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
	assert_true(rig_read(&r, fd, &got, NULL, 0));
	assert_true(rig_has(&got, "HTTP/1.1 408 Request Timeout\r\n"));
	assert_int_equal(r.aborts, 1);
	close(fd);
	/* One that is slow but goes on is not late, however long it takes. */
	fd = rig_connect(&r);
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n"));
	for (int i = 0; i < 8; i++) {
		rig_turn(&r, 25);
		assert_true(rig_sends(&r, fd, "x"));
	}
	assert_true(rig_read(&r, fd, &got, "\r\n\r\nxxxxxxxx", 1));
	close(fd);
	/* A handler may take its time. */
	fd = rig_connect(&r);
	buf_reset(&got);
	assert_true(rig_sends(&r, fd, GET("/later")));
	rig_turn(&r, 200);
	assert_non_null(r.held);
	assert_int_equal(http_reply(r.held, 200, NULL, 0, SPAN_LIT("late")), 0);
	assert_true(rig_read(&r, fd, &got, "\r\n\r\nlate", 1));
	close(fd);
	/* A client that does not take its answer is cut off. */
	fd = rig_connect(&r);
	r.stream_bytes = UINT64_C(64) << 20;
	r.piece_bytes = 65536;
	assert_true(rig_sends(&r, fd, GET("/stream")));
	for (int i = 0; i < 100 && r.aborts < 2; i++)
		rig_turn(&r, 10);
	assert_int_equal(r.aborts, 2);
	close(fd);
}

static int setup_few(void **state)
{
	struct http_options o = {.connections_max = 2};

	(void)state;
	return begin(&o);
}

static void test_connections_max(void **state)
{
	int a = rig_connect(&r), b = rig_connect(&r), c;
	struct http_server_stats st;

	(void)state;
	rig_turn(&r, 2);
	expect_once(GET("/"), "HTTP/1.1 503 Service Unavailable\r\n", "\"code\":\"service_unavailable\"");
	http_server_stats(r.s, &st);
	assert_int_equal(st.open, 2);
	close(a);
	rig_turn(&r, 2);
	c = rig_connect(&r);
	buf_reset(&got);
	assert_true(rig_sends(&r, c, GET("/")) && rig_read(&r, c, &got, "hello", 1));
	close(b);
	close(c);
}

static struct subnets only_this_one;

static int setup_allowed(void **state)
{
	struct http_options o = {.allow = &only_this_one, .door = 7};
	struct span bad;

	if (subnet_read(&only_this_one, *state ? SPAN_LIT("127.0.0.1") : SPAN_LIT("127.0.0.2, ::1"), &bad) != 0)
		return -1;
	return begin(&o);
}

static void test_networks(void **state)
{
	struct http_server_stats st;

	if (*state) {
		expect_once(GET_CLOSE("/"), "HTTP/1.1 200 OK\r\n", "hello");
		http_server_stats(r.s, &st);
		assert_int_equal(st.turned_away, 0);
		return;
	}
	for (unsigned i = 1; i <= 3; i++) {
		int fd = rig_connect(&r);

		buf_reset(&got);
		char one;
		if (i > 1)
			(void)!send(fd, GET("/"), sizeof GET("/") - 1, MSG_NOSIGNAL);
		rig_turn(&r, 2);
		errno = 0;
		assert_true(recv(fd, &one, 1, 0) <= 0 && errno != EAGAIN); /* the end, or a reset where something was sent */
		http_server_stats(r.s, &st);
		assert_int_equal(st.turned_away, i);
		close(fd);
	}
	assert_int_equal(st.open + st.connections + st.requests + st.bytes_out, 0);
	assert_int_equal(r.heads, 0);
}

/* The client goes in each phase: every head() has its done(), and only the one. */
static void test_client_breaks_off(void **state)
{
	static const char *const phases[] = {
	        "GET / HT",
	        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
	        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	        "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
	        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
	        GET("/later"),
	        GET("/stream"),
	};
	const struct linger reset = {1, 0};
	struct http_server_stats st;

	(void)state;
	r.stream_bytes = UINT64_C(64) << 20;
	r.piece_bytes = 65536;
	for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
		for (int hard = 0; hard < 2; hard++) {
			int fd = rig_connect(&r);

			assert_true(rig_sends(&r, fd, phases[i]));
			rig_turn(&r, 1);
			if (hard)
				setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
			close(fd);
			rig_turn(&r, 2);
			/* Who only waits for a handler hears of it when writing; a half-closed client still gets its answer. */
			for (int k = 0; k < 3 && r.held; k++) {
				(void)!http_reply(r.held, 200, NULL, 0, SPAN_LIT("x"));
				rig_turn(&r, 2);
			}
			rig_turn(&r, 2);
			http_server_stats(r.s, &st);
			assert_int_equal(st.open, 0);
			assert_int_equal(r.heads, r.dones);
			assert_int_equal(http_server_active(r.s), 0);
		}
	assert_true(r.aborts >= 8);
	/* A half-closed client gets its answer. */
	{
		int fd = rig_connect(&r);

		buf_reset(&got);
		assert_true(rig_sends(&r, fd, GET("/later")));
		shutdown(fd, SHUT_WR);
		rig_turn(&r, 3);
		assert_int_equal(http_reply(r.held, 200, NULL, 0, SPAN_LIT("still")), 0);
		assert_true(rig_read(&r, fd, &got, NULL, 0));
		assert_true(rig_has(&got, "\r\n\r\nstill"));
		close(fd);
	}
}

static void test_unix_socket(void **state)
{
	char dir[] = "/tmp/moru-http-XXXXXX", path[64], longest[200];
	struct http_options o = {.unix_path = path};
	struct diag d;
	struct http_server *s = NULL;
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/sock", dir);
	for (int i = 0; i < 2; i++) { /* the second time a socket was left behind */
		teardown(NULL);
		assert_int_equal(begin(&o), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		fd = rig_connect_unix(path);
		assert_true(fd >= 0);
		assert_true(rig_sends(&r, fd, GET("/later")));
		rig_turn(&r, 2);
		assert_non_null(r.held);
		assert_true(http_from_unix(r.held));
		assert_int_equal(http_reply(r.held, 200, NULL, 0, SPAN_LIT("unix")), 0);
		assert_true(rig_read(&r, fd, &got, "\r\n\r\nunix", 1));
		close(fd);
		/* Who is gone shows at once, while the handler is still at work; who only has said all gets its answer. */
		for (int gone = 0; gone < 2; gone++) {
			unsigned aborts = r.aborts;

			fd = rig_connect_unix(path);
			assert_true(rig_sends(&r, fd, GET("/later")));
			rig_turn(&r, 2);
			assert_non_null(r.held);
			(void)(gone ? close(fd) : shutdown(fd, SHUT_WR));
			rig_turn(&r, 2);
			assert_int_equal(r.aborts, aborts + (unsigned)gone);
			if (gone) {
				assert_null(r.held);
				break;
			}
			assert_int_equal(http_reply(r.held, 200, NULL, 0, SPAN_LIT("still")), 0);
			buf_reset(&got);
			assert_true(rig_read(&r, fd, &got, NULL, 0));
			assert_true(rig_has(&got, "\r\n\r\nstill"));
			close(fd);
		}
		fd = rig_connect(&r);
		assert_true(rig_sends(&r, fd, GET("/later")));
		rig_turn(&r, 2);
		assert_false(http_from_unix(r.held));
		close(fd);
		if (i == 0) {
			/* Leave a stale socket where the next one wants to be. */
			char away[72];

			snprintf(away, sizeof away, "%s.x", path);
			assert_int_equal(rename(path, away), 0);
			http_server_free(r.s);
			r.s = NULL;
			assert_int_equal(rename(away, path), 0);
		}
	}
	http_server_drain(r.s);
	assert_int_equal(access(path, F_OK), -1);
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	o.unix_path = longest;
	assert_int_equal(http_server_new(&s, r.l, &o, NULL, NULL, &d), MO_ELIMIT);
	assert_int_equal(d.msg, MSG_HTTP_SOCKET_PATH_LONG);
	rmdir(dir);
}

static void test_bad_addresses(void **state)
{
	struct http_options o = {.address = "localhost"};
	struct http_server *s = NULL;
	struct diag d;

	(void)state;
	assert_int_equal(http_server_new(&s, r.l, &o, NULL, NULL, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_HTTP_BAD_ADDRESS);
	o.address = "127.0.0.1";
	o.port = r.port;
	assert_int_equal(http_server_new(&s, r.l, &o, NULL, NULL, &d), MO_EBUSY);
	assert_int_equal(d.msg, MSG_HTTP_ADDRESS_TAKEN);
	assert_null(s);
}

static void test_drain(void **state)
{
	int idle = rig_connect(&r), busy = rig_connect(&r);

	(void)state;
	assert_true(rig_sends(&r, idle, GET("/")) && rig_read(&r, idle, &got, "hello", 1));
	assert_true(rig_sends(&r, busy, GET("/later")));
	rig_turn(&r, 2);
	http_server_drain(r.s);
	assert_true(rig_closed(&r, idle));
	assert_int_equal(rig_connect(&r), -1);
	assert_int_equal(http_server_active(r.s), 1);
	buf_reset(&got);
	assert_int_equal(http_reply(r.held, 200, NULL, 0, SPAN_LIT("last")), 0);
	assert_true(rig_read(&r, busy, &got, NULL, 0));
	assert_true(rig_has(&got, "Connection: close\r\n\r\nlast"));
	close(idle);
	close(busy);
}

/* Freed with everything under way: each exchange is told. */
static void test_free_midway(void **state)
{
	int a = rig_connect(&r), b = rig_connect(&r), c = rig_connect(&r);

	(void)state;
	assert_true(rig_sends(&r, a, GET("/later")));
	assert_true(rig_sends(&r, b, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
	assert_true(rig_sends(&r, c, "GET /"));
	rig_turn(&r, 2);
	http_server_free(r.s);
	r.s = NULL;
	assert_int_equal(r.dones, 2);
	assert_int_equal(r.aborts, 2);
	close(a);
	close(b);
	close(c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(test_answers),
	        T(test_keep_alive),
	        T(test_every_split),
	        T(test_pipeline),
	        T(test_refusals),
	        T(test_chunked_limit),
	        T(test_expect_continue),
	        T(test_unwanted_body),
	        T(test_back_pressure),
	        T(test_pause_at_the_end),
	        T(test_pipelined_input_is_bounded),
	        cmocka_unit_test_setup_teardown(test_deadlines, setup_deadlines, teardown),
	        cmocka_unit_test_setup_teardown(test_connections_max, setup_few, teardown),
	        cmocka_unit_test_prestate_setup_teardown(test_networks, setup_allowed, teardown, NULL),
	        cmocka_unit_test_prestate_setup_teardown(test_networks, setup_allowed, teardown, &only_this_one),
	        T(test_client_breaks_off),
	        T(test_unix_socket),
	        T(test_bad_addresses),
	        T(test_drain),
	        T(test_free_midway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
