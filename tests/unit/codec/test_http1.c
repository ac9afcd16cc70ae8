#include "cm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "codec/http1.h"

static int parse(struct http1_head *h, struct span s, size_t *eaten, int *status)
{
	*eaten = 0;
	*status = 0;
	return http1_parse_head(h, s, eaten, status);
}

/* A valid head: whole it is eaten to its end, cut anywhere it wants more. */
static void good(struct http1_head *h, const char *text)
{
	struct span s = span_str(text);
	size_t eaten;
	int status;
	struct buf b;
	buf_init(&b, 0);
	for (size_t n = 0; n < s.n; n++) {
		uint8_t *p = malloc(n ? n : 1); /* exactly as large, for ASan */
		assert_non_null(p);
		memcpy(p, s.p, n);
		int e = parse(h, span_of(p, n), &eaten, &status);
		if (e != MO_EAGAIN)
			print_message("%zu of %s: %d %d\n", n, text, e, status);
		assert_int_equal(e, MO_EAGAIN);
		free(p);
	}
	/* What follows is not looked at. */
	buf_add(&b, s);
	buf_adds(&b, "\n\0rubbish");
	assert_int_equal(parse(h, buf_span(&b), &eaten, &status), 0);
	assert_int_equal(eaten, s.n);
	assert_int_equal(parse(h, s, &eaten, &status), 0);
	assert_int_equal(eaten, s.n);
	buf_free(&b);
}

static void bad(const char *text, int expected)
{
	struct http1_head h;
	size_t eaten;
	int status, e = parse(&h, span_str(text), &eaten, &status);
	if ((e != MO_EPROTO && e != MO_ELIMIT) || status != expected)
		print_message("'%s': %d %d\n", text, e, status);
	assert_true(e == MO_EPROTO || e == MO_ELIMIT);
	assert_int_equal(status, expected);
	assert_int_equal(eaten, 0);
}

