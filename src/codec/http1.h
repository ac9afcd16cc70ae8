/* HTTP/1.1 messages (RFC 9112): bytes to events, no sockets. One decoder for
 * requests, answering *need more*, *an error with its status*, or *bytes eaten*. */
#ifndef MO_CODEC_HTTP1_H
#define MO_CODEC_HTTP1_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

#define HTTP1_HEAD_MAX 16384u  /* bytes of request line and headers: 431 */
#define HTTP1_TARGET_MAX 8192u /* 414 */
#define HTTP1_HEADERS_MAX 64u
#define HTTP1_CHUNK_LINE_MAX 1024u

enum http1_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_METHODS };
const char *http1_method_name(enum http1_method m);

struct http1_header {
	struct span name, value; /* value trimmed; name as sent */
};
struct http1_head {
	enum http1_method method;
	struct span target, path, query; /* raw; query without '?', p == NULL when absent */
	int minor;                       /* 0 or 1 */
	struct http1_header headers[HTTP1_HEADERS_MAX];
	size_t n_headers;
	bool keep_alive; /* after Connection and version */
	bool chunked;
	bool expect_continue;
	bool has_length;
	uint64_t content_length;
};
/* Case-insensitive by name; p == NULL when absent. */
struct span http1_header(const struct http1_head *h, const char *name);

/* Whether to answer in gzip, by an Accept-Encoding (RFC 9110 12.5.3): it or "*" is listed with a weight above 0 that is not below identity's.
 * p == NULL, no such header: not, though any coding would do. */
bool http1_accepts_gzip(struct span accept_encoding);

/* Parses a head from the beginning of in. 0: *ret_eaten bytes consumed, spans point into in. MO_EAGAIN: not all there.
 * MO_EPROTO / MO_ELIMIT: *ret_status is the HTTP status to answer (400, 414, 431, 501, 505); the connection must end.
 * A fault is told as soon as its line is whole. On any answer but 0 *ret holds nothing to be used.
 * Refused: Transfer-Encoding together with Content-Length, repeated or differing Content-Length, obs-fold, bare CR or LF,
 * blanks before ':', no Host in 1.1 or more than one, Host unlike the authority of an absolute target, Transfer-Encoding
 * in 1.0 (request smuggling, RFC 9112 6.1, 6.3, 11.2); codings other than chunked (501). One empty line before the
 * request line is ignored (RFC 9112 2.2). */
MO_MUST_USE int http1_parse_head(struct http1_head *ret, struct span in, size_t *ret_eaten, int *ret_status);

/* Chunked body decoder. */
struct http1_chunked {
	uint64_t left;       /* of the current chunk */
	uint32_t line_bytes; /* of the current chunk line, or of all trailers (at most HTTP1_HEAD_MAX) */
	int state;
};
void http1_chunked_init(struct http1_chunked *c);
/* Eats from in; *ret_data is the next piece of body (may be empty, and then all of in was eaten or the body is done).
 * *ret_done after the last chunk and its trailers, which are checked and dropped; what follows is not eaten.
 * MO_EPROTO, MO_ELIMIT (chunk line, trailers): answer 400 and close. */
MO_MUST_USE int http1_chunked_next(struct http1_chunked *c, struct span in, size_t *ret_eaten, struct span *ret_data, bool *ret_done);

#endif
