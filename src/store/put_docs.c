/* Signals, documents with their history, request keys and marks. */
#include "store/priv/impl.h"

#define NAME_MAX_BYTES 256u
#define JSON_MAX_BYTES (1u << 20)
#define IDEM_KEPT_NS (7 * NS_PER_DAY)

/* ---- signals ---- */

static int search_signal(struct store *s, int64_t id, struct span key, struct diag *d)
{
	sqlite3_stmt *st;
	struct buf *b = &s->scratch;
	int err = db_use(&s->db, ST_SIGNAL_GET, ARGS(sarg_i(id)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) <= 0)
		return err;
	buf_reset(b);
	buf_add(b, db_col_text(st, 0));
	size_t title = b->n;
	buf_add(b, db_col_text(st, 1));
	bool whole = sqlite3_column_type(st, 0) != SQLITE_NULL && sqlite3_column_type(st, 1) != SQLITE_NULL && !b->err;
	sqlite3_reset(st);
	if (!whole)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	return store_search_put(s, SEARCH_SIGNAL, id, "signal", key, span_of(b->p, title), span_of(b->p + title, b->n - title), d);
}

int store_put_signal(struct store *s, const struct store_signal *sig, enum store_did *ret, struct diag *d)
{
	char text[UUID_TEXT];
	struct span series = span_of(sig->series.b, sizeof sig->series.b);
	int64_t asset, id = 0;
	int err = store_writing(s, d);
	if (err || (err = store_text(sig->asset, "asset", RECORD_CODE_MAX, d)) || (err = store_text(sig->name, "name", NAME_MAX_BYTES, d)) ||
		(sig->label.n && (err = store_text(sig->label, "label", NAME_MAX_BYTES, d))) ||
		(sig->unit.n && (err = store_text(sig->unit, "unit", RECORD_UNIT_MAX, d))) ||
		(sig->source.n && (err = store_text(sig->source, "source", NAME_MAX_BYTES, d))))
		return err;
	if (sig->series.b[6] >> 4 == 7) { /* a version 7 id says when it was made */
		uint64_t ms = 0;
		for (int i = 0; i < 6; i++)
			ms = ms << 8 | sig->series.b[i];
		if (ms <= (uint64_t)(INT64_MAX / NS_PER_MS) && s->now_ns == 0)
			store_saw(s, (int64_t)ms * NS_PER_MS);
	}
	uuid_format(text, &sig->series);
	err = db_find(&s->db, ST_SIGNAL_FIND, ARGS(sarg_b(series)), &id, d);
	if (err && err != MO_ENOENT)
		return err;
	bool there = err == 0;
	if ((err = store_asset_use(s, sig->asset, ASSET_MACHINE, &asset, d)))
		return err;
	err = db_run(&s->db, there ? ST_SIGNAL_UPDATE : ST_SIGNAL_ADD, ARGS(sarg_b(series), sarg_i(asset), sarg_s(sig->name), sarg_said(sig->label),
		sarg_said(sig->unit), sarg_said(sig->source), sarg_i(sig->type), sarg_i(sig->kind)), d);
	if (err)
		return err;
	enum store_did did = !there ? STORE_NEW : sqlite3_changes(s->db.sq) ? STORE_CHANGED : STORE_SAME;
	if (!there)
		id = sqlite3_last_insert_rowid(s->db.sq);
	if (did != STORE_SAME && (err = search_signal(s, id, span_str(text), d)))
		return err;
	if ((err = store_noted(s, NOUN_SIGNAL, span_str(text), did, d)))
		return err;
	*ret = did;
	return 0;
}

/* The signal of the lowest id above *id. MO_ENOENT: none. */
static int name_next(struct store *s, int64_t asset, int64_t *id, bool (*words)(void *arg, struct span name, struct span *label, struct span *unit),
	void *arg, struct diag *d)
{
	sqlite3_stmt *st;
	struct uuid series = {{0}};
	struct span label = {NULL, 0}, unit = {NULL, 0};
	char text[UUID_TEXT];
	int err = db_use(&s->db, ST_SIGNAL_SENT, ARGS(sarg_i(asset), sarg_i(*id)), &st, d);
	if (err || (err = db_step(&s->db, st, d)) < 0)
		return err;
	if (err == 0)
		return MO_ENOENT;
	*id = sqlite3_column_int64(st, 0);
	struct span b = db_col_bytes(st, 1), name = db_col_text(st, 2);
	bool whole = b.n == sizeof series.b && name.p, sent = sqlite3_column_int64(st, 3);
	if (whole)
		memcpy(series.b, b.p, sizeof series.b);
	bool said = whole && words(arg, name, &label, &unit);
	sqlite3_reset(st);
	if (!whole)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	if (!said && !sent)
		return 0;
	if (!said)
		label = unit = span_of(NULL, 0);
	if ((label.n && (err = store_text(label, "label", NAME_MAX_BYTES, d))) || (unit.n && (err = store_text(unit, "unit", RECORD_UNIT_MAX, d))) ||
		(err = db_run(&s->db, ST_SIGNAL_NAME, ARGS(sarg_i(*id), sarg_said(label), sarg_said(unit)), d)))
		return err;
	if (!sqlite3_changes(s->db.sq))
		return 0;
	uuid_format(text, &series);
	err = search_signal(s, *id, span_str(text), d);
	return err ? err : store_noted(s, NOUN_SIGNAL, span_str(text), STORE_CHANGED, d);
}

