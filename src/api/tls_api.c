/* What a device needs to believe the node's certificate. */
#include "api/priv/api.h"

int get_ca_certificate(struct api_call *c)
{
	struct span pem = node_ca(c->node);
	if (pem.n == 0)
		return diag_set(c->d, MO_ENOENT, MSG_API_NO_CA);
	c->content = "application/x-x509-ca-cert"; /* phones offer to install it */
	c->disposition = "attachment; filename=\"moru-ca.crt\"";
	buf_add(&c->out, pem);
	return 0;
}
