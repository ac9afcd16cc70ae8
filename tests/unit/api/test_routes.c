/* The route table and what is judged by it alone. */
#include "cm.h"

#include <stdio.h>

#include "api/priv/api.h"

static const struct api_route *find(enum http1_method m, const char *path, char allow[64]) { return api_route_find(m, span_str(path), allow); }

/* Each row is found by a path of its own shape, and by no other row first. */
static void every_row_is_reached(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_routes_n; i++) {
		const struct api_route *r = &api_routes[i];
		char path[128], allow[64];
		size_t n = 0;
		if (r->path[0] == '*')
			continue;
		for (const char *p = r->path; *p && n < sizeof path - 1; p++) {
			if (*p != '{') {
				path[n++] = *p;
				continue;
			}
			path[n++] = 'x';
			p = strchr(p, '}');
			assert_non_null(p);
		}
		path[n] = 0;
		assert_ptr_equal(find(r->method, path, allow), r);
		if (r->method == HTTP_GET)
			assert_ptr_equal(find(HTTP_HEAD, path, allow), r);
	}
}

/* A row says who may ask, what it runs, what it takes and what it answers. */
static void rows_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_routes_n; i++) {
		const struct api_route *r = &api_routes[i];
		assert_true(r->principals != 0 && !(r->principals & PRINCIPAL_PARTNER));
		assert_true(permission_bit(r->permission) != 0);
		/* What is open is open to all, and only that to the public. */
		assert_true((r->permission == PERMISSION_OPEN) == ((r->principals & PRINCIPAL_PUBLIC) != 0));
		assert_true((r->principals & (PRINCIPAL_LOCAL | PRINCIPAL_OWN)) == (PRINCIPAL_LOCAL | PRINCIPAL_OWN));
		assert_true((r->run == RUN_STREAM) == (r->stream != NULL) && (r->run == RUN_STREAM) == (r->handler == NULL));
		assert_true((r->body_limit == 0) == (r->body_type == NULL));
		assert_true(r->method != HTTP_GET || r->body_limit == 0);
		assert_non_null(r->summary);
		assert_true(r->query < 0 || store_query_def((enum store_query)r->query));
		assert_true(i + 1 == api_routes_n || r->path[0] == '/');
		for (size_t k = 0; k < i; k++)
			assert_true(strcmp(api_routes[k].name, r->name) != 0 && (api_routes[k].method != r->method || strcmp(api_routes[k].path, r->path) != 0));
		for (size_t k = 0; k < sizeof r->params / sizeof *r->params && r->params[k].name; k++) {
			assert_non_null(r->params[k].about);
			assert_true(r->params[k].type != PARAM_INT || r->params[k].lo < r->params[k].hi);
		}
	}
}

/* What each role may ask, route by route, as a person would write it down: what it may not. */
static const struct {
	enum role role;
	const char *closed; /* names of routes, with blanks around each; "" none */
	bool all_but;       /* closed: all but those */
} doors[] = {
	{ROLE_OWNER, " ", false},
	{ROLE_PRODUCTION, " clock check backup accounts account_put account_delete tokens token_new token_revoke person_erase ", false},
	{ROLE_QUALITY, " metrics device_test device_put device_delete device_undo import_put import_commit influx_write clock check backup accounts account_put account_delete tokens"
		" token_new token_revoke person_put person_erase ", false},
	{ROLE_OPERATOR, " metrics audit sql device_test device_put device_delete device_undo import_put import_commit influx_write clock check backup accounts account_put account_delete"
		" tokens token_new token_revoke person_put person_erase ", false},
	{ROLE_READ_ONLY, " metrics audit sql records case_state crash_seen device_test device_put device_delete device_undo import_put import_commit influx_write clock check backup accounts"
		" account_put account_delete tokens token_new token_revoke person_put person_erase ", false},
	{ROLE_VENDOR, " health ca_certificate ca_page ca_profile phone page influx_ping login session logout password_put node openapi metrics assets asset asset_states asset_stops signals series values chart last"
		" devices live influx_query influx_query_post ", true},
};

static void every_role_at_every_route(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
		for (size_t k = 0; k < api_routes_n; k++) {
			const struct api_route *r = &api_routes[k];
			struct principal p = {.kind = PRINCIPAL_OWN, .may = role_permissions(doors[i].role)};
			struct resource what = {.principals = r->principals, .permission = r->permission, .operation = r->name};
			char name[64];
			snprintf(name, sizeof name, " %s ", r->name);
			bool listed = strstr(doors[i].closed, name) != NULL;
			/* Of routes to come: a vendor gets none of them unless it is listed here. */
			bool want = doors[i].all_but ? listed : !listed && role_may(doors[i].role, r->permission);
			if ((rules_decide(&p, &what).decision == DECISION_ALLOW) != want)
				fail_msg("%s at %s", role_name(doors[i].role), r->name);
		}
	/* Nobody, a partner, an account without a role. */
	for (size_t k = 0; k < api_routes_n; k++) {
		const struct api_route *r = &api_routes[k];
		const struct principal others[] = {{.kind = PRINCIPAL_PUBLIC}, {.kind = PRINCIPAL_PARTNER, .may = ~0u}, {.kind = PRINCIPAL_OWN}};
		struct resource what = {.principals = r->principals, .permission = r->permission, .operation = r->name};
		for (size_t i = 0; i < 3; i++)
			assert_int_equal(rules_decide(&others[i], &what).decision, i == 0 && r->permission == PERMISSION_OPEN ? DECISION_ALLOW : DECISION_DENY);
	}
}

