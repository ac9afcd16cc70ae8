#include "store/priv/impl.h"

#define IMPORT_NAME_MAX 1024u
#define RESULT_MAX (1u << 20)

int store_put_import(struct store *s, struct span id, struct span file_name, const uint8_t sha256[32], struct span state, struct span json,
	int64_t now_ns, struct diag *d)
{
	int64_t one;
	int err = store_writing(s, d);
	if (err || (err = store_text(id, "id", RECORD_ID_MAX, d)) || (err = store_text(file_name, "file", IMPORT_NAME_MAX, d)) ||
		(err = store_text(state, "state", RECORD_KIND_MAX, d)) || (json.n && (err = store_text(json, "result", RESULT_MAX, d))) ||
		(err = store_json_object(json, "result", d)))
		return err;
	store_saw(s, now_ns);
	err = db_find(&s->db, ST_IMPORT_FIND, ARGS(sarg_s(id)), &one, d);
	if (err && err != MO_ENOENT)
		return err;
	enum store_did did = err == MO_ENOENT ? STORE_NEW : STORE_CHANGED;
	err = db_run(&s->db, ST_IMPORT_PUT, ARGS(sarg_s(id), sarg_s(file_name), sha256 ? sarg_b(span_of(sha256, 32)) : sarg_null(), sarg_s(state),
		sarg_said(json), sarg_i(now_ns)), d);
	if (err)
		return err;
	if (!sqlite3_changes(s->db.sq))
		did = STORE_SAME;
	return store_noted(s, NOUN_IMPORT, id, did, d);
}

int store_audit(struct store *s, int64_t now_ns, struct span who, struct span what, struct span target, struct span json, struct diag *d)
{
	int err = store_writing(s, d);
	if (err || (err = store_text(who, "who", RECORD_NAME_MAX, d)) || (err = store_text(what, "what", RECORD_NAME_MAX, d)) ||
		(target.n && (err = store_text(target, "target", IMPORT_NAME_MAX, d))) || (json.n && (err = store_text(json, "detail", RESULT_MAX, d))) ||
		(err = store_json_object(json, "detail", d)))
		return err;
	store_saw(s, now_ns);
	return db_run(&s->db, ST_AUDIT_ADD, ARGS(sarg_i(now_ns), sarg_s(who), sarg_s(what), sarg_said(target), sarg_said(json)), d);
}
