/* json_parse, and the writer: what was parsed and written again parses to the same text once more. */
#include <stdlib.h>

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void write_value(struct json_writer *w, const struct json_value *v)
{
	if (v->name.p)
		jw_key_span(w, v->name);
	switch (v->type) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		if (v->type == JSON_OBJECT)
			jw_object(w);
		else
			jw_array(w);
		for (const struct json_value *c = v->child; c; c = c->next)
			write_value(w, c);
		if (v->type == JSON_OBJECT)
			jw_object_end(w);
		else
			jw_array_end(w);
		break;
	case JSON_STRING:
		jw_str(w, v->text);
		break;
	case JSON_NUMBER:
		jw_raw(w, v->text);
		break;
	case JSON_NULL:
		jw_null(w);
		break;
	default:
		jw_bool(w, v->type == JSON_TRUE);
	}
}

static void access_all(const struct json_value *o)
{
	struct span s;
	int64_t i;
	double f;
	bool b;
	struct diag d;
	if ((json_get_str(o, "a", &s, &d) == MO_EINVAL) + (json_get_i64(o, "a", &i, &d) == MO_EINVAL) +
	                (json_get_f64(o, "a", &f, &d) == MO_EINVAL) + (json_get_bool(o, "a", &b, &d) == MO_EINVAL) +
	                (json_get_time(o, "a", &i, &d) == MO_EINVAL) >
	        5)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct json_value *v;
	struct diag d;
	struct buf first, second;
	struct json_writer w;
	arena_init(&a, 0);
	buf_init(&first, 0);
	buf_init(&second, 0);
	if (json_parse(&v, &a, span_of(p, n), &d) == 0) {
		access_all(v);
		json_writer_init(&w, &first);
		write_value(&w, v);
		if (first.err || json_parse(&v, &a, buf_span(&first), &d))
			abort();
		json_writer_init(&w, &second);
		write_value(&w, v);
		if (second.err || !span_eq(buf_span(&first), buf_span(&second)))
			abort();
	}
	buf_free(&first);
	buf_free(&second);
	arena_free(&a);
	return 0;
}
