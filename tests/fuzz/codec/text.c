/* text_detect and text_decode: whatever is taken for text decodes to valid
 * UTF-8 without a bad byte; every decoder gives the same in pieces, and valid UTF-8. */
#include "base/utf8.h"
#include "codec/text.h"
#include "cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint64_t decode(struct buf *out, enum text_encoding e, struct cut c)
{
	struct text_decoder *t;
	struct span s;
	buf_init(out, 0);
	if (text_decoder_new(&t, e))
		abort();
	while (cut_next(&c, &s))
		if (text_decode(t, out, s, false))
			abort();
	if (text_decode(t, out, span_of(NULL, 0), true))
		abort();
	uint64_t bad = text_decoder_bad(t);
	text_decoder_free(t);
	return bad;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cut pieces = cut_of(p, n), whole = pieces;
	enum text_encoding found = TEXT_UTF8, head;
	struct diag d;
	int e = text_detect(&found, whole.rest, true, &d);
	if (e != 0 && e != MO_EINVAL)
		abort();
	/* A whole text is a head too. */
	if (e == 0 && whole.rest.n && text_detect(&head, whole.rest, false, &d))
		abort();
	whole.step = SIZE_MAX;
	for (int i = TEXT_UTF8; i <= TEXT_CP949; i++) {
		struct buf a, b, cp;
		uint64_t bad = decode(&a, (enum text_encoding)i, whole), lost;
		if (decode(&b, (enum text_encoding)i, pieces) != bad || !span_eq(buf_span(&a), buf_span(&b)) || !utf8_valid(buf_span(&a)))
			abort();
		if (e == 0 && i == (int)found && i != TEXT_UTF8_BOM && bad)
			abort();
		buf_init(&cp, 0);
		if (text_encode_cp949(&cp, buf_span(&a), &lost))
			abort();
		buf_free(&a);
		buf_free(&b);
		buf_free(&cp);
	}
	return 0;
}
