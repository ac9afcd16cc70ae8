/* One connection of the server and the exchange (request and response) that
 * runs on it. Three files work on these: server.c (listeners, time-outs, the
 * connection's life), exchange.c (the request's side), reply.c (the
 * response's side). sock.c holds the system calls.
 *
 * Connection (SHAKE alone is TLS's: a connection begins there instead of in IDLE):
 *   SHAKE -- agreed --> IDLE; -- plain HTTP --> LINGER; -- no agreement, end, time-out --> CLOSED
 *
 *             bytes                    whole head
 *   IDLE ------------------> HEAD ------------------> EXCHANGE
 *    ^  \ end, time-out       \ bad head, time-out     |  |  \ broken, time-out
 *    |   `---> CLOSED          `---> LINGER            |  |   `---> CLOSED
 *    `-------------------------------------------------'  |
 *             both sides ended, keep-alive                | both sides ended, close; protocol error in the body
 *                                      LINGER <-----------'
 *                                        `-- end of input, time-out, too much input --> CLOSED
 *   LINGER sends what is left, ends the sending side and reads on for a while: closing with unread input would make
 *   the system send a reset, which may overtake the answer (RFC 9112 9.6).
 *
 * A request's body: BODY (given to the handler) or DROP (read and forgotten), then DONE.
 * A response: NONE -> STREAM -> ENDED, or NONE -> ENDED; ENDED when its last byte is queued. */
#ifndef MO_HTTP_PRIV_CONN_H
#define MO_HTTP_PRIV_CONN_H

#include <stdatomic.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "http/priv/loop.h"
#include "http/priv/peers.h"
#include "http/priv/tls.h"
#include "http/reply.h"

#define SERVER_READ_BYTES 65536u          /* at most, by one read */
#define SERVER_OUT_HIGH_BYTES 65536u      /* unsent response: past it a streaming handler is told to wait */
#define SERVER_OUT_LOW_BYTES 16384u       /* below it the handler is asked for more */
#define SERVER_OUT_MAX_BYTES 1048576u     /* past it a handler that does not wait is refused */
#define SERVER_PIECE_COPY_BYTES 4096u     /* smaller pieces of a streamed response are gathered */
#define SERVER_DROP_MAX_BYTES 65536u      /* of a body nobody wants, for the sake of keeping the connection */
#define SERVER_LINGER_MAX_BYTES 67108864u /* read and forgotten so that a client still sending comes to read its refusal */
#define SERVER_LINGER_NS (2 * INT64_C(1000000000))
#define SERVER_HEAD_OUT_BYTES 16384u /* head of a response */
#define SERVER_REQUESTS_A_TURN 32u   /* pipelined requests before other connections get their turn */
#define SERVER_ACCEPTS_A_TURN 16u  /* a quarter of a millisecond */
#define SERVER_REFUSED_MAX 64u      /* connections past the maximum that are being told so */
#define SERVER_LOCAL_MAX 64u       /* connections of the socket in the file system, beside the others */
#define SERVER_YIELD_NS INT64_C(1000000000) /* idle so long, a connection makes way when there is no room */
#define SERVER_POOL_MAX 64u         /* unused exchanges kept */
#define SERVER_POOL_BUF_BYTES 4096u /* and the largest head kept with each */
#define SERVER_KEEP_IN_BYTES 4096u  /* input memory a busy connection keeps */
#define SERVER_TLS_TURN_BYTES 262144u /* encrypted and sent before other connections get their turn */

enum conn_state { CONN_IDLE, CONN_HEAD, CONN_EXCHANGE, CONN_LINGER, CONN_CLOSED, CONN_SHAKE, CONN_STATES };
enum req_state { REQ_BODY, REQ_DROP, REQ_DONE };
enum res_state { RES_NONE, RES_STREAM, RES_ENDED };

/* Deadlines of one kind all last equally long, so each kind is a queue in order of time. */
enum deadline { DEADLINE_NONE, DEADLINE_HEAD, DEADLINE_IDLE, DEADLINE_PIECE, DEADLINE_LINGER, DEADLINES };

struct conn;

struct http_x {
	struct conn *c;
	struct http_x *next_free;
	struct http1_head head;
	struct buf head_bytes; /* what head points into */
	void *data;
	enum req_state req;
	enum res_state res;
	bool in_head; /* head() is running: the one time for http_want_body() */
	bool want, too_large;
	bool paused;     /* the handler takes no more body */
	bool end_told;   /* end() was called, or must not be any more */
	bool unsent_100; /* the client waits for 100 before it sends the body */
	bool close;      /* no other request on this connection */
	bool chunked_out, bodyless;
	bool wait_drain; /* MO_EAGAIN was given: drained() is due */
	bool done_told;
	bool cut; /* the rest of the body is not read */
	uint64_t limit, got, dropped;
	uint64_t left; /* of Content-Length */
	struct http1_chunked chunks;
};

