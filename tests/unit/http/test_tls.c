/* TLS in front of the server, with OpenSSL's client: what is agreed and what is refused, the certificate and its replacement, our own
 * client, allocations that fail. */
#include "tls_rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/civil.h"
#include "faultalloc.h"
#include "http/client.h"
#include "os/clock.h"
#include "os/pki.h"
#include "os/thread.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_CLOSE(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

/* ---- what is agreed ---- */
static void test_answers(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	assert_int_equal(SSL_version(c.ssl), TLS1_3_VERSION);
	assert_true(client_ask(&c, GET("/"), "hello"));
	assert_true(client_ask(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "\r\n\r\nabc"));
	assert_true(client_ask(&c, GET("/") GET("/head"), "from head")); /* pipelined */
	assert_true(rig_has(&got, "hello"));
	/* New keys in the middle, asked for by the client. */
	assert_int_equal(SSL_key_update(c.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	assert_true(client_ask(&c, GET("/"), "hello"));
	/* The end is said after the last byte, so that nobody can cut an answer off unseen. */
	assert_true(client_ask(&c, GET_CLOSE("/"), NULL));
	assert_true(rig_has(&got, "hello"));
	client_free(&c);
	assert_int_equal(stats().handshakes, 1);
	assert_int_equal(stats().handshakes_failed, 0);
	assert_int_equal(stats().requests, 6);
	/* What is broken off is not said to be whole. */
	client_open(&c);
	assert_false(client_ask(&c, GET("/half"), NULL));
	assert_int_not_equal(c.last, SSL_ERROR_ZERO_RETURN);
	client_free(&c);
	assert_int_equal(r.heads, r.dones);
}

static bool with_suite(int version, const char *suites, const char *expected)
{
	struct client c;
	bool ok;

	client_init(&c);
	SSL_CTX_set_security_level(c.ctx, 0);
	SSL_CTX_set_min_proto_version(c.ctx, version);
	SSL_CTX_set_max_proto_version(c.ctx, version);
	if (suites && version < TLS1_3_VERSION && SSL_CTX_set_cipher_list(c.ctx, suites) != 1)
		fail_msg("this OpenSSL lacks %s", suites);
	if (suites && version == TLS1_3_VERSION && SSL_CTX_set_ciphersuites(c.ctx, suites) != 1)
		fail_msg("this OpenSSL lacks %s", suites);
	ok = client_shake(&c);
	if (ok && expected)
		assert_string_equal(SSL_get_cipher_name(c.ssl), expected);
	if (ok)
		assert_null(SSL_get_current_compression(c.ssl));
	client_free(&c);
	return ok;
}

static void test_versions_and_suites(void **state)
{
	static const char *const good[] = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"};
	static const char *const good_13[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"};
	static const char *const bad[] = {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM8", "AES128-GCM-SHA256",
	        "DHE-RSA-AES128-GCM-SHA256", "AECDH-AES128-SHA", "NULL-SHA256", "ECDHE-ECDSA-NULL-SHA", "PSK-AES128-GCM-SHA256"};
	unsigned refused = 0;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(with_suite(TLS1_2_VERSION, good[i], good[i]));
	for (size_t i = 0; i < sizeof good_13 / sizeof *good_13; i++)
		assert_true(with_suite(TLS1_3_VERSION, good_13[i], good_13[i]));
	assert_int_equal(stats().handshakes_failed, 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, refused++)
		if (with_suite(TLS1_2_VERSION, bad[i], NULL))
			fail_msg("%s", bad[i]);
	assert_false(with_suite(TLS1_3_VERSION, "TLS_AES_128_CCM_8_SHA256", NULL));
	assert_false(with_suite(TLS1_1_VERSION, "ALL:@SECLEVEL=0", NULL));
	assert_false(with_suite(TLS1_VERSION, "ALL:@SECLEVEL=0", NULL));
	rig_turn(&r, 5);
	assert_int_equal(stats().handshakes_failed, refused + 3);
	assert_int_equal(stats().open, 0);
}

static void test_no_resumption(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct client c, d;
		SSL_SESSION *s;

		client_init(&c);
		SSL_CTX_set_max_proto_version(c.ctx, versions[i]);
		assert_true(client_shake(&c) && client_ask(&c, GET("/"), "hello"));
		s = SSL_get1_session(c.ssl);
		assert_false(SSL_SESSION_has_ticket(s));
		client_init(&d);
		SSL_CTX_set_max_proto_version(d.ctx, versions[i]);
		d.ssl = SSL_new(d.ctx);
		SSL_set_fd(d.ssl, d.fd);
		SSL_set_session(d.ssl, s);
		assert_true(client_shake(&d) && client_ask(&d, GET("/"), "hello"));
		assert_false(SSL_session_reused(d.ssl));
		SSL_SESSION_free(s);
		client_free(&c);
		client_free(&d);
	}
}

static void test_no_renegotiation(void **state)
{
	struct client c;
	int64_t end = mono_now() + NS_PER_S;
	int n;

	(void)state;
	client_init(&c);
	SSL_CTX_set_max_proto_version(c.ctx, TLS1_2_VERSION);
	assert_true(client_shake(&c) && client_ask(&c, GET("/"), "hello"));
	assert_int_equal(SSL_renegotiate(c.ssl), 1);
	while ((n = SSL_do_handshake(c.ssl)) != 1)
		if (!again(&c, n, end))
			break;
	assert_int_not_equal(n, 1);
	assert_int_equal(stats().handshakes, 1);
	client_free(&c);
}

static void test_protocols(void **state)
{
	static const struct {
		const char *offer;
		unsigned n;
		const char *chosen; /* NULL: refused */
	} rows[] = {{"\x02h2\x08http/1.1", 12, "http/1.1"}, {"\x08http/1.0", 9, "http/1.0"}, {"\x02h2", 3, NULL}, {"\x03" "ftp", 4, NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct client c;
		const unsigned char *p;
		unsigned n;

		client_init(&c);
		assert_int_equal(SSL_CTX_set_alpn_protos(c.ctx, (const unsigned char *)rows[i].offer, rows[i].n), 0);
		assert_int_equal(client_shake(&c), rows[i].chosen != NULL);
		SSL_get0_alpn_selected(c.ssl, &p, &n);
		if (rows[i].chosen)
			assert_true(span_is(span_of(p, n), rows[i].chosen));
		client_free(&c);
	}
}

/* ---- the certificate ---- */
static void shows(struct client *c, int i)
{
	struct pki_info info;
	uint8_t sha[EVP_MAX_MD_SIZE];
	unsigned n;
	X509 *x = SSL_get1_peer_certificate(c->ssl);

	assert_int_equal(pki_cert_info(&info, buf_span(&crt[i]), 0, "", NULL), 0);
	assert_int_equal(X509_digest(x, EVP_sha256(), sha, &n), 1);
	assert_memory_equal(sha, info.sha256, 32);
	X509_free(x);
}

static void test_replaced(void **state)
{
	struct client before, after;
	struct http_tls *next = NULL;

	(void)state;
	client_open(&before);
	shows(&before, 0);
	assert_true(client_ask(&before, GET("/"), "hello"));
	assert_int_equal(tls_of(&next, 1), 0);
	http_tls_replace(tls, next);
	client_open(&after);
	shows(&after, 1);
	assert_true(client_ask(&after, GET("/"), "hello"));
	assert_true(client_ask(&before, GET("/"), "hello")); /* goes on as it began */
	client_free(&before);
	client_free(&after);
}

static void test_bad_pairs(void **state)
{
	struct http_tls *t = NULL;
	struct diag d = {0};
	struct http_tls_pem pem = {.chain = buf_span(&crt[0]), .key = buf_span(&key[1]), .chain_file = "a.crt", .key_file = "a.key"};

	(void)state;
	assert_int_equal(http_tls_new(&t, &pem, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_PKI_KEY_OTHER);
	assert_string_equal(d.file, "a.key");
	/* A weak key, which no client should have to take. */
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	X509 *x = X509_new();
	BIO *k = BIO_new(BIO_s_mem()), *c = BIO_new(BIO_s_mem());
	char *kp, *cp;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, weak);
	assert_true(X509_sign(x, weak, EVP_sha256()) > 0);
	PEM_write_bio_X509(c, x);
	PEM_write_bio_PKCS8PrivateKey(k, weak, NULL, NULL, 0, NULL, NULL);
	pem.chain.n = (size_t)BIO_get_mem_data(c, &cp);
	pem.chain.p = (const uint8_t *)cp;
	pem.key.n = (size_t)BIO_get_mem_data(k, &kp);
	pem.key.p = (const uint8_t *)kp;
	assert_int_equal(http_tls_new(&t, &pem, &d), MO_EINVAL);
	assert_int_equal(d.msg, MSG_TLS_REFUSED);
	assert_string_equal(d.file, "a.crt");
	assert_non_null(strstr(d.arg[0].text, "key too small"));
	assert_null(t);
	EVP_PKEY_free(weak);
	X509_free(x);
	BIO_free(k);
	BIO_free(c);
}

static void test_unix_stays_plain(void **state)
{
	char dir[] = "/tmp/moru-tls-XXXXXX", path[64];
	struct http_options o = {0};
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/s", dir);
	rig_free(&r);
	o.tls = tls;
	o.unix_path = path;
	assert_int_equal(rig_new(&r, &o), 0);
	fd = rig_connect_unix(path);
	assert_true(rig_sends(&r, fd, GET("/")) && rig_read(&r, fd, &got, "hello", 1));
	close(fd);
	http_server_free(r.s);
	r.s = NULL;
	assert_int_equal(rmdir(dir), 0);
}

/* ---- our own client ---- */
static void *serve(void *arg)
{
	(void)arg;
	return loop_run(r.l) == 0 ? NULL : arg;
}

static void test_own_client(void **state)
{
	char dir[] = "/tmp/moru-tls-XXXXXX", path[64], url[64];
	struct httpc *h = NULL;
	struct diag d = {0};
	pthread_t thread;
	int status = 0;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/ca.crt", dir);
	f = fopen(path, "w");
	fwrite(ca.p, 1, ca.n, f);
	fclose(f);
	assert_int_equal(thread_start(&thread, "server", serve, NULL), 0);
	assert_int_equal(httpc_new(&h), 0);
	snprintf(url, sizeof url, "https://127.0.0.1:%u/", (unsigned)r.port);
	struct httpc_request q = {.method = "GET", .url = url, .ca_file = path, .timeout_ms = 3000};

	assert_int_equal(httpc_do(h, &q, &status, &got, &d), 0);
	assert_int_equal(status, 200);
	assert_true(span_is(buf_span(&got), "hello"));
	/* Whom nobody vouches for, or for another name, is not believed. */
	q.ca_file = NULL;
	assert_int_equal(httpc_do(h, &q, &status, &got, &d), MO_EIO);
	assert_int_equal(d.msg, MSG_HTTP_EXCHANGE_FAILED);
	q.ca_file = path;
	snprintf(url, sizeof url, "https://127.0.0.2:%u/", (unsigned)r.port);
	assert_int_equal(httpc_do(h, &q, &status, &got, &d), MO_EIO);
	httpc_free(h);
	loop_stop(r.l);
	thread_join(thread);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* ---- every allocation of ours fails once ---- */
static bool scenario(void)
{
	static const char request[] = GET("/");
	struct client c = {.fd = -1};
	bool ok;

	buf_reset(&got);
	client_init(&c);
	ok = client_shake(&c) && client_send(&c, request, sizeof request - 1) && client_read(&c, "hello");
	client_free(&c);
	return ok;
}

static void test_memory(void **state)
{
	uint64_t n = 0;
	bool fired;

	(void)state;
	buf_free(&got);
	buf_init(&got, 0);
	assert_non_null(buf_reserve(&got, 4096));
	do {
		faultalloc_arm(++n);
		bool ok = scenario();

		fired = faultalloc_fired() != 0;
		faultalloc_arm(0);
		if (!fired)
			assert_true(ok);
		rig_turn(&r, 2);
		assert_int_equal(stats().open, 0);
		assert_int_equal(r.heads, r.dones);
	} while (fired && n < 1000);
	print_message("%u allocations\n", (unsigned)(n - 1));
	assert_true(n > 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(test_answers), T(test_versions_and_suites), T(test_no_resumption), T(test_no_renegotiation), T(test_protocols),
	        T(test_replaced), T(test_bad_pairs), T(test_unix_stays_plain), T(test_own_client), T(test_memory)};

	return cmocka_run_group_tests(tests, make, unmake);
}
