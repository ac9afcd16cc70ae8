/* The certificate that a server shows (rules: os/tls.h), which may be replaced
 * while it runs. */
#ifndef MO_HTTP_TLS_H
#define MO_HTTP_TLS_H

#include "base/diag.h"
#include "base/span.h"

struct http_tls;
struct http_tls_pem {
	struct span chain, key;             /* PEM; the server's certificate first */
	const char *chain_file, *key_file;  /* what words call them */
};
/* Any thread, but not the loop: it takes a millisecond or two. Borrows nothing. Errors of tls_context_new(). */
MO_MUST_USE int http_tls_new(struct http_tls **ret, const struct http_tls_pem *pem, struct diag *d);
/* Loop thread. Takes and ends `from`: what it holds is t's from now on. New connections get it, those that run go on as they began. */
void http_tls_replace(struct http_tls *t, struct http_tls *from);
/* After the server that uses it. */
void http_tls_free(struct http_tls *t);

#endif
