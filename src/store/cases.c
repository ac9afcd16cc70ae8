/* Cases: what needs a person.
 *
 *   open, seen, in_work, done     (any to any: a person may take back what a person said)
 *   any of them -> closed
 *
 * closed is final. Beside that stands `over`: what was seen has ended. A case
 * is live while it is neither over nor closed; one key (asset, cause) has at
 * most one live case.
 *
 * A sighting goes to the case that holds it already (so that detectors that run
 * again over the same data change nothing); else to the live case, unless it is
 * over and lies wholly before it; else to the newest case of its key whose
 * interval it overlaps (late data); else it is a new case. The case then begins
 * at the earlier begin and ends as the sighting says. */
#include <stdio.h>

#include "os/crypto.h"
#include "os/crypto.h"
#include "store/priv/impl.h"

#define CAUSE_MAX 256u
#define NOTE_MAX 8192u

static const char *const state_names[CASE_STATES] = {"open", "seen", "in_work", "done", "closed"};

const char *case_state_name(enum case_state s) { return (unsigned)s < CASE_STATES ? state_names[s] : "?"; }

int case_state_parse(enum case_state *ret, struct span s)
{
	for (unsigned i = 0; i < CASE_STATES; i++)
		if (span_is(s, state_names[i])) {
			*ret = (enum case_state)i;
			return 0;
		}
	return MO_EINVAL;
}

static bool may(enum case_state from, enum case_state to)
{
	/* A state after itself carries a note. */
	return from != CASE_CLOSED && (unsigned)to < CASE_STATES;
}

static int note(struct store *s, int64_t id, const char *did, struct diag *d)
{
	char key[24];
	int n = snprintf(key, sizeof key, "%lld", (long long)id);
	return store_note(s, NOUN_CASE, span_of(key, (size_t)n), did, did[0] == 'n', d);
}

/* The case that the sighting belongs to, 0: none. */
static int find(struct store *s, const struct store_case *c, int64_t asset, int64_t *ret, struct diag *d)
{
	sqlite3_stmt *st;
	int64_t end = c->end_ns == T_NONE ? INT64_MAX : c->end_ns;
	*ret = 0;
	int err = db_find(&s->db, ST_CASE_SAME, ARGS(sarg_i(asset), sarg_s(c->cause), sarg_i(c->begin_ns), sarg_i(end), sarg_t(c->end_ns),
		sarg_i(c->over)), ret, d);
	if (err != MO_ENOENT)
		return err;
	if ((err = db_use(&s->db, ST_CASE_LIVE, ARGS(sarg_i(asset), sarg_s(c->cause)), &st, d)))
		return err;
	if ((err = db_step(&s->db, st, d)) < 0)
		return err;
	if (err == 1) {
		int64_t id = sqlite3_column_int64(st, 0), begin = sqlite3_column_int64(st, 1);
		sqlite3_reset(st);
		if (!c->over || end >= begin) {
			*ret = id;
			return 0;
		}
	}
	err = db_find(&s->db, ST_CASE_OVERLAP, ARGS(sarg_i(asset), sarg_s(c->cause), sarg_i(c->begin_ns), sarg_i(end)), ret, d);
	return err == MO_ENOENT ? 0 : err;
}

static int check(const struct store_case *c, struct diag *d)
{
	int err;
	if ((err = store_text(c->asset, "asset", RECORD_CODE_MAX, d)) || (err = store_text(c->cause, "cause", CAUSE_MAX, d)) ||
		(err = store_text(c->kind, "kind", RECORD_KIND_MAX, d)) || (c->evidence.n && (err = store_text(c->evidence, "evidence", RECORD_DATA_MAX, d))))
		return err;
	if (c->begin_ns == T_NONE || c->raised_ns == T_NONE || (c->end_ns != T_NONE && c->end_ns < c->begin_ns)) {
		char text[32];
		diag_set(d, MO_EINVAL, MSG_STORE_TIME_ORDER);
		diag_field(d, span_str("end"));
		diag_value(d, span_of(text, rfc3339_format(text, c->end_ns == T_NONE ? c->raised_ns : c->end_ns)));
		return MO_EINVAL;
	}
	return store_json_object(c->evidence, "evidence", d);
}

