/* The system calls of a connection: one recv for a request, one sendmsg for
 * its answer. With TLS the same bytes go through records of at most 16 KiB:
 * small pieces are gathered into one, since each costs a system call. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "http/priv/conn.h"
#include "os/address.h"

#define SOCK_IOV_MAX 8u

/* Whole records, until there is no more room or input. */
static int read_tls(struct conn *c, size_t room, size_t *ret_n)
{
	size_t n = 0, piece = 0;
	int r = 0;

	if (room > SERVER_READ_BYTES)
		room = SERVER_READ_BYTES;
	while (n < room && !c->ended && (r = tls_read(c->tls, c->s->read_bytes + n, room - n, &piece)) == 0) {
		c->ended = piece == 0;
		n += piece;
	}
	if (n == 0 && r < 0)
		return r == MO_EAGAIN ? r : MO_EIO; /* the peer was told by an alert where it could be */
	c->s->stats.bytes_in += (uint64_t)n;
	*ret_n = n;
	return 0;
}

int sock_read(struct conn *c, size_t room, size_t *ret_n)
{
	ssize_t n;

	if (c->tls)
		return read_tls(c, room, ret_n);
	do
		n = recv(c->fd, c->s->read_bytes, room < SERVER_READ_BYTES ? room : SERVER_READ_BYTES, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? MO_EAGAIN : MO_EIO;
	c->s->stats.bytes_in += (uint64_t)n;
	*ret_n = (size_t)n;
	return 0;
}

bool sock_gone(const struct conn *c)
{
	/* Both directions are over: POLLHUP is told unasked, and not for a peer that only ended its sending side. */
	struct pollfd p = {.fd = c->fd};

	return c->from_unix && poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

/* Up to a record from byte `at` of iov: where it lies as a whole, else gathered into stage. */
static struct span record_from(const struct iovec *iov, size_t n, size_t at, uint8_t stage[TLS_RECORD_MAX])
{
	size_t staged = 0;

	for (size_t i = 0; i < n && staged < TLS_RECORD_MAX; i++) {
		const uint8_t *p = iov[i].iov_base;
		size_t part;

		if (at >= iov[i].iov_len) {
			at -= iov[i].iov_len;
			continue;
		}
		part = iov[i].iov_len - at;
		if (staged == 0 && (part >= TLS_RECORD_MAX || i == n - 1))
			return span_of(p + at, part < TLS_RECORD_MAX ? part : TLS_RECORD_MAX);
		if (part > TLS_RECORD_MAX - staged)
			part = TLS_RECORD_MAX - staged;
		memcpy(stage + staged, p + at, part);
		staged += part;
		at = 0;
	}
	return span_of(stage, staged);
}

/* What a full socket did not take stays first among the unsent, and is never less the next time: as tls_write() wants it. */
static size_t send_tls(struct conn *c, const struct iovec *iov, size_t n)
{
	uint8_t stage[TLS_RECORD_MAX];
	struct span piece;
	size_t all = 0, sent = 0, some;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		all += iov[i].iov_len;
	while (sent < all && sent < SERVER_TLS_TURN_BYTES) {
		piece = record_from(iov, n, sent, stage);
		r = tls_write(c->tls, piece.p, piece.n, &some);
		if (r < 0)
			break;
		sent += some;
	}
	if (r < 0 && r != MO_EAGAIN)
		c->broken = true;
	else if (sent < all)
		c->full = true;
	c->s->stats.bytes_out += (uint64_t)sent;
	if (sent > 0)
		c->progress = true;
	return sent;
}

/* Bytes sent; 0 also when the socket is full or the peer gone (c->broken). */
static size_t send_some(struct conn *c, struct iovec *iov, size_t n)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};
	size_t all = 0;
	ssize_t sent;

	if (c->full || c->broken)
		return 0;
	if (c->tls)
		return send_tls(c, iov, n);
	for (size_t i = 0; i < n; i++)
		all += iov[i].iov_len;
	do
		sent = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		if (errno != EAGAIN)
			c->broken = true;
		else
			c->full = true;
		return 0;
	}
	c->s->stats.bytes_out += (uint64_t)sent;
	if ((size_t)sent < all)
		c->full = true;
	if (sent > 0)
		c->progress = true;
	return (size_t)sent;
}

