#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/civil.h"
#include "os/clock.h"

static void note(struct rig *r, int e)
{
	if (e < 0)
		r->last_error = e;
}

static void stream_on(struct rig *r, struct http_x *x)
{
	static uint8_t piece[1 << 17];
	int e = 0;

	while (e == 0 && r->streamed < r->stream_bytes) {
		uint64_t n = r->stream_bytes - r->streamed;

		if (n > r->piece_bytes)
			n = r->piece_bytes;
		memset(piece, 'a' + (int)(r->streamed / r->piece_bytes % 26), (size_t)n);
		e = http_reply_piece(x, span_of(piece, (size_t)n));
		if (e == 0 || e == MO_EAGAIN)
			r->streamed += n;
	}
	if (e == MO_EAGAIN)
		r->again++;
	else
		note(r, e);
	if (r->streamed == r->stream_bytes && (e == 0 || e == MO_EAGAIN))
		note(r, http_reply_end(x));
}

static bool path_is(const struct http_x *x, const char *path)
{
	return span_is(http_head(x)->path, path);
}

static void on_head(void *arg, struct http_x *x)
{
	struct rig *r = arg;

	r->heads++;
	http_set_data(x, r);
	if (path_is(x, "/head")) {
		note(r, http_reply(x, 200, NULL, 0, SPAN_LIT("from head")));
	} else if (path_is(x, "/echo")) {
		buf_reset(&r->body);
		http_want_body(x, r->limit);
	} else if (path_is(x, "/count")) {
		r->counted = 0;
		r->pieces = 0;
		http_want_body(x, UINT64_MAX);
	} else if (path_is(x, "/want0")) {
		http_want_body(x, 0);
	} else if (path_is(x, "/refuse")) {
		http_want_body(x, UINT64_MAX);
		note(r, http_reply(x, 403, NULL, 0, SPAN_LIT("no")));
	}
}

static int on_body(void *arg, struct http_x *x, struct span piece)
{
	struct rig *r = arg;

	if (path_is(x, "/echo"))
		buf_add(&r->body, piece);
	if (r->body.err)
		return r->body.err;
	r->counted += piece.n;
	r->pieces++;
	if (path_is(x, "/count") && r->hold) {
		r->held = x;
		return MO_EAGAIN;
	}
	return 0;
}

static void on_end(void *arg, struct http_x *x)
{
	struct rig *r = arg;
	char n[24];

	r->ends++;
	if (path_is(x, "/echo")) {
		note(r, http_reply(x, 200, NULL, 0, buf_span(&r->body)));
	} else if (path_is(x, "/count")) {
		snprintf(n, sizeof n, "%llu", (unsigned long long)r->counted);
		note(r, http_reply(x, 200, NULL, 0, span_str(n)));
	} else if (path_is(x, "/204")) {
		note(r, http_reply(x, 204, NULL, 0, SPAN_LIT("")));
	} else if (path_is(x, "/304")) {
		const struct http_field etag = {"ETag", SPAN_LIT("\"7\"")};

		note(r, http_reply(x, 304, &etag, 1, SPAN_LIT("never sent")));
	} else if (path_is(x, "/later")) {
		r->held = x;
	} else if (path_is(x, "/stream")) {
		const struct http_field type = {"Content-Type", SPAN_LIT("text/plain")};

		r->streamed = 0;
		note(r, http_reply_begin(x, 200, &type, 1));
		stream_on(r, x);
	} else if (path_is(x, "/half")) {
		note(r, http_reply_begin(x, 200, NULL, 0));
		note(r, http_reply_piece(x, SPAN_LIT("begun")));
		http_abort(x);
	} else if (path_is(x, "/ref")) {
		note(r, http_reply_ref(x, 200, NULL, 0, r->ref));
	} else {
		note(r, http_reply(x, 200, NULL, 0, SPAN_LIT("hello")));
	}
}

static void on_done(void *arg, struct http_x *x, bool aborted)
{
	struct rig *r = arg;

	if (http_data(x) != r)
		abort();
	r->dones++;
	if (aborted)
		r->aborts++;
	if (r->held == x)
		r->held = NULL;
}

static void on_drained(void *arg, struct http_x *x)
{
	struct rig *r = arg;

	stream_on(r, x);
}

