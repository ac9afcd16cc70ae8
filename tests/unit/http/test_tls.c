/* TLS in front of the server, with OpenSSL's client: what is agreed and what is refused, records in any pieces, back-pressure both ways,
 * slow and wrong clients, a certificate replaced meanwhile. */
#include "cm.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/civil.h"
#include "faultalloc.h"
#include "http/client.h"
#include "os/clock.h"
#include "os/pki.h"
#include "os/thread.h"
#include "rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_CLOSE(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

/* ---- the certificates ---- */
static struct buf ca_key, ca, key[2], crt[2]; /* two pairs of one CA */

static int make(void **state)
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

static int unmake(void **state)
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

static int tls_of(struct http_tls **ret, int i)
{
	struct http_tls_pem pem = {.chain = buf_span(&crt[i]), .key = buf_span(&key[i]), .chain_file = "crt", .key_file = "key"};

	return http_tls_new(ret, &pem, NULL);
}

/* ---- server and client ---- */
static struct rig r;
static struct http_tls *tls;
static struct buf got;

static int begin(const struct http_options *opt)
{
	struct http_options o = *opt;

	buf_init(&got, 0);
	tls = NULL;
	if (tls_of(&tls, 0) != 0)
		return 1;
	o.tls = tls;
	return rig_new(&r, &o);
}

static int setup(void **state)
{
	(void)state;
	return begin(&(struct http_options){0});
}

static int setup_short(void **state)
{
	(void)state;
	return begin(&(struct http_options){.head_timeout_ns = 150 * NS_PER_MS, .idle_timeout_ns = 150 * NS_PER_MS, .piece_timeout_ns = 300 * NS_PER_MS});
}

static int setup_few(void **state)
{
	(void)state;
	return begin(&(struct http_options){.connections_max = 1});
}

static int teardown(void **state)
{
	(void)state;
	rig_free(&r);
	http_tls_free(tls);
	buf_free(&got);
	return 0;
}

struct client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	int last; /* SSL_get_error() of the last call that gave nothing */
};

static void client_init(struct client *c)
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

static void client_free(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct client){.fd = -1};
	ERR_clear_error();
}

/* Whether a call that gave n should be made again, after a turn. */
static bool again(struct client *c, int n, int64_t end_ns)
{
	c->last = SSL_get_error(c->ssl, n);
	ERR_clear_error();
	if ((c->last != SSL_ERROR_WANT_READ && c->last != SSL_ERROR_WANT_WRITE) || mono_now() > end_ns)
		return false;
	rig_turn(&r, 1);
	return true;
}

static bool client_shake(struct client *c)
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

static void client_open(struct client *c)
{
	client_init(c);
	assert_true(client_shake(c));
}

static bool client_send(struct client *c, const void *bytes, size_t n)
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
static bool client_read(struct client *c, const char *until)
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

static bool client_ask(struct client *c, const char *request, const char *until)
{
	buf_reset(&got);
	return client_send(c, request, strlen(request)) && client_read(c, until);
}

static struct http_server_stats stats(void)
{
	struct http_server_stats st;

	http_server_stats(r.s, &st);
	return st;
}

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

/* ---- clients that are slow, wrong, or too many ---- */
static void test_slow_handshakes(void **state)
{
	int silent = rig_connect(&r), one = rig_connect(&r), drip = rig_connect(&r);
	int64_t begun = mono_now();
	struct client idle;

	(void)state;
	client_open(&idle);
	assert_true(rig_send(&r, one, "\x16", 1));
	/* A byte now and then does not win time. */
	for (int i = 0; i < 20 && mono_now() - begun < NS_PER_S; i++) {
		if (send(drip, i == 0 ? "\x16" : "\x03", 1, MSG_NOSIGNAL) < 0)
			break;
		rig_turn(&r, 20);
	}
	assert_true(rig_closed(&r, silent));
	assert_true(rig_closed(&r, one));
	rig_turn(&r, 20);
	assert_int_equal(stats().open, 0); /* drip and idle, too */
	assert_int_equal(stats().handshakes_failed, 3);
	assert_true(mono_now() - begun < NS_PER_S);
	buf_reset(&got);
	assert_true(client_read(&idle, NULL)); /* a said end, nothing before it */
	assert_int_equal(got.n, 0);
	client_free(&idle);
	close(silent);
	close(one);
	close(drip);
}

