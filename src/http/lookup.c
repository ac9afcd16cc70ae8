#include "http/priv/lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>

#include "http/priv/loop.h"
#include "os/thread.h"

struct lookup {
	struct loop_post post;
	struct loop_held held;
	struct loop *l;
	pthread_t thread;
	char host[LOOKUP_HOST_MAX + 1];
	uint16_t port;
	void (*fn)(void *arg, int err, const struct lookup_address *a); /* NULL: cancelled. Only the loop's thread looks at it */
	void *arg;
	struct lookup_address found;
	int err;
};

bool lookup_digits(struct lookup_address *ret, const char *host, uint16_t port)
{
	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, host, &ret->u.in.sin_addr) == 1) {
		ret->u.in.sin_family = AF_INET;
		ret->u.in.sin_port = htons(port);
		ret->n = sizeof ret->u.in;
		return true;
	}
	if (inet_pton(AF_INET6, host, &ret->u.in6.sin6_addr) == 1) {
		ret->u.in6.sin6_family = AF_INET6;
		ret->u.in6.sin6_port = htons(port);
		ret->n = sizeof ret->u.in6;
		return true;
	}
	return false;
}

static void on_done(void *arg)
{
	struct lookup *k = arg;

	thread_join(k->thread);
	loop_let_go(k->l, &k->held);
	if (k->fn)
		k->fn(k->arg, k->err, &k->found);
	free(k);
}

static void *run(void *arg)
{
	struct lookup *k = arg;
	struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list = NULL;

	k->err = MO_ENOENT;
	if (getaddrinfo(k->host, NULL, &want, &list) == 0) {
		for (const struct addrinfo *i = list; i && k->err; i = i->ai_next) {
			if ((i->ai_family != AF_INET && i->ai_family != AF_INET6) || i->ai_addrlen > sizeof k->found.u)
				continue;
			memcpy(&k->found.u, i->ai_addr, i->ai_addrlen);
			k->found.n = i->ai_addrlen;
			if (i->ai_family == AF_INET)
				k->found.u.in.sin_port = htons(k->port);
			else
				k->found.u.in6.sin6_port = htons(k->port);
			k->err = 0;
		}
		freeaddrinfo(list);
	}
	loop_post(k->l, &k->post);
	return NULL;
}

static void wait_for(struct loop_held *held)
{
	struct lookup *k = (struct lookup *)((char *)held - offsetof(struct lookup, held));

	thread_join(k->thread);
	free(k);
}

int lookup_start(struct lookup **ret, struct loop *l, const char *host, uint16_t port,
        void (*fn)(void *arg, int err, const struct lookup_address *a), void *arg, struct diag *d)
{
	size_t n = strlen(host);
	struct lookup *k;
	int r;

	if (n == 0 || n > LOOKUP_HOST_MAX) {
		(void)diag_set(d, MO_EINVAL, MSG_HTTP_BAD_ADDRESS);
		diag_value(d, span_str(host));
		diag_expected(d, "192.168.0.10, plc1.local");
		return MO_EINVAL;
	}
	k = calloc(1, sizeof *k);
	if (!k)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	k->post = (struct loop_post){.fn = on_done, .arg = k};
	k->held.wait = wait_for;
	k->l = l;
	memcpy(k->host, host, n);
	k->port = port;
	k->fn = fn;
	k->arg = arg;
	r = thread_start(&k->thread, "lookup", run, k);
	if (r < 0) {
		free(k);
		return diag_set(d, r, MSG_OUT_OF_MEMORY);
	}
	loop_hold(l, &k->held);
	*ret = k;
	return 0;
}

void lookup_cancel(struct lookup *k)
{
	if (k)
		k->fn = NULL;
}