/* iovec's base is not const, though sendmsg() only reads. */
struct iovec sock_iov(struct span s)
{
	union {
		const void *c;
		void *p;
	} u = {.c = s.p};

	return (struct iovec){u.p, s.n};
}

/* The unsent bytes as up to two vectors. */
static size_t unsent_iov(const struct conn *c, struct iovec *iov)
{
	size_t n = 0;

	if (c->out.n > c->out_at)
		iov[n++] = sock_iov(span_of(c->out.p + c->out_at, c->out.n - c->out_at));
	if (c->ref.n > 0)
		iov[n++] = sock_iov(c->ref);
	return n;
}

/* Forgets up to n sent bytes of what was kept; gives how many of n were newer ones. */
static size_t unsent_drop(struct conn *c, size_t n)
{
	size_t part = c->out.n - c->out_at;

	if (part > n)
		part = n;
	c->out_at += part;
	n -= part;
	if (c->out_at == c->out.n) {
		buf_reset(&c->out);
		c->out_at = 0;
		if (c->out.cap > SERVER_OUT_LOW_BYTES)
			buf_free(&c->out);
	} else if (c->out_at > SERVER_OUT_LOW_BYTES && c->out_at > c->out.n / 2) {
		buf_consume(&c->out, c->out_at);
		c->out_at = 0;
	}
	part = n < c->ref.n ? n : c->ref.n;
	c->ref = span_sub(c->ref, part, c->ref.n);
	return n - part;
}

void sock_flush(struct conn *c)
{
	struct iovec iov[2];
	size_t n = unsent_iov(c, iov);

	if (n > 0)
		(void)unsent_drop(c, send_some(c, iov, n));
}

int sock_queue(struct conn *c, struct span bytes)
{
	buf_add(&c->out, bytes);
	if (c->out.err) {
		c->broken = true;
		return MO_ENOMEM;
	}
	return 0;
}

int sock_gather(struct conn *c, const struct iovec *iov, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = sock_queue(c, span_of(iov[i].iov_base, iov[i].iov_len));
	return r;
}

int sock_send(struct conn *c, const struct iovec *iov, size_t n, bool ref_last)
{
	struct iovec all[SOCK_IOV_MAX];
	size_t n_all = unsent_iov(c, all), sent;

	for (size_t i = 0; i < n; i++)
		all[n_all + i] = iov[i];
	if (c->broken)
		return MO_ECANCELED;
	sent = unsent_drop(c, send_some(c, all, n_all + n));
	for (size_t i = 0; i < n; i++) {
		size_t part = sent < iov[i].iov_len ? sent : iov[i].iov_len;
		struct span rest = span_of((const uint8_t *)iov[i].iov_base + part, iov[i].iov_len - part);

		sent -= part;
		if (rest.n == 0)
			continue;
		if (c->broken)
			break;
		if (ref_last && i == n - 1) {
			c->ref = rest;
		} else {
			int r = sock_queue(c, rest);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

int sock_shake(struct conn *c)
{
	uint8_t first;
	ssize_t n;
	int r;

	if (!c->tls) {
		do
			n = recv(c->fd, &first, 1, MSG_PEEK);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? MO_EAGAIN : MO_EIO;
		/* A method's letter; anything else speaks neither. */
		if (first != TLS_FIRST_BYTE)
			return (first | 0x20) >= 'a' && (first | 0x20) <= 'z' ? MO_EPROTO : MO_EIO;
		if (tls_new(&c->tls, http_tls_context(c->s->tls), c->fd) < 0)
			return MO_EIO;
	}
	r = tls_handshake(c->tls);
	return r == 0 || r == MO_EAGAIN ? r : MO_EIO;
}

void sock_end(struct conn *c)
{
	if (c->tls)
		tls_end(c->tls);
}

size_t sock_peer(struct conn *c, uint8_t bytes[16])
{
	union {
		struct sockaddr a;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage room;
	} peer;
	socklen_t n = sizeof peer;
	bool six;

	if (getpeername(c->fd, &peer.a, &n) != 0)
		return 0;
	six = peer.a.sa_family == AF_INET6;
	memcpy(bytes, six ? peer.in6.sin6_addr.s6_addr : (const uint8_t *)&peer.in.sin_addr, six ? 16 : 4);
	if (!address_text(c->peer, sizeof c->peer, bytes, six ? 16 : 4))
		c->peer[0] = '\0';
	return six ? 16 : 4;
}
