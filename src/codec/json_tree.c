/* A whole document as a tree in an arena, and typed access to its members. */
#include "codec/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/civil.h"
#include "base/num.h"

#define FEW_MEMBERS 12u /* up to here names are compared pair by pair */

static int by_name(const void *a, const void *b)
{
	const struct json_value *x = *(const struct json_value *const *)a, *y = *(const struct json_value *const *)b;
	int c = span_cmp(x->name, y->name);
	return c ? c : x->line < y->line ? -1 : x->line > y->line;
}

static int duplicate(const struct json_value *v, struct diag *d)
{
	diag_set(d, MO_EINVAL, MSG_JSON_DUPLICATE_NAME);
	diag_line(d, v->line, 0);
	diag_field(d, v->name);
	return MO_EINVAL;
}

/* A finished object of n members. Sorted rather than hashed: names come from outside and must not choose the cost. */
static int check_names(const struct json_value *object, size_t n, struct diag *d)
{
	if (n <= FEW_MEMBERS) {
		for (const struct json_value *a = object->child; a; a = a->next)
			for (const struct json_value *b = a->next; b; b = b->next)
				if (span_eq(a->name, b->name))
					return duplicate(b, d);
		return 0;
	}
	const struct json_value **all = malloc(n * sizeof(*all));
	if (!all)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	size_t k = 0;
	for (const struct json_value *a = object->child; a && k < n; a = a->next)
		all[k++] = a;
	qsort(all, k, sizeof(*all), by_name);
	int e = 0;
	for (size_t i = 1; i < k && e == 0; i++)
		if (span_eq(all[i - 1]->name, all[i]->name))
			e = duplicate(all[i], d);
	free(all);
	return e;
}

/* Where the tree grows: the open containers, and where each one's next child goes. */
struct level {
	struct json_value *container;
	struct json_value **next;
	size_t n;
};

static int build(struct json_value **ret, struct json_reader *r, struct arena *a, struct diag *d)
{
	struct level level[JSON_DEPTH_MAX + 1];
	struct json_value *root = NULL;
	unsigned depth = 0;
	struct span name = {NULL, 0};
	level[0] = (struct level){NULL, &root, 0};
	for (;;) {
		enum json_token t;
		struct span text;
		int e = json_next(r, &t, &text, d);
		if (e)
			return e;
		if (t == JSON_DONE)
			break;
		if (t == JSON_OBJECT_END || t == JSON_ARRAY_END) {
			struct level *l = &level[depth--];
			e = t == JSON_OBJECT_END ? check_names(l->container, l->n, d) : 0;
			if (e)
				return e;
			continue;
		}
		if (t == JSON_KEY || t == JSON_STRING || t == JSON_NUMBER) {
			text = arena_dup(a, text);
			if (!text.p)
				return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		}
		if (t == JSON_KEY) {
			name = text;
			continue;
		}
		struct json_value *v = arena_calloc(a, 1, sizeof(*v));
		if (!v)
			return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
		v->type = t;
		v->name = name;
		v->text = text;
		v->line = json_line(r);
		name = (struct span){NULL, 0};
		struct level *l = &level[depth];
		*l->next = v;
		l->next = &v->next;
		l->n++;
		if (t == JSON_OBJECT || t == JSON_ARRAY)
			level[++depth] = (struct level){v, &v->child, 0}; /* the reader holds depth to JSON_DEPTH_MAX */
	}
	*ret = root;
	return 0;
}

int json_parse(struct json_value **ret, struct arena *a, struct span text, struct diag *d)
{
	struct json_reader *r;
	int e = json_reader_new(&r, false);
	if (e)
		return diag_set(d, e, MSG_OUT_OF_MEMORY);
	json_feed(r, text);
	json_end(r);
	e = build(ret, r, a, d);
	json_reader_free(r);
	return e;
}

const struct json_value *json_member(const struct json_value *object, const char *name)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	struct span s = span_str(name);
	for (const struct json_value *v = object->child; v; v = v->next)
		if (span_eq(v->name, s))
			return v;
	return NULL;
}

