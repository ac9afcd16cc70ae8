/* JSON onto a buf. Whether a comma is due, and whether a name must come first,
 * is kept in one bit per level; a call that does not fit sets MO_EBUG. */
#include "codec/json.h"

#include <math.h>

#include "base/civil.h"
#include "base/num.h"
#include "base/utf8.h"
#include "codec/priv/scan.h"

void json_writer_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){.out = out};
}

static void misuse(struct json_writer *w)
{
	if (!w->out->err)
		w->out->err = MO_EBUG;
}

static bool bit(const uint64_t *bits, unsigned i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static void set_bit(uint64_t *bits, unsigned i, bool v)
{
	uint64_t m = UINT64_C(1) << (i % 64);
	bits[i / 64] = v ? bits[i / 64] | m : bits[i / 64] & ~m;
}

/* Before a value: false when none may stand here. */
static bool value(struct json_writer *w)
{
	bool object = bit(w->in_object, w->depth), has = bit(w->has_item, w->depth);
	if (w->out->err || object != w->after_key || (w->depth == 0 && has)) {
		misuse(w);
		return false;
	}
	if (!object && has)
		buf_addc(w->out, ',');
	set_bit(w->has_item, w->depth, true);
	w->after_key = false;
	return true;
}

static void begin(struct json_writer *w, bool object)
{
	if (w->depth == JSON_DEPTH_MAX) {
		misuse(w);
		return;
	}
	if (!value(w))
		return;
	w->depth++;
	set_bit(w->in_object, w->depth, object);
	set_bit(w->has_item, w->depth, false);
	buf_addc(w->out, object ? '{' : '[');
}

static void end(struct json_writer *w, bool object)
{
	if (w->depth == 0 || w->after_key || bit(w->in_object, w->depth) != object) {
		misuse(w);
		return;
	}
	w->depth--;
	buf_addc(w->out, object ? '}' : ']');
}

void jw_object(struct json_writer *w)
{
	begin(w, true);
}
void jw_object_end(struct json_writer *w)
{
	end(w, true);
}
void jw_array(struct json_writer *w)
{
	begin(w, false);
}
void jw_array_end(struct json_writer *w)
{
	end(w, false);
}

static void quoted(struct buf *out, struct span s)
{
	static const char hex[] = "0123456789abcdef";
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n;) {
		size_t from = i;
		uint32_t cp;
		int len = 0;
		do {
			i += scan_json_plain(s.p + i, s.n - i);
			len = i < s.n && s.p[i] >= 0x80 ? utf8_next(span_sub(s, i, 4), &cp) : 0;
			i += len > 0 ? (size_t)len : 0;
		} while (len > 0);
		buf_add(out, span_sub(s, from, i - from));
		if (i == s.n)
			break;
		uint8_t c = s.p[i++];
		if (len < 0) {
			buf_adds(out, "\xEF\xBF\xBD");
			continue;
		}
		static const char named[] = "\"\\\b\f\n\r\t", as[] = "\"\\bfnrt";
		const char *at = c ? strchr(named, c) : NULL;
		if (at) {
			buf_addc(out, '\\');
			buf_addc(out, (uint8_t)as[at - named]);
		} else {
			buf_adds(out, "\\u00");
			buf_addc(out, (uint8_t)hex[c >> 4]);
			buf_addc(out, (uint8_t)hex[c & 15]);
		}
	}
	buf_addc(out, '"');
}

void jw_key_span(struct json_writer *w, struct span name)
{
	if (!bit(w->in_object, w->depth) || w->after_key) {
		misuse(w);
		return;
	}
	if (bit(w->has_item, w->depth))
		buf_addc(w->out, ',');
	quoted(w->out, name);
	buf_addc(w->out, ':');
	w->after_key = true;
}

void jw_key(struct json_writer *w, const char *name)
{
	jw_key_span(w, span_str(name));
}

void jw_str(struct json_writer *w, struct span s)
{
	if (value(w))
		quoted(w->out, s);
}

void jw_cstr(struct json_writer *w, const char *s)
{
	if (s)
		jw_str(w, span_str(s));
	else
		jw_null(w);
}

void jw_i64(struct json_writer *w, int64_t v)
{
	char text[24];
	if (value(w))
		buf_add(w->out, span_of(text, num_format_i64(text, v)));
}

void jw_u64(struct json_writer *w, uint64_t v)
{
	if (v <= INT64_MAX)
		jw_i64(w, (int64_t)v);
	else if (value(w))
		buf_printf(w->out, "%llu", (unsigned long long)v);
}

void jw_f64(struct json_writer *w, double v)
{
	char text[32];
	if (!isfinite(v))
		jw_null(w);
	else if (value(w))
		buf_add(w->out, span_of(text, num_format_f64(text, v)));
}

void jw_bool(struct json_writer *w, bool v)
{
	if (value(w))
		buf_adds(w->out, v ? "true" : "false");
}

void jw_null(struct json_writer *w)
{
	if (value(w))
		buf_adds(w->out, "null");
}

void jw_time(struct json_writer *w, int64_t t_ns)
{
	char text[32];
	if (t_ns == T_NONE)
		jw_null(w);
	else
		jw_str(w, span_of(text, rfc3339_format(text, t_ns)));
}

void jw_raw(struct json_writer *w, struct span json)
{
	if (value(w))
		buf_add(w->out, json);
}

void jw_raw_or_null(struct json_writer *w, struct span json)
{
	if (json.n)
		jw_raw(w, json);
	else
		jw_null(w);
}