struct conn {
	struct http_server *s;
	struct peer *of;                  /* whom it counts for; NULL: the socket in the file system, or refused */
	struct conn *prev, *next;         /* all of the server */
	struct conn *due_prev, *due_next; /* the queue of its deadline */
	struct conn *kick_next;
	int64_t due_ns;
	struct http_x *x;
	struct span view; /* unread input during a turn: in the server's read buffer or in `in` */
	struct buf in;    /* unread input between turns */
	struct buf out;   /* unsent response from out_at on, then ref */
	size_t out_at;
	struct span ref;
	uint64_t lingered;
	struct event rd, wr;
	struct tls *tls; /* NULL: plain, or nothing of a handshake came yet */
	int fd;
	enum conn_state state;
	uint8_t deadline; /* enum deadline */
	bool rd_on, wr_on;
	char peer[HTTP_PEER_MAX]; /* address in text; "" the node's socket, or gone before it was asked */
	bool eof, broken;
	bool in_turn, kicked, from_unix, refused, outside, shut;
	bool full;     /* the socket takes no more for now */
	bool ended;    /* TLS: the peer's end follows what was read */
	bool scan;     /* a head may have become whole */
	bool progress; /* bytes moved that were waited for */
	bool requeue;  /* the state changed: the deadline counts anew */
};

struct due_queue {
	struct conn *first, *last;
	int64_t length_ns;
};

struct http_server {
	struct loop *l;
	const struct http_handler *h;
	void *arg;
	int64_t now_ns; /* monotonic, begin of the turn */
	struct event listeners[2];
	int listen_fd[2];
	bool listening[2];
	char *unix_path;
	struct http_tls *tls; /* of listeners[0]; NULL: plain */
	uint16_t port;
	bool draining;
	uint32_t connections_max, of_address_max, refused, local;
	struct peers peers;
	const struct subnets *allow;
	unsigned door;
	uint64_t in_max;
	struct conn *conns;
	struct due_queue due[DEADLINES];
	struct loop_timer *due_timer, *accept_timer;
	int64_t due_armed_ns; /* INT64_MAX: not */
	struct event kick;
	struct loop_timer *kick_timer;
	bool kicking;
	struct conn *kick_first, *kick_last;
	struct http_x *pool;
	uint32_t n_pool;
	unsigned active;
	struct http_server_stats stats;
	int64_t date_s;
	char date[40]; /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" */
	size_t date_n;
	uint8_t head_out[SERVER_HEAD_OUT_BYTES];
	uint8_t read_bytes[SERVER_READ_BYTES];
};

/* server.c */
void conn_set_state(struct conn *c, enum conn_state to);
/* Another turn for c soon: for what is called from outside its turn. */
void conn_kick(struct conn *c);
/* Answers a protocol error, ends the exchange if there is one, and lingers. */
void conn_error(struct conn *c, int status);

/* exchange.c */
/* A whole head may stand in c->view. 0: an exchange began or the connection took an end; MO_EAGAIN: more input is needed. */
MO_MUST_USE int exchange_begin(struct conn *c);
/* Goes on as far as input and handler allow; false: it waits for something. */
bool exchange_run(struct conn *c);
/* done(); the exchange goes back to the pool. */
void exchange_end(struct conn *c, bool aborted);
void exchange_free_pool(struct http_server *s);

/* reply.c */
/* To plain HTTP where TLS is spoken: 400 in plain text, the connection's last. */
void reply_https_only(struct conn *c);
/* Short problem+json answer, the connection's last. */
void reply_problem(struct conn *c, int status);
const char *reply_reason(int status);

/* sock.c */
/* *ret_n bytes read into the server's buffer, 0 at the end of input. MO_EAGAIN, MO_EIO (broken). */
MO_MUST_USE int sock_read(struct conn *c, size_t room, size_t *ret_n);
/* At the end of input: whether the peer is gone altogether. Only the socket in the file system tells; by TCP who closes looks like who has said all. */
bool sock_gone(const struct conn *c);
/* Sends what can be sent of the unsent bytes and then these; the rest is kept: copied, or the last one by reference when ref_last.
 * Sets c->broken when the peer is gone or memory is (MO_ENOMEM). */
MO_MUST_USE int sock_send(struct conn *c, const struct iovec *iov, size_t n, bool ref_last);
/* Queues without sending, all or (MO_ENOMEM, broken) some. */
MO_MUST_USE int sock_gather(struct conn *c, const struct iovec *iov, size_t n);
struct iovec sock_iov(struct span s);
MO_MUST_USE int sock_queue(struct conn *c, struct span bytes);
/* Sends what can be sent. */
void sock_flush(struct conn *c);
/* The handshake's next step. 0: agreed; MO_EAGAIN; MO_EPROTO: plain HTTP came instead; MO_EIO: there will be none. */
MO_MUST_USE int sock_shake(struct conn *c);
/* Waits to be writable for TLS' own sake, with nothing of ours to send. */
static inline bool sock_wants_write(const struct conn *c)
{
	return c->tls && tls_wants_write(c->tls);
}
/* Input waits in memory, for which the socket will not become readable. */
static inline bool sock_pending(const struct conn *c)
{
	return c->tls && c->state != CONN_SHAKE && tls_pending(c->tls);
}
/* Fills c->peer: once a connection, since each request is asked who it is. Its bytes in network order: 4 or 16 of them; 0: gone already. */
size_t sock_peer(struct conn *c, uint8_t bytes[16]);
/* Nothing more comes from us. */
void sock_end(struct conn *c);
static inline size_t sock_unsent(const struct conn *c)
{
	return c->out.n - c->out_at + c->ref.n;
}

#endif