static int wrong_type(const struct json_value *v, const char *expected, struct diag *d)
{
	static const char *const shown[] = {[JSON_OBJECT] = "{...}", [JSON_ARRAY] = "[...]", [JSON_TRUE] = "true", [JSON_FALSE] = "false"};
	diag_set(d, MO_EINVAL, MSG_JSON_WRONG_TYPE);
	diag_line(d, v->line, 0);
	diag_field(d, v->name);
	diag_expected(d, expected);
	diag_value(d, v->type == JSON_STRING || v->type == JSON_NUMBER ? v->text : span_str(shown[v->type]));
	return MO_EINVAL;
}

static int member(const struct json_value **ret, const struct json_value *o, const char *name)
{
	const struct json_value *v = json_member(o, name);
	if (!v || v->type == JSON_NULL)
		return MO_ENOENT;
	*ret = v;
	return 0;
}

int json_get_str(const struct json_value *o, const char *name, struct span *ret, struct diag *d)
{
	const struct json_value *v;
	int e = member(&v, o, name);
	if (e)
		return e;
	if (v->type != JSON_STRING)
		return wrong_type(v, "string", d);
	*ret = v->text;
	return 0;
}

int json_get_i64(const struct json_value *o, const char *name, int64_t *ret, struct diag *d)
{
	const double exact = 9007199254740992.0; /* 2^53: up to here a double holds every integer */
	const struct json_value *v;
	double f;
	int e = member(&v, o, name);
	if (e)
		return e;
	if (v->type != JSON_NUMBER)
		return wrong_type(v, "integer", d);
	if (num_i64(ret, v->text) == 0)
		return 0;
	/* 1.0 and 1e3 are integers too. */
	if (num_f64(&f, v->text) || !(f >= -exact && f <= exact) || f != floor(f))
		return wrong_type(v, "-9223372036854775808..9223372036854775807", d);
	*ret = (int64_t)f;
	return 0;
}

int json_get_f64(const struct json_value *o, const char *name, double *ret, struct diag *d)
{
	const struct json_value *v;
	int e = member(&v, o, name);
	if (e)
		return e;
	if (v->type != JSON_NUMBER)
		return wrong_type(v, "number", d);
	return num_f64(ret, v->text) ? wrong_type(v, "-1.8e308..1.8e308", d) : 0;
}

int json_get_bool(const struct json_value *o, const char *name, bool *ret, struct diag *d)
{
	const struct json_value *v;
	int e = member(&v, o, name);
	if (e)
		return e;
	if (v->type != JSON_TRUE && v->type != JSON_FALSE)
		return wrong_type(v, "true, false", d);
	*ret = v->type == JSON_TRUE;
	return 0;
}

int json_get_time(const struct json_value *o, const char *name, int64_t *ret_ns, struct diag *d)
{
	const struct json_value *v;
	int e = member(&v, o, name);
	if (e)
		return e;
	if (v->type != JSON_STRING || rfc3339_parse(ret_ns, v->text))
		return wrong_type(v, "YYYY-MM-DDThh:mm:ss+hh:mm", d);
	return 0;
}

void jw_value(struct json_writer *w, const struct json_value *v)
{
	switch (v->type) {
	case JSON_OBJECT:
		jw_object(w);
		for (const struct json_value *m = v->child; m; m = m->next) {
			jw_key_span(w, m->name);
			jw_value(w, m);
		}
		jw_object_end(w);
		break;
	case JSON_ARRAY:
		jw_array(w);
		for (const struct json_value *m = v->child; m; m = m->next)
			jw_value(w, m);
		jw_array_end(w);
		break;
	case JSON_STRING: jw_str(w, v->text); break;
	case JSON_NUMBER: jw_raw(w, v->text); break;
	case JSON_TRUE: jw_bool(w, true); break;
	case JSON_FALSE: jw_bool(w, false); break;
	default: jw_null(w); break;
	}
}
