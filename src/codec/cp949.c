/* CP949 <-> UTF-8 through iconv. */
#include "codec/priv/cp949.h"

#include <errno.h>

#include "codec/priv/scan.h"
#include "codec/text.h"

int cp949_open(iconv_t *ret, bool encode)
{
	iconv_t cd = encode ? iconv_open("CP949", "UTF-8") : iconv_open("UTF-8", "CP949");
	if (cd == (iconv_t)-1)
		return errno == ENOMEM ? MO_ENOMEM : MO_EIO;
	*ret = cd;
	return 0;
}

/* Where the first bad character of CP949 text from `at` on stands, `utf8` being what came of those before it. iconv's own
 * word does not do: glibc steps over some unassigned pairs (A2E8) before it refuses them. */
static size_t bad_at(struct span in, size_t at, struct span utf8)
{
	for (size_t i = 0; i < utf8.n; i++)
		if ((utf8.p[i] & 0xc0) != 0x80)
			at += in.p[at] < 0x80 ? 1 : 2;
	return at;
}

int cp949_run(iconv_t cd, bool encode, struct buf *out, struct span in, size_t *at, enum cp949_stop *ret_stop)
{
	*ret_stop = CP949_ALL;
	while (*at < in.n) {
		/* Both sides agree on ASCII, and iconv is slow at it. */
		size_t ascii = scan_ascii(in.p + *at, in.n - *at);
		buf_add(out, span_of(in.p + *at, ascii));
		*at += ascii;
		if (out->err || *at == in.n)
			break;
		size_t first = *at, left = in.n - first;
		if (left > 4096)
			left = 4096;
		/* Two bytes become three, or four at most the other way round. */
		uint8_t *to = buf_reserve(out, left * 2 + 8);
		if (!to)
			break;
		char *from = (char *)(uintptr_t)(in.p + *at), *dst = (char *)to;
		size_t room = left * 2 + 8;
		size_t r = iconv(cd, &from, &left, &dst, &room);
		int why = errno;
		out->n += (size_t)(dst - (char *)to);
		*at = (size_t)((const uint8_t *)from - in.p);
		if (r != (size_t)-1)
			continue;
		if (why == EILSEQ) {
			if (!encode)
				*at = bad_at(in, first, span_of(to, (size_t)(dst - (char *)to)));
			*ret_stop = CP949_BAD;
			break;
		}
		if (why == EINVAL) {
			if (left == in.n - *at) { /* at the input's end, not at that of a piece */
				*ret_stop = CP949_CUT;
				break;
			}
			continue;
		}
		return MO_EIO;
	}
	return out->err;
}

int text_encode_cp949(struct buf *out, struct span utf8, uint64_t *ret_lost)
{
	iconv_t cd;
	uint64_t lost = 0;
	size_t before = out->n, at = 0;
	int e = cp949_open(&cd, true);
	if (e)
		return e;
	while (e == 0 && at < utf8.n) {
		enum cp949_stop stop;
		e = cp949_run(cd, true, out, utf8, &at, &stop);
		if (e == 0 && stop != CP949_ALL) {
			lost++;
			buf_addc(out, '?');
			/* The whole character, or one byte of what is none. */
			do
				at++;
			while (at < utf8.n && (utf8.p[at] & 0xc0) == 0x80);
			e = out->err;
		}
	}
	iconv_close(cd);
	if (e)
		out->n = before;
	else
		*ret_lost = lost;
	return e;
}
