/* The decision on OpenSSL's objects, for trust.c and trust_tls.c. */
#ifndef MO_OS_PRIV_TRUST_H
#define MO_OS_PRIV_TRUST_H

#include <openssl/x509.h>

#include "os/trust.h"

/* As trust_verify(). more: what the peer showed beside; may be NULL. */
MO_MUST_USE int trust_judge(enum trust_verdict *ret, const struct trust_list *l, const struct trust_asked *q, X509 *leaf, STACK_OF(X509) *more, struct diag *d);
/* Whether the owner refused one of them. */
bool trust_has_refused(const struct trust_list *l, const STACK_OF(X509) *chain);
/* Words of a verdict about a certificate. Gives MO_EDENIED. */
int trust_say(enum trust_verdict v, const struct trust_asked *q, const X509 *leaf, struct diag *d);

#endif
