/* The server's side of TLS on a non-blocking socket (RFC 8446, RFC 5246).
 *
 * TLS 1.2 and 1.3 alone; key exchange by ECDHE and encryption that
 * authenticates (AEAD) alone; no compression, no renegotiation, no early data.
 * No resumption: neither tickets nor a session cache, so every connection has
 * keys of its own, there is no ticket key to guard or rotate, and a new
 * certificate holds from the next connection on. A full handshake with P-256
 * costs some 0.3 ms. ALPN: http/1.1 and http/1.0.
 *
 * A context may be used by several threads, a connection by one. The thread
 * that uses a connection must have SIGPIPE blocked. */
#ifndef MO_OS_TLS_H
#define MO_OS_TLS_H

#include "base/diag.h"
#include "base/span.h"

#define TLS_RECORD_MAX 16384u /* plain bytes of one record (RFC 8446 5.1) */
#define TLS_FIRST_BYTE 0x16   /* what a client's first record begins with: handshake(22) */

struct tls_context;
/* From a PEM chain (the server's certificate first) and its PEM key; file names are for words. MO_EINVAL: no certificate, no key, not each
 * other's, or weaker than OpenSSL's security level 2 (112 bits: RSA under 2,048, SHA-1). A millisecond or two: not on the loop. */
MO_MUST_USE int tls_context_new(
        struct tls_context **ret, struct span chain, const char *chain_file, struct span key, const char *key_file, struct diag *d);
/* Connections made from it go on. NULL is taken. */
void tls_context_free(struct tls_context *c);

struct tls;
/* Borrows fd, which stays the caller's to close. MO_ENOMEM. */
MO_MUST_USE int tls_new(struct tls **ret, struct tls_context *c, int fd);
void tls_free(struct tls *t); /* sends nothing */
/* 0: both sides are agreed. MO_EAGAIN: call again when the socket is readable, or writable where tls_wants_write(). MO_EPROTO: they will not
 * agree (the peer was told); MO_EIO: the peer is gone. */
MO_MUST_USE int tls_handshake(struct tls *t);
/* At least one byte, or *ret_n == 0: the peer ended its side, with or without saying so (HTTP tells by itself when something is missing).
 * MO_EAGAIN, MO_EPROTO, MO_EIO as above. */
MO_MUST_USE int tls_read(struct tls *t, void *p, size_t n, size_t *ret_n);
/* One record at most. After MO_EAGAIN (when the socket is writable again) the same bytes must come first once more, as many or more of
 * them, wherever they lie. MO_EPROTO, MO_EIO. */
MO_MUST_USE int tls_write(struct tls *t, const void *p, size_t n, size_t *ret_n);
/* The last MO_EAGAIN waits for the socket to be writable, not readable. */
bool tls_wants_write(const struct tls *t);
/* Decrypted bytes wait in memory, for which the socket will not be readable. */
bool tls_pending(const struct tls *t);
/* Says that nothing more comes from us (close_notify), as far as the socket takes it now. */
void tls_end(struct tls *t);

#endif
