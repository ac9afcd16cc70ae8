/* Requests under faults: each allocation of each request fails once, in turn. The oracle: the answer is exactly the one without a fault, or it
 * is an error that says so (a problem with a status of 500 or more), or the connection ends before the answer is whole; never another answer:
 * a filter that got lost would show what nobody asked for. Asked again, the request is answered. What was acknowledged is there. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>


#include "plant.h"
#include "sweep.h"

#include "api/api.h"
#include "node/priv/node.h"

#define ANSWER_MAX (1u << 18)
#define ALLOCATIONS_LEAST 400u /* of all requests; fewer, and the scenarios have been lost */

/* ---- a node with its API ---- */
struct world {
	struct vfs *v;
	struct node *n;
	struct api *api;
	struct loopturn turns;
};

static void world_new(struct world *w)
{
	struct node_options o = plant_options();
	struct http_options opt = {.address = "127.0.0.1"};
	struct diag d = {0};
	memset(w, 0, sizeof *w);
	w->v = plant_new(1);
	assert_int_equal(node_open(&w->n, w->v, &o, &d), 0);
	assert_int_equal(api_new(&w->api, w->n, "test"), 0);
	assert_int_equal(node_start(w->n, &d), 0);
	assert_int_equal(accounts_new(&w->n->accounts, w->n->storer, w->n->clock, w->n->workers[0].reader, &d), 0); /* the gate asks it */
	assert_int_equal(collect_new(&w->n->collect, w->n), 0);
	assert_int_equal(live_new(&w->n->live, w->n), 0);
	loopturn_init(&w->turns, w->n->loop);
	assert_int_equal(http_server_new(&w->n->server, w->n->loop, &opt, api_handler(), w->api, &d), 0);
}

static void world_free(struct world *w)
{
	http_server_free(w->n->server);
	w->n->server = NULL;
	loopturn_free(&w->turns);
	node_close(w->n);
	api_free(w->api);
	vfs_free(w->v);
}

/* ---- a client; it takes no memory ---- */
struct answer {
	int status; /* 0: the connection ended before it was whole */
	size_t n;
	char body[ANSWER_MAX + 1];
};
static char raw[ANSWER_MAX];

/* The answer's end: where its length or its last chunk says. */
static bool whole(struct answer *a, size_t n)
{
	char *body = memmem(raw, n, "\r\n\r\n", 4), *length, *end = raw + n;
	if (!body)
		return false;
	body += 4;
	a->status = atoi(raw + 9);
	a->n = 0;
	length = memmem(raw, (size_t)(body - raw), "Content-Length: ", 16);
	if (length) {
		a->n = strtoul(length + 16, NULL, 10);
		if ((size_t)(end - body) < a->n)
			return false;
		memcpy(a->body, body, a->n);
		return true;
	}
	if (!memmem(raw, (size_t)(body - raw), "Transfer-Encoding: chunked", 26))
		return true; /* 204 */
	for (;;) {
		char *line = memmem(body, (size_t)(end - body), "\r\n", 2);
		size_t size = line ? strtoul(body, NULL, 16) : 0;
		if (!line || (size_t)(end - line) < size + 4)
			return false;
		if (size == 0)
			return true;
		memcpy(a->body + a->n, line + 2, size);
		a->n += size;
		body = line + 2 + size + 2;
	}
}

static void ask(struct world *w, struct answer *a, const char *method, const char *target, const char *type, const char *body)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_server_port(w->n->server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static char request[8192];
	int64_t until = mono_now() + 10 * NS_PER_S;
	size_t n = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	int len = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", method, target, type,
		strlen(body), body);
	assert_int_equal(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
	a->status = 0;
	for (;;) {
		ssize_t got = read(fd, raw + n, sizeof raw - n);
		if (got > 0) {
			n += (size_t)got;
			if (whole(a, n) && a->status != 100)
				break;
			continue;
		}
		if (got == 0 || errno != EAGAIN) {
			a->status = 0;
			break;
		}
		if (mono_now() > until)
			print_message("%s %s: no answer\n", method, target);
		assert_true(mono_now() < until); /* nobody is left waiting */
		loopturn_run(&w->turns, NS_PER_MS / 2);
	}
	close(fd);
	loopturn_run(&w->turns, 0);
}

