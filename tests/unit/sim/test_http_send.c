#include "cm.h"

#include "sim/http_send.h"

static struct buf joined;

/* Every prefix wants more; the whole gives status and body. */
static void whole(const char *text, int status, const char *body, bool close)
{
	struct http_reply r;
	size_t n = strlen(text);
	for (size_t k = 0; k < n; k++)
		assert_int_equal(http_reply_parse(&r, span_of(text, k), &joined), 0);
	char more[512];
	memcpy(more, text, n);
	memcpy(more + n, "HTTP/1.1 500", 12); /* what follows is not touched */
	assert_int_equal(http_reply_parse(&r, span_of(more, n + 12), &joined), (long)n);
	assert_int_equal(r.status, status);
	assert_true(span_is(r.body, body));
	assert_int_equal(r.close, close);
}

static void replies(void **state)
{
	(void)state;
	buf_init(&joined, HTTP_REPLY_MAX);
	whole("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false);
	whole("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204, "", true);
	whole("HTTP/1.1 422 Unprocessable Content\r\ncontent-length:0\r\n\r\n", 422, "", false);
	/* RFC 9112, 7.1 */
	whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\nA;x=y\r\npedia in\r\n\r\n0\r\nExpires: 0\r\n\r\n", 200, "Wikipedia in\r\n", false);
	whole("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false);
	buf_free(&joined);
}

static void rubbish(void **state)
{
	(void)state;
	struct http_reply r;
	buf_init(&joined, HTTP_REPLY_MAX);
	static const char *const bad[] = {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(http_reply_parse(&r, span_str(bad[i]), &joined), -1);
	buf_free(&joined);
}

static void addresses(void **state)
{
	(void)state;
	struct http_conn c;
	assert_int_equal(http_conn_init(&c, "http://127.0.0.1:8470"), 0);
	assert_int_equal(c.port, 8470);
	http_conn_free(&c);
	assert_int_equal(http_conn_init(&c, "http://localhost:1/"), 0);
	http_conn_free(&c);
	static const char *const bad[] = {"127.0.0.1:8470", "https://127.0.0.1:1", "http://127.0.0.1", "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://10.0.0.1:80", "http://:80"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(http_conn_init(&c, bad[i]), MO_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(replies), cmocka_unit_test(rubbish), cmocka_unit_test(addresses)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