static void test_plain_requests(void **state)
{
	static const char *const noise[] = {"\x80\x2e\x01\x00\x02", "\x00\x00\x00\x00", "\r\n\r\n", "0123"};

	(void)state;
	assert_true(rig_once(&r, GET("/"), strlen(GET("/")), &got));
	assert_true(rig_has(&got, "HTTP/1.1 400 Bad Request\r\n") && rig_has(&got, "Content-Type: text/plain; charset=utf-8\r\n") &&
	            rig_has(&got, "Connection: close\r\n") && rig_has(&got, "https://"));
	assert_int_equal(r.heads, 0);
	/* Also when much follows. */
	struct buf big;

	buf_init(&big, 0);
	buf_adds(&big, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
	while (big.n < 1000000)
		buf_adds(&big, "a line of a body that nobody wants\n");
	assert_true(rig_once(&r, (const char *)big.p, big.n, &got));
	assert_true(rig_has(&got, "https://"));
	buf_free(&big);
	for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
		int fd = rig_connect(&r);
		char byte;

		assert_true(rig_send(&r, fd, noise[i], 4));
		rig_turn(&r, 5);
		errno = 0;
		assert_true(recv(fd, &byte, 1, 0) <= 0 && errno != EAGAIN); /* an end or a reset, and nothing said */
		close(fd);
	}
	/* A handshake that turns into noise. */
	int fd = rig_connect(&r);

	assert_true(rig_send(&r, fd, "\x16\x03\x01\x00\x05hello", 10));
	rig_turn(&r, 5);
	assert_int_equal(stats().open, 0);
	assert_int_equal(stats().handshakes, 0);
	close(fd);
}

static void test_too_many(void **state)
{
	struct client c;
	int fd;

	(void)state;
	client_open(&c);
	fd = rig_connect(&r);
	assert_true(rig_closed(&r, fd)); /* without the price of a handshake */
	assert_true(client_ask(&c, GET("/"), "hello"));
	close(fd);
	client_free(&c);
}

