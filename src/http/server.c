/* Listeners, connections, deadlines. A connection is worked on in turns: its
 * socket is ready, its deadline passed, or something was called from outside
 * (conn_kick). Handlers are called from turns only, so nothing a handler calls
 * comes back to it before it returned. */
#include "http/server.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/civil.h"
#include "http/priv/conn.h"
#include "http/priv/listen.h"
#include "os/clock.h"

#define CONNECTIONS_DEFAULT 1024u
#define HEAD_TIMEOUT_NS (10 * NS_PER_S)
#define IDLE_TIMEOUT_NS (60 * NS_PER_S)
#define PIECE_TIMEOUT_NS (30 * NS_PER_S)
#define BODY_BUFFER_BYTES 262144u
#define ACCEPT_PAUSE_NS (100 * NS_PER_MS) /* no descriptors or memory left: others need time to close */

static const char *const conn_state_names[CONN_STATES] = {"idle", "head", "exchange", "linger", "closed", "shake"};

void conn_set_state(struct conn *c, enum conn_state to)
{
	static const uint8_t allowed[CONN_STATES] = {
	        [CONN_IDLE] = 1u << CONN_HEAD | 1u << CONN_EXCHANGE | 1u << CONN_LINGER | 1u << CONN_CLOSED,
	        [CONN_HEAD] = 1u << CONN_EXCHANGE | 1u << CONN_LINGER | 1u << CONN_CLOSED,
	        [CONN_EXCHANGE] = 1u << CONN_IDLE | 1u << CONN_LINGER | 1u << CONN_CLOSED,
	        [CONN_LINGER] = 1u << CONN_CLOSED,
	        [CONN_SHAKE] = 1u << CONN_IDLE | 1u << CONN_LINGER | 1u << CONN_CLOSED,
	};

	assert(conn_state_names[to] && (allowed[c->state] & 1u << to));
	c->state = to;
	c->requeue = true;
}

void conn_kick(struct conn *c)
{
	struct http_server *s = c->s;

	if (c->kicked)
		return;
	c->kicked = true;
	c->kick_next = NULL;
	if (s->kick_last)
		s->kick_last->kick_next = c;
	else
		s->kick_first = c;
	s->kick_last = c;
	/* libevent would run a kick made from a kick before it looks at any socket. */
	if (s->kicking)
		loop_timer_set(s->kick_timer, 0);
	else
		event_active(&s->kick, EV_TIMEOUT, 0);
}

static void unkick(struct conn *c)
{
	struct http_server *s = c->s;
	struct conn *before = NULL;

	if (!c->kicked)
		return;
	for (struct conn *i = s->kick_first; i != c; i = i->kick_next)
		before = i;
	if (before)
		before->kick_next = c->kick_next;
	else
		s->kick_first = c->kick_next;
	if (s->kick_last == c)
		s->kick_last = before;
	c->kicked = false;
}

static void due_unlink(struct conn *c)
{
	struct due_queue *q = &c->s->due[c->deadline];

	if (c->deadline == DEADLINE_NONE)
		return;
	if (c->due_prev)
		c->due_prev->due_next = c->due_next;
	else
		q->first = c->due_next;
	if (c->due_next)
		c->due_next->due_prev = c->due_prev;
	else
		q->last = c->due_prev;
	c->deadline = DEADLINE_NONE;
}

static void due_arm(struct http_server *s, int64_t due_ns)
{
	int64_t delay = due_ns - s->now_ns;

	s->due_armed_ns = due_ns;
	loop_timer_set(s->due_timer, delay < 0 ? 0 : delay);
}

