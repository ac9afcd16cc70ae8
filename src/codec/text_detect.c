/* What a file is written in: a byte order mark decides; else zero bytes where
 * UTF-16 has them beside digits and commas; else UTF-8 if all of it is valid;
 * else CP949 if all of it is. Control characters mean that it is no text. */
#include "codec/text.h"

#include "base/utf8.h"
#include "codec/priv/cp949.h"
#include "codec/priv/scan.h"

#define CP949_STEP 16384u /* bytes tried at a time */

const char *text_encoding_name(enum text_encoding e)
{
	static const char *const names[] = {[TEXT_UTF8] = "UTF-8",
	        [TEXT_UTF8_BOM] = "UTF-8 (BOM)",
	        [TEXT_UTF16LE] = "UTF-16LE",
	        [TEXT_UTF16BE] = "UTF-16BE",
	        [TEXT_CP949] = "CP949"};
	return (size_t)e < sizeof(names) / sizeof(names[0]) ? names[e] : "?";
}

static int refuse(size_t at, const char *expected, struct diag *d)
{
	diag_set(d, MO_EINVAL, MSG_TEXT_NOT_TEXT);
	diag_int(d, 0, (int64_t)at);
	diag_expected(d, expected);
	return MO_EINVAL;
}

/* Tab, the line ends, vertical tab and form feed belong to text; so does Ctrl-Z at the end, as DOS programs wrote it. */
static bool is_control(uint32_t c, bool last)
{
	return (c < 0x20 && !(c >= '\t' && c <= '\r') && !(c == 0x1a && last)) || c == 0x7f;
}

/* Offset of the first control character; s.n when there is none. */
static size_t find_control(struct span s)
{
	size_t i = 0;
	for (; s.n - i >= 16; i += 16) {
		scan_v v = scan_load(s.p + i);
		if (scan_bits(scan_below(v, scan_splat(0x20)) | scan_eq(v, scan_splat(0x7f))) == 0)
			continue;
		for (size_t k = i; k < i + 16; k++)
			if (is_control(s.p[k], k + 1 == s.n))
				return k;
	}
	for (; i < s.n; i++)
		if (is_control(s.p[i], i + 1 == s.n))
			return i;
	return s.n;
}

static uint32_t unit(const uint8_t *p, bool le)
{
	return le ? (uint32_t)p[0] | (uint32_t)p[1] << 8 : (uint32_t)p[1] | (uint32_t)p[0] << 8;
}

/* Offset of the first unit that no text in UTF-16 holds; s.n when all is well. *ret_ascii counts the units in ASCII. */
static size_t check_utf16(struct span s, bool le, bool whole, size_t *ret_ascii)
{
	size_t i = 0, ascii = 0;
	for (; s.n - i >= 2; i += 2) {
		uint32_t u = unit(s.p + i, le);
		if (is_control(u, i + 2 == s.n) || (u >= 0xdc00 && u <= 0xdfff) || u >= 0xfffe)
			return i;
		ascii += u < 0x80;
		if (u >= 0xd800 && u <= 0xdbff) {
			if (s.n - i < 4) {
				if (whole)
					return i;
				i = s.n - s.n % 2;
				break;
			}
			uint32_t lo = unit(s.p + i + 2, le);
			if (lo < 0xdc00 || lo > 0xdfff)
				return i;
			i += 2;
		}
	}
	*ret_ascii = ascii;
	return whole && s.n % 2 ? i : s.n;
}

static size_t check_utf8(struct span s, bool whole)
{
	size_t at = 0;
	for (;;) {
		at += scan_ascii(s.p + at, s.n - at);
		if (at == s.n)
			return at;
		uint32_t cp;
		int len = utf8_next(span_sub(s, at, 4), &cp);
		if (len > 0) {
			at += (size_t)len;
			continue;
		}
		/* A character cut off by the end of the head: what is there must be the beginning of one. */
		size_t left = s.n - at;
		if (!whole && left < 4) {
			static const uint8_t fill[][3] = {{0x80, 0x80, 0x80}, {0xa0, 0x80, 0x80}, {0x90, 0x80, 0x80}};
			for (size_t k = 0; k < sizeof(fill) / sizeof(fill[0]); k++) {
				uint8_t c[4];
				memcpy(c, s.p + at, left);
				memcpy(c + left, fill[k], 4 - left);
				if (utf8_next(span_of(c, 4), &cp) > (int)left)
					return s.n;
			}
		}
		return at;
	}
}

