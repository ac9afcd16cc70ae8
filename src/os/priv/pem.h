/* PEM to OpenSSL's objects, for the files of this room. */
#ifndef MO_OS_PRIV_PEM_H
#define MO_OS_PRIV_PEM_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/diag.h"
#include "base/span.h"

/* OpenSSL keeps a queue of reasons per thread; nobody else reads it here, so it must not grow. Gives err. */
int pki_failed(int err);
/* The certificates of a chain, at least one; sk_X509_pop_free(.., X509_free). MO_EINVAL, MO_ELIMIT, MO_ENOMEM with diag. */
MO_MUST_USE int pki_read_chain(STACK_OF(X509) **ret, struct span pem, const char *file, struct diag *d);
/* An unencrypted private key. MO_EINVAL, MO_ELIMIT, MO_ENOMEM with diag. */
MO_MUST_USE int pki_read_key(EVP_PKEY **ret, struct span pem, const char *file, struct diag *d);

#endif