static void due_link(struct conn *c, enum deadline kind)
{
	struct http_server *s = c->s;
	struct due_queue *q = &s->due[kind];

	due_unlink(c);
	if (kind == DEADLINE_NONE)
		return;
	c->deadline = (uint8_t)kind;
	c->due_ns = s->now_ns + q->length_ns;
	c->due_next = NULL;
	c->due_prev = q->last;
	if (q->last)
		q->last->due_next = c;
	else
		q->first = c;
	q->last = c;
	/* A deadline only ever moves back, so the timer may come early and looks again then: nothing to do for each request. */
	if (c->due_ns < s->due_armed_ns)
		due_arm(s, c->due_ns);
}

static enum deadline conn_deadline(const struct conn *c)
{
	switch (c->state) {
	case CONN_IDLE:
		return DEADLINE_IDLE;
	case CONN_HEAD:
	case CONN_SHAKE:
		return DEADLINE_HEAD;
	case CONN_LINGER:
		return DEADLINE_LINGER;
	case CONN_EXCHANGE:
		/* Time the handler takes is its own; only the peer is waited for with a deadline. */
		return sock_unsent(c) > 0 || (c->x->req != REQ_DONE && !c->x->paused) ? DEADLINE_PIECE : DEADLINE_NONE;
	case CONN_CLOSED:
	case CONN_STATES:
		break;
	}
	return DEADLINE_NONE;
}

static bool conn_wants_read(const struct conn *c)
{
	if (c->eof)
		return false;
	return c->state != CONN_EXCHANGE || (!c->x->paused && c->in.n < c->s->in_max);
}

/* Only from a turn; the memory goes at its end. */
static void conn_close(struct conn *c)
{
	struct http_server *s = c->s;

	if (c->state == CONN_CLOSED)
		return;
	if (c->x)
		exchange_end(c, true);
	due_unlink(c);
	unkick(c);
	event_del(&c->rd);
	event_del(&c->wr);
	if (!c->broken && !c->shut)
		sock_end(c); /* without it the client knows that something is missing */
	if (c->state == CONN_SHAKE)
		s->stats.handshakes_failed++;
	tls_free(c->tls);
	c->tls = NULL;
	close(c->fd);
	if (c->refused)
		s->refused--;
	else
		s->stats.open--;
	if (c->from_unix && !c->refused)
		s->local--;
	peers_leave(&s->peers, c->of);
	c->of = NULL;
	conn_set_state(c, CONN_CLOSED);
}

