/* Any bytes as Cookie, Authorization and query: nothing, something bad, or a secret whose text stood there. Input: a byte of flags, then the three
 * fields between LFs. */
#include <stdlib.h>
#include <string.h>

#include "node/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct span field(struct span *all, bool present)
{
	size_t end = span_find(*all, 0, '\n');
	struct span f = span_sub(*all, 0, end);
	*all = span_sub(*all, end + 1, all->n);
	return present ? f : span_of(NULL, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct credential c, was;
	char text[CREDENTIAL_TEXT], token[CREDENTIAL_TOKEN_TEXT], line[128];
	if (n == 0)
		return 0;
	struct span all = span_of(p + 1, n - 1);
	struct span cookie = field(&all, p[0] & 1), authorization = field(&all, p[0] & 2), query = field(&all, p[0] & 4);
	credential_read(&c, cookie, authorization, query, p[0] & 8);
	switch (c.kind) {
	case CREDENTIAL_NONE:
		if (authorization.p)
			abort();
		break;
	case CREDENTIAL_BAD:
		break;
	case CREDENTIAL_SESSION:
		if (authorization.p)
			abort();
		was = c;
		credential_write(text, c.secret);
		memcpy(line, "moru_session=", 13);
		memcpy(line + 13, text, sizeof text);
		credential_read(&c, span_str(line), span_of(NULL, 0), span_of(NULL, 0), false);
		if (c.kind != CREDENTIAL_SESSION || memcmp(c.secret, was.secret, CREDENTIAL_BYTES) != 0)
			abort();
		break;
	case CREDENTIAL_TOKEN:
		was = c;
		credential_write_token(token, c.secret);
		memcpy(line, "Bearer ", 7);
		memcpy(line + 7, token, sizeof token);
		credential_read(&c, cookie, span_str(line), query, false);
		if (c.kind != CREDENTIAL_TOKEN || memcmp(c.secret, was.secret, CREDENTIAL_BYTES) != 0)
			abort();
		break;
	}
	if (c.kind < CREDENTIAL_SESSION)
		for (size_t i = 0; i < CREDENTIAL_BYTES; i++)
			if (c.secret[i])
				abort();
	return 0;
}