int store_name_signals(struct store *s, struct span asset, bool (*words)(void *arg, struct span name, struct span *label, struct span *unit), void *arg,
	struct diag *d)
{
	int64_t of = 0, id = 0;
	int err = store_writing(s, d);
	if (!err)
		err = db_find(&s->db, ST_ASSET_FIND, ARGS(sarg_s(asset)), &of, d);
	while (!err)
		err = name_next(s, of, &id, words, arg, d);
	return err == MO_ENOENT ? 0 : err;
}

/* ---- documents ---- */

const char *store_doc_name(enum store_doc c)
{
	static const char *const names[DOC_CLASSES] = {"device", "shift", "mapping", "setting", "sink", "trust"};
	return (unsigned)c < DOC_CLASSES ? names[c] : "?";
}

struct doc {
	const char *class;
	struct span name;
	int64_t version;  /* 0: never was */
	bool there;       /* not deleted */
	int64_t restores; /* -1: the last version was no undo */
};

static int doc_last(struct store *s, struct doc *doc, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&s->db, ST_DOC_LAST, ARGS(sarg_c(doc->class), sarg_s(doc->name)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) <= 0)
		return err;
	doc->version = sqlite3_column_int64(st, 0);
	doc->restores = sqlite3_column_type(st, 1) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 1);
	sqlite3_reset(st);
	return 0;
}

static int doc_write(struct store *s, const struct doc *doc, struct store_arg json, int64_t restores, struct span who, int64_t now_ns, int64_t *ret,
	struct diag *d)
{
	struct store_arg class = sarg_c(doc->class), name = sarg_s(doc->name), version = sarg_i(doc->version + 1);
	struct buf *b = &s->scratch;
	bool gives = json.kind != SARG_NULL;
	int err;
	if ((err = db_run(&s->db, ST_DOC_LOG, ARGS(class, name, version, json, restores < 0 ? sarg_null() : sarg_i(restores), sarg_said(who),
			sarg_i(now_ns)), d)) ||
		(err = db_run(&s->db, ST_DOC_PUT, ARGS(class, name, version, json), d)))
		return err;
	buf_reset(b);
	buf_adds(b, doc->class);
	buf_addc(b, '/');
	buf_add(b, doc->name);
	if (b->err)
		return diag_set(d, b->err, MSG_OUT_OF_MEMORY);
	const char *did = !gives ? "removed" : doc->there ? "changed" : "new";
	if ((err = store_note(s, NOUN_DOC, buf_span(b), did, (int)gives - (int)doc->there, d)))
		return err;
	*ret = doc->version + 1;
	return 0;
}

static int doc_refuse(int err, enum mo_msg msg, struct span name, int64_t expected, int64_t stored, struct diag *d)
{
	diag_set(d, err, msg);
	diag_field(d, span_str("version"));
	diag_value(d, name);
	diag_int(d, 0, expected);
	diag_int(d, 1, stored);
	return err;
}

static int doc_current(struct store *s, struct doc *doc, struct span json, bool *same, struct diag *d)
{
	sqlite3_stmt *st;
	*same = false;
	int err = db_use(&s->db, ST_DOC_GET, ARGS(sarg_c(doc->class), sarg_s(doc->name)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) <= 0)
		return err;
	doc->there = sqlite3_column_type(st, 1) != SQLITE_NULL;
	*same = doc->there ? json.p && span_eq(db_col_text(st, 1), json) : !json.p;
	sqlite3_reset(st);
	return 0;
}

