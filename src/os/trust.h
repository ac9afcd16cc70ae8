/* Whom the owner trusts: certificates (of an authority, or of one peer) with
 * what each is trusted for, and the one decision over them. RFC 5280 section 6
 * by OpenSSL's X509_STORE; names by RFC 6125 (never the subject's common name).
 * Pure over its inputs: the caller brings list, chain, name and time.
 *
 * Refused outright, whoever vouches for it: keys under RSA 2048 or of other
 * curves than P-256, P-384, P-521, Ed25519, and signatures of SHA-1 or MD5.
 * Lists of revoked certificates (CRL) and OCSP are not asked: an owner refuses
 * a certificate, which counts over every authority. */
#ifndef MO_OS_TRUST_H
#define MO_OS_TRUST_H

#include "os/pki.h"

#define TRUST_DER_MAX 8192u   /* bytes of one certificate */
#define TRUST_PEM_MAX 11264u  /* the same as PEM, with its two lines */
#define TRUST_URI_MAX 256u
#define TRUST_KEY_MAX 32u
#define TRUST_RSA_MIN 2048
#define TRUST_RSA_MAX 8192    /* bits: beyond it a handshake is work that somebody else orders */
#define TRUST_SECURITY_BITS 112 /* of a signature's hash: SHA-224 and better */

enum trust_purpose {
	TRUST_HTTPS_OUT, /* servers of sinks */
	TRUST_OPCUA,     /* application instances (OPC 10000-6 6.2.2), expected by application URI */
	TRUST_PARTNER,   /* other firms, by host or URI */
	TRUST_PURPOSES
};
typedef unsigned trust_purpose_set;
static inline trust_purpose_set trust_bit(enum trust_purpose p) { return 1u << (unsigned)p; }
/* "https-out", "opcua", "partner"; "?" for anything else. */
const char *trust_purpose_name(enum trust_purpose p);
MO_MUST_USE int trust_purpose_parse(enum trust_purpose *ret, struct span name); /* MO_EINVAL */

enum trust_state { TRUST_WAITING, TRUST_TRUSTED, TRUST_REFUSED, TRUST_STATES };
/* "waiting", "trusted", "refused"; "?" for anything else. */
const char *trust_state_name(enum trust_state s);
MO_MUST_USE int trust_state_parse(enum trust_state *ret, struct span name); /* MO_EINVAL */

/* What one certificate says. */
struct trust_cert {
	struct pki_info info;
	char uri[TRUST_URI_MAX]; /* the first URI of its names; "": none */
	char key[TRUST_KEY_MAX]; /* "RSA 2048", "P-256" */
};
/* One certificate, PEM or DER; pem (may be NULL) gets it as PEM, appended, without what stood around it. MO_EINVAL: none, more than one, more
 * behind it, too weak; MO_ELIMIT: over TRUST_DER_MAX; MO_ENOMEM. `field` is what words call it. */
MO_MUST_USE int trust_cert_read(struct trust_cert *ret, struct buf *pem, struct span given, const char *field, struct diag *d);

/* Counted: built by one thread, then read by any. */
struct trust_list;
MO_MUST_USE int trust_list_new(struct trust_list **ret);
/* As PEM of one certificate. authority: trusted for what it signed as well, where it is a CA's; else for itself alone. MO_EINVAL, MO_ELIMIT as
 * trust_cert_read(); MO_ENOMEM. */
MO_MUST_USE int trust_list_add(struct trust_list *l, struct span pem, enum trust_state state, trust_purpose_set purposes, bool authority, struct diag *d);
size_t trust_list_count(const struct trust_list *l, enum trust_state state); /* NULL: 0 */
struct trust_list *trust_list_hold(struct trust_list *l); /* gives l, once more to be freed; NULL is fine */
void trust_list_free(struct trust_list *l);               /* NULL is fine */

enum trust_verdict {
	TRUST_NOT_ASKED,
	TRUST_GOOD,
	TRUST_UNKNOWN,     /* nobody has decided: it is to wait for the owner */
	TRUST_UNDECIDED,   /* it waits already */
	TRUST_DENIED,      /* refused by the owner: it, or an authority above it */
	TRUST_EXPIRED, TRUST_NOT_YET,
	TRUST_OTHER_NAME,
	TRUST_OTHER_PURPOSE, /* trusted, but for something else */
	TRUST_USAGE,       /* it says itself that it is not for this */
	TRUST_WEAK,
	TRUST_BROKEN,      /* a signature or rule on the way to the authority does not hold, or it cannot be read */
	TRUST_VERDICTS
};
struct trust_asked {
	enum trust_purpose purpose;
	const char *name; /* host, address, or URI (with ':', and no address) that must stand in the certificate */
	const char *who;  /* what words call the peer */
	int64_t now_ns;
};
/* Whether the peer that showed this chain (PEM, its own certificate first) is trusted. What is wrong with the certificate itself is told before
 * that it is unknown: accepting it would not help. 0: TRUST_GOOD. MO_EDENIED with diag: any other verdict. MO_ENOMEM. */
MO_MUST_USE int trust_verify(enum trust_verdict *ret, const struct trust_list *l, const struct trust_asked *q, struct span chain, struct diag *d);

/* The same as a TLS client's decision, after the system's authorities: what they vouch for is taken unless it is refused here; what they do not
 * is taken if trust_verify() says so. */
struct trust_guard {
	const struct trust_list *list;
	struct trust_asked asked;
	/* What came of it. */
	enum trust_verdict verdict; /* TRUST_NOT_ASKED: no handshake came so far */
	bool by_list;               /* it was the list that let it pass */
	uint8_t shown[TRUST_DER_MAX]; /* the peer's own certificate, unless it passed */
	size_t n_shown;
	struct diag why;            /* of a verdict that is not good */
};
/* For the handshake of an OpenSSL SSL_CTX (void: its header is this room's alone), which the guard outlives; there is no second one. */
void trust_guard_set(struct trust_guard *g, void *ssl_ctx);

#endif
