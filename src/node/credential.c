#include "node/credential.h"

#include "codec/text.h"
#include "os/crypto.h"

#define BASIC_TEXT_MAX 344u /* characters of 256 bytes USER:TOKEN */

static bool secret_of(uint8_t out[CREDENTIAL_BYTES], struct span text)
{
	size_t n = 0;
	return text.n == CREDENTIAL_TEXT - 1 && base64url_read(out, CREDENTIAL_BYTES, &n, text) == 0 && n == CREDENTIAL_BYTES;
}

static void take_token(struct credential *ret, struct span text)
{
	bool ok = span_starts(text, CREDENTIAL_TOKEN_PREFIX) && secret_of(ret->secret, span_sub(text, sizeof CREDENTIAL_TOKEN_PREFIX - 1, text.n));
	ret->kind = ok ? CREDENTIAL_TOKEN : CREDENTIAL_BAD;
}

static void take_basic(struct credential *ret, struct span text)
{
	uint8_t url[BASIC_TEXT_MAX], pair[BASIC_TEXT_MAX];
	size_t n = 0;
	ret->kind = CREDENTIAL_BAD;
	/* Basic is plain base64 with padding (RFC 7617); the one that the project reads differs in two letters. */
	while (text.n && text.p[text.n - 1] == '=')
		text.n--;
	if (text.n > sizeof url)
		return;
	for (size_t i = 0; i < text.n; i++)
		url[i] = text.p[i] == '+' ? '-' : text.p[i] == '/' ? '_' : text.p[i];
	if (base64url_read(pair, sizeof pair, &n, span_of(url, text.n)) == 0) {
		/* The user's name is whatever the client was set up with: the token says who asks. */
		size_t colon = span_find(span_of(pair, n), 0, ':');
		if (colon < n)
			take_token(ret, span_sub(span_of(pair, n), colon + 1, n));
	}
	crypto_wipe(url, sizeof url);
	crypto_wipe(pair, sizeof pair);
}

/* "scheme " without regard to case; the rest. */
static bool scheme(struct span *s, const char *name)
{
	size_t n = strlen(name);
	if (s->n <= n || s->p[n] != ' ')
		return false;
	for (size_t i = 0; i < n; i++)
		if ((s->p[i] | 0x20) != (uint8_t)name[i])
			return false;
	*s = span_trim(span_sub(*s, n + 1, s->n));
	return true;
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A value of the query, percent-decoded. */
static void take_value(struct credential *ret, struct span v)
{
	uint8_t text[CREDENTIAL_TOKEN_TEXT];
	size_t n = 0;
	ret->kind = CREDENTIAL_BAD;
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		if (c == '%') {
			int high = i + 2 < v.n ? hex(v.p[i + 1]) : -1, low = high >= 0 ? hex(v.p[i + 2]) : -1;
			if (low < 0)
				return;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		if (n == sizeof text)
			return;
		text[n++] = c;
	}
	take_token(ret, span_of(text, n));
	crypto_wipe(text, sizeof text);
}

/* The first value of p in the query; false: there is none. */
static bool take_query(struct credential *ret, struct span query)
{
	for (size_t i = 0; i < query.n;) {
		size_t end = span_find(query, i, '&');
		struct span pair = span_sub(query, i, end - i);
		i = end + 1;
		if (pair.n >= 2 && pair.p[0] == 'p' && pair.p[1] == '=') {
			take_value(ret, span_sub(pair, 2, pair.n));
			return true;
		}
	}
	return false;
}

static void take_cookie(struct credential *ret, struct span cookie)
{
	static const char name[] = CREDENTIAL_COOKIE "=";
	for (size_t i = 0; i < cookie.n;) {
		size_t end = span_find(cookie, i, ';');
		struct span pair = span_trim(span_sub(cookie, i, end - i));
		i = end + 1;
		if (!span_starts(pair, name))
			continue;
		ret->kind = secret_of(ret->secret, span_sub(pair, sizeof name - 1, pair.n)) ? CREDENTIAL_SESSION : CREDENTIAL_BAD;
		return;
	}
}

void credential_read(struct credential *ret, struct span cookie, struct span authorization, struct span query, bool influx)
{
	*ret = (struct credential){.kind = CREDENTIAL_NONE};
	if (authorization.p) {
		if (scheme(&authorization, "bearer"))
			take_token(ret, authorization);
		else if (influx && scheme(&authorization, "basic"))
			take_basic(ret, authorization);
		else
			ret->kind = CREDENTIAL_BAD;
	} else if (!influx || !take_query(ret, query)) {
		take_cookie(ret, cookie);
	}
	if (ret->kind < CREDENTIAL_SESSION)
		crypto_wipe(ret->secret, sizeof ret->secret);
}

void credential_write(char out[CREDENTIAL_TEXT], const uint8_t secret[CREDENTIAL_BYTES])
{
	out[base64url_write(out, span_of(secret, CREDENTIAL_BYTES))] = 0;
}

void credential_write_token(char out[CREDENTIAL_TOKEN_TEXT], const uint8_t secret[CREDENTIAL_BYTES])
{
	memcpy(out, CREDENTIAL_TOKEN_PREFIX, sizeof CREDENTIAL_TOKEN_PREFIX - 1);
	credential_write(out + sizeof CREDENTIAL_TOKEN_PREFIX - 1, secret);
}

int credential_csrf(char out[CREDENTIAL_TEXT], const uint8_t secret[CREDENTIAL_BYTES])
{
	static const char label[] = "moru csrf";
	uint8_t both[sizeof label + CREDENTIAL_BYTES], digest[32];
	memcpy(both, label, sizeof label);
	memcpy(both + sizeof label, secret, CREDENTIAL_BYTES);
	int err = sha256_of(digest, span_of(both, sizeof both));
	if (err == 0)
		credential_write(out, digest);
	crypto_wipe(both, sizeof both);
	return err;
}
