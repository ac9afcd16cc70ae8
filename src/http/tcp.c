/* Outgoing TCP on a bufferevent.
 *
 *   LOOKUP --address--> CONNECT --connected--> OPEN
 *      `-- no such name --+`-- refused, late --+`-- end, error --> CLOSED
 *
 * A failure that is known at once is told by the timer, so closed() never
 * comes from inside tcp_connect(). */
#include "http/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/priv/lookup.h"
#include "http/priv/loop.h"

enum tcp_state { TCP_LOOKUP, TCP_CONNECT, TCP_OPEN, TCP_CLOSED, TCP_STATES };
static const char *const tcp_state_names[TCP_STATES] = {"lookup", "connect", "open", "closed"};

struct tcp {
	struct loop *l;
	struct bufferevent *bev;
	struct loop_timer *timer; /* time for connecting; then a failure to be told */
	struct lookup *lookup;
	const struct tcp_events *ev;
	void *arg;
	enum tcp_state state;
	int failed; /* told by the timer */
	bool in_call, freed;
};

static void set_state(struct tcp *t, enum tcp_state to)
{
	static const uint8_t allowed[TCP_STATES] = {
	        [TCP_LOOKUP] = 1u << TCP_CONNECT | 1u << TCP_CLOSED,
	        [TCP_CONNECT] = 1u << TCP_OPEN | 1u << TCP_CLOSED,
	        [TCP_OPEN] = 1u << TCP_CLOSED,
	};

	assert(tcp_state_names[to] && (allowed[t->state] & 1u << to));
	t->state = to;
}

static void tcp_destroy(struct tcp *t)
{
	lookup_cancel(t->lookup);
	if (t->bev)
		bufferevent_free(t->bev);
	loop_timer_free(t->timer);
	free(t);
}

static void call_begin(struct tcp *t)
{
	t->in_call = true;
}

/* False: tcp_free() was called meanwhile, t is gone. */
static bool call_end(struct tcp *t)
{
	t->in_call = false;
	if (!t->freed)
		return true;
	tcp_destroy(t);
	return false;
}

static void tcp_close(struct tcp *t, int err)
{
	set_state(t, TCP_CLOSED);
	loop_timer_set(t->timer, -1);
	if (t->bev)
		bufferevent_free(t->bev); /* closes */
	t->bev = NULL;
	call_begin(t);
	t->ev->closed(t->arg, err);
	(void)call_end(t);
}

static void on_input(struct bufferevent *bev, void *arg)
{
	struct tcp *t = arg;
	struct loop *l = t->l;
	int64_t begun = loop_begin(l);
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n;
	bool here = true;

	while (here && (n = evbuffer_get_contiguous_space(in)) > 0) {
		call_begin(t);
		t->ev->input(t->arg, span_of(evbuffer_pullup(in, (ev_ssize_t)n), n));
		here = call_end(t);
		if (here)
			evbuffer_drain(in, n);
	}
	loop_end(l, begun);
}

static void on_drained(struct bufferevent *bev, void *arg)
{
	struct tcp *t = arg;
	struct loop *l = t->l;
	int64_t begun = loop_begin(l);

	(void)bev;
	if (t->state == TCP_OPEN) {
		call_begin(t);
		t->ev->writable(t->arg);
		(void)call_end(t);
	}
	loop_end(l, begun);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct tcp *t = arg;
	struct loop *l = t->l;
	int64_t begun = loop_begin(l);
	int e = EVUTIL_SOCKET_ERROR();

	(void)bev;
	if (what & BEV_EVENT_CONNECTED) {
		set_state(t, TCP_OPEN);
		loop_timer_set(t->timer, -1);
		call_begin(t);
		t->ev->connected(t->arg);
		(void)call_end(t);
	} else if (what & BEV_EVENT_ERROR) {
		tcp_close(t, e == ECONNREFUSED ? MO_EDENIED : e == ETIMEDOUT ? MO_ETIMEOUT : MO_EIO);
	} else if (what & BEV_EVENT_EOF) {
		tcp_close(t, 0);
	}
	loop_end(l, begun);
}

static void on_timer(void *arg)
{
	struct tcp *t = arg;

	tcp_close(t, t->failed ? t->failed : MO_ETIMEOUT);
}

static void fail_later(struct tcp *t, int err)
{
	t->failed = err;
	loop_timer_set(t->timer, 0);
}

static int connect_to(struct tcp *t, const struct lookup_address *a)
{
	const int one = 1;
	int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return MO_EIO;
	t->bev = bufferevent_socket_new(loop_base(t->l), fd, BEV_OPT_CLOSE_ON_FREE);
	if (!t->bev) {
		close(fd);
		return MO_ENOMEM;
	}
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
		return MO_EIO;
	bufferevent_setcb(t->bev, on_input, on_drained, on_event, t);
	if (bufferevent_enable(t->bev, EV_READ | EV_WRITE) < 0)
		return MO_ENOMEM;
	set_state(t, TCP_CONNECT);
	return bufferevent_socket_connect(t->bev, &a->u.sa, (int)a->n) < 0 ? MO_EIO : 0;
}

static void on_lookup(void *arg, int err, const struct lookup_address *a)
{
	struct tcp *t = arg;

	t->lookup = NULL;
	if (err == 0)
		err = connect_to(t, a);
	if (err < 0)
		fail_later(t, err);
}

int tcp_connect(struct loop *l, struct tcp **ret, const char *host, uint16_t port, int64_t timeout_ns, const struct tcp_events *ev,
        void *arg, struct diag *d)
{
	struct lookup_address a;
	struct tcp *t = calloc(1, sizeof *t);
	int r;

	if (!t)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	t->l = l;
	t->ev = ev;
	t->arg = arg;
	r = loop_timer_new(l, &t->timer, on_timer, t);
	if (r < 0) {
		diag_set(d, r, MSG_OUT_OF_MEMORY);
		goto out;
	}
	if (lookup_digits(&a, host, port)) {
		r = connect_to(t, &a);
		if (r == MO_ENOMEM) {
			diag_set(d, r, MSG_OUT_OF_MEMORY);
			goto out;
		}
	} else {
		r = lookup_start(&t->lookup, l, host, port, on_lookup, t, d);
		if (r < 0)
			goto out;
	}
	loop_timer_set(t->timer, timeout_ns);
	if (r < 0)
		fail_later(t, r);
	*ret = t;
	return 0;
out:
	tcp_destroy(t);
	return r;
}

int tcp_write(struct tcp *t, struct span bytes)
{
	if (t->state != TCP_OPEN)
		return MO_ESTATE;
	if (bytes.n > TCP_OUT_MAX_BYTES || evbuffer_get_length(bufferevent_get_output(t->bev)) > TCP_OUT_MAX_BYTES - bytes.n)
		return MO_EAGAIN;
	if (bufferevent_write(t->bev, bytes.p, bytes.n) < 0)
		return MO_ENOMEM;
	/* libevent 2.1 leaves a bufferevent unable to start writing by itself when memory ran out while it was made. */
	return bufferevent_enable(t->bev, EV_WRITE) < 0 ? MO_ENOMEM : 0;
}

void tcp_free(struct tcp *t)
{
	if (!t)
		return;
	if (t->in_call)
		t->freed = true;
	else
		tcp_destroy(t);
}
