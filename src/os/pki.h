/* X.509 for the node: a small authority (CA) of its own, server certificates
 * signed by it, and reading certificates and keys that somebody gives. PEM in
 * and out (RFC 7468); a chain is the server's certificate first, then what
 * signed it. Profile: RFC 5280. Nothing here touches a file or the clock: the
 * caller reads bytes and says what the time is; `file` is only what words call
 * the bytes. */
#ifndef MO_OS_PKI_H
#define MO_OS_PKI_H

#include "base/buf.h"
#include "base/civil.h"
#include "base/diag.h"

#define PKI_PEM_MAX_BYTES 65536u /* a chain or a key */
#define PKI_CHAIN_MAX 8u         /* certificates of one chain */
#define PKI_NAMES_MAX 32u        /* names and addresses of one certificate */
#define PKI_NAME_MAX 254u        /* 253 (RFC 1035 2.3.4, without the last dot) and NUL */
#define PKI_SUBJECT_MAX 256u
/* Validity begins a day back, for clocks that lag. A server's whole validity is the 397 days of the CA/Browser Forum's Baseline
 * Requirements (6.3.2), the least that any browser asks for; what a user-added CA signed may last longer, but 397 is safe with all. */
#define PKI_BACKDATE_NS NS_PER_DAY
#define PKI_SERVER_NS (397 * NS_PER_DAY)
#define PKI_CA_NS (7305 * NS_PER_DAY) /* 20 years */
#define PKI_CN_MAX 64u                /* characters (RFC 5280 A.1, ub-common-name) */

/* DNS names in lower case, addresses as inet_ntop() writes them; no doubles. */
struct pki_names {
	size_t n;
	char name[PKI_NAMES_MAX][PKI_NAME_MAX];
};
/* 0 also when it stands there already. MO_EINVAL: neither a DNS name (letters, digits, hyphens; no wildcard) nor an IPv4 or IPv6 address;
 * MO_ELIMIT: over PKI_NAMES_MAX. */
MO_MUST_USE int pki_names_add(struct pki_names *names, struct span name);
/* All of a list "a, b c". The same errors; names before the bad one were added. */
MO_MUST_USE int pki_names_add_list(struct pki_names *names, struct span list);
bool pki_names_have(const struct pki_names *names, struct span name); /* upper and lower case are one */
bool pki_names_equal(const struct pki_names *a, const struct pki_names *b); /* in any order */

/* A fresh P-256 key and its self-signed CA certificate, appended. common_name: UTF-8, cut at PKI_CN_MAX. key is a secret: wipe it.
 * MO_ENOMEM, MO_EINVAL (no UTF-8, empty). */
MO_MUST_USE int pki_ca_new(struct buf *key, struct buf *crt, struct span common_name, int64_t now_ns);
/* A fresh P-256 key and its server certificate, signed by the CA, never outlasting it; appended. key is a secret: wipe it.
 * MO_EINVAL: the CA cannot be read, is no CA, or its key is another one's; names is empty. MO_ENOMEM. */
MO_MUST_USE int pki_server_new(struct buf *key, struct buf *crt, struct span ca_key, struct span ca_crt, const struct pki_names *names, int64_t now_ns);

struct pki_info {
	int64_t not_before_ns, not_after_ns;
	char subject[PKI_SUBJECT_MAX], issuer[PKI_SUBJECT_MAX]; /* RFC 2253 order, UTF-8 */
	struct pki_names names;                                 /* SAN; those that are neither DNS names nor addresses are left out */
	uint8_t sha256[32];                                     /* of the DER, the "fingerprint" */
	bool ca;
	unsigned in_chain;                                      /* certificates in the PEM */
};
/* About certificate `at` (0: the server's) of a PEM chain. MO_ENOENT: the chain is shorter; MO_EINVAL with file and what was expected;
 * MO_ELIMIT: over PKI_PEM_MAX_BYTES or PKI_CHAIN_MAX; MO_ENOMEM. */
MO_MUST_USE int pki_cert_info(struct pki_info *ret, struct span pem, unsigned at, const char *file, struct diag *d);
/* Whether the private key belongs to the first certificate. MO_EINVAL with words: key_file is no unencrypted private key, or another one's;
 * MO_ECORRUPT with words: its private half is not that of its public one. */
MO_MUST_USE int pki_key_fits(struct span key, const char *key_file, struct span crt, const char *crt_file, struct diag *d);
/* The key alone. The same errors. */
MO_MUST_USE int pki_key_check(struct span key, const char *file, struct diag *d);
/* Whether the CA signed the first certificate of crt (signature alone; dates are the caller's). MO_EINVAL: it did not, or one cannot be read. */
MO_MUST_USE int pki_signed_by(struct span crt, struct span ca_crt);
/* The certificate's dates against now: MO_EINVAL, with file and date, when it is not valid. */
MO_MUST_USE int pki_valid_at(const struct pki_info *info, int64_t now_ns, const char *file, struct diag *d);

#endif