/* ---- what is asked ---- */
#define NDJSON "application/x-ndjson"
#define RECORDS \
	"{\"type\":\"asset\",\"code\":\"BH\",\"kind\":\"item\",\"name\":\"홀더\"}\n" \
	"{\"type\":\"lot\",\"firm\":\"TST\",\"number\":\"L1\",\"item\":\"BH\",\"quantity\":20}\n" \
	"{\"type\":\"lot\",\"firm\":\"TST\",\"number\":\"L2\",\"item\":\"BH\",\"quantity\":5}\n" \
	"{\"type\":\"event\",\"id\":\"e1\",\"kind\":\"note\",\"t\":\"2026-11-22T00:00:00Z\",\"lot\":{\"firm\":\"TST\",\"number\":\"L1\"},\"person\":\"김온달\",\"text\":\"다침\"}\n"
#define LINES "M,line=A\\ 1 n=1i,text=\"시험\" 1700000000000\nM,line=B n=2i 1700000000000\nK p=2.5 1700000000000\n"

static const struct request {
	const char *method, *target, *type, *body;
	bool changing; /* the body differs each time: its status is looked at */
} requests[] = {
	{"GET", "/api/v1/signals?asset=K&limit=10", "", "", false},
	{"GET", "/api/v1/assets?kind=machine", "", "", false},
	{"GET", "/api/v1/assets/K", "", "", true},
	{"GET", "/api/v1/lots?q=L2", "", "", false},
	{"GET", "/api/v1/lots/TST/L1", "", "", false},
	{"GET", "/api/v1/lots/TST/L1/tree", "", "", false},
	{"GET", "/api/v1/events", "", "", false},
	{"GET", "/api/v1/people", "", "", false},
	{"POST", "/api/v1/people", "application/json", "{\"name\":\"박혁거세\"}", true},
	{"GET", "/api/v1/search?q=K", "", "", false},
	{"GET", "/api/v1/changes?after=2", "", "", false},
	{"GET", "/api/v1/devices", "", "", true},
	{"GET", "/api/v1/imports", "", "", false},
	{"GET", "/api/v1/openapi.json", "", "", false},
	{"GET", "/metrics", "", "", true},
	{"GET", "/query?db=d&epoch=ms&q=SELECT%20n,text%20FROM%20M%20WHERE%20line='B'", "", "", false},
	{"POST", "/query", "application/x-www-form-urlencoded", "db=d&epoch=s&q=SELECT+*+FROM+M+GROUP+BY+line", false},
	{"POST", "/api/v1/sql", "application/sql", "SELECT code FROM asset ORDER BY code", true},
	{"PUT", "/api/v1/devices/plc1", "application/json", "{\"driver\":\"modbus\",\"asset\":\"P\",\"enabled\":false,\"host\":\"127.0.0.1\",\"signals\":[{\"name\":\"a\",\"address\":1}]}", true},
	{"POST", "/api/v1/records", NDJSON, RECORDS, true},
	{"POST", "/write?db=d&precision=ms", "text/plain", LINES, false},
};

static void fill(struct world *w)
{
	static struct answer a;
	ask(w, &a, "POST", "/write?db=d&precision=ms", "text/plain", LINES);
	assert_int_equal(a.status, 204);
	ask(w, &a, "POST", "/api/v1/records", NDJSON, RECORDS);
	if (a.status != 200)
		print_message("records: %d %.*s\n", a.status, (int)a.n, a.body);
	assert_int_equal(a.status, 200);
}

static unsigned same, errors, ended, renewed;

/* A request, its answer without a fault, and the node that is asked. */
struct asking {
	struct world w;
	const struct request *q;
	struct answer want;
};

static bool is_wanted(const struct asking *k, const struct answer *a)
{
	return a->status == k->want.status && (k->q->changing || (a->n == k->want.n && memcmp(a->body, k->want.body, a->n) == 0));
}

