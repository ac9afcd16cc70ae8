/* The certificate of new connections. */
#ifndef MO_HTTP_PRIV_TLS_H
#define MO_HTTP_PRIV_TLS_H

#include "http/tls.h"
#include "os/tls.h"

struct tls_context *http_tls_context(const struct http_tls *t);

#endif
