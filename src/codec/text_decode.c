/* Streaming decoder to UTF-8. UTF-8 itself is checked and passed through in
 * long runs; a character cut by the end of a piece waits in `cut`. */
#include "codec/text.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "codec/priv/cp949.h"
#include "codec/priv/scan.h"

struct text_decoder {
	enum text_encoding encoding;
	bool begun; /* past the place of a byte order mark */
	iconv_t cd; /* CP949 only */
	uint64_t bad;
	uint8_t cut[4];
	size_t n_cut;
};

int text_decoder_new(struct text_decoder **ret, enum text_encoding e)
{
	struct text_decoder *t = calloc(1, sizeof(*t));
	if (!t)
		return MO_ENOMEM;
	t->encoding = e;
	t->cd = (iconv_t)-1;
	int err = e == TEXT_CP949 ? cp949_open(&t->cd, false) : 0;
	if (err) {
		text_decoder_free(t);
		return err;
	}
	*ret = t;
	return 0;
}

void text_decoder_free(struct text_decoder *t)
{
	if (!t)
		return;
	if (t->cd != (iconv_t)-1)
		iconv_close(t->cd);
	free(t);
}

uint64_t text_decoder_bad(const struct text_decoder *t)
{
	return t->bad;
}

static void bad(struct text_decoder *t, struct buf *out)
{
	t->bad++;
	buf_adds(out, "\xEF\xBF\xBD");
}