int store_put_case(struct store *s, const struct store_case *c, int64_t *ret_id, enum store_did *ret, struct diag *d)
{
	int64_t asset, lot, id;
	struct uuid u;
	int err;
	if ((err = store_writing(s, d)) || (err = check(c, d)))
		return err;
	store_saw(s, c->raised_ns);
	if ((err = store_asset_use(s, c->asset, ASSET_MACHINE, &asset, d)) || (err = store_lot_use(s, &c->lot, &lot, d)) ||
		(err = find(s, c, asset, &id, d)))
		return err;
	enum store_did did;
	if (id) {
		err = db_run(&s->db, ST_CASE_UPDATE, ARGS(sarg_i(id), sarg_s(c->kind), sarg_i(c->begin_ns), sarg_t(c->end_ns), sarg_id(lot),
			sarg_said(c->evidence), sarg_i(c->over), sarg_i(s->now_ns)), d);
		if (err)
			return err;
		did = sqlite3_changes(s->db.sq) ? STORE_CHANGED : STORE_SAME;
		if (did == STORE_CHANGED)
			err = note(s, id, "changed", d);
	} else {
		did = STORE_NEW;
		if ((err = store_uuid(s, &u, d)) ||
			(err = db_run(&s->db, ST_CASE_ADD, ARGS(sarg_b(span_of(u.b, sizeof u.b)), sarg_i(asset), sarg_s(c->cause), sarg_s(c->kind),
				sarg_i(c->begin_ns), sarg_t(c->end_ns), sarg_i(c->raised_ns), sarg_i(c->raised_ns), sarg_id(lot), sarg_said(c->evidence),
				sarg_i(c->over)), d)))
			return err;
		id = sqlite3_last_insert_rowid(s->db.sq);
		if (!(err = db_run(&s->db, ST_CASE_HISTORY, ARGS(sarg_i(id), sarg_i(c->raised_ns), sarg_c("open"), sarg_null(), sarg_null()), d)))
			err = note(s, id, "new", d);
	}
	if (err)
		return err;
	*ret_id = id;
	*ret = did;
	return 0;
}

static int add_history(struct store *s, int64_t id, enum case_state to, const struct store_case_note *n, const struct person_ref *p, int64_t now_ns, struct diag *d)
{
	struct buf sealed, about;
	bool hide = p->row && n->note.n;
	int err = 0;
	buf_init(&sealed, 0);
	buf_init(&about, 0);
	buf_printf(&about, CASE_ABOUT, (long long)id);
	if (about.err)
		err = diag_set(d, about.err, MSG_OUT_OF_MEMORY);
	else if (hide)
		err = store_seal_text(&sealed, p, buf_span(&about), n->note, span_of(NULL, 0), d);
	if (!err)
		err = db_run(&s->db, ST_CASE_HISTORY, ARGS(sarg_i(id), sarg_i(now_ns), sarg_c(state_names[to]), sarg_said(n->who), hide ? sarg_null() : sarg_said(n->note),
			sarg_id(p->row), hide ? sarg_b(buf_span(&sealed)) : sarg_null()), d);
	buf_free(&sealed);
	buf_free(&about);
	return err;
}

int store_case_state(struct store *s, int64_t id, enum case_state to, const struct store_case_note *n, int64_t now_ns, struct diag *d)
{
	struct person_ref p;
	sqlite3_stmt *st;
	enum case_state from = CASE_OPEN;
	int err = store_writing(s, d);
	if (err || (n->note.n && (err = store_text(n->note, "note", NOTE_MAX, d))) || (n->who.n && (err = store_text(n->who, "who", RECORD_NAME_MAX, d))) ||
		(n->person.n && (err = store_text(n->person, "person", RECORD_NAME_MAX, d))) ||
		(err = db_use(&s->db, ST_CASE_GET, ARGS(sarg_i(id)), &st, d)))
		return err;
	store_saw(s, now_ns);
	if ((err = db_step(&s->db, st, d)) < 0)
		return err;
	if (err == 0) {
		diag_set(d, MO_ENOENT, MSG_STORE_CASE_MISSING);
		diag_int(d, 0, id);
		return MO_ENOENT;
	}
	err = case_state_parse(&from, db_col_text(st, 0));
	sqlite3_reset(st);
	if (err)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY); /* the schema allows no other text, so there was none */
	if (!may(from, to)) {
		diag_set(d, MO_ESTATE, MSG_STORE_CASE_STATE);
		diag_int(d, 0, id);
		diag_text(d, 1, span_str(state_names[from]));
		diag_text(d, 2, span_str(case_state_name(to)));
		return MO_ESTATE;
	}
	if ((err = store_person_use(s, n->person, &p, d)))
		return err;
	err = p.row && !p.has_key && n->note.n ? store_person_keyless(&p, "person", d) : db_run(&s->db, ST_CASE_STATE, ARGS(sarg_i(id), sarg_c(state_names[to]), sarg_i(now_ns)), d);
	if (!err)
		err = add_history(s, id, to, n, &p, now_ns, d);
	crypto_wipe(p.key, sizeof p.key);
	if (err)
		return err;
	return note(s, id, "changed", d);
}
