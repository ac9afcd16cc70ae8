/* The request's side of one exchange: head, body to the handler, end, done. */
#include <stdlib.h>

#include "http/priv/conn.h"

static struct http_x *exchange_take(struct http_server *s)
{
	struct http_x *x = s->pool;

	if (x) {
		s->pool = x->next_free;
		s->n_pool--;
		return x;
	}
	x = malloc(sizeof *x);
	if (x)
		buf_init(&x->head_bytes, HTTP1_HEAD_MAX);
	return x;
}

static void exchange_give(struct http_server *s, struct http_x *x)
{
	if (s->n_pool == SERVER_POOL_MAX) {
		buf_free(&x->head_bytes);
		free(x);
		return;
	}
	buf_reset(&x->head_bytes);
	if (x->head_bytes.cap > SERVER_POOL_BUF_BYTES)
		buf_free(&x->head_bytes);
	x->next_free = s->pool;
	s->pool = x;
	s->n_pool++;
}

void exchange_free_pool(struct http_server *s)
{
	while (s->pool) {
		struct http_x *x = s->pool;

		s->pool = x->next_free;
		buf_free(&x->head_bytes);
		free(x);
	}
}

/* Moves what lies in old to the same place in its copy at to; what lies elsewhere (a constant path) stays. */
static void move_span(struct span *s, struct span old, const uint8_t *to)
{
	uintptr_t at = (uintptr_t)s->p, from = (uintptr_t)old.p;

	if (s->p && at >= from && at - from <= old.n)
		s->p = to + (at - from);
}

/* The head outlives the input it was parsed from. */
static int keep_head(struct http_x *x, struct span bytes)
{
	struct http1_head *h = &x->head;

	buf_add(&x->head_bytes, bytes);
	if (x->head_bytes.err)
		return MO_ENOMEM;
	move_span(&h->target, bytes, x->head_bytes.p);
	move_span(&h->path, bytes, x->head_bytes.p);
	move_span(&h->query, bytes, x->head_bytes.p);
	for (size_t i = 0; i < h->n_headers; i++) {
		move_span(&h->headers[i].name, bytes, x->head_bytes.p);
		move_span(&h->headers[i].value, bytes, x->head_bytes.p);
	}
	return 0;
}

static void exchange_reset(struct http_x *x, struct conn *c)
{
	x->c = c;
	x->data = NULL;
	x->req = x->head.chunked || (x->head.has_length && x->head.content_length > 0) ? REQ_DROP : REQ_DONE;
	x->res = RES_NONE;
	x->want = x->too_large = x->paused = x->end_told = x->done_told = x->wait_drain = x->chunked_out = x->cut = x->in_head = false;
	x->unsent_100 = x->head.expect_continue && x->head.minor >= 1 && x->req != REQ_DONE;
	x->close = !x->head.keep_alive;
	x->limit = x->got = x->dropped = 0;
	x->left = x->head.has_length ? x->head.content_length : 0;
	http1_chunked_init(&x->chunks);
}

/* The rest of the body is not read: the connection can't go on. */
static void request_cut(struct http_x *x)
{
	x->req = REQ_DONE;
	x->cut = x->close = true;
}

static void request_drop(struct http_x *x)
{
	x->req = REQ_DROP;
	/* A client that waits for 100 may now send the body or not (RFC 9110 10.1.1): what follows could not be told apart. */
	if (x->unsent_100 || (!x->head.chunked && x->left > SERVER_DROP_MAX_BYTES))
		request_cut(x);
}

/* After head(): what becomes of the body. */
static void request_decide(struct conn *c, struct http_x *x)
{
	if (x->req == REQ_DONE)
		return;
	if (!x->want || x->res == RES_ENDED) {
		request_drop(x);
		return;
	}
	if (x->too_large) {
		conn_error(c, 413);
		return;
	}
	x->req = REQ_BODY;
	/* With the body's first bytes there already, nobody waits. */
	if (x->unsent_100 && c->view.n == 0 && x->res == RES_NONE)
		if (sock_queue(c, SPAN_LIT("HTTP/1.1 100 Continue\r\n\r\n")) < 0)
			return; /* the connection is broken; the next step sees it */
	x->unsent_100 = false;
}

int exchange_begin(struct conn *c)
{
	struct http_server *s = c->s;
	struct http_x *x = exchange_take(s);
	size_t eaten = 0;
	int r, status = 400;

	if (!x) {
		conn_error(c, 503);
		return 0;
	}
	r = http1_parse_head(&x->head, c->view, &eaten, &status);
	if (r == 0 && keep_head(x, span_sub(c->view, 0, eaten)) < 0) {
		r = MO_ENOMEM;
		status = 503;
	}
	if (r < 0) {
		exchange_give(s, x);
		if (r == MO_EAGAIN)
			return r;
		conn_error(c, status);
		return 0;
	}
	c->view = span_sub(c->view, eaten, c->view.n);
	exchange_reset(x, c);
	c->x = x;
	s->active++;
	s->stats.requests++;
	conn_set_state(c, CONN_EXCHANGE);
	x->in_head = true;
	s->h->head(s->arg, x);
	x->in_head = false;
	request_decide(c, x);
	return 0;
}