static void methods_of_a_path(void **state)
{
	char allow[64];
	(void)state;
	assert_null(find(HTTP_PATCH, "/query", allow));
	assert_string_equal(allow, "GET, HEAD, POST");
	assert_null(find(HTTP_GET, "/write", allow));
	assert_string_equal(allow, "POST");
	assert_null(find(HTTP_POST, "/lots", allow)); /* the page */
	assert_string_equal(allow, "GET, HEAD");
	assert_null(find(HTTP_GET, "/api/v1/nothing", allow));
	assert_string_equal(allow, "");
	assert_null(find(HTTP_GET, "/api/v1/lots/a//b", allow));
	assert_null(find(HTTP_GET, "/api/v1/assets/", allow));
	assert_string_equal(find(HTTP_POST, "/api/v1/devices/test", allow)->name, "device_test");
	assert_string_equal(find(HTTP_PUT, "/api/v1/devices/test", allow)->name, "device_put");
}

/* Reserved prefixes never give the page; what only begins like one does. */
static void reserved_prefixes(void **state)
{
	static const char *const not_page[] = {"/api", "/api/", "/aas/v3", "/dsp", "/prometheus/x", "/v1/metrics", "/ping/x", "/metrics/x", "/healthz/x"};
	static const char *const pages[] = {"/", "/apiary", "/assets", "/v1x", "/lots/F/1", "/app.js"};
	char allow[64];
	(void)state;
	for (size_t i = 0; i < sizeof not_page / sizeof *not_page; i++)
		assert_null(find(HTTP_GET, not_page[i], allow));
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		assert_string_equal(find(HTTP_GET, pages[i], allow)->name, "page");
}

static void loopback_names(void **state)
{
	static const char *const ours[] = {"localhost", "LocalHost:80", "127.0.0.1", "127.255.255.254:8470", "[::1]", "[::1]:1"};
	static const char *const others[] = {"", "localhos", "localhostx", "localhost.evil", "127.evil.test", "127.0.0.1.x", "[::2]", "[::1", "10.0.0.1", "::1", "[::1].x",
		"127.0.0.1111111111"};
	(void)state;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		assert_true(api_is_loopback(span_str(ours[i])));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(api_is_loopback(span_str(others[i])));
}

static void content_types(void **state)
{
	const struct api_route json = {.body_type = "application/json"}, any = {.body_type = "text/plain", .flags = ROUTE_ANY_TYPE};
	(void)state;
	assert_true(api_takes_type(&json, span_str("application/json")));
	assert_true(api_takes_type(&json, span_str("Application/JSON; charset=utf-8")));
	assert_true(api_takes_type(&json, span_str(" application/json ;x")));
	assert_false(api_takes_type(&json, span_str("application/jsonx")));
	assert_false(api_takes_type(&json, span_str("text/plain")));
	assert_false(api_takes_type(&json, span_str("")));
	assert_false(api_takes_type(&json, span_of(NULL, 0)));
	assert_true(api_takes_type(&any, span_of(NULL, 0)));
	assert_true(api_takes_type(&any, span_str("application/x-www-form-urlencoded")));
}

static void values_of_a_set(void **state)
{
	(void)state;
	assert_true(api_one_of("ns, u, ms", span_str("ns")) && api_one_of("ns, u, ms", span_str("ms")) && api_one_of("a", span_str("a")));
	assert_false(api_one_of("ns, u, ms", span_str("m")) || api_one_of("ns, u, ms", span_str("")) || api_one_of("ns, u, ms", span_str("ns, u")));
}

static void status_of_errors(void **state)
{
	static const struct {
		int err, status;
	} rows[] = {{0, 200}, {MO_EINVAL, 400}, {MO_EPROTO, 400}, {MO_EDENIED, 403}, {MO_ENOENT, 404}, {MO_EEXIST, 409}, {MO_ESTATE, 409}, {MO_ELIMIT, 413},
		{MO_EAGAIN, 503}, {MO_ECANCELED, 503}, {MO_ETIMEOUT, 503}, {MO_EFULL, 507}, {MO_EIO, 500}, {MO_ENOMEM, 500}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(api_status(rows[i].err), rows[i].status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_is_reached), cmocka_unit_test(rows_are_whole), cmocka_unit_test(every_role_at_every_route),
		cmocka_unit_test(methods_of_a_path),
		cmocka_unit_test(reserved_prefixes), cmocka_unit_test(loopback_names), cmocka_unit_test(content_types), cmocka_unit_test(values_of_a_set),
		cmocka_unit_test(status_of_errors)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