static const struct http_handler handler = {on_head, on_body, on_end, on_done, on_drained, NULL};

static void on_guard(void *arg)
{
	struct rig *r = arg;

	r->late = true;
	loop_stop(r->l);
}

int rig_new(struct rig *r, const struct http_options *opt)
{
	struct http_options o = opt ? *opt : (struct http_options){0};
	int e;

	*r = (struct rig){.limit = 1 << 20, .piece_bytes = 1000};
	buf_init(&r->body, 0);
	if (!o.address)
		o.address = "127.0.0.1";
	e = loop_new(&r->l);
	if (e == 0)
		e = loop_timer_new(r->l, &r->guard, on_guard, r);
	if (e == 0)
		e = http_server_new(&r->s, r->l, &o, &handler, r, NULL);
	if (e == 0)
		r->port = http_server_port(r->s);
	return e;
}

void rig_free(struct rig *r)
{
	http_server_free(r->s);
	loop_timer_free(r->guard);
	loop_free(r->l);
	buf_free(&r->body);
}

static int finish_connect(int fd, const struct sockaddr *a, socklen_t n)
{
	if (fd < 0)
		return -1;
	if (connect(fd, a, n) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int rig_connect(const struct rig *r)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(r->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return finish_connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), (const struct sockaddr *)&a, sizeof a);
}

int rig_connect_unix(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	return finish_connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (const struct sockaddr *)&a, sizeof a);
}

void rig_turn(struct rig *r, int ms)
{
	loop_timer_set(r->guard, ms * NS_PER_MS);
	if (loop_run(r->l) < 0)
		abort();
}

bool rig_send(struct rig *r, int fd, const char *bytes, size_t n)
{
	int64_t end = mono_now() + RIG_PATIENCE_MS * NS_PER_MS;

	while (n > 0 && mono_now() < end) {
		ssize_t k = send(fd, bytes, n, MSG_NOSIGNAL);

		if (k < 0 && errno != EAGAIN)
			return false;
		if (k > 0) {
			bytes += k;
			n -= (size_t)k;
		}
		rig_turn(r, 0);
	}
	return n == 0;
}

bool rig_sends(struct rig *r, int fd, const char *s)
{
	return rig_send(r, fd, s, strlen(s));
}

static unsigned times_from(const struct buf *b, size_t from, const char *s)
{
	unsigned n = 0;
	size_t len = strlen(s);
	const uint8_t *p;

	if (b->n == 0)
		return 0;
	p = b->p + from;
	while ((p = memmem(p, (size_t)(b->p + b->n - p), s, len)) != NULL) {
		n++;
		p++;
	}
	return n;
}

unsigned rig_times(const struct buf *b, const char *s)
{
	return times_from(b, 0, s);
}

bool rig_has(const struct buf *b, const char *s)
{
	return rig_times(b, s) > 0;
}

bool rig_read(struct rig *r, int fd, struct buf *got, const char *until, unsigned n_until)
{
	static uint8_t bytes[1 << 18];
	int64_t end = mono_now() + RIG_PATIENCE_MS * NS_PER_MS;
	unsigned idle = 0, found = until ? rig_times(got, until) : 0;

	for (;;) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);
		size_t before = got->n;

		if (n > 0)
			buf_add(got, span_of(bytes, (size_t)n));
		if (n > 0 && until)
			found += times_from(got, before < strlen(until) ? 0 : before - strlen(until) + 1, until);
		if (until && found >= n_until)
			return true;
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return !until && n == 0;
		if (mono_now() > end)
			return false;
		idle = n < 0 ? idle + 1 : 0;
		if (idle > 0)
			rig_turn(r, idle > 50 ? 2 : 0);
	}
}

bool rig_closed(struct rig *r, int fd)
{
	struct buf got;
	bool ended, nothing;

	buf_init(&got, 0);
	ended = rig_read(r, fd, &got, NULL, 0);
	nothing = got.n == 0;
	buf_free(&got);
	return ended && nothing;
}

bool rig_once(struct rig *r, const char *request, size_t n, struct buf *got)
{
	int fd = rig_connect(r);
	bool ok;

	buf_reset(got);
	ok = fd >= 0 && rig_send(r, fd, request, n) && rig_read(r, fd, got, NULL, 0);
	if (fd >= 0)
		close(fd);
	return ok;
}
