/* See trust.h. */
#include "node/trust.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "codec/json.h"
#include "store/queries.h"

#define DOC_ARENA_MAX (256u << 10)
#define PURPOSES_TEXT "https-out, opcua, partner"

static int bad(struct diag *d, const char *field, struct span value, const char *expected)
{
	(void)diag_set(d, MO_EINVAL, MSG_TRUST_VALUE);
	diag_field(d, span_str(field));
	diag_value(d, value);
	diag_expected(d, expected);
	return MO_EINVAL;
}

void trust_entry_name(char out[TRUST_NAME_TEXT], const uint8_t sha256[32])
{
	for (unsigned i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", sha256[i]);
}

int trust_name_check(struct span name, struct diag *d)
{
	bool ok = name.n == TRUST_NAME_TEXT - 1;
	for (size_t i = 0; i < name.n && ok; i++)
		ok = (name.p[i] >= '0' && name.p[i] <= '9') || (name.p[i] >= 'a' && name.p[i] <= 'f');
	return ok ? 0 : bad(d, "fingerprint", name, "0-9a-f x 64");
}

int trust_purposes_read(trust_purpose_set *ret, const struct json_value *root, struct diag *d)
{
	const struct json_value *list = json_member(root, "purposes");
	trust_purpose_set set = 0;
	if (!list || list->type != JSON_ARRAY || !list->child)
		return bad(d, "purposes", span_of("", 0), PURPOSES_TEXT);
	for (const struct json_value *v = list->child; v; v = v->next) {
		enum trust_purpose p;
		if (v->type != JSON_STRING || trust_purpose_parse(&p, v->text) != 0)
			return bad(d, "purposes", v->type == JSON_STRING ? v->text : span_of("", 0), PURPOSES_TEXT);
		set |= trust_bit(p);
	}
	*ret = set;
	return 0;
}

static int read_text(char *out, size_t size, const struct json_value *root, const char *name, struct diag *d)
{
	struct span s;
	int err = json_get_str(root, name, &s, d);
	if (err == MO_ENOENT)
		return 0;
	if (err != 0)
		return err;
	if (s.n >= size || memchr(s.p, 0, s.n))
		return bad(d, name, span_of("", 0), "");
	memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return 0;
}

static int read_root(struct trust_entry *e, const struct json_value *root, struct diag *d)
{
	struct span state;
	int err = json_get_str(root, "state", &state, d);
	if (err == MO_ENOENT || (err == 0 && trust_state_parse(&e->state, state) != 0))
		return bad(d, "state", err == 0 ? state : span_of("", 0), "waiting, trusted, refused");
	if (err == 0)
		err = trust_purposes_read(&e->purposes, root, d);
	if (err == 0 && (err = json_get_bool(root, "authority", &e->authority, d)) == MO_ENOENT)
		err = 0;
	if (err == 0 && (err = json_get_i64(root, "added", &e->added_ns, d)) == MO_ENOENT)
		err = 0;
	if (err != 0 || (err = read_text(e->label, sizeof e->label, root, "label", d)) || (err = read_text(e->peer, sizeof e->peer, root, "peer", d)) ||
		(err = read_text(e->by, sizeof e->by, root, "by", d)) || (err = read_text(e->pem, sizeof e->pem, root, "certificate", d)))
		return err;
	return e->pem[0] ? 0 : bad(d, "certificate", span_of("", 0), "PEM");
}

int trust_entry_read(struct trust_entry *ret, struct span json, struct diag *d)
{
	struct arena a;
	struct json_value *root;
	struct trust_entry *e = calloc(1, sizeof *e);
	if (!e)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	arena_init(&a, DOC_ARENA_MAX);
	int err = json_parse(&root, &a, json, d);
	if (err == 0)
		err = root->type == JSON_OBJECT ? read_root(e, root, d) : bad(d, "", span_of("", 0), "{…}");
	if (err == 0)
		*ret = *e;
	arena_free(&a);
	free(e);
	return err;
}

void trust_entry_write(struct buf *out, const struct trust_entry *e)
{
	struct json_writer w;
	json_writer_init(&w, out);
	jw_object(&w);
	jw_key(&w, "state");
	jw_cstr(&w, trust_state_name(e->state));
	jw_key(&w, "purposes");
	jw_array(&w);
	for (unsigned i = 0; i < TRUST_PURPOSES; i++)
		if (e->purposes & trust_bit((enum trust_purpose)i))
			jw_cstr(&w, trust_purpose_name((enum trust_purpose)i));
	jw_array_end(&w);
	jw_key(&w, "authority");
	jw_bool(&w, e->authority);
	jw_key(&w, "label");
	jw_cstr(&w, e->label);
	jw_key(&w, "peer");
	jw_cstr(&w, e->peer);
	jw_key(&w, "by");
	jw_cstr(&w, e->by);
	jw_key(&w, "added");
	jw_i64(&w, e->added_ns);
	jw_key(&w, "certificate");
	jw_cstr(&w, e->pem);
	jw_object_end(&w);
}

int trust_load(struct trust_list **ret, size_t *ret_unread, struct store_reader *r, struct diag *d)
{
	struct table_cursor *cur = NULL;
	struct table_batch b;
	struct trust_list *l = NULL;
	struct trust_entry *e = calloc(1, sizeof *e);
	const struct store_arg a[] = {sarg_s(span_str(store_doc_name(DOC_TRUST))), sarg_null(), sarg_i(TRUST_MAX)};
	int err = e ? trust_list_new(&l) : MO_ENOMEM;
	*ret_unread = 0;
	if (err != 0)
		(void)diag_set(d, err, MSG_OUT_OF_MEMORY);
	if (err == 0)
		err = store_select(r, &cur, SQ_DOCS, a, 3, d);
	while (err == 0 && (err = table_next(cur, &b, d)) == 0 && b.n_rows)
		for (size_t i = 0; i < b.n_rows && err == 0; i++) {
			err = trust_entry_read(e, b.cols[2].str[i], d);
			if (err == 0)
				err = trust_list_add(l, span_str(e->pem), e->state, e->purposes, e->authority, d);
			if (err == MO_EINVAL || err == MO_ELIMIT) {
				++*ret_unread;
				err = 0;
			}
		}
	table_close(cur);
	free(e);
	if (err != 0)
		trust_list_free(l);
	else
		*ret = l;
	return err;
}
