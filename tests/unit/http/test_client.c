/* The blocking client on this thread against the server on another. */
#include "cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/client.h"
#include "os/thread.h"
#include "rig.h"

static struct rig r;
static pthread_t server;
static char dir[64], path[80], url[80];
static struct httpc *c;
static struct buf answer;

static void *serve(void *arg)
{
	(void)arg;
	if (loop_run(r.l) < 0)
		abort();
	return NULL;
}

static int setup(void **state)
{
	struct http_options o = {.unix_path = path};

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/moru-http-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/sock", dir);
	buf_init(&answer, 0);
	if (rig_new(&r, &o) < 0 || httpc_new(&c) < 0)
		return -1;
	return thread_start(&server, "server", serve, NULL);
}

static int teardown(void **state)
{
	(void)state;
	loop_stop(r.l);
	thread_join(server);
	httpc_free(c);
	rig_free(&r);
	buf_free(&answer);
	return rmdir(dir);
}

static int ask(const char *method, const char *target, struct span body, int *status, struct diag *d)
{
	struct httpc_request q = {.method = method, .url = url, .body = body};

	snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)r.port, target);
	return httpc_do(c, &q, status, &answer, d);
}

static void stats(struct http_server_stats *st)
{
	loop_stop(r.l);
	thread_join(server);
	http_server_stats(r.s, st);
	assert_int_equal(thread_start(&server, "server", serve, NULL), 0);
}

static void test_methods(void **state)
{
	static uint8_t big[3 << 20];
	struct http_server_stats st;
	struct diag d;
	int status = 0;

	(void)state;
	r.limit = sizeof big;
	assert_int_equal(ask("GET", "/", SPAN_LIT(""), &status, &d), 0);
	assert_int_equal(status, 200);
	assert_true(span_is(buf_span(&answer), "hello"));
	assert_int_equal(ask("HEAD", "/", SPAN_LIT(""), &status, &d), 0);
	assert_int_equal(answer.n, 0);
	assert_int_equal(ask("POST", "/echo", SPAN_LIT("abc"), &status, &d), 0);
	assert_true(span_is(buf_span(&answer), "abc"));
	assert_int_equal(ask("PUT", "/echo", SPAN_LIT("abcd"), &status, &d), 0);
	assert_true(span_is(buf_span(&answer), "abcd"));
	assert_int_equal(ask("POST", "/echo", SPAN_LIT(""), &status, &d), 0);
	assert_int_equal(answer.n, 0);
	assert_int_equal(ask("DELETE", "/204", SPAN_LIT(""), &status, &d), 0);
	assert_int_equal(status, 204);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 24);
	assert_int_equal(ask("POST", "/echo", span_of(big, sizeof big), &status, &d), 0);
	assert_int_equal(answer.n, sizeof big);
	assert_memory_equal(answer.p, big, sizeof big);
	stats(&st);
	assert_int_equal(st.connections, 1); /* kept */
	assert_int_equal(st.requests, 7);
	/* Refused early with the body under way: the answer arrives. */
	r.limit = 100;
	assert_int_equal(ask("POST", "/echo", span_of(big, sizeof big), &status, &d), 0);
	assert_int_equal(status, 413);
	assert_int_equal(ask("GET", "/", SPAN_LIT(""), &status, &d), 0);
	assert_int_equal(status, 200);
}

static void test_unix(void **state)
{
	struct httpc_request q = {.method = "GET", .url = "http://node/", .unix_path = path};
	int status = 0;

	(void)state;
	assert_int_equal(httpc_do(c, &q, &status, &answer, NULL), 0);
	assert_int_equal(status, 200);
	assert_true(span_is(buf_span(&answer), "hello"));
	q.unix_path = "/nonexistent/moru.sock";
	assert_int_equal(httpc_do(c, &q, &status, &answer, NULL), MO_EIO);
}

static void test_limits(void **state)
{
	struct httpc_request q = {.method = "GET", .url = url, .timeout_ms = 50};
	struct diag d;
	int status = 77;

	(void)state;
	snprintf(url, sizeof url, "http://127.0.0.1:%u/later", (unsigned)r.port);
	assert_int_equal(httpc_do(c, &q, &status, &answer, &d), MO_ETIMEOUT);
	assert_int_equal(d.msg, MSG_HTTP_TIMEOUT);
	r.stream_bytes = 100000;
	snprintf(url, sizeof url, "http://127.0.0.1:%u/stream", (unsigned)r.port);
	q.timeout_ms = 0;
	q.answer_limit_bytes = 99999;
	assert_int_equal(httpc_do(c, &q, &status, &answer, &d), MO_ELIMIT);
	assert_int_equal(d.msg, MSG_HTTP_ANSWER_TOO_LONG);
	assert_int_equal(status, 77); /* written on success only */
	q.answer_limit_bytes = 100000;
	assert_int_equal(httpc_do(c, &q, &status, &answer, &d), 0);
	assert_int_equal(answer.n, 100000);
}

static void test_failures(void **state)
{
	struct httpc_request q = {.method = "GET", .url = url};
	struct diag d;
	int status = 0;

	(void)state;
	/* Half an answer is no answer. */
	assert_int_equal(ask("GET", "/half", SPAN_LIT(""), &status, &d), MO_EIO);
	assert_int_equal(d.msg, MSG_HTTP_EXCHANGE_FAILED);
	snprintf(url, sizeof url, "http://127.0.0.1:1/");
	assert_int_equal(httpc_do(c, &q, &status, &answer, &d), MO_EIO);
	assert_int_equal(d.msg, MSG_HTTP_NO_CONNECTION);
	snprintf(url, sizeof url, "file:///etc/hostname");
	assert_int_equal(httpc_do(c, &q, &status, &answer, &d), MO_EINVAL);
	snprintf(url, sizeof url, "http://");
	assert_int_equal(httpc_do(c, &q, &status, &answer, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_HTTP_BAD_URL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(test_methods), T(test_unix), T(test_limits), T(test_failures)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
