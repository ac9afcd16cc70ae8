/* The document is JSON, has every route, and every name it refers to. */
#include "cm.h"

#include <stdio.h>

#include "api/priv/api.h"

static void document(struct arena *a, struct buf *out, struct json_value **root)
{
	buf_init(out, 0);
	arena_init(a, 0);
	api_openapi(out, "9.9.9");
	assert_int_equal(out->err, 0);
	assert_int_equal(json_parse(root, a, buf_span(out), NULL), 0);
}

static void has_every_route(void **state)
{
	struct arena a;
	struct buf out;
	struct json_value *root;
	struct span version;
	(void)state;
	document(&a, &out, &root);
	assert_int_equal(json_get_str(json_member(root, "info"), "version", &version, NULL), 0);
	assert_true(span_is(version, "9.9.9"));
	for (size_t i = 0; i < api_routes_n; i++) {
		const struct api_route *r = &api_routes[i];
		char method[8] = "";
		if (r->path[0] == '*')
			continue;
		for (size_t k = 0; http1_method_name(r->method)[k] && k < sizeof method - 1; k++)
			method[k] = (char)(http1_method_name(r->method)[k] | 0x20);
		const struct json_value *op = json_member(json_member(json_member(root, "paths"), r->path), method);
		struct span id;
		assert_non_null(op);
		assert_int_equal(json_get_str(op, "operationId", &id, NULL), 0);
		assert_true(span_is(id, r->name));
		assert_true((json_member(op, "requestBody") != NULL) == (r->body_type != NULL));
		const struct json_value *answers = json_member(op, "responses");
		assert_non_null(json_member(answers, "400"));
		assert_true(json_member(answers, "200") || json_member(answers, "201") || json_member(answers, "204"));
		assert_true((json_member(answers, "415") != NULL) == (r->body_limit != 0));
		assert_true(!strchr(r->path, '{') || json_member(answers, "404"));
	}
	arena_free(&a);
	buf_free(&out);
}

/* Walks the tree for "$ref". */
static void check_refs(const struct json_value *v, const struct json_value *root, unsigned *seen)
{
	for (const struct json_value *m = v->child; m; m = m->next) {
		if (m->type == JSON_STRING && span_is(m->name, "$ref")) {
			char kind[32], name[64];
			char text[128];
			assert_true(m->text.n < sizeof text);
			memcpy(text, m->text.p, m->text.n);
			text[m->text.n] = 0;
			assert_int_equal(sscanf(text, "#/components/%31[a-z]/%63[A-Za-z]", kind, name), 2);
			assert_non_null(json_member(json_member(json_member(root, "components"), kind), name));
			++*seen;
		}
		check_refs(m, root, seen);
	}
}

static void names_resolve(void **state)
{
	struct arena a;
	struct buf out;
	struct json_value *root;
	unsigned seen = 0;
	(void)state;
	document(&a, &out, &root);
	check_refs(root, root, &seen);
	assert_true(seen > 100);
	arena_free(&a);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(has_every_route), cmocka_unit_test(names_resolve)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
