/* Where a name stands in plain: texts that say no person, names of things, files that were imported. See people.h. */
#include <stdlib.h>

#include "base/utf8.h"
#include "os/crypto.h"
#include "store/people.h"
#include "store/priv/impl.h"
#include "store/priv/tokenizer.h"

#define ROWS_BETWEEN 256u /* stop() is asked */
#define KEYS 2            /* id, key; texts follow, each named as its field is shown */

static const struct source {
	const char *object, *sql;
} sources[] = {
	{"event", "SELECT uuid_text(uuid), ref, text, reason, data, ref AS id, kind, partner, from_place AS \"from\", to_place AS \"to\" FROM event"},
	{"case", "SELECT case_id, case_id, note FROM case_history"},
	{"case", "SELECT id, id, cause, evidence FROM cases"},
	{"asset", "SELECT uuid_text(uuid), code, code, name FROM asset"},
	{"lot", "SELECT uuid_text(uuid), firm||'/'||number, number, place FROM lot"},
	{"operation", "SELECT uuid_text(uuid), ref, ref AS id, step, tool, cavity, standard_version FROM operation"},
	{"characteristic", "SELECT uuid_text(uuid), ref, ref AS id, name, spec_version FROM characteristic"},
	{"signal", "SELECT uuid_text(series), uuid_text(series), name, label FROM signal"},
	{"doc", "SELECT class||' '||version, class||'/'||name, name, json FROM doc WHERE json IS NOT NULL"},
	{"doc_version", "SELECT h.class||' '||h.version, h.class||'/'||h.name||' '||h.version, h.name, h.json FROM doc_history h"
		" LEFT JOIN doc d ON d.class=h.class AND d.name=h.name AND d.version=h.version AND d.json IS NOT NULL WHERE d.name IS NULL AND h.json IS NOT NULL"},
	{"import", "SELECT id, id, file, result FROM import"},
	{"blob", "SELECT lower(hex(sha256)), lower(hex(sha256)), name FROM blob"},
	{"erasure", "SELECT p.code, p.code, e.reason FROM erasure e JOIN person p ON p.id=e.person"},
	{"audit", "SELECT id, id, target, detail FROM audit"},
};

static int hex4(struct span s, size_t at)
{
	int v = 0;
	for (size_t i = at; i < at + 4; i++) {
		uint8_t c = i < s.n ? s.p[i] : 0;
		int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
		if (digit < 0)
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

/* As two spellings of a name are compared: Hangul composed, letters small, and \uXXXX of a JSON text as what it means. */
static void fold(struct buf *out, struct buf *plain, struct span text)
{
	buf_reset(plain);
	buf_reset(out);
	for (size_t i = 0; i < text.n && !plain->err;) {
		uint8_t four[4];
		int escaped = text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == 'u' ? hex4(text, i + 2) : -1, n = escaped >= 0 ? utf8_put(four, (uint32_t)escaped) : 0;
		if (n > 0) {
			buf_add(plain, span_of(four, (size_t)n));
			i += 6;
		} else {
			buf_addc(plain, text.p[i++]);
		}
	}
	utf8_compose_hangul(out, buf_span(plain));
	buf_reset(plain);
	for (size_t i = 0; i < out->n;) {
		uint32_t cp;
		uint8_t four[4];
		int n = utf8_next(span_sub(buf_span(out), i, out->n), &cp), m = n > 0 ? utf8_put(four, tokenizer_lower(cp)) : 0;
		if (m > 0)
			buf_add(plain, span_of(four, (size_t)m));
		else
			buf_addc(plain, out->p[i]);
		i += n > 0 ? (size_t)n : 1;
	}
	struct buf t = *out;
	*out = *plain;
	*plain = t;
	if (plain->err && !out->err)
		out->err = plain->err;
}

struct finding {
	struct buf name, text, more;
	struct store_found *ret;
	size_t cap, n;
	bool all;
	unsigned rows;
	bool (*stop)(void *arg);
	void *arg;
};

static int holds(struct finding *f, struct span text, bool *ret)
{
	*ret = false;
	if (!text.n)
		return 0;
	fold(&f->text, &f->more, text);
	*ret = !f->text.err && memmem(f->text.p, f->text.n, f->name.p, f->name.n) != NULL;
	return f->text.err;
}

static int row(struct finding *f, const char *object, sqlite3_stmt *st)
{
	for (int i = KEYS; i < sqlite3_column_count(st); i++) {
		bool found = false, in_key = false;
		int err = holds(f, db_col_text(st, i), &found);
		if (!err && found)
			err = holds(f, db_col_text(st, 1), &in_key);
		if (err)
			return err;
		if (!found)
			continue;
		if (f->n == f->cap) {
			f->all = false;
			return 0;
		}
		struct store_found *at = &f->ret[f->n++];
		diag_copy(at->object, sizeof at->object, span_str(object));
		diag_copy(at->key, sizeof at->key, db_col_text(st, in_key ? 0 : 1)); /* the evidence must not say what was erased */
		diag_copy(at->field, sizeof at->field, span_str(sqlite3_column_name(st, i)));
	}
	return 0;
}

static int look(struct finding *f, struct db *db, const struct source *s, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	int err = 0, step = 0, rc = sqlite3_prepare_v2(db->sq, s->sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return db_error(db, rc, "find", d);
	while (!err && f->all && (step = db_step(db, st, d)) > 0) {
		err = row(f, s->object, st);
		if (err)
			diag_set(d, err, MSG_OUT_OF_MEMORY);
		if (++f->rows % ROWS_BETWEEN == 0 && f->stop(f->arg))
			f->all = false;
	}
	sqlite3_finalize(st);
	return err ? err : step < 0 ? step : 0;
}

int store_find_name(struct store_reader *r, struct span name, bool (*stop)(void *arg), void *arg, struct store_found *ret, size_t cap, size_t *ret_n,
	bool *ret_all, struct diag *d)
{
	struct finding f = {.ret = ret, .cap = cap, .all = true, .stop = stop, .arg = arg};
	buf_init(&f.name, 0);
	buf_init(&f.text, 0);
	buf_init(&f.more, 0);
	fold(&f.name, &f.more, name);
	int err = f.name.err ? diag_set(d, f.name.err, MSG_OUT_OF_MEMORY) : 0;
	for (size_t i = 0; i < sizeof sources / sizeof *sources && !err && f.all && f.name.n; i++)
		err = look(&f, store_reader_db(r), &sources[i], d);
	if (!err) {
		*ret_n = f.n;
		*ret_all = f.all;
	}
	struct buf *const all[] = {&f.name, &f.text, &f.more};
	for (size_t i = 0; i < 3; i++) {
		if (all[i]->p)
			crypto_wipe(all[i]->p, all[i]->cap);
		buf_free(all[i]);
	}
	return err;
}