static const char *pass(void *arg, struct sweep_pass *p)
{
	static struct answer a;
	struct asking *k = arg;
	const struct request *q = k->q;
	struct world *w = &k->w;
	sweep_arm(p, w->v);
	ask(w, &a, q->method, q->target, q->type, q->body);
	sweep_disarm(p);
	bool equal = is_wanted(k, &a);
	bool error = a.status >= 500 && a.n && (memmem(a.body, a.n, "rror", 4) != NULL || memmem(a.body, a.n, "\"code\"", 6) != NULL);
	if (a.status != 0 && !equal && !error)
		fail_msg("%d %.*s", a.status, (int)a.n, a.body);
	same += equal;
	errors += !equal && error;
	ended += a.status == 0;
	if (equal)
		return NULL;
	if (!p->fired)
		return "without a fault it was answered otherwise";
	ask(w, &a, q->method, q->target, q->type, q->body);
	equal = is_wanted(k, &a);
	if (!equal && a.status >= 500 && q->body[0]) { /* files of memory take memory: a write without ends the engine until it is opened anew */
		world_free(w);
		world_new(w);
		fill(w);
		renewed++;
		return NULL;
	}
	if (!equal)
		fail_msg("after it: %d %.*s", a.status, (int)a.n, a.body);
	return NULL;
}

static void each_request(void **state)
{
	(void)state;
	static struct asking k;
	uint64_t all = 0;
	bool whole_sweep = true;
	world_new(&k.w);
	fill(&k.w);
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		const struct request *q = k.q = &requests[i];
		char name[200];
		snprintf(name, sizeof name, "%s %s", q->method, q->target);
		for (unsigned n = 0; n < 2; n++) /* what is made once has been made */
			ask(&k.w, &k.want, q->method, q->target, q->type, q->body);
		if (k.want.status / 100 != 2)
			fail_msg("%s: %d %.*s", q->target, k.want.status, (int)k.want.n, k.want.body);
		struct sweep_did did = sweep_run(&(struct sweep){.name = name, .pass = pass, .arg = &k, .kinds = SWEEP_BIT(SWEEP_MEMORY)});
		all += did.ops;
		whole_sweep &= did.whole;
	}
	printf("requests, memory: all %llu; answered %u, said no %u, ended %u; opened anew %u\n", (unsigned long long)all, same, errors, ended, renewed);
	assert_true(!whole_sweep || all >= ALLOCATIONS_LEAST);
	world_free(&k.w);
}

/* What was refused for want of memory goes in when it is sent again, and is there. */
static void refused_lines_go_in_again(void **state)
{
	(void)state;
	struct world w;
	static struct answer a;
	unsigned acknowledged = 0;
	char line[64], want[64];
	world_new(&w);
	fill(&w);
	faultalloc_arm(UINT64_MAX);
	ask(&w, &a, "POST", "/write?db=d&precision=ms", "text/plain", "W v=0i 1700000000000\n");
	uint64_t n = faultalloc_count();
	faultalloc_arm(0);
	assert_true(n >= 10);
	for (uint64_t nth = 1; nth <= n; nth++) {
		snprintf(line, sizeof line, "W v=%" PRIu64 "i %" PRIu64 "\n", nth, 1700000000000 + nth);
		faultalloc_arm(nth);
		ask(&w, &a, "POST", "/write?db=d&precision=ms", "text/plain", line);
		faultalloc_arm(0);
		assert_true(a.status == 204 || a.status >= 500 || a.status == 0);
		if (a.status != 204)
			ask(&w, &a, "POST", "/write?db=d&precision=ms", "text/plain", line);
		if (a.status != 204) { /* a write without memory ended the engine */
			assert_int_equal(a.status, 503);
			world_free(&w);
			world_new(&w);
			fill(&w);
			continue;
		}
		acknowledged++;
		ask(&w, &a, "GET", "/query?db=d&epoch=ms&q=SELECT%20last(v)%20FROM%20W", "", "");
		snprintf(want, sizeof want, "[%" PRIu64 ",%" PRIu64 "]", 1700000000000 + nth, nth);
		a.body[a.n] = 0;
		if (!strstr(a.body, want))
			print_message("%s: %s\n", want, a.body);
		assert_non_null(strstr(a.body, want));
	}
	assert_true(acknowledged >= n * 3 / 4);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {sweep_test(each_request), cmocka_unit_test(refused_lines_go_in_again)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
