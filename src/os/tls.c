#include "os/tls.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "os/pki.h"
#include "os/priv/pem.h"

#define SECURITY_LEVEL 2 /* 112 bits */
/* ECDHE and AEAD, the strong ones of RFC 9325 4.2. */
#define SUITES_12                                                                                                                       \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"          \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"

struct tls_context {
	SSL_CTX *ctx; /* counted: each connection holds it as well */
};

struct tls {
	SSL *ssl;
	bool wants_write;
	bool dead; /* after a fatal error nothing may be sent, not even the end */
};

/* A client that offers protocols offers one of these, or meant somebody else (RFC 7301 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
	unsigned char *at = NULL;
	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&at, out_n, ours, sizeof ours - 1, in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = at;
	return SSL_TLSEXT_ERR_OK;
}

static int set_rules(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	/* IGNORE_UNEXPECTED_EOF: a client that closes without a word is one that ended; HTTP's framing tells whether something is missing. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
	                                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 && SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	                       SSL_CTX_set_cipher_list(ctx, SUITES_12) == 1 && SSL_CTX_set_ciphersuites(ctx, SUITES_13) == 1 &&
	                       SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 && SSL_CTX_set_num_tickets(ctx, 0) == 1
	               ? 0
	               : MO_ENOMEM;
}

/* What OpenSSL has against them, in its own words. */
static int refused(const char *file, struct diag *d)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	(void)diag_set(d, MO_EINVAL, MSG_TLS_REFUSED);
	diag_file(d, file);
	diag_text(d, 0, span_str(why ? why : "?"));
	return pki_failed(MO_EINVAL);
}

static int set_pair(SSL_CTX *ctx, STACK_OF(X509) *chain, const char *chain_file, EVP_PKEY *key, const char *key_file, struct diag *d)
{
	if (SSL_CTX_use_certificate(ctx, sk_X509_value(chain, 0)) != 1)
		return refused(chain_file, d);
	for (int i = 1; i < sk_X509_num(chain); i++)
		if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(chain, i)) != 1)
			return refused(chain_file, d);
	return SSL_CTX_use_PrivateKey(ctx, key) == 1 ? 0 : refused(key_file, d);
}

int tls_context_new(struct tls_context **ret, struct span chain, const char *chain_file, struct span key, const char *key_file, struct diag *d)
{
	STACK_OF(X509) *certs = NULL;
	EVP_PKEY *k = NULL;
	struct tls_context *c = NULL;
	int err = pki_key_fits(key, key_file, chain, chain_file, d);
	if (err == 0)
		err = pki_read_chain(&certs, chain, chain_file, d);
	if (err == 0)
		err = pki_read_key(&k, key, key_file, d);
	if (err == 0) {
		c = calloc(1, sizeof *c);
		ERR_clear_error();
		if (!c || !(c->ctx = SSL_CTX_new(TLS_server_method())) || set_rules(c->ctx) != 0)
			err = diag_set(d, pki_failed(MO_ENOMEM), MSG_OUT_OF_MEMORY);
		else
			err = set_pair(c->ctx, certs, chain_file, k, key_file, d);
	}
	EVP_PKEY_free(k);
	sk_X509_pop_free(certs, X509_free);
	if (err != 0) {
		tls_context_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ctx);
	free(c);
}

int tls_new(struct tls **ret, struct tls_context *c, int fd)
{
	struct tls *t = calloc(1, sizeof *t);
	if (!t)
		return MO_ENOMEM;
	t->ssl = SSL_new(c->ctx);
	if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
		tls_free(t);
		return pki_failed(MO_ENOMEM);
	}
	SSL_set_accept_state(t->ssl);
	*ret = t;
	return 0;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

/* What a call that gave r <= 0 means; its errors are forgotten. */
static int outcome(struct tls *t, int r)
{
	int what = SSL_get_error(t->ssl, r);
	ERR_clear_error();
	t->wants_write = what == SSL_ERROR_WANT_WRITE;
	if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE)
		return MO_EAGAIN;
	if (what == SSL_ERROR_ZERO_RETURN)
		return 0;
	t->dead = true;
	return what == SSL_ERROR_SSL ? MO_EPROTO : MO_EIO;
}

int tls_handshake(struct tls *t)
{
	ERR_clear_error();
	int r = SSL_do_handshake(t->ssl);
	if (r == 1) {
		t->wants_write = false;
		return 0;
	}
	r = outcome(t, r);
	return r == 0 ? MO_EIO : r; /* they ended before it was agreed */
}

int tls_read(struct tls *t, void *p, size_t n, size_t *ret_n)
{
	ERR_clear_error();
	int r = SSL_read(t->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
	if (r > 0) {
		t->wants_write = false;
		*ret_n = (size_t)r;
		return 0;
	}
	r = outcome(t, r);
	if (r == 0)
		*ret_n = 0;
	return r;
}

int tls_write(struct tls *t, const void *p, size_t n, size_t *ret_n)
{
	ERR_clear_error();
	int r = SSL_write(t->ssl, p, n > TLS_RECORD_MAX ? (int)TLS_RECORD_MAX : (int)n);
	if (r > 0) {
		*ret_n = (size_t)r;
		return 0;
	}
	bool before = t->wants_write; /* of reading */
	r = outcome(t, r);
	/* Without renegotiation writing never waits for reading. */
	if (r == MO_EAGAIN && !t->wants_write) {
		t->dead = true;
		r = MO_EPROTO;
	}
	t->wants_write = before;
	return r == 0 ? MO_EIO : r;
}

bool tls_wants_write(const struct tls *t)
{
	return t->wants_write;
}

bool tls_pending(const struct tls *t)
{
	return SSL_pending(t->ssl) > 0;
}

void tls_end(struct tls *t)
{
	if (t->dead || !SSL_is_init_finished(t->ssl))
		return;
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}