static void conn_free(struct conn *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

void conn_error(struct conn *c, int status)
{
	bool begun = c->x && c->x->res != RES_NONE;

	if (c->x)
		exchange_end(c, true);
	if (begun) {
		c->broken = true; /* half an answer went out: only breaking off tells the client so */
		return;
	}
	reply_problem(c, status);
	conn_set_state(c, CONN_LINGER);
}

static void conn_linger(struct conn *c)
{
	sock_flush(c);
	c->lingered += c->view.n;
	c->view = span_sub(c->view, c->view.n, 0);
	if (c->eof || c->broken || c->lingered > SERVER_LINGER_MAX_BYTES) {
		conn_close(c);
		return;
	}
	if (sock_unsent(c) == 0 && !c->shut) {
		sock_end(c);
		shutdown(c->fd, SHUT_WR);
		c->shut = true;
	}
}

/* Both sides of an exchange are done. */
static void conn_next(struct conn *c)
{
	bool over = c->x->close || c->s->draining, cut = c->x->cut;

	exchange_end(c, false);
	if (!over)
		conn_set_state(c, CONN_IDLE);
	else if (!cut && c->view.n == 0)
		conn_close(c);
	else
		conn_set_state(c, CONN_LINGER);
}

static void conn_run(struct conn *c)
{
	struct http_server *s = c->s;
	unsigned requests = 0;

	for (;;) {
		if (c->broken) {
			conn_close(c);
			return;
		}
		switch (c->state) {
		case CONN_IDLE:
		case CONN_HEAD:
			if (c->view.n == 0 || !c->scan) {
				if (c->eof || (s->draining && c->state == CONN_IDLE))
					conn_close(c);
				return;
			}
			if (requests++ == SERVER_REQUESTS_A_TURN) {
				conn_kick(c);
				return;
			}
			if (exchange_begin(c) == MO_EAGAIN) {
				if (c->eof)
					conn_close(c);
				else if (c->state == CONN_IDLE)
					conn_set_state(c, CONN_HEAD);
				return;
			}
			break;
		case CONN_EXCHANGE:
			if (!exchange_run(c))
				return;
			if (c->state == CONN_EXCHANGE && !c->broken)
				conn_next(c);
			break;
		case CONN_LINGER:
			conn_linger(c);
			return;
		case CONN_SHAKE:
			if (s->draining)
				conn_close(c);
			return;
		case CONN_CLOSED:
		case CONN_STATES:
			return;
		}
	}
}

/* What the peer sends before there are keys. */
static void conn_shake(struct conn *c)
{
	int r = sock_shake(c);

	if (r == MO_EAGAIN)
		return;
	if (r == 0) {
		c->s->stats.handshakes++;
		conn_set_state(c, CONN_IDLE);
	} else if (r == MO_EPROTO) {
		c->s->stats.handshakes_failed++;
		reply_https_only(c);
		conn_set_state(c, CONN_LINGER);
	} else {
		c->broken = true;
	}
}

static void conn_read(struct conn *c)
{
	struct http_server *s = c->s;
	size_t n = 0, had = c->in.n, all;
	int r;

	if (c->state == CONN_SHAKE)
		conn_shake(c); /* a request may have come with its end */
	if (c->state == CONN_SHAKE || c->broken || !conn_wants_read(c))
		return;
	r = sock_read(c, c->state == CONN_EXCHANGE ? (size_t)(s->in_max - had) : SERVER_READ_BYTES, &n);
	if (r == MO_EAGAIN)
		return;
	if (r < 0) {
		c->broken = true;
		return;
	}
	if (n == 0) {
		c->broken = sock_gone(c); /* who asked is not there any more: what is at work for it may stop */
		c->eof = true;
		c->scan = true;
		return;
	}
	if (sock_unsent(c) == 0)
		c->progress = true;
	c->eof = c->ended;
	all = had + n;
	/* A head that drips in is not parsed anew with each drop. */
	c->scan = c->state != CONN_HEAD || memchr(s->read_bytes, '\n', n) || (had <= HTTP1_TARGET_MAX && all > HTTP1_TARGET_MAX) ||
	          all > HTTP1_HEAD_MAX || c->eof;
	if (had == 0) {
		c->view = span_of(s->read_bytes, n);
		return;
	}
	buf_add(&c->in, span_of(s->read_bytes, n));
	c->view = buf_span(&c->in);
	if (c->in.err)
		c->broken = true;
}

/* The end of a turn: unread input is kept, interest and deadline set. */
static void conn_settle(struct conn *c)
{
	enum deadline kind;
	bool want;

	if (c->state == CONN_CLOSED) {
		conn_free(c);
		return;
	}
	/* Idle, it costs its own size and what TLS keeps. */
	if (c->state == CONN_IDLE && c->out.cap > 0)
		buf_free(&c->out);
	if (c->view.n == 0) {
		buf_reset(&c->in);
		if (c->in.cap > 0 && (c->state == CONN_IDLE || c->in.cap > SERVER_KEEP_IN_BYTES))
			buf_free(&c->in);
	} else if (c->in.n > 0) {
		buf_consume(&c->in, c->in.n - c->view.n);
	} else {
		buf_add(&c->in, c->view);
		if (c->in.err)
			c->broken = true;
	}
	want = conn_wants_read(c);
	if (want != c->rd_on) {
		if ((want ? event_add(&c->rd, NULL) : event_del(&c->rd)) < 0)
			c->broken = true;
		c->rd_on = want;
	}
	/* The rest of a record that had no room. */
	if (want && sock_pending(c))
		conn_kick(c);
	want = sock_unsent(c) > 0 || (want && sock_wants_write(c));
	if (want != c->wr_on) {
		if ((want ? event_add(&c->wr, NULL) : event_del(&c->wr)) < 0)
			c->broken = true;
		c->wr_on = want;
	}
	kind = conn_deadline(c);
	if (kind != c->deadline || c->requeue || (c->progress && kind == DEADLINE_PIECE))
		due_link(c, kind);
	c->progress = c->requeue = false;
	if (c->broken) {
		conn_close(c);
		conn_free(c);
	}
}

static void turn_begin(struct conn *c)
{
	c->in_turn = true;
	c->view = buf_span(&c->in);
}

static void turn_end(struct conn *c)
{
	conn_run(c);
	c->in_turn = false;
	conn_settle(c);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct http_server *s = c->s;
	int64_t begun = loop_begin(s->l);

	(void)fd;
	(void)what;
	s->now_ns = begun;
	turn_begin(c);
	conn_read(c);
	turn_end(c);
	loop_end(s->l, begun);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct http_server *s = c->s;
	int64_t begun = loop_begin(s->l);

	(void)fd;
	(void)what;
	s->now_ns = begun;
	turn_begin(c);
	c->full = false;
	if (sock_wants_write(c))
		conn_read(c); /* which it had to write for */
	sock_flush(c);
	turn_end(c);
	loop_end(s->l, begun);
}

static void kick_all(struct http_server *s)
{
	struct conn *c, *stop = s->kick_last;
	bool last = stop == NULL;

	s->kicking = true;
	while (!last && (c = s->kick_first) != NULL) {
		int64_t begun = loop_begin(s->l);

		last = c == stop; /* what is kicked meanwhile has the next round */
		s->now_ns = begun;
		unkick(c);
		c->scan = true;
		turn_begin(c);
		if (sock_pending(c))
			conn_read(c);
		turn_end(c);
		loop_end(s->l, begun);
	}
	s->kicking = false;
	if (s->kick_first)
		loop_timer_set(s->kick_timer, 0);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	kick_all(arg);
}

static void on_kick_timer(void *arg)
{
	kick_all(arg);
}

/* Its deadline passed. */
static void conn_expire(struct conn *c)
{
	enum deadline kind = (enum deadline)c->deadline;

	turn_begin(c);
	due_unlink(c);
	if ((kind == DEADLINE_HEAD && c->state == CONN_HEAD) || (kind == DEADLINE_PIECE && sock_unsent(c) == 0 && c->x->res == RES_NONE))
		conn_error(c, 408);
	else if (kind == DEADLINE_IDLE)
		conn_close(c);
	else
		c->broken = true;
	turn_end(c);
}

static void on_due(void *arg)
{
	struct http_server *s = arg;
	int64_t next = INT64_MAX;

	s->now_ns = mono_now();
	s->due_armed_ns = INT64_MIN; /* nobody arms it until all are looked at */
	for (size_t i = 0; i < DEADLINES; i++)
		while (s->due[i].first && s->due[i].first->due_ns <= s->now_ns)
			conn_expire(s->due[i].first);
	for (size_t i = 0; i < DEADLINES; i++)
		if (s->due[i].first && s->due[i].first->due_ns < next)
			next = s->due[i].first->due_ns;
	s->due_armed_ns = INT64_MAX;
	if (next != INT64_MAX)
		due_arm(s, next);
}

/* Room for one more: there is some, or whoever has been idle longest leaves (RFC 9112 9.6: at any time). */
static bool make_room(struct http_server *s)
{
	struct conn *c = s->due[DEADLINE_IDLE].first;

	if (s->stats.open - s->local < s->connections_max)
		return true;
	while (c && c->from_unix)
		c = c->due_next;
	if (!c || s->now_ns - (c->due_ns - s->due[DEADLINE_IDLE].length_ns) < SERVER_YIELD_NS)
		return false;
	s->stats.yielded++;
	turn_begin(c);
	conn_close(c);
	turn_end(c);
	return true;
}

/* Whether c may stay, and whom it counts for. */
static bool admit(struct conn *c)
{
	struct http_server *s = c->s;
	uint8_t bytes[16] = {0};
	size_t n;

	if (c->from_unix)
		return s->local < SERVER_LOCAL_MAX;
	n = sock_peer(c, bytes);
	if (s->allow && !subnet_has(s->allow, c->peer)) {
		s->stats.turned_away++;
		c->outside = true;
		return false;
	}
	c->of = peers_join(&s->peers, bytes, n == 16 ? 16 : 4, s->of_address_max);
	if (c->of && make_room(s))
		return true;
	peers_leave(&s->peers, c->of);
	c->of = NULL;
	return false;
}

/* Takes fd. */
static void conn_new(struct http_server *s, int fd, bool from_unix)
{
	bool tls = s->tls && !from_unix, refused;
	struct conn *c = calloc(1, sizeof *c);

	if (!c) {
		close(fd);
		return;
	}
	c->s = s;
	c->fd = fd;
	c->from_unix = from_unix;
	refused = c->refused = !admit(c);
	s->stats.refused += refused && !c->outside;
	/* Too many are told so, but not at the price of a handshake; who has no business here is told nothing. */
	if (refused && (tls || c->outside || s->refused >= SERVER_REFUSED_MAX)) {
		close(fd);
		free(c);
		return;
	}
	c->state = tls ? CONN_SHAKE : CONN_IDLE;
	buf_init(&c->in, 0);
	buf_init(&c->out, 0);
	if (event_assign(&c->rd, loop_base(s->l), fd, EV_READ | EV_PERSIST, on_readable, c) < 0 ||
	        event_assign(&c->wr, loop_base(s->l), fd, EV_WRITE | EV_PERSIST, on_writable, c) < 0) {
		peers_leave(&s->peers, c->of);
		close(fd);
		free(c);
		return;
	}
	c->next = s->conns;
	if (s->conns)
		s->conns->prev = c;
	s->conns = c;
	c->requeue = true;
	turn_begin(c);
	if (refused) {
		s->refused++;
		conn_error(c, 503);
	} else {
		s->stats.open++;
		s->local += from_unix;
		s->stats.connections++;
	}
	turn_end(c);
}

static void on_accept(evutil_socket_t listen_fd, short what, void *arg)
{
	struct http_server *s = arg;
	int64_t begun = loop_begin(s->l);

	(void)what;
	s->now_ns = begun;
	for (unsigned i = 0; i < SERVER_ACCEPTS_A_TURN; i++) {
		int r, fd = -1;

		r = listen_accept(&fd, listen_fd);
		if (r == MO_EAGAIN)
			break;
		if (r < 0) {
			for (size_t k = 0; k < 2; k++)
				if (s->listening[k])
					event_del(&s->listeners[k]);
			loop_timer_set(s->accept_timer, ACCEPT_PAUSE_NS);
			break;
		}
		conn_new(s, fd, listen_fd == s->listen_fd[1]);
	}
	loop_end(s->l, begun);
}

static void on_accept_again(void *arg)
{
	struct http_server *s = arg;

	for (size_t k = 0; k < 2; k++)
		if (s->listening[k] && event_add(&s->listeners[k], NULL) < 0)
			loop_timer_set(s->accept_timer, ACCEPT_PAUSE_NS);
}

void http_server_drain(struct http_server *s)
{
	s->draining = true;
	loop_timer_set(s->accept_timer, -1);
	for (size_t k = 0; k < 2; k++) {
		if (s->listening[k])
			event_del(&s->listeners[k]);
		s->listening[k] = false;
		if (s->listen_fd[k] >= 0)
			close(s->listen_fd[k]);
		s->listen_fd[k] = -1;
	}
	listen_unlink(s->unix_path);
	free(s->unix_path);
	s->unix_path = NULL;
	for (struct conn *c = s->conns; c; c = c->next)
		if ((c->state == CONN_IDLE || c->state == CONN_SHAKE) && !c->in_turn)
			conn_kick(c);
}

static int server_listen(struct http_server *s, const struct http_options *opt, struct diag *d)
{
	int r;

	if (opt->address) {
		r = listen_tcp(&s->listen_fd[0], &s->port, opt->address, opt->port, d);
		if (r < 0)
			return r;
	}
	if (opt->unix_path) {
		s->unix_path = strdup(opt->unix_path);
		if (!s->unix_path)
			return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		r = listen_unix(&s->listen_fd[1], opt->unix_path, d);
		if (r < 0) {
			free(s->unix_path);
			s->unix_path = NULL;
			return r;
		}
	}
	for (size_t k = 0; k < 2; k++) {
		if (s->listen_fd[k] < 0)
			continue;
		if (event_assign(&s->listeners[k], loop_base(s->l), s->listen_fd[k], EV_READ | EV_PERSIST, on_accept, s) < 0 ||
		        event_add(&s->listeners[k], NULL) < 0)
			return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		s->listening[k] = true;
	}
	return 0;
}

static int64_t or_default(int64_t ns, int64_t fallback_ns)
{
	return ns > 0 ? ns : fallback_ns;
}

int http_server_new(
        struct http_server **ret, struct loop *l, const struct http_options *opt, const struct http_handler *h, void *arg, struct diag *d)
{
	struct http_server *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	s->l = l;
	s->h = h;
	s->arg = arg;
	s->tls = opt->tls;
	s->allow = opt->allow;
	s->door = opt->door;
	s->listen_fd[0] = s->listen_fd[1] = -1;
	s->due_armed_ns = INT64_MAX;
	s->date_s = INT64_MIN;
	s->connections_max = opt->connections_max ? opt->connections_max : CONNECTIONS_DEFAULT;
	s->of_address_max = opt->connections_of_address_max;
	s->in_max = opt->body_buffer_bytes ? opt->body_buffer_bytes : BODY_BUFFER_BYTES;
	if (s->in_max < HTTP1_HEAD_MAX)
		s->in_max = HTTP1_HEAD_MAX;
	s->due[DEADLINE_HEAD].length_ns = or_default(opt->head_timeout_ns, HEAD_TIMEOUT_NS);
	s->due[DEADLINE_IDLE].length_ns = or_default(opt->idle_timeout_ns, IDLE_TIMEOUT_NS);
	s->due[DEADLINE_PIECE].length_ns = or_default(opt->piece_timeout_ns, PIECE_TIMEOUT_NS);
	s->due[DEADLINE_LINGER].length_ns = SERVER_LINGER_NS;
	if (event_assign(&s->kick, loop_base(l), -1, 0, on_kick, s) < 0 || loop_timer_new(l, &s->kick_timer, on_kick_timer, s) < 0 ||
	        loop_timer_new(l, &s->due_timer, on_due, s) < 0 || loop_timer_new(l, &s->accept_timer, on_accept_again, s) < 0)
		r = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	else
		r = server_listen(s, opt, d);
	if (r < 0)
		http_server_free(s);
	else
		*ret = s;
	return r;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	if (s->accept_timer)
		http_server_drain(s);
	while (s->conns) {
		struct conn *c = s->conns;

		c->in_turn = true;
		c->broken = true; /* nothing is sent any more: SIGPIPE is not blocked here */
		conn_close(c);
		conn_free(c);
	}
	if (s->kick_timer)
		event_del(&s->kick);
	loop_timer_free(s->kick_timer);
	loop_timer_free(s->due_timer);
	loop_timer_free(s->accept_timer);
	exchange_free_pool(s);
	free(s);
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->port;
}

unsigned http_server_active(const struct http_server *s)
{
	return s->active;
}

void http_server_stats(const struct http_server *s, struct http_server_stats *ret)
{
	*ret = s->stats;
}