/* MO_EINVAL with *ret_at the first bad byte; MO_ENOMEM, MO_EIO. */
static int check_cp949(struct span s, bool whole, size_t *ret_at)
{
	iconv_t cd;
	struct buf out;
	enum cp949_stop stop = CP949_ALL;
	size_t done = 0;
	int e = cp949_open(&cd, false);
	if (e)
		return e;
	buf_init(&out, 0);
	while (e == 0 && done < s.n) {
		struct span piece = span_sub(s, done, CP949_STEP);
		size_t at = 0;
		buf_reset(&out);
		e = cp949_run(cd, false, &out, piece, &at, &stop);
		done += at;
		if (e == 0 && stop == CP949_CUT && (done + 1 < s.n || !whole)) {
			if (done + 1 == s.n)
				break;
			stop = CP949_ALL; /* cut by the piece */
		} else if (e == 0 && stop != CP949_ALL) {
			*ret_at = done;
			e = MO_EINVAL;
		}
	}
	buf_free(&out);
	iconv_close(cd);
	return e;
}

static int detect_utf16(enum text_encoding *ret, struct span s, size_t mark, bool le, bool whole, struct diag *d)
{
	size_t ascii = 0, n = s.n - mark;
	size_t bad = check_utf16(span_sub(s, mark, n), le, whole, &ascii);
	if (bad < n)
		return refuse(mark + bad, le ? "UTF-16LE" : "UTF-16BE", d);
	*ret = le ? TEXT_UTF16LE : TEXT_UTF16BE;
	return 0;
}

/* Zero bytes on one side only, and enough ASCII to believe in UTF-16. 1: little endian, 0: big endian, -1: neither. */
static int guess_utf16(struct span s)
{
	size_t even = 0, odd = 0;
	for (size_t i = 0; i < s.n; i++) {
		even += i % 2 == 0 && s.p[i] == 0;
		odd += i % 2 == 1 && s.p[i] == 0;
	}
	size_t enough = s.n / 2 / 16 + 1;
	if (odd >= enough && even * 64 <= odd)
		return 1;
	return even >= enough && odd * 64 <= even ? 0 : -1;
}

int text_detect(enum text_encoding *ret, struct span head, bool whole, struct diag *d)
{
	static const uint8_t mark8[] = {0xef, 0xbb, 0xbf};
	if (head.n == 0) {
		*ret = TEXT_UTF8;
		return 0;
	}
	if (head.n >= 2 && head.p[0] == 0xff && head.p[1] == 0xfe)
		return detect_utf16(ret, head, 2, true, whole, d);
	if (head.n >= 2 && head.p[0] == 0xfe && head.p[1] == 0xff)
		return detect_utf16(ret, head, 2, false, whole, d);
	size_t control = find_control(head);
	if (head.n >= 3 && memcmp(head.p, mark8, 3) == 0) {
		/* The mark is a promise: single bad bytes are for the decoder to count. */
		if (control < head.n)
			return refuse(control, "UTF-8", d);
		*ret = TEXT_UTF8_BOM;
		return 0;
	}
	if (control < head.n) {
		int le = memchr(head.p, 0, head.n) ? guess_utf16(head) : -1;
		return le >= 0 ? detect_utf16(ret, head, 0, le, whole, d) : refuse(control, "UTF-8, UTF-16, CP949", d);
	}
	size_t bad = check_utf8(head, whole);
	if (bad == head.n) {
		*ret = TEXT_UTF8;
		return 0;
	}
	size_t bad_cp949 = 0;
	int e = check_cp949(head, whole, &bad_cp949);
	if (e == MO_EINVAL)
		return refuse(bad > bad_cp949 ? bad : bad_cp949, "UTF-8, UTF-16, CP949", d);
	if (e)
		return diag_set(d, e, e == MO_ENOMEM ? MSG_OUT_OF_MEMORY : MSG_TEXT_NO_CP949);
	*ret = TEXT_CP949;
	return 0;
}