/* RFC 9112, 2.1, 3.2.1, 3.2.2, 3.2.4, 7.1.2, 9.3 and RFC 9110, 10.1.1: their examples. */
static void test_rfc(void **state)
{
	(void)state;
	struct http1_head h;
	good(&h, "GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com\r\nAccept-Language: en, mi\r\n\r\n");
	assert_int_equal(h.method, HTTP_GET);
	assert_true(span_is(h.path, "/hello.txt"));
	assert_null(h.query.p);
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.n_headers, 3);
	assert_true(span_is(http1_header(&h, "accept-language"), "en, mi"));
	assert_true(span_is(h.headers[0].name, "User-Agent"));
	assert_null(http1_header(&h, "Accept").p);
	assert_true(h.keep_alive && !h.chunked && !h.has_length && !h.expect_continue);
	good(&h, "GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
	assert_true(span_is(h.target, "/where?q=now"));
	assert_true(span_is(h.path, "/where"));
	assert_true(span_is(h.query, "q=now"));
	good(&h, "GET http://www.example.org/pub/WWW/TheProject.html HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
	assert_true(span_is(h.path, "/pub/WWW/TheProject.html"));
	good(&h, "OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n");
	assert_true(span_is(h.path, "*"));
	good(&h, "PUT /somewhere/fun HTTP/1.1\r\nHost: origin.example.com\r\nContent-Type: video/h264\r\nContent-Length: "
	         "1234567890987\r\nExpect: 100-continue\r\n\r\n");
	assert_true(h.expect_continue && h.has_length);
	assert_true(h.content_length == UINT64_C(1234567890987));
}

static void test_accepted(void **state)
{
	(void)state;
	struct http1_head h;
	static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
	for (int m = 0; m < HTTP_METHODS; m++) {
		char text[64];
		assert_string_equal(http1_method_name((enum http1_method)m), names[m]);
		snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost:\r\n\r\n", names[m]);
		good(&h, text);
		assert_int_equal(h.method, m);
	}
	assert_string_equal(http1_method_name(HTTP_METHODS), "?");
	good(&h, "\r\nGET / HTTP/1.0\r\n\r\n"); /* RFC 9112, 2.2 */
	assert_int_equal(h.minor, 0);
	assert_false(h.keep_alive);
	good(&h, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\nExpect: 100-continue\r\n\r\n");
	assert_true(h.keep_alive);
	assert_false(h.expect_continue);
	good(&h, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade , CLOSE\r\nConnection: keep-alive\r\n\r\n");
	assert_false(h.keep_alive);
	good(&h, "GET / HTTP/1.7\r\nhOST:\t [::1]:8470 \t\r\nX:\r\nY: a\tb\xED\x95\x9C\r\n\r\n");
	assert_int_equal(h.minor, 1);
	assert_true(span_is(http1_header(&h, "Host"), "[::1]:8470"));
	assert_true(http1_header(&h, "X").p && http1_header(&h, "X").n == 0);
	good(&h, "POST /write HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n");
	assert_true(h.chunked && !h.has_length);
	good(&h, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked,\r\n\r\n");
	assert_true(h.chunked);
	good(&h, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n");
	assert_true(h.content_length == UINT64_MAX);
	good(&h, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 000\r\n\r\n");
	assert_true(h.has_length && h.content_length == 0);
	good(&h, "GET HTTPS://Example.org?x HTTP/1.1\r\nHost: example.ORG\r\n\r\n");
	assert_true(span_is(h.path, "/"));
	assert_true(span_is(h.query, "x"));
	good(&h, "GET /? HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(h.query.p && h.query.n == 0);
	good(&h, "GET //a?b?c HTTP/1.1\r\nHost: a.b-c_d:80\r\n\r\n");
	assert_true(span_is(h.query, "b?c"));
}

static void test_refused(void **state)
{
	(void)state;
	/* Request line. */
	bad("\r\n\r\n", 400);
	bad("\n", 400);
	bad("GET / HTTP/1.1\n", 400);
	bad("GET\r\n", 400);
	bad("GET /\r\n", 400); /* HTTP/0.9 */
	bad("GET  / HTTP/1.1\r\n", 400);
	bad("GET /  HTTP/1.1\r\n", 400);
	bad("GET / HTTP/1.1 \r\n", 400);
	bad(" GET / HTTP/1.1\r\n", 400);
	bad("GET\t/ HTTP/1.1\r\n", 400);
	bad("GET /a b HTTP/1.1\r\n", 400);
	bad("GET /\xED\x95\x9C HTTP/1.1\r\n", 400);
	bad("GET /\x7f HTTP/1.1\r\n", 400);
	bad("GET /a#b HTTP/1.1\r\n", 400);
	bad("GET a HTTP/1.1\r\n", 400);
	bad("GET * HTTP/1.1\r\n", 400);
	bad("GET ftp://a/ HTTP/1.1\r\n", 400);
	bad("GET http:///x HTTP/1.1\r\n", 400);
	bad("GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n", 400);
	bad("G(T / HTTP/1.1\r\n", 400);
	bad("GET / http/1.1\r\n", 400);
	bad("GET / HTTP/1.10\r\n", 400);
	bad("GET / HTTP/11\r\n", 400);
	bad("GET / HTTP/1,1\r\n", 400);
	bad("GET / HTTP/2.0\r\n", 505);
	bad("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
	bad("BREW / HTTP/1.1\r\n", 501);
	bad("get / HTTP/1.1\r\n", 501);
	bad("CONNECT a:80 HTTP/1.1\r\n", 501);
	bad("GET / HTTP/1.1\rX", 400); /* bare CR */
	bad("\x16\x03\x01\x02", 400);  /* TLS */
	bad("GET /\x01", 400);
#define LINE "POST / HTTP/1.1\r\nHost: a\r\n"
	/* Fields. */
	bad(LINE " folded\r\n", 400);
	bad(LINE "X: a\r\n b\r\n\r\n", 400);
	bad(LINE "X : a\r\n", 400);
	bad(LINE ": a\r\n", 400);
	bad(LINE "novalue\r\n", 400);
	bad(LINE "X: a\rb\r\n", 400);
	bad(LINE "X: a\n\r\n", 400);
	bad(LINE "X: \x01\r\n", 400);
	bad(LINE "X\xC3\xA9: a\r\n", 400);
	/* Host. */
	bad("GET / HTTP/1.1\r\n\r\n", 400);
	bad("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
	bad("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400);
	bad("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
	bad("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400);
	bad("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400);
	bad("GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400);
	bad("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400);
	bad("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 400);
	bad("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400);
	bad("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400);
	/* Framing: what request smuggling is made of. */
	bad(LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400);
	bad(LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400);
	bad(LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400);
	bad(LINE "Content-Length: 5, 5\r\n\r\n", 400);
	bad(LINE "Content-Length:\r\n\r\n", 400);
	bad(LINE "Content-Length: +5\r\n\r\n", 400);
	bad(LINE "Content-Length: -1\r\n\r\n", 400);
	bad(LINE "Content-Length: 5x\r\n\r\n", 400);
	bad(LINE "Content-Length: 0x5\r\n\r\n", 400);
	bad(LINE "Content-Length: 18446744073709551616\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding:\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: ,\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: gzip\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: identity\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: chunked, gzip\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: chunked, chunked\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: xchunked\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: \"chunked\"\r\n\r\n", 400);
	bad(LINE "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
	bad("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
}

static void fill(struct buf *b, size_t n)
{
	uint8_t *p = buf_reserve(b, n);
	assert_non_null(p);
	memset(p, 'x', n);
	b->n += n;
}

static void test_limits(void **state)
{
	(void)state;
	struct http1_head h;
	struct buf b;
	size_t eaten;
	int status;
	buf_init(&b, 0);
	for (size_t n = HTTP1_TARGET_MAX - 1; n <= HTTP1_TARGET_MAX + 1; n++) {
		buf_reset(&b);
		buf_adds(&b, "GET /");
		fill(&b, n - 1);
		size_t open = b.n;
		buf_adds(&b, " HTTP/1.1\r\nHost: a\r\n\r\n");
		int e = parse(&h, buf_span(&b), &eaten, &status);
		assert_int_equal(e, n > HTTP1_TARGET_MAX ? MO_ELIMIT : 0);
		assert_int_equal(status, n > HTTP1_TARGET_MAX ? 414 : 0);
		/* Told before the line has ended. */
		assert_int_equal(parse(&h, span_of(b.p, open), &eaten, &status), n > HTTP1_TARGET_MAX ? MO_ELIMIT : MO_EAGAIN);
	}
	for (size_t n = HTTP1_HEADERS_MAX - 1; n <= HTTP1_HEADERS_MAX + 1; n++) {
		buf_reset(&b);
		buf_adds(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
		for (size_t i = 1; i < n; i++)
			buf_adds(&b, "X: y\r\n");
		buf_adds(&b, "\r\n");
		assert_int_equal(parse(&h, buf_span(&b), &eaten, &status), n > HTTP1_HEADERS_MAX ? MO_ELIMIT : 0);
		assert_int_equal(status, n > HTTP1_HEADERS_MAX ? 431 : 0);
	}
	for (size_t n = HTTP1_HEAD_MAX - 1; n <= HTTP1_HEAD_MAX + 1; n++) {
		buf_reset(&b);
		buf_adds(&b, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
		fill(&b, n - b.n - 4);
		buf_adds(&b, "\r\n\r\n");
		assert_int_equal(b.n, n);
		assert_int_equal(parse(&h, buf_span(&b), &eaten, &status), n > HTTP1_HEAD_MAX ? MO_ELIMIT : 0);
		assert_int_equal(status, n > HTTP1_HEAD_MAX ? 431 : 0);
	}
	/* A head without end is refused once it can no longer fit. */
	buf_reset(&b);
	buf_adds(&b, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	fill(&b, HTTP1_HEAD_MAX - b.n - 1);
	assert_int_equal(parse(&h, buf_span(&b), &eaten, &status), MO_EAGAIN);
	buf_addc(&b, 'x');
	assert_int_equal(parse(&h, buf_span(&b), &eaten, &status), MO_ELIMIT);
	assert_int_equal(status, 431);
	buf_free(&b);
}

/* Decodes s in pieces of the given size. */
static int unchunk(struct buf *out, struct span s, size_t piece, size_t *ret_eaten, bool *ret_done)
{
	struct http1_chunked c;
	size_t at = 0;
	http1_chunked_init(&c);
	*ret_done = false;
	while (at < s.n && !*ret_done) {
		size_t eaten = 0;
		struct span data;
		struct span in = span_sub(s, at, piece);
		int e = http1_chunked_next(&c, in, &eaten, &data, ret_done);
		if (e) {
			assert_int_equal(http1_chunked_next(&c, in, &eaten, &data, ret_done), MO_EPROTO); /* for good */
			return e;
		}
		assert_true(eaten > 0 || *ret_done);
		assert_true(data.n || eaten == in.n || *ret_done);
		buf_add(out, data);
		at += eaten;
	}
	*ret_eaten = at;
	return 0;
}

static void test_chunked(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out; /* out NULL: refused */
		bool done;
	} cases[] = {
	        {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", true},
	        {"0\r\n\r\n", "", true},
	        {"000A;x=y;z=\"q\\\"\"\r\n0123456789\r\n00\r\nExpires: never\r\nA-b:\r\n\r\n", "0123456789", true},
	        {"1 ;x\r\na\r\n0\r\n\r\n", "a", true},
	        {"fF\r\n", "", false},
	        {"5\r\nhel", "hel", false},
	        {"5\r\nhello", "hello", false},
	        {"0\r\n", "", false},
	        {"0\r\n\r", "", false},
	        {"", "", false},
	        {"\r\n", NULL, false},
	        {";x\r\n", NULL, false},
	        {"g\r\n", NULL, false},
	        {"0x5\r\n", NULL, false},
	        {"-1\r\n", NULL, false},
	        {" 5\r\nhello", NULL, false},
	        {"5 \r\nhello", NULL, false},
	        {"5\nhello", NULL, false},
	        {"5\r\rhello", NULL, false},
	        {"5\r\nhelloX\r\n", NULL, false},
	        {"5\r\nhello\n", NULL, false},
	        {"5;\x01\r\n", NULL, false},
	        {"5;a\n\r\n", NULL, false},
	        {"10000000000000000\r\n", NULL, false},
	        {"0\r\n:x\r\n\r\n", NULL, false},
	        {"0\r\n x\r\n\r\n", NULL, false},
	        {"0\r\nA b: x\r\n", NULL, false},
	        {"0\r\nA\r\n", NULL, false},
	        {"0\r\nA: \x01\r\n", NULL, false},
	        {"0\r\nA: x\n", NULL, false},
	        {"0\r\n\rX", NULL, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span s = span_str(cases[i].in);
		for (size_t piece = 1; piece <= s.n + 1; piece++) {
			struct buf out;
			size_t eaten;
			bool done;
			buf_init(&out, 0);
			int e = unchunk(&out, s, piece, &eaten, &done);
			if (e != (cases[i].out ? 0 : MO_EPROTO))
				print_message("'%s': %d\n", cases[i].in, e);
			assert_int_equal(e, cases[i].out ? 0 : MO_EPROTO);
			if (e == 0) {
				assert_true(span_is(buf_span(&out), cases[i].out));
				assert_int_equal(done, cases[i].done);
				assert_int_equal(eaten, s.n);
			}
			buf_free(&out);
		}
	}
	/* What follows the body belongs to the next request. */
	struct http1_chunked c;
	size_t eaten;
	struct span data;
	bool done;
	http1_chunked_init(&c);
	assert_int_equal(http1_chunked_next(&c, SPAN_LIT("0\r\n\r\nGET /"), &eaten, &data, &done), 0);
	assert_true(done);
	assert_int_equal(eaten, 5);
	assert_int_equal(http1_chunked_next(&c, SPAN_LIT("GET /"), &eaten, &data, &done), 0);
	assert_true(done);
	assert_int_equal(eaten, 0);
	/* The largest size is a size. */
	http1_chunked_init(&c);
	assert_int_equal(http1_chunked_next(&c, SPAN_LIT("ffffffffffffffff\r\nabc"), &eaten, &data, &done), 0);
	assert_int_equal(data.n, 3);
	assert_true(c.left == UINT64_MAX - 3);
}

static void test_chunked_limits(void **state)
{
	(void)state;
	struct buf b, out;
	size_t eaten;
	bool done;
	buf_init(&b, 0);
	buf_init(&out, 0);
	for (size_t n = HTTP1_CHUNK_LINE_MAX - 1; n <= HTTP1_CHUNK_LINE_MAX + 1; n++) {
		buf_reset(&b);
		buf_adds(&b, "1\r\na\r\n0;");
		fill(&b, n - 3);
		buf_adds(&b, "\r\n\r\n");
		/* The line with its CR. */
		assert_int_equal(unchunk(&out, buf_span(&b), 100, &eaten, &done), n > HTTP1_CHUNK_LINE_MAX ? MO_ELIMIT : 0);
	}
	for (size_t n = HTTP1_HEAD_MAX - 1; n <= HTTP1_HEAD_MAX + 1; n++) {
		buf_reset(&b);
		buf_adds(&b, "0\r\nA: b\r\nX:");
		fill(&b, n - 12);
		buf_adds(&b, "\r\n\r\n");
		assert_int_equal(b.n - 3, n);
		assert_int_equal(unchunk(&out, buf_span(&b), 100, &eaten, &done), n > HTTP1_HEAD_MAX ? MO_ELIMIT : 0);
	}
	buf_free(&b);
	buf_free(&out);
}

/* Rubbish, and heads with a byte or two changed: an answer with a status, never more. */
static void test_rubbish(void **state)
{
	(void)state;
	struct prng r;
	prng_seed(&r, 9112);
	static const char head[] = "POST /a?b HTTP/1.1\r\nHost: a:80\r\nContent-Length: 3\r\nConnection: close\r\nX: y\r\n\r\n";
	for (int round = 0; round < 20000; round++) {
		uint8_t text[sizeof(head)];
		struct http1_head h;
		size_t eaten, n = sizeof(head) - 1;
		int status;
		memcpy(text, head, sizeof(head));
		for (uint64_t k = prng_below(&r, 4); k; k--)
			text[prng_below(&r, n)] = (uint8_t)(prng_below(&r, 2) ? prng_u64(&r) : (uint64_t) "\r\n :,\t/"[prng_below(&r, 7)]);
		n = (size_t)prng_below(&r, n + 1);
		int e = parse(&h, span_of(text, n), &eaten, &status);
		if (e == MO_EPROTO || e == MO_ELIMIT)
			assert_true(status == 400 || status == 414 || status == 431 || status == 501 || status == 505);
		else
			assert_true(e == MO_EAGAIN || (e == 0 && eaten <= n));
	}
}

/* RFC 9110, 12.5.3, with its own examples. */
static void test_accepts_gzip(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		bool gzip;
	} rows[] = {{"compress, gzip", true}, {"", false}, {"*", true}, {"compress;q=0.5, gzip;q=1.0", true}, {"gzip;q=1.0, identity; q=0.5, *;q=0", true},
		{"identity", false}, {"identity;q=1, *;q=0", false}, {"gzip;q=0", false}, {"gzip;q=0.000", false}, {"*, gzip;q=0", false}, {"x-gzip", true}, {"GZip", true},
		{"gzip, deflate, br, zstd", true}, {"br", false}, {"gzip;q=0.4, identity;q=0.6", false}, {"gzip;q=0.001", true}, {"*;q=0", false}, {"identity;q=0", false},
		{"gzip ; Q=0.9", true}, {"gzip;q=2", false}, {"gzip;q=1.001", false}, {"gzip;q=x", false}, {"gzip;q=0.1234", false}, {"gzip;level=9", false}, {"gzipped", false},
		{",, gzip ,", true}, {"gzip;q=1.", true}, {"gzip;", false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (http1_accepts_gzip(span_str(rows[i].header)) != rows[i].gzip)
			fail_msg("%s", rows[i].header);
	assert_false(http1_accepts_gzip(span_of(NULL, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rfc),
	        cmocka_unit_test(test_accepted),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_limits),
	        cmocka_unit_test(test_accepts_gzip),
	        cmocka_unit_test(test_chunked),
	        cmocka_unit_test(test_chunked_limits),
	        cmocka_unit_test(test_rubbish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
