/* Our side of the HTTP benchmark at its barest: src/http alone, one thread, one
 * fixed body for every request.
 *
 *   http_fixed BYTES [CONNECTIONS]   prints the port it listens on, serves until killed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/reply.h"

struct body {
	uint8_t *p;
	size_t n;
};

static void on_head(void *arg, struct http_x *x)
{
	(void)arg;
	(void)x;
}

static int on_body(void *arg, struct http_x *x, struct span piece)
{
	(void)arg;
	(void)x;
	(void)piece;
	return 0;
}

static void on_end(void *arg, struct http_x *x)
{
	const struct body *b = arg;
	const struct http_field type = {"Content-Type", SPAN_LIT("application/json")};

	if (http_reply_ref(x, 200, &type, 1, span_of(b->p, b->n)) < 0)
		http_abort(x);
}

static void on_done(void *arg, struct http_x *x, bool aborted)
{
	(void)arg;
	(void)x;
	(void)aborted;
}

static void on_drained(void *arg, struct http_x *x)
{
	(void)arg;
	(void)x;
}

int main(int argc, char **argv)
{
	static const struct http_handler handler = {on_head, on_body, on_end, on_done, on_drained, NULL};
	struct http_options opt = {.address = "127.0.0.1", .connections_max = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0};
	struct body b = {.n = argc >= 2 ? strtoul(argv[1], NULL, 10) : 0};
	struct loop *l = NULL;
	struct http_server *s = NULL;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: http_fixed BYTES [CONNECTIONS]\n");
		return 2;
	}
	b.p = malloc(b.n + 1);
	if (!b.p || loop_new(&l) < 0 || http_server_new(&s, l, &opt, &handler, &b, NULL) < 0) {
		fprintf(stderr, "http_fixed: cannot listen\n");
		return 1;
	}
	memset(b.p, 'x', b.n);
	printf("%u\n", (unsigned)http_server_port(s));
	fflush(stdout);
	return loop_run(l) < 0;
}
