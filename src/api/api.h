/* The HTTP API: one route table (routes.c) from which come routing, the
 * OpenAPI document and the tests. Sits on a node as its http_handler. */
#ifndef MO_API_API_H
#define MO_API_API_H

#include "base/buf.h"
#include "node/node.h"

struct api;
MO_MUST_USE int api_new(struct api **ret, struct node *n, const char *version);
void api_free(struct api *a);
const struct http_handler *api_handler(void);
/* The OpenAPI 3.1 document. */
void api_openapi(struct buf *out, const char *version);

#endif
