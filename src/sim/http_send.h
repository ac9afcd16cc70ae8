/* HTTP/1.1 client with an encoder of its own (RFC 9112): one request at a
 * time on a connection that is kept; what was cut off before its answer is
 * sent again, for every request of the simulator may be repeated. */
#ifndef MO_SIM_HTTP_SEND_H
#define MO_SIM_HTTP_SEND_H

#include "base/buf.h"

#define HTTP_REPLY_MAX (16u << 20) /* bytes of one answer */

struct http_reply {
	int status;
	struct span body;  /* points into the bytes given, unless chunked: then into `joined` */
	bool close;        /* the peer will close */
};
/* Parses one whole answer at the beginning of `in`. Gives its length, 0 when more must come, -1 when it is not HTTP.
 * `joined` takes the body of a chunked answer. */
long http_reply_parse(struct http_reply *ret, struct span in, struct buf *joined);

enum http_state { HTTP_IDLE, HTTP_BUSY, HTTP_DONE, HTTP_FAILED };
struct http_conn {
	uint16_t port;      /* of 127.0.0.1 */
	int fd;             /* -1: not connected */
	bool connecting;
	enum http_state state;
	struct buf out, in, joined;
	size_t sent;
	int64_t since_ns;   /* of the request, monotonic */
	int64_t retry_ns;   /* not before, while not connected */
	int64_t patience_ns;/* a request older than this fails; 0: never */
	uint64_t retries;
	struct http_reply reply; /* with HTTP_DONE; until the next request */
};
/* "http://127.0.0.1:PORT" (or localhost) with or without a slash at the end. MO_EINVAL. */
MO_MUST_USE int http_conn_init(struct http_conn *c, const char *url);
void http_conn_free(struct http_conn *c);
/* Starts a request; body may be NULL. The state must not be HTTP_BUSY (MO_EBUSY). key: Idempotency-Key or NULL. */
MO_MUST_USE int http_start(struct http_conn *c, const char *method, const char *path, const char *type, const char *key, const struct buf *body);
/* Not connected, or out of patience: http_go_on() has something to do though no socket is ready. */
bool http_is_due(const struct http_conn *c, int64_t now_ns);
/* Goes on as far as it can without waiting. */
void http_go_on(struct http_conn *c, int64_t now_ns);

#endif
