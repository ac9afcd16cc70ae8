/* Every allocation of a scenario fails once, in turn: our own by --wrap,
 * libevent's by its hook (curl's in the client's sweep likewise). Whatever
 * fails, what began is told its end, nothing leaks (ASan), and nothing hangs. */
#include "cm.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/civil.h"
#include "faultalloc.h"
#include "http/client.h"
#include "os/clock.h"
#include "rig.h"

#define SWEEP_MAX 20000u
#define SWEEP_LEAST 20u /* a sweep that suddenly finds fewer has lost its scenario */

/* The libraries call these: wrapped and counted like any other allocation of ours. */
static void *told(void *p)
{
	if (!p)
		errno = ENOMEM; /* as the real ones do; libevent looks at it */
	return p;
}
static void *hook_malloc(size_t n)
{
	return told(malloc(n));
}
static void *hook_calloc(size_t n, size_t size)
{
	return told(calloc(n, size));
}
static void *hook_realloc(void *p, size_t n)
{
	return told(realloc(p, n));
}
static void hook_free(void *p)
{
	free(p);
}
static char *hook_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = malloc(n);

	return p ? memcpy(p, s, n) : told(NULL);
}

static void quiet(int severity, const char *text)
{
	(void)severity;
	(void)text;
}

static uint8_t seen[1 << 20];

/* Sends and waits for `until`; false when the connection ends before it came. The client's side allocates nothing. */
static bool talk(struct rig *r, int fd, const char *request, const char *until)
{
	int64_t end = mono_now() + 2 * NS_PER_S;
	size_t n_seen = 0;

	if (!rig_sends(r, fd, request))
		return false;
	while (mono_now() < end) {
		ssize_t n = read(fd, seen + n_seen, sizeof seen - n_seen);

		if (n == 0)
			return false;
		if (n < 0) {
			if (errno != EAGAIN)
				return false;
			rig_turn(r, 0);
			continue;
		}
		n_seen += (size_t)n;
		if (memmem(seen, n_seen, until, strlen(until)))
			return true;
	}
	fail_msg("%s: nobody answered and nobody hung up", request);
	return false;
}

static bool halves(struct rig *r, int fd, const char *a, const char *b, const char *until)
{
	if (!rig_sends(r, fd, a))
		return false;
	rig_turn(r, 0);
	return talk(r, fd, b, until);
}

/* True when all of it worked. */
static bool serve_some(void)
{
	static struct rig r;
	bool ok = rig_new(&r, NULL) == 0;
	int fd = -1;

	if (ok) {
		r.stream_bytes = 700000;
		r.piece_bytes = 30000;
		fd = rig_connect(&r);
		ok = fd >= 0 && talk(&r, fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "hello") &&
		     halves(&r, fd, "GET / HT", "TP/1.1\r\nHost: a\r\n\r\nGET /head HTTP/1.1\r\nHost: a\r\n\r\n", "from head") &&
		     halves(&r, fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "c\r\n0\r\n\r\n",
		             "abc") &&
		     halves(&r, fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", "xyz", "xyz") &&
		     talk(&r, fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n0\r\n\r\n") &&
		     talk(&r, fd, "rubbish\r\n\r\n", "400 Bad Request");
	}
	if (fd >= 0)
		close(fd);
	http_server_free(r.s);
	r.s = NULL;
	if (r.heads != r.dones)
		fail_msg("%u requests began, %u were told their end", r.heads, r.dones);
	rig_free(&r);
	return ok;
}

static void on_nothing(void *arg)
{
	(void)arg;
}
static void on_bytes(void *arg, struct span s)
{
	(void)s;
	*(bool *)arg = true;
}
static void on_closed(void *arg, int err)
{
	(void)err;
	*(bool *)arg = true;
}

/* Our tcp stream asks our server. */
static bool connect_some(void)
{
	static const struct tcp_events events = {on_nothing, on_bytes, on_nothing, on_closed};
	static struct rig r;
	bool ok = rig_new(&r, NULL) == 0, over = false, sent = false;
	int64_t end = mono_now() + 2 * NS_PER_S;
	struct tcp *t = NULL;

	ok = ok && tcp_connect(r.l, &t, "127.0.0.1", r.port, NS_PER_S, &events, &over, NULL) == 0;
	while (ok && !over) {
		int e = sent ? 0 : tcp_write(t, SPAN_LIT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));

		if (mono_now() > end)
			fail_msg("allocation %llu: neither input nor an end came", (unsigned long long)faultalloc_count());
		if (e == 0)
			sent = true;
		else if (e != MO_ESTATE)
			ok = false;
		rig_turn(&r, 0);
	}
	tcp_free(t);
	rig_free(&r);
	return ok && sent;
}

static struct rig client_rig;

static bool client_some(void)
{
	char url[64];
	struct httpc_request q = {.method = "POST", .url = url, .content_type = "text/plain", .body = SPAN_LIT("abc"), .timeout_ms = 2000};
	struct httpc *c = NULL;
	struct buf answer;
	struct diag d;
	int status = 0, e;

	buf_init(&answer, 0);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)client_rig.port);
	e = httpc_new(&c);
	if (e == 0)
		e = httpc_do(c, &q, &status, &answer, &d);
	if (e == 0) {
		assert_int_equal(status, 200);
		assert_true(span_is(buf_span(&answer), "hello"));
	}
	httpc_free(c);
	buf_free(&answer);
	return e == 0;
}

static void sweep(const char *name, bool (*scenario)(void))
{
	uint64_t nth = 1, failed = 0;

	for (; nth < SWEEP_MAX; nth++) {
		bool ok;

		faultalloc_arm(nth);
		ok = scenario();
		if (!faultalloc_fired()) {
			faultalloc_arm(0);
			assert_true(ok);
			break;
		}
		faultalloc_arm(0);
		failed += !ok;
	}
	print_message("%s: %llu allocations failed in turn, %llu of them seen outside\n", name, (unsigned long long)(nth - 1),
	        (unsigned long long)failed);
	assert_in_range(nth - 1, SWEEP_LEAST, SWEEP_MAX - 2);
	assert_true(failed > 0);
	assert_true(scenario());
}

static void test_server(void **state)
{
	(void)state;
	sweep("server", serve_some);
}

static void test_tcp(void **state)
{
	(void)state;
	sweep("tcp", connect_some);
}

/* The server in a process of its own, so that only the client's allocations are counted. */
static void test_client(void **state)
{
	pid_t child;

	(void)state;
	assert_int_equal(rig_new(&client_rig, NULL), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(loop_run(client_rig.l) < 0);
	}
	assert_int_equal(
	        curl_global_init_mem(CURL_GLOBAL_DEFAULT, hook_malloc, hook_free, hook_realloc, hook_strdup, hook_calloc), CURLE_OK);
	sweep("client", client_some);
	curl_global_cleanup();
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	rig_free(&client_rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_server), cmocka_unit_test(test_tcp), cmocka_unit_test(test_client)};

	event_set_log_callback(quiet);
	event_set_mem_functions(hook_malloc, hook_realloc, hook_free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