/* Length of a character above ASCII at p, 0 when n cuts it, -1 when it is none. */
static int sequence(const uint8_t *p, size_t n)
{
	uint8_t a = p[0], lo = 0x80, hi = 0xbf;
	int len = a >= 0xc2 && a <= 0xdf ? 2 : a >= 0xe0 && a <= 0xef ? 3 : a >= 0xf0 && a <= 0xf4 ? 4 : -1;
	if (len < 0 || n < 2)
		return len < 0 ? -1 : 0;
	if (a == 0xe0)
		lo = 0xa0;
	else if (a == 0xed)
		hi = 0x9f;
	else if (a == 0xf0)
		lo = 0x90;
	else if (a == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return -1;
	for (int i = 2; i < len; i++) {
		if ((size_t)i >= n)
			return 0;
		if ((p[i] & 0xc0) != 0x80)
			return -1;
	}
	return len;
}

/* Bytes of in that were decoded; what is left is the beginning of a character. */
static size_t decode_utf8(struct text_decoder *t, struct buf *out, struct span in)
{
	size_t from = 0, at = 0;
	for (;;) {
		at += scan_ascii(in.p + at, in.n - at);
		int len = 0;
		while (at < in.n && in.p[at] >= 0x80 && (len = sequence(in.p + at, in.n - at)) > 0)
			at += (size_t)len;
		if (at < in.n && in.p[at] < 0x80)
			continue;
		buf_add(out, span_of(in.p + from, at - from));
		if (at == in.n || len == 0)
			return at;
		bad(t, out);
		from = ++at;
	}
}

static size_t decode_utf16(struct text_decoder *t, struct buf *out, struct span in)
{
	size_t hi_at = t->encoding == TEXT_UTF16BE ? 0 : 1, i = 0;
	uint8_t local[3 * 256 + 4];
	size_t n = 0;
	for (; in.n - i >= 2; i += 2) {
		uint32_t u = (uint32_t)in.p[i + hi_at] << 8 | in.p[i + (hi_at ^ 1)];
		if (n > sizeof(local) - 4) {
			buf_add(out, span_of(local, n));
			n = 0;
		}
		if (u < 0x80) {
			local[n++] = (uint8_t)u;
			continue;
		}
		if (u >= 0xd800 && u <= 0xdbff) {
			if (in.n - i < 4)
				break;
			uint32_t lo = (uint32_t)in.p[i + 2 + hi_at] << 8 | in.p[i + 2 + (hi_at ^ 1)];
			if (lo >= 0xdc00 && lo <= 0xdfff) {
				u = 0x10000 + ((u - 0xd800) << 10) + (lo - 0xdc00);
				i += 2;
			}
		}
		int len = utf8_put(local + n, u);
		if (len == 0) { /* half a pair */
			t->bad++;
			len = utf8_put(local + n, 0xfffd);
		}
		n += (size_t)len;
	}
	buf_add(out, span_of(local, n));
	return i;
}

static int decode_cp949(struct text_decoder *t, struct buf *out, struct span in, size_t *ret_at)
{
	size_t at = 0;
	while (at < in.n) {
		enum cp949_stop stop;
		int e = cp949_run(t->cd, false, out, in, &at, &stop);
		if (e)
			return e;
		if (stop == CP949_ALL)
			break;
		/* A bad pair is one character, but its second byte is left alone when it is ASCII: it may be the line end. */
		bool pair = in.p[at] >= 0x81 && in.p[at] <= 0xfe;
		if (stop == CP949_CUT || (pair && at + 1 == in.n))
			break;
		bad(t, out);
		at += pair && in.p[at + 1] >= 0x80 ? 2 : 1;
	}
	*ret_at = at;
	return out->err;
}

static int decode(struct text_decoder *t, struct buf *out, struct span in, size_t *ret_at)
{
	if (t->encoding == TEXT_CP949)
		return decode_cp949(t, out, in, ret_at);
	*ret_at = t->encoding == TEXT_UTF8 || t->encoding == TEXT_UTF8_BOM ? decode_utf8(t, out, in) : decode_utf16(t, out, in);
	return out->err;
}

/* Length of the byte order mark at p; 0: none; -1: cannot tell yet. */
static int mark(enum text_encoding e, const uint8_t *p, size_t n)
{
	static const uint8_t utf8[] = {0xef, 0xbb, 0xbf}, le[] = {0xff, 0xfe}, be[] = {0xfe, 0xff};
	const uint8_t *m = e == TEXT_UTF16LE ? le : e == TEXT_UTF16BE ? be : utf8;
	size_t len = m == utf8 ? 3 : 2;
	if (e == TEXT_CP949)
		return 0;
	if (memcmp(p, m, n < len ? n : len) != 0)
		return 0;
	return n < len ? -1 : (int)len;
}

int text_decode(struct text_decoder *t, struct buf *out, struct span in, bool end)
{
	size_t at = 0, done = 0;
	int e = out->err;
	/* What was cut is completed byte by byte, until it is decoded up to the border. */
	while (e == 0 && t->n_cut && at < in.n) {
		t->cut[t->n_cut++] = in.p[at++];
		if (!t->begun) {
			int m = mark(t->encoding, t->cut, t->n_cut);
			if (m < 0)
				continue;
			t->begun = true;
			t->n_cut -= (size_t)m;
			memmove(t->cut, t->cut + m, t->n_cut);
		}
		e = decode(t, out, span_of(t->cut, t->n_cut), &done);
		if (e == 0) {
			t->n_cut -= done;
			memmove(t->cut, t->cut + done, t->n_cut);
		}
	}
	if (e == 0 && at < in.n) {
		if (!t->begun) {
			int m = mark(t->encoding, in.p, in.n);
			if (m < 0 && !end) {
				memcpy(t->cut, in.p, in.n); /* at most 2 bytes */
				t->n_cut = in.n;
				return 0;
			}
			t->begun = true;
			at += m > 0 ? (size_t)m : 0;
		}
		if (at < in.n)
			e = decode(t, out, span_sub(in, at, in.n), &done);
		else
			done = 0;
		if (e == 0) {
			t->n_cut = in.n - at - done; /* at most 3 bytes */
			if (t->n_cut)
				memcpy(t->cut, in.p + at + done, t->n_cut);
		}
	}
	if (e == 0 && end && t->n_cut) {
		if (t->encoding == TEXT_UTF8 || t->encoding == TEXT_UTF8_BOM)
			for (; t->n_cut > 1; t->n_cut--)
				bad(t, out);
		bad(t, out);
		t->n_cut = 0;
		e = out->err;
	}
	return e;
}