void exchange_end(struct conn *c, bool aborted)
{
	struct http_server *s = c->s;
	struct http_x *x = c->x;

	if (!x->done_told) {
		x->done_told = true;
		s->active--;
		if (aborted)
			s->stats.aborted++;
		s->h->done(s->arg, x, aborted);
	}
	c->x = NULL;
	c->ref = span_of(NULL, 0); /* what it points to is the handler's again */
	exchange_give(s, x);
}

/* Gives piece to whoever it is for. False: the exchange is over. */
static bool take_piece(struct conn *c, struct http_x *x, struct span piece)
{
	int r;

	x->got += piece.n;
	if (x->req == REQ_DROP) {
		x->dropped += piece.n;
		if (x->dropped > SERVER_DROP_MAX_BYTES)
			request_cut(x);
		return true;
	}
	if (x->got > x->limit) {
		conn_error(c, 413);
		return false;
	}
	if (piece.n == 0)
		return true;
	r = c->s->h->body(c->s->arg, x, piece);
	if (r == MO_EAGAIN)
		x->paused = true;
	else if (r < 0)
		c->broken = true;
	return true;
}

/* One step of the body. True when something moved; the exchange may be over then. */
static bool feed(struct conn *c, struct http_x *x)
{
	struct span piece;
	size_t eaten;
	bool done = false;

	if (!x->head.chunked) {
		eaten = x->left < c->view.n ? (size_t)x->left : c->view.n;
		piece = span_sub(c->view, 0, eaten);
		x->left -= eaten;
		done = x->left == 0;
	} else if (c->view.n == 0) {
		return false;
	} else if (http1_chunked_next(&x->chunks, c->view, &eaten, &piece, &done) < 0) {
		conn_error(c, 400);
		return true;
	}
	if (eaten == 0 && !done)
		return false;
	c->view = span_sub(c->view, eaten, c->view.n);
	if (!take_piece(c, x, piece))
		return true;
	if (done)
		x->req = REQ_DONE;
	return true;
}

/* The input ended before the body did. */
static void body_broke_off(struct conn *c, struct http_x *x)
{
	if (x->req == REQ_DROP)
		request_cut(x);
	else
		c->broken = true;
}

/* Everything was sent: the handler is told, though an unwanted body may still be on its way. */
static void answered(struct conn *c, struct http_x *x)
{
	struct http_server *s = c->s;

	if (x->req != REQ_DONE && x->close)
		request_cut(x);
	if (x->done_told)
		return;
	x->done_told = true;
	s->active--;
	s->h->done(s->arg, x, false);
}

bool exchange_run(struct conn *c)
{
	struct http_server *s = c->s;
	struct http_x *x = c->x;
	bool again = true;

	while (again && !c->broken && c->state == CONN_EXCHANGE) {
		again = false;
		if (x->req == REQ_BODY && x->res == RES_ENDED)
			request_drop(x);
		if (x->req == REQ_DROP || (x->req == REQ_BODY && !x->paused)) {
			again = feed(c, x);
			if (c->state != CONN_EXCHANGE || c->broken)
				break;
			if (!again && c->eof) {
				body_broke_off(c, x);
				again = true;
			}
		}
		if (!x->end_told && x->res != RES_ENDED && (x->req == REQ_DROP || (x->req == REQ_DONE && !x->paused))) {
			x->end_told = true;
			s->h->end(s->arg, x);
			again = true;
		}
		sock_flush(c);
		if (x->wait_drain && x->res == RES_STREAM && sock_unsent(c) <= SERVER_OUT_LOW_BYTES && !c->broken) {
			x->wait_drain = false;
			s->h->drained(s->arg, x);
			again = true;
		}
		if (x->res == RES_ENDED && sock_unsent(c) == 0 && !c->broken)
			answered(c, x);
	}
	return c->broken || c->state != CONN_EXCHANGE || (x->done_told && x->req == REQ_DONE);
}

const struct http1_head *http_head(const struct http_x *x)
{
	return &x->head;
}

bool http_from_unix(const struct http_x *x)
{
	return x->c->from_unix;
}

void http_peer(const struct http_x *x, char out[HTTP_PEER_MAX])
{
	memcpy(out, x->c->peer, HTTP_PEER_MAX);
}

unsigned http_door(const struct http_x *x)
{
	return x->c->s->door;
}

bool http_is_tls(const struct http_x *x)
{
	return x->c->tls != NULL;
}

void http_want_body(struct http_x *x, uint64_t limit_bytes)
{
	if (!x->in_head)
		return;
	x->want = true;
	x->limit = limit_bytes;
	x->too_large = x->head.has_length && x->head.content_length > limit_bytes;
}

void http_resume(struct http_x *x)
{
	if (!x->paused)
		return;
	x->paused = false;
	if (!x->c->in_turn)
		conn_kick(x->c);
}

void http_set_data(struct http_x *x, void *data)
{
	x->data = data;
}

void *http_data(const struct http_x *x)
{
	return x->data;
}
