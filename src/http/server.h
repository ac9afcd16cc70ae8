/* HTTP/1.1 server on the loop: streams bodies both ways, knows each request's
 * limits before its body, pushes back, times out. It answers nothing by
 * itself but protocol errors (400, 408, 413, 414, 431, 501, 503, 505), each with
 * a short problem+json body; every other byte comes through http/reply.h, which
 * only the gate (node/gate.c) includes. */
#ifndef MO_HTTP_SERVER_H
#define MO_HTTP_SERVER_H

#include "codec/http1.h"
#include "http/loop.h"
#include "http/tls.h"
#include "os/subnet.h"

struct http_server;
struct http_x; /* one request and its response ("exchange") */

/* All calls come from the loop, never from inside a function of this room: what a handler calls returns before the next call comes. Order
 * of one exchange: head, body..., end, done; drained any time between http_reply_begin() and http_reply_end(). Requests of one connection
 * come one after the other: head() of the next follows done() of the last. */
struct http_handler {
	/* The head is there. Call http_want_body() to receive a body; without it a body is read and dropped up to 64 KiB, else the connection ends after the answer. */
	void (*head)(void *arg, struct http_x *x);
	/* A piece of body (decoded from chunks). 0, or MO_EAGAIN: takes no more until http_resume(); the piece itself was taken.
	 * Any other error breaks the connection. Not called once the answer is whole. */
	int (*body)(void *arg, struct http_x *x, struct span piece);
	/* The request is complete, or its body is not wanted. Not called once the answer is whole. */
	void (*end)(void *arg, struct http_x *x);
	/* Answered to the last byte (it is the system's now), or the connection broke (aborted): the last call for x.
	 * A client that only ended its sending side is answered; one that is gone shows when something is written, and at once where it came by
	 * the socket in the file system. */
	void (*done)(void *arg, struct http_x *x, bool aborted);
	/* A streamed response can take more, after MO_EAGAIN. */
	void (*drained)(void *arg, struct http_x *x);
	/* May be NULL. The problem+json body of a protocol error, with words; p == NULL: the server's own, without. It is copied at once. */
	struct span (*problem)(void *arg, int status);
};
/* Status i of the protocol errors that the server answers by itself, 0 after the last. */
MO_MUST_USE int http_protocol_error(size_t i);
struct http_options {
	const char *address;        /* "127.0.0.1", "::1"; NULL: no TCP */
	uint16_t port;              /* 0: any */
	const char *unix_path;      /* listens there too, mode 0600, in place of a socket left behind; at most 107 bytes; NULL: not */
	/* TCP connections at once, 0: 1,024. Past it the one that has been idle longest makes way, when that was a second or more; else 503. The
	 * socket in the file system has room of its own beside. */
	uint32_t connections_max;
	uint32_t connections_of_address_max; /* of them from one address (IPv6: one /64); past it 503; 0: no bound */
	/* NULL: everybody. Else TCP connections from outside are closed without a byte. Borrowed. */
	const struct subnets *allow;
	unsigned door;              /* the caller's own number for this server; http_door() gives it back */
	/* TCP connections speak TLS, the socket in the file system does not. Borrowed; http_tls_replace() at any time. A plain request there gets
	 * a 400 that says https. NULL: plain. */
	struct http_tls *tls;
	int64_t head_timeout_ns;    /* 0: 10 s from first byte to end of head; with TLS also from connecting to the end of its handshake */
	int64_t idle_timeout_ns;    /* 0: 60 s between requests */
	int64_t piece_timeout_ns;   /* 0: 30 s between pieces of body that are waited for, or of response the client does not take */
	uint64_t body_buffer_bytes; /* 0: 256 KiB unread input a connection before reading pauses */
};
/* Borrows h and arg, copies opt. MO_EINVAL (not an address), MO_EBUSY (taken), MO_ELIMIT (unix_path too long), MO_EDENIED, MO_EIO. */
MO_MUST_USE int http_server_new(
        struct http_server **ret, struct loop *l, const struct http_options *opt, const struct http_handler *h, void *arg, struct diag *d);
uint16_t http_server_port(const struct http_server *s);
/* No new connections, idle ones are closed; running exchanges go on and are the last on their connections. */
void http_server_drain(struct http_server *s);
unsigned http_server_active(const struct http_server *s); /* connections with an unanswered request */
/* Running exchanges end with done(aborted). Not from inside a handler. */
void http_server_free(struct http_server *s);

const struct http1_head *http_head(const struct http_x *x); /* valid until done */
bool http_from_unix(const struct http_x *x);
bool http_is_tls(const struct http_x *x);
unsigned http_door(const struct http_x *x); /* of the server that it came by */
/* The peer's address as text with NUL, "" when it came by the socket or the connection broke. */
#define HTTP_PEER_MAX 46u
void http_peer(const struct http_x *x, char out[HTTP_PEER_MAX]);
/* Only in head(). limit 0: nothing allowed. Past it 413 is answered by the server and done(aborted) follows. */
void http_want_body(struct http_x *x, uint64_t limit_bytes);
/* After MO_EAGAIN of body(): goes on, soon. */
void http_resume(struct http_x *x);
/* The handler's own pointer. */
void http_set_data(struct http_x *x, void *data);
void *http_data(const struct http_x *x);

struct http_server_stats {
	/* Since the start; connections without the refused (503, or closed unheard); bytes are HTTP's, without what TLS adds. */
	uint64_t requests, connections, aborted, bytes_in, bytes_out;
	uint64_t refused, yielded;              /* connections: told to come later; idle ones that made way */
	uint64_t handshakes, handshakes_failed; /* of TLS, also those that took too long */
	uint64_t turned_away;                   /* TCP connections from outside `allow` */
	uint32_t open;                          /* connections now */
};
void http_server_stats(const struct http_server *s, struct http_server_stats *ret);

#endif
