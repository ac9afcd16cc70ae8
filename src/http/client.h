/* HTTP client (libcurl): blocking, for commands, and later on the loop for the outbox. No proxies, no redirects, nothing from the
 * environment. https is TLS 1.2 or newer, and the certificate must be good for the name in the url. One thread uses a client at a time. */
#ifndef MO_HTTP_CLIENT_H
#define MO_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/diag.h"

struct httpc;
MO_MUST_USE int httpc_new(struct httpc **ret);
void httpc_free(struct httpc *c);
struct httpc_request {
	const char *method, *url;
	const char *unix_path; /* connect there instead; NULL: not */
	const char *ca_file; /* https: PEM of whom to believe, alone; NULL: the system's */
	const char *content_type;
	const char *header; /* one more, "Name: value", without line ends; NULL, "": none */
	struct span body;
	/* Instead of body: its pieces as they are wanted, body_bytes of them in all. Fills at most n bytes and says how many; none is the end.
	 * An error ends the exchange and is its result. NULL: body. */
	int (*piece)(void *arg, uint8_t *to, size_t n, size_t *ret);
	void *piece_arg;
	uint64_t body_bytes;
	int64_t timeout_ms;          /* 0: 30,000 */
	uint64_t answer_limit_bytes; /* 0: 64 MiB */
};
/* Keeps the connection for the next call. *ret_status is the HTTP status; answer is reset first. MO_EIO, MO_ETIMEOUT, MO_ELIMIT,
 * MO_EINVAL (url), MO_ENOMEM with diag. unix_path at most 107 bytes. */
MO_MUST_USE int httpc_do(struct httpc *c, const struct httpc_request *r, int *ret_status, struct buf *answer, struct diag *d);

#endif
