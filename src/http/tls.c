#include "http/priv/tls.h"

#include <stdlib.h>

struct http_tls {
	struct tls_context *context;
};

int http_tls_new(struct http_tls **ret, const struct http_tls_pem *pem, struct diag *d)
{
	struct http_tls *t = calloc(1, sizeof *t);
	int r;

	if (!t)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	r = tls_context_new(&t->context, pem->chain, pem->chain_file, pem->key, pem->key_file, d);
	if (r < 0)
		http_tls_free(t);
	else
		*ret = t;
	return r;
}

void http_tls_replace(struct http_tls *t, struct http_tls *from)
{
	struct tls_context *before = t->context;

	t->context = from->context;
	from->context = before;
	http_tls_free(from);
}

void http_tls_free(struct http_tls *t)
{
	if (!t)
		return;
	tls_context_free(t->context);
	free(t);
}

struct tls_context *http_tls_context(const struct http_tls *t)
{
	return t->context;
}
