/* The rig's server behind TLS, and OpenSSL as its client in the same thread. One of each at a time. */
#ifndef MO_TESTS_HTTP_TLS_RIG_H
#define MO_TESTS_HTTP_TLS_RIG_H

#include "cm.h"

#include <openssl/ssl.h>

#include "rig.h"

extern struct buf ca_key, ca, key[2], crt[2]; /* two pairs of one CA, for localhost and 127.0.0.1 */
extern struct rig r;
extern struct http_tls *tls;
extern struct buf got;

/* A group's: make and forget the certificates. */
int make(void **state);
int unmake(void **state);
int tls_of(struct http_tls **ret, int i);
/* A test's: the server with options, without, and its end. */
int begin(const struct http_options *opt);
int setup(void **state);
int teardown(void **state);

struct client {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	int last; /* SSL_get_error() of the last call that gave nothing */
};

/* Connects; what is to be agreed may be set before client_shake(). */
void client_init(struct client *c);
bool client_shake(struct client *c);
void client_open(struct client *c); /* both */
void client_free(struct client *c);
/* Whether a call that gave n should be made again, after a turn. */
bool again(struct client *c, int n, int64_t end_ns);
bool client_send(struct client *c, const void *bytes, size_t n);
/* Until `until` came (NULL: the end, which must be a said one). */
bool client_read(struct client *c, const char *until);
bool client_ask(struct client *c, const char *request, const char *until);
struct http_server_stats stats(void);

#endif
