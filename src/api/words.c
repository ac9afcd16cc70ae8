#include "api/words.h"

#include "api/words_table.h"
#include "base/num.h"
#include "base/utf8.h"

enum words_lang words_lang(const char *text) { return text && text[0] == 'e' && text[1] == 'n' ? WORDS_EN : WORDS_KO; }

const char *words_code(enum mo_msg msg) { return msg > MSG_NONE && msg < MSG_COUNT ? words_table[msg].id : "none"; }

/* Text of one place, into a small buffer where it is a number. */
static struct span place(const struct diag *d, struct span name, char tmp[32])
{
	static const struct {
		const char *name;
		size_t offset;
	} texts[] = {{"file", offsetof(struct diag, file)}, {"field", offsetof(struct diag, field)}, {"value", offsetof(struct diag, value)},
		{"expected", offsetof(struct diag, expected)}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (span_is(name, texts[i].name))
			return span_str((const char *)d + texts[i].offset);
	if (span_is(name, "line") || span_is(name, "column"))
		return span_of(tmp, num_format_i64(tmp, (int64_t)(name.p[0] == 'l' ? d->line : d->column)));
	const struct diag_arg *a = &d->arg[(name.p[0] - '0') & 3];
	switch (a->kind) {
	case DIAG_INT: return span_of(tmp, num_format_i64(tmp, a->i));
	case DIAG_REAL: return span_of(tmp, num_format_f64(tmp, a->r));
	case DIAG_TEXT: return span_str(a->text);
	case DIAG_NONE: break;
	}
	return span_str("");
}

/* Which of "을/를" follows: the first after a consonant, the second after a vowel; for 으로/로 the sound ㄹ counts as a vowel. */
static struct span particle(struct span pair, struct span before)
{
	size_t slash = span_find(pair, 0, '/');
	struct span closed = span_sub(pair, 0, slash), open = span_sub(pair, slash + 1, pair.n);
	int sound = utf8_final_sound(before);
	bool vowel = sound == 0 || (sound == 2 && span_is(closed, "으로"));
	return vowel ? open : closed;
}

void words_render(struct buf *out, enum words_lang lang, const struct diag *d)
{
	if (d->msg <= MSG_NONE || d->msg >= MSG_COUNT) {
		buf_adds(out, mo_err_name(d->err));
		return;
	}
	struct span s = span_str(lang == WORDS_KO ? words_table[d->msg].ko : words_table[d->msg].en);
	for (size_t i = 0; i < s.n;) {
		size_t open = span_find(s, i, '{');
		buf_add(out, span_sub(s, i, open - i));
		if (open == s.n)
			break;
		size_t close = span_find(s, open, '}');
		struct span in = span_sub(s, open + 1, close - open - 1);
		size_t bar = span_find(in, 0, '|');
		char tmp[32];
		struct span text = place(d, span_sub(in, 0, bar), tmp);
		buf_add(out, text);
		if (bar < in.n)
			buf_add(out, particle(span_sub(in, bar + 1, in.n), text));
		i = close + 1;
	}
}