/* ---- records in any pieces ---- */
static void test_every_piece(void **state)
{
	static const char pair[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nfactor" GET_CLOSE("/");

	(void)state;
	for (size_t step = 1; step < 40; step += 6) {
		struct client c;
		BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
		int64_t end = mono_now() + 3 * NS_PER_S;
		bool sent = false, over = false;
		uint8_t bytes[4096];

		client_init(&c);
		buf_reset(&got);
		c.ssl = SSL_new(c.ctx);
		SSL_set_bio(c.ssl, in, out);
		SSL_set1_host(c.ssl, "localhost");
		SSL_set_connect_state(c.ssl);
		while (!over && mono_now() < end) {
			if (!sent && SSL_do_handshake(c.ssl) == 1) {
				sent = true;
				for (size_t i = 0; i < strlen(pair); i += step)
					assert_true(SSL_write(c.ssl, pair + i, (int)(strlen(pair) - i < step ? strlen(pair) - i : step)) > 0);
			}
			for (int n; (n = BIO_read(out, bytes, (int)step)) > 0;)
				assert_true(rig_send(&r, c.fd, (const char *)bytes, (size_t)n));
			rig_turn(&r, 0);
			ssize_t n = recv(c.fd, bytes, step * 3, 0);

			if (n > 0)
				BIO_write(in, bytes, (int)n);
			int k = sent ? SSL_read(c.ssl, bytes, sizeof bytes) : 0;

			if (k > 0)
				buf_add(&got, span_of(bytes, (size_t)k));
			else if (sent)
				over = SSL_get_error(c.ssl, k) == SSL_ERROR_ZERO_RETURN;
			ERR_clear_error();
		}
		assert_true(over);
		assert_true(rig_has(&got, "\r\n\r\nfactorHTTP/1.1 200 OK"));
		assert_true(rig_has(&got, "hello"));
		client_free(&c);
	}
	assert_int_equal(r.aborts, 0);
}

/* ---- back-pressure ---- */
static void test_a_client_that_reads_late(void **state)
{
	const uint64_t all = 24u << 20;
	struct client c;
	uint64_t first;

	(void)state;
	r.stream_bytes = all;
	r.piece_bytes = 100000;
	client_open(&c);
	assert_true(client_send(&c, GET_CLOSE("/stream"), strlen(GET_CLOSE("/stream"))));
	for (int i = 0; i < 50; i++)
		rig_turn(&r, 1);
	first = r.streamed;
	assert_true(first < all && r.again > 0); /* it was told to wait */
	for (int i = 0; i < 20; i++)
		rig_turn(&r, 1);
	assert_int_equal(r.streamed, first);
	buf_reset(&got);
	assert_true(client_read(&c, NULL));
	assert_int_equal(r.streamed, all);
	assert_int_equal(r.last_error, 0);
	/* Each piece is one letter: count them all. */
	uint64_t letters[26] = {0}, want[26] = {0};

	for (size_t i = 0; i < got.n; i++)
		if (got.p[i] >= 'a' && got.p[i] <= 'z')
			letters[got.p[i] - 'a']++;
	for (uint64_t i = 0; i < all; i += r.piece_bytes)
		want[i / r.piece_bytes % 26] += all - i < r.piece_bytes ? all - i : r.piece_bytes;
	for (size_t i = 6; i < 26; i++) /* those of the chunks' sizes and the head aside */
		if (letters[i] < want[i] || letters[i] > want[i] + 40)
			fail_msg("%c: %llu of %llu", (int)('a' + i), (unsigned long long)letters[i], (unsigned long long)want[i]);
	client_free(&c);
}

static void test_a_body_that_is_held_back(void **state)
{
	enum { ALL = 12 << 20 };
	static uint8_t body[1 << 16];
	struct client c;
	size_t sent = 0;
	unsigned quiet = 0;
	int64_t end = mono_now() + 5 * NS_PER_S;
	uint64_t in;
	char head[100];

	(void)state;
	r.hold = true;
	client_open(&c);
	snprintf(head, sizeof head, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", ALL);
	assert_true(client_send(&c, head, strlen(head)));
	/* Nobody takes it: the client gets stuck, and the server holds little. */
	while (quiet < 20 && sent < ALL) {
		int n = SSL_write(c.ssl, body, sizeof body);

		quiet = n > 0 ? 0 : quiet + 1;
		sent += n > 0 ? (size_t)n : 0;
		ERR_clear_error();
		rig_turn(&r, 1);
	}
	assert_true(sent < ALL);
	in = stats().bytes_in;
	assert_true(in < 2 * 262144);
	assert_int_equal(r.pieces, 1);
	/* Piece by piece, it all comes. */
	while (r.counted < ALL && mono_now() < end) {
		if (r.held)
			http_resume(r.held);
		if (sent < ALL) {
			int n = SSL_write(c.ssl, body, sent + sizeof body <= ALL ? (int)sizeof body : (int)(ALL - sent));

			sent += n > 0 ? (size_t)n : 0;
			ERR_clear_error();
		}
		rig_turn(&r, 0);
	}
	assert_int_equal(r.counted, ALL);
	for (int i = 0; i < 5 && r.held; i++) {
		http_resume(r.held);
		rig_turn(&r, 0);
	}
	buf_reset(&got);
	assert_true(client_read(&c, "12582912"));
	client_free(&c);
}

static bool whole(size_t body_bytes)
{
	const uint8_t *head = got.n ? memmem(got.p, got.n, "\r\n\r\n", 4) : NULL;

	return head && (size_t)(got.p + got.n - head) == body_bytes + 4;
}

static bool client_read_some(struct client *c)
{
	static uint8_t bytes[1 << 16];
	int64_t end = mono_now() + 3 * NS_PER_S;
	int n;

	while ((n = SSL_read(c->ssl, bytes, sizeof bytes)) <= 0)
		if (!again(c, n, end))
			return false;
	buf_add(&got, span_of(bytes, (size_t)n));
	return true;
}

static int setup_small(void **state)
{
	(void)state;
	return begin(&(struct http_options){.body_buffer_bytes = 1}); /* HTTP1_HEAD_MAX, then */
}

/* A read that is full within the last record: its rest waits in memory, and no event of the socket will come for it. */
static void test_the_rest_of_a_record(void **state)
{
	static uint8_t body[HTTP1_HEAD_MAX];
	struct client c;
	char head[100];

	(void)state;
	client_open(&c);
	for (size_t first = 1; first < 2000; first += 300) {
		buf_reset(&got);
		snprintf(head, sizeof head, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", first + sizeof body);
		assert_true(client_send(&c, head, strlen(head)));
		rig_turn(&r, 2);
		/* All of it is in the socket before the server looks. */
		assert_int_equal(SSL_write(c.ssl, body, (int)first), (int)first);
		assert_int_equal(SSL_write(c.ssl, body, sizeof body), sizeof body);
		assert_true(client_read(&c, "\r\n\r\n1"));
		assert_int_equal(r.counted, first + sizeof body);
	}
	client_free(&c);
}

/* Much, faster than it is taken. */
static void test_all_at_once(void **state)
{
	static uint8_t body[700000];
	struct client c;

	(void)state;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (uint8_t)(i * 2654435761u >> 23);
	r.limit = sizeof body;
	client_open(&c);
	for (unsigned round = 0; round < 3; round++) {
		static const char head[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 700000\r\n\r\n";

		buf_reset(&got);
		assert_true(client_send(&c, head, sizeof head - 1) && client_send(&c, body, sizeof body));
		while (!whole(sizeof body))
			assert_true(client_read_some(&c));
		assert_memory_equal(got.p + got.n - sizeof body, body, sizeof body);
	}
	client_free(&c);
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
	        cmocka_unit_test_setup_teardown(test_slow_handshakes, setup_short, teardown), T(test_plain_requests),
	        cmocka_unit_test_setup_teardown(test_too_many, setup_few, teardown), T(test_every_piece), T(test_a_client_that_reads_late),
	        T(test_a_body_that_is_held_back), cmocka_unit_test_setup_teardown(test_the_rest_of_a_record, setup_small, teardown), T(test_all_at_once), T(test_replaced), T(test_bad_pairs), T(test_unix_stays_plain), T(test_own_client),
	        T(test_memory)};

	return cmocka_run_group_tests(tests, make, unmake);
}
