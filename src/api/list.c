/* Rows of the store's named statements as JSON: every list and detail of the
 * API comes through here, so that names and types stand in one table. */
#include "api/priv/api.h"

#include <stdio.h>

#include "base/num.h"
#include "codec/json_row.h"

size_t api_column(const struct table_cursor *cur, const char *name)
{
	for (size_t i = 0; i < cur->n_cols; i++)
		if (strcmp(cur->cols[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

static bool is_null(const struct col *c, size_t i) { return c->null && c->null[i]; }

static struct span text_at(const struct table_cursor *cur, const struct table_batch *b, size_t i, const char *name)
{
	size_t k = api_column(cur, name);
	return k == SIZE_MAX || is_null(&b->cols[k], i) ? span_of(NULL, 0) : b->cols[k].str[i];
}

/* A text about a person, opened for those who may read it; NULL: there is none, or it is not for them. */
static int open_sealed(struct api_call *c, const struct table_cursor *cur, const struct table_batch *b, size_t i, struct json_value **ret)
{
	struct span sealed = text_at(cur, b, i, "sealed"), about = text_at(cur, b, i, "ref");
	char text[48];
	*ret = NULL;
	if (!sealed.n)
		return 0;
	if (!about.p) {
		snprintf(text, sizeof text, CASE_ABOUT, (long long)c->about);
		about = span_str(text);
	}
	return api_sealed(c, ret, text_at(cur, b, i, "person"), about, sealed);
}

/* The member that a column shows when what is sealed was opened: a case's note is its text. */
static const struct json_value *shown(const struct json_value *open, const char *name)
{
	const struct json_value *v = open ? json_member(open, strcmp(name, "note") == 0 ? "text" : name) : NULL;
	return v && v->type == JSON_STRING && v->text.n ? v : NULL;
}

int api_members(struct api_call *c, const struct table_cursor *cur, const struct table_batch *b, size_t i)
{
	struct json_writer *w = &c->w;
	struct json_value *open = NULL;
	int err = open_sealed(c, cur, b, i, &open);
	for (size_t k = 0, next; k < cur->n_cols && err == 0; k = next) {
		const char *name = cur->cols[k].name;
		const struct json_value *v = shown(open, name);
		if (v) {
			jw_key(w, name);
			jw_str(w, v->text);
			next = k + 1;
		} else {
			next = jw_member(w, cur->cols, cur->n_cols, b, i, k);
		}
		if (strcmp(name, "person") == 0)
			err = api_person(c, "person_name", is_null(&b->cols[k], i) ? span_of(NULL, 0) : b->cols[k].str[i]);
	}
	return err;
}

int api_list(struct api_call *c, enum store_query q, const struct store_arg *args, size_t n, const char *cursor_column, int64_t limit)
{
	struct table_cursor *cur = NULL;
	struct table_batch b = {0};
	char next[DIAG_TEXT_MAX] = "";
	int64_t rows = 0;
	int err = store_select(c->reader, &cur, q, args, n, c->d);
	if (err != 0)
		return err;
	size_t at = api_column(cur, cursor_column ? cursor_column : "id");
	jw_object(&c->w);
	jw_key(&c->w, "items");
	jw_array(&c->w);
	while ((err = table_next(cur, &b, c->d)) == 0 && b.n_rows) {
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			jw_object(&c->w);
			err = api_members(c, cur, &b, i);
			jw_object_end(&c->w);
		}
		if (err != 0)
			break;
		rows += (int64_t)b.n_rows;
		if (at != SIZE_MAX) {
			size_t last = b.n_rows - 1;
			if (cur->cols[at].type == COL_STR)
				diag_copy(next, sizeof next, b.cols[at].str[last]);
			else
				next[num_format_i64(next, b.cols[at].i64[last])] = 0;
		}
	}
	jw_array_end(&c->w);
	jw_key(&c->w, "next");
	jw_cstr(&c->w, err == 0 && limit && rows >= limit && next[0] ? next : NULL);
	jw_object_end(&c->w);
	table_close(cur);
	return err;
}

int api_rows(struct api_call *c, enum store_query q, const struct store_arg *args, size_t n)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	int err = store_select(c->reader, &cur, q, args, n, c->d);
	if (err != 0)
		return err;
	jw_array(&c->w);
	while (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			jw_object(&c->w);
			err = api_members(c, cur, &b, i);
			jw_object_end(&c->w);
		}
	jw_array_end(&c->w);
	table_close(cur);
	return err;
}

int api_row(struct api_call *c, enum store_query q, const struct store_arg *args, size_t n)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	int err = store_select(c->reader, &cur, q, args, n, c->d);
	if (err == 0 && (err = table_next(cur, &b, c->d)) == 0) {
		if (b.n_rows)
			err = api_members(c, cur, &b, 0);
		else
			err = diag_set(c->d, MO_ENOENT, MSG_API_NOT_FOUND);
	}
	table_close(cur);
	return err;
}

/* Common forms of list handlers: (text arguments…, cursor, limit). */
static int page(struct api_call *c, int64_t *limit) { return api_param_i64(c, "limit", API_PAGE, 1, API_PAGE_MAX, limit); }

static int cursor_id(struct api_call *c, struct store_arg *ret)
{
	int64_t id;
	int err = api_param_i64(c, "cursor", -1, 0, INT64_MAX, &id);
	*ret = id < 0 ? sarg_null() : sarg_i(id);
	return err;
}

static struct store_arg text(struct api_call *c, const char *name)
{
	struct span s = api_param(c, name);
	return s.n ? sarg_s(s) : sarg_null();
}

static int time_arg(struct api_call *c, const char *name, struct store_arg *ret)
{
	int64_t t;
	int err = api_param_time(c, name, T_NONE, &t);
	*ret = t == T_NONE ? sarg_null() : sarg_i(t);
	return err;
}

int get_assets(struct api_call *c)
{
	int64_t limit;
	int err = page(c, &limit);
	struct store_arg a[] = {text(c, "kind"), text(c, "cursor"), sarg_i(limit)};
	return err ? err : api_list(c, SQ_ASSETS, a, 3, "code", limit);
}

int get_lots(struct api_call *c)
{
	int64_t limit;
	struct store_arg cursor = sarg_null();
	int err = page(c, &limit);
	if (err == 0)
		err = cursor_id(c, &cursor);
	if (err != 0)
		return err;
	struct store_arg a[] = {text(c, "q"), text(c, "item"), text(c, "state"), cursor, sarg_i(limit)};
	return api_list(c, SQ_LOTS, a, 5, NULL, limit);
}

int get_cases(struct api_call *c)
{
	int64_t limit;
	struct store_arg cursor = sarg_null();
	int err = page(c, &limit);
	if (err == 0)
		err = cursor_id(c, &cursor);
	if (err != 0)
		return err;
	struct store_arg a[] = {text(c, "state"), text(c, "asset"), cursor, sarg_i(limit)};
	return api_list(c, SQ_CASES, a, 4, NULL, limit);
}

int get_operations(struct api_call *c)
{
	int64_t limit;
	struct store_arg cursor, from, to;
	int err = page(c, &limit);
	if (err == 0)
		err = cursor_id(c, &cursor);
	if (err == 0)
		err = time_arg(c, "from", &from);
	if (err == 0)
		err = time_arg(c, "to", &to);
	if (err != 0)
		return err;
	struct store_arg a[] = {text(c, "machine"), from, to, cursor, sarg_i(limit)};
	return api_list(c, SQ_OPERATIONS, a, 5, NULL, limit);
}

int get_events(struct api_call *c)
{
	int64_t limit;
	struct store_arg cursor, from, to;
	int err = page(c, &limit);
	if (err == 0)
		err = cursor_id(c, &cursor);
	if (err == 0)
		err = time_arg(c, "from", &from);
	if (err == 0)
		err = time_arg(c, "to", &to);
	if (err != 0)
		return err;
	struct store_arg a[] = {text(c, "asset"), text(c, "kind"), from, to, cursor, sarg_i(limit)};
	return api_list(c, SQ_EVENTS, a, 6, NULL, limit);
}

int get_search(struct api_call *c)
{
	int64_t limit;
	int err = api_param_i64(c, "limit", 20, 1, 100, &limit);
	struct store_arg a[] = {text(c, "q"), sarg_i(limit)};
	return err ? err : api_list(c, SQ_SEARCH, a, 2, NULL, 0);
}

int get_changes(struct api_call *c)
{
	int64_t limit, after;
	int err = page(c, &limit);
	if (err == 0)
		err = api_param_i64(c, "after", 0, 0, INT64_MAX, &after);
	if (err == 0 && api_param(c, "cursor").n)
		err = api_param_i64(c, "cursor", 0, 0, INT64_MAX, &after);
	if (err != 0)
		return err;
	struct store_arg a[] = {sarg_i(after), sarg_i(limit)};
	return api_list(c, SQ_CHANGES, a, 2, "number", limit);
}

int get_audit(struct api_call *c)
{
	int64_t limit;
	struct store_arg cursor = sarg_null();
	int err = page(c, &limit);
	if (err == 0)
		err = cursor_id(c, &cursor);
	struct store_arg a[] = {cursor, sarg_i(limit)};
	return err ? err : api_list(c, SQ_AUDIT, a, 2, NULL, limit);
}

int get_case(struct api_call *c)
{
	int64_t id;
	int err = api_param_i64(c, "id", 0, 1, INT64_MAX, &id);
	if (err != 0)
		return err;
	struct store_arg a[] = {sarg_i(id)};
	jw_object(&c->w);
	err = api_row(c, SQ_CASE, a, 1);
	c->about = id;
	if (err == 0) {
		jw_key(&c->w, "history");
		err = api_rows(c, SQ_CASE_HISTORY, a, 1);
	}
	jw_object_end(&c->w);
	return err;
}

int api_doc_history(struct api_call *c, enum store_doc doc, struct span name, enum mo_msg none)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct store_arg a[] = {sarg_s(span_str(store_doc_name(doc))), sarg_s(name)};
	int err = store_select(c->reader, &cur, SQ_DOC_HISTORY, a, 2, c->d);
	if (err == 0 && (err = table_next(cur, &b, c->d)) == 0 && b.n_rows == 0)
		err = diag_set(c->d, MO_ENOENT, none);
	table_close(cur);
	return err != 0 ? err : api_list(c, SQ_DOC_HISTORY, a, 2, "version", 0);
}
