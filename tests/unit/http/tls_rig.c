#include "tls_rig.h"

#include <unistd.h>

#include <openssl/err.h>

#include "base/civil.h"
#include "os/clock.h"
#include "os/pki.h"

/* ---- the certificates ---- */
struct buf ca_key, ca, key[2], crt[2]; /* two pairs of one CA */

int make(void **state)
{
	struct pki_names n = {0};

	(void)state;
	if (pki_names_add_list(&n, SPAN_LIT("localhost, 127.0.0.1")) != 0 || pki_ca_new(&ca_key, &ca, SPAN_LIT("test"), wall_now()) != 0)
		return 1;
	for (int i = 0; i < 2; i++)
		if (pki_server_new(&key[i], &crt[i], buf_span(&ca_key), buf_span(&ca), &n, wall_now()) != 0)
			return 1;
	return 0;
}

int unmake(void **state)
{
	(void)state;
	buf_free(&ca_key);
	buf_free(&ca);
	for (int i = 0; i < 2; i++) {
		buf_free(&key[i]);
		buf_free(&crt[i]);
	}
	return 0;
}

int tls_of(struct http_tls **ret, int i)
{
	struct http_tls_pem pem = {.chain = buf_span(&crt[i]), .key = buf_span(&key[i]), .chain_file = "crt", .key_file = "key"};

	return http_tls_new(ret, &pem, NULL);
}

/* ---- server and client ---- */
struct rig r;
struct http_tls *tls;
struct buf got;

int begin(const struct http_options *opt)
{
	struct http_options o = *opt;

	buf_init(&got, 0);
	tls = NULL;
	if (tls_of(&tls, 0) != 0)
		return 1;
	o.tls = tls;
	return rig_new(&r, &o);
}

int setup(void **state)
{
	(void)state;
	return begin(&(struct http_options){0});
}

int teardown(void **state)
{
	(void)state;
	rig_free(&r);
	http_tls_free(tls);
	buf_free(&got);
	return 0;
}

void client_init(struct client *c)
{
	BIO *bio = BIO_new_mem_buf(ca.p, (int)ca.n);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	*c = (struct client){.fd = rig_connect(&r), .ctx = SSL_CTX_new(TLS_client_method())};
	assert_true(c->fd >= 0);
	assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(c->ctx), x), 1);
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	X509_free(x);
	BIO_free(bio);
}

void client_free(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct client){.fd = -1};
	ERR_clear_error();
}

/* Whether a call that gave n should be made again, after a turn. */
bool again(struct client *c, int n, int64_t end_ns)
{
	c->last = SSL_get_error(c->ssl, n);
	ERR_clear_error();
	if ((c->last != SSL_ERROR_WANT_READ && c->last != SSL_ERROR_WANT_WRITE) || mono_now() > end_ns)
		return false;
	rig_turn(&r, 1);
	return true;
}

bool client_shake(struct client *c)
{
	int64_t end = mono_now() + 2 * NS_PER_S;
	int n;

	if (!c->ssl) {
		c->ssl = SSL_new(c->ctx);
		SSL_set_fd(c->ssl, c->fd);
		SSL_set1_host(c->ssl, "localhost");
	}
	while ((n = SSL_connect(c->ssl)) != 1)
		if (!again(c, n, end))
			return false;
	return true;
}

void client_open(struct client *c)
{
	client_init(c);
	assert_true(client_shake(c));
}

bool client_send(struct client *c, const void *bytes, size_t n)
{
	int64_t end = mono_now() + 3 * NS_PER_S;
	const uint8_t *p = bytes;

	while (n > 0) {
		int k = SSL_write(c->ssl, p, (int)n);

		if (k <= 0) {
			if (!again(c, k, end))
				return false;
			continue;
		}
		p += k;
		n -= (size_t)k;
		rig_turn(&r, 0);
	}
	return true;
}

/* Until `until` came (NULL: the end, which must be a said one). */
bool client_read(struct client *c, const char *until)
{
	static uint8_t bytes[1 << 16];
	int64_t end = mono_now() + 3 * NS_PER_S;

	for (;;) {
		int n = SSL_read(c->ssl, bytes, sizeof bytes);

		if (n > 0) {
			buf_add(&got, span_of(bytes, (size_t)n));
			if (until && rig_has(&got, until))
				return true;
			continue;
		}
		if (!again(c, n, end))
			return !until && c->last == SSL_ERROR_ZERO_RETURN;
	}
}

bool client_ask(struct client *c, const char *request, const char *until)
{
	buf_reset(&got);
	return client_send(c, request, strlen(request)) && client_read(c, until);
}

struct http_server_stats stats(void)
{
	struct http_server_stats st;

	http_server_stats(r.s, &st);
	return st;
}
