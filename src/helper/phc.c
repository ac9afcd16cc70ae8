#include "helper/priv/phc.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void b64_write(struct buf *out, const uint8_t *p, size_t n)
{
	uint32_t bits = 0;
	unsigned have = 0;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			buf_addc(out, (uint8_t)alphabet[bits >> (have - 6) & 63]);
	}
	if (have)
		buf_addc(out, (uint8_t)alphabet[bits << (6 - have) & 63]);
}

static bool b64_read(uint8_t *out, size_t max, size_t *ret_n, struct span s)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		const char *at = s.p[i] ? strchr(alphabet, s.p[i]) : NULL;
		if (!at)
			return false;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		have += 6;
		if (have >= 8) {
			if (n == max)
				return false;
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	*ret_n = n;
	/* A single character over, or bits that nobody wrote. */
	return have < 6 && (bits & ((1u << have) - 1)) == 0;
}

struct text {
	struct span s;
	bool ok;
};

static void literal(struct text *t, const char *want)
{
	t->ok = t->ok && span_starts(t->s, want);
	if (t->ok)
		t->s = span_sub(t->s, strlen(want), t->s.n);
}

static uint32_t number(struct text *t, uint32_t low, uint32_t high)
{
	uint32_t v = 0;
	size_t n = 0;
	while (n < t->s.n && n < 3 && t->s.p[n] >= '0' && t->s.p[n] <= '9')
		v = v * 10 + (uint32_t)(t->s.p[n++] - '0');
	t->ok = t->ok && n && t->s.p[0] != '0' && v >= low && v <= high;
	t->s = span_sub(t->s, n, t->s.n);
	return v;
}

int phc_parse(struct phc *ret, struct span text)
{
	struct text t = {text, true};
	struct phc p;
	literal(&t, "$scrypt$ln=");
	p.ln = number(&t, 1, PASSWORD_LN_MAX);
	literal(&t, ",r=");
	p.r = number(&t, 1, PASSWORD_R_MAX);
	literal(&t, ",p=");
	p.p = number(&t, 1, PASSWORD_P_MAX);
	literal(&t, "$");
	if (!t.ok)
		return MO_EINVAL;
	size_t end = span_find(t.s, 0, '$');
	if (end == t.s.n || !b64_read(p.salt, sizeof p.salt, &p.salt_n, span_sub(t.s, 0, end)) ||
	        !b64_read(p.hash, sizeof p.hash, &p.hash_n, span_sub(t.s, end + 1, t.s.n)) || p.salt_n == 0 ||
	        p.hash_n < PASSWORD_HASH_BYTES_MIN)
		return MO_EINVAL;
	*ret = p;
	return 0;
}

void phc_write(struct buf *out, const struct phc *p)
{
	buf_printf(out, "$scrypt$ln=%u,r=%u,p=%u$", (unsigned)p->ln, (unsigned)p->r, (unsigned)p->p);
	b64_write(out, p->salt, p->salt_n);
	buf_addc(out, '$');
	b64_write(out, p->hash, p->hash_n);
}
