/* trust_guard of trust.h: the decision inside a handshake. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "os/priv/pem.h"
#include "os/priv/trust.h"

static void keep(struct trust_guard *g, X509 *leaf)
{
	unsigned char *at = g->shown;
	int n = i2d_X509(leaf, NULL);
	g->n_shown = n > 0 && n <= (int)sizeof g->shown && i2d_X509(leaf, &at) == n ? (size_t)n : 0;
}

/* 1: the handshake goes on. The name in the url is compared by the client besides. */
static int decide(X509_STORE_CTX *ctx, void *arg)
{
	struct trust_guard *g = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	g->by_list = false;
	g->n_shown = 0;
	g->verdict = TRUST_BROKEN;
	diag_clear(&g->why);
	if (!leaf)
		return 0;
	if (X509_verify_cert(ctx) == 1) {
		g->verdict = trust_has_refused(g->list, X509_STORE_CTX_get0_chain(ctx)) ? TRUST_DENIED : TRUST_GOOD;
		if (g->verdict == TRUST_GOOD)
			return 1;
		(void)trust_say(TRUST_DENIED, &g->asked, leaf, &g->why);
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REJECTED);
	} else if (trust_judge(&g->verdict, g->list, &g->asked, leaf, X509_STORE_CTX_get0_untrusted(ctx), &g->why) == 0) {
		g->by_list = true;
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	} else if (X509_STORE_CTX_get_error(ctx) == X509_V_OK) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REJECTED);
	}
	keep(g, leaf);
	(void)pki_failed(0);
	return 0;
}

void trust_guard_set(struct trust_guard *g, void *ssl_ctx)
{
	g->verdict = TRUST_NOT_ASKED;
	/* A kept connection must not come back to a guard that is gone. */
	SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_cert_verify_callback(ssl_ctx, decide, g);
}