int store_put_doc(struct store *s, enum store_doc c, struct span name, struct span json, int64_t version_expected, struct span who, int64_t now_ns,
	int64_t *ret_version, struct diag *d)
{
	struct doc doc = {store_doc_name(c), name, 0, false, -1};
	bool same;
	int err = store_writing(s, d);
	if (err || (err = store_text(name, "name", NAME_MAX_BYTES, d)) || (json.p && (err = store_text(json, "json", JSON_MAX_BYTES, d))) ||
		(err = store_json_object(json, "json", d)) || (err = doc_last(s, &doc, d)) || (err = doc_current(s, &doc, json, &same, d)))
		return err;
	store_saw(s, now_ns);
	int64_t stored = doc.there ? doc.version : 0;
	if (version_expected >= 0 && version_expected != stored)
		return doc_refuse(MO_ESTATE, MSG_STORE_DOC_VERSION, name, version_expected, stored, d);
	if (!json.p && !doc.there)
		return doc_refuse(MO_ENOENT, MSG_STORE_DOC_MISSING, name, 0, 0, d);
	if (same) {
		*ret_version = doc.version;
		return 0;
	}
	return doc_write(s, &doc, sarg_s(json), -1, who, now_ns, ret_version, d);
}

int store_undo_doc(struct store *s, enum store_doc c, struct span name, struct span who, int64_t now_ns, int64_t *ret_version, struct diag *d)
{
	struct doc doc = {store_doc_name(c), name, 0, false, -1};
	sqlite3_stmt *st = NULL;
	struct store_arg json = sarg_null();
	struct buf copy;
	bool same;
	int err = store_writing(s, d);
	if (err || (err = doc_last(s, &doc, d)) || (err = doc_current(s, &doc, span_of(NULL, 0), &same, d)))
		return err;
	store_saw(s, now_ns);
	if (doc.version == 0)
		return doc_refuse(MO_ENOENT, MSG_STORE_DOC_MISSING, name, 0, 0, d);
	/* An undo after an undo goes one further back; version 0 is "not there". */
	int64_t at = doc.restores >= 0 ? doc.restores : doc.version;
	if (at == 0)
		return doc_refuse(MO_ESTATE, MSG_STORE_DOC_NO_UNDO, name, 0, 0, d);
	buf_init(&copy, 0);
	if (at > 1) {
		if ((err = db_use(&s->db, ST_DOC_AT, ARGS(sarg_c(doc.class), sarg_s(name), sarg_i(at - 1)), &st, d)) ||
			(err = db_step(&s->db, st, d)) < 0)
			goto out;
		if (err == 1 && sqlite3_column_type(st, 0) != SQLITE_NULL) {
			buf_add(&copy, db_col_text(st, 0));
			json = sarg_s(buf_span(&copy));
		}
		sqlite3_reset(st);
		err = copy.err ? diag_set(d, copy.err, MSG_OUT_OF_MEMORY) : 0;
	}
	if (!err)
		err = doc_write(s, &doc, json, at - 1, who, now_ns, ret_version, d);
out:
	buf_free(&copy);
	return err;
}

/* ---- request keys, marks ---- */

int store_idem_get(struct store *s, struct span key, const uint8_t digest[32], struct buf *answer, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&s->db, ST_IDEM_GET, ARGS(sarg_s(key)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) <= 0)
		return err ? err : MO_ENOENT;
	if (!span_eq(db_col_bytes(st, 0), span_of(digest, 32))) {
		diag_set(d, err = MO_EEXIST, MSG_STORE_IDEM_DIFFERS);
		diag_value(d, key);
	} else {
		err = 0;
		buf_add(answer, db_col_bytes(st, 1));
		if (answer->err)
			err = diag_set(d, answer->err, MSG_OUT_OF_MEMORY);
	}
	sqlite3_reset(st);
	return err;
}

int store_idem_put(struct store *s, struct span key, const uint8_t digest[32], struct span answer, int64_t now_ns, struct diag *d)
{
	int err = store_writing(s, d);
	if (err || (err = store_text(key, "key", NAME_MAX_BYTES, d)))
		return err;
	store_saw(s, now_ns);
	if ((err = db_run(&s->db, ST_IDEM_PRUNE, ARGS(sarg_i(now_ns - IDEM_KEPT_NS)), d)))
		return err;
	return db_run(&s->db, ST_IDEM_PUT, ARGS(sarg_s(key), sarg_b(span_of(digest, 32)), sarg_b(answer.p ? answer : span_str("")), sarg_i(now_ns)), d);
}

int store_put_mark(struct store *s, struct span name, struct span value, struct diag *d)
{
	int err = store_writing(s, d);
	if (err || (err = store_text(name, "name", NAME_MAX_BYTES, d)))
		return err;
	return db_run(&s->db, ST_MARK_PUT, ARGS(sarg_s(name), sarg_b(value.p ? value : span_str(""))), d);
}
