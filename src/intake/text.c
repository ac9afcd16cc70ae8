/* The head of a file as text; what is no text at all is named. */
#include "intake/priv/intake.h"

#define DECODE_STEP (256u << 10)

void head_text_free(struct head_text *t) { buf_free(&t->utf8); }

int head_text_decode(struct buf *ret, enum text_encoding enc, struct span head, bool whole)
{
	struct text_decoder *dec = NULL;
	int e = text_decoder_new(&dec, enc);
	for (size_t at = 0; e == 0 && at < head.n; at += DECODE_STEP) {
		struct span piece = span_sub(head, at, DECODE_STEP);
		e = text_decode(dec, ret, piece, whole && at + piece.n == head.n);
	}
	if (e == 0)
		e = ret->err;
	text_decoder_free(dec);
	return e;
}

/* File kinds by their first bytes: each is a file's own published signature. */
static int refuse_signature(struct span s, struct diag *d)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum mo_msg msg;
		const char *name;
	} kinds[] = {
		{"PK\x03\x04", 4, MSG_INTAKE_XLSX, "XLSX"}, {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, MSG_INTAKE_XLS, "XLS"}, {"\x09\x08\x10\x00\x00\x06\x05\x00", 8, MSG_INTAKE_XLS, "XLS"},
		{"%PDF-", 5, MSG_INTAKE_OTHER_KIND, "PDF"}, {"\x1f\x8b", 2, MSG_INTAKE_OTHER_KIND, "GZIP"}, {"SQLite format 3", 15, MSG_INTAKE_OTHER_KIND, "SQLite"},
		{"\x89PNG\r\n", 6, MSG_INTAKE_OTHER_KIND, "PNG"}, {"\xff\xd8\xff", 3, MSG_INTAKE_OTHER_KIND, "JPEG"}, {"Rar!", 4, MSG_INTAKE_OTHER_KIND, "RAR"},
		{"7z\xbc\xaf\x27\x1c", 6, MSG_INTAKE_OTHER_KIND, "7z"}, {"PAR1", 4, MSG_INTAKE_OTHER_KIND, "Parquet"},
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (s.n < kinds[i].n || memcmp(s.p, kinds[i].bytes, kinds[i].n))
			continue;
		diag_set(d, MO_EINVAL, kinds[i].msg);
		diag_value(d, span_str(kinds[i].name));
		diag_expected(d, "CSV");
		return MO_EINVAL;
	}
	return 0;
}

int head_text_make(struct head_text *ret, struct span head, bool whole, struct diag *d)
{
	buf_init(&ret->utf8, 0);
	ret->whole = whole;
	int e = refuse_signature(head, d);
	if (e == 0)
		e = text_detect(&ret->encoding, head, whole, d);
	if (e == 0)
		e = head_text_decode(&ret->utf8, ret->encoding, head, whole);
	return e;
}
