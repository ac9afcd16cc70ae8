/* The peer of the HTTP benchmark: libevent's own evhttp, one thread, one fixed
 * body for every request.
 *
 *   peer_libevent BYTES      prints the port it listens on, serves until killed */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct body {
	char *p;
	size_t n;
};

static void answer(struct evhttp_request *req, void *arg)
{
	const struct body *b = arg;

	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type", "application/json");
	evbuffer_add_reference(evhttp_request_get_output_buffer(req), b->p, b->n, NULL, NULL);
	evhttp_send_reply(req, HTTP_OK, "OK", NULL);
}

int main(int argc, char **argv)
{
	struct body b = {.n = argc == 2 ? strtoul(argv[1], NULL, 10) : 0};
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;
	struct evhttp_bound_socket *bound = http ? evhttp_bind_socket_with_handle(http, "127.0.0.1", 0) : NULL;
	struct sockaddr_in a;
	socklen_t n = sizeof a;

	if (argc != 2) {
		fprintf(stderr, "usage: peer_libevent BYTES\n");
		return 2;
	}
	b.p = malloc(b.n + 1);
	if (!bound || !b.p || getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&a, &n) < 0) {
		fprintf(stderr, "peer_libevent: cannot listen\n");
		return 1;
	}
	memset(b.p, 'x', b.n);
	evhttp_set_gencb(http, answer, &b);
	printf("%u\n", (unsigned)ntohs(a.sin_port));
	fflush(stdout);
	event_base_dispatch(base);
	return 0;
}
