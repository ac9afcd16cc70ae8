/* Assets, people and lots: found by name, made when named for the first time. */
#include "store/priv/impl.h"

#define PARENTS_MAX 64 /* levels from an asset up to its company */

int store_search_put(struct store *s, enum search_sort sort, int64_t id, const char *kind, struct span key, struct span title, struct span detail,
	struct diag *d)
{
	return db_run(&s->db, ST_SEARCH_PUT, ARGS(sarg_i(id * 4 + (int64_t)sort), sarg_c(kind), sarg_s(key), sarg_s(title), sarg_s(detail)), d);
}

/* "a b", skipping what is empty; in the scratch buffer, {NULL, 0} without memory. */
static struct span words(struct store *s, struct span a, struct span b)
{
	buf_reset(&s->scratch);
	buf_add(&s->scratch, a);
	if (b.n) {
		buf_addc(&s->scratch, ' ');
		buf_add(&s->scratch, b);
	}
	return s->scratch.err ? span_of(NULL, 0) : buf_span(&s->scratch);
}

static int search_asset(struct store *s, int64_t id, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&s->db, ST_ASSET_GET, ARGS(sarg_i(id)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) <= 0)
		return err;
	struct span code = db_col_text(st, 0), kind = db_col_text(st, 2), title = words(s, code, db_col_text(st, 1));
	if (!title.p || !code.p || !kind.p)
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	else
		err = store_search_put(s, SEARCH_ASSET, id, span_is(kind, "item") ? "item" : "asset", code, title, kind, d);
	sqlite3_reset(st);
	return err;
}

struct known {
	int64_t id;
	enum asset_kind kind;
	bool declared;
};

static int asset_find(struct store *s, struct span code, struct known *ret, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&s->db, ST_ASSET_FIND, ARGS(sarg_s(code)), &st, d);
	if (err)
		return err;
	err = db_step(&s->db, st, d);
	if (err <= 0)
		return err ? err : MO_ENOENT;
	*ret = (struct known){sqlite3_column_int64(st, 0), ASSET_OTHER, sqlite3_column_int(st, 2)};
	if (asset_kind_parse(&ret->kind, db_col_text(st, 1)))
		ret->kind = ASSET_OTHER;
	sqlite3_reset(st);
	return 0;
}

static int asset_add(struct store *s, const struct rec_asset *r, int64_t parent, bool declared, int64_t *ret, struct diag *d)
{
	struct uuid u;
	int err = store_uuid(s, &u, d);
	if (err)
		return err;
	err = db_run(&s->db, ST_ASSET_ADD, ARGS(sarg_b(span_of(u.b, sizeof u.b)), sarg_s(r->code), sarg_said(r->name), sarg_c(asset_kind_name(r->kind)),
		sarg_id(parent), sarg_said(r->unit), sarg_i(declared)), d);
	if (err)
		return err;
	*ret = sqlite3_last_insert_rowid(s->db.sq);
	if ((err = search_asset(s, *ret, d)))
		return err;
	return store_note(s, NOUN_ASSET, r->code, "new", 1, d);
}

int store_asset_use(struct store *s, struct span code, enum asset_kind kind, int64_t *ret, struct diag *d)
{
	struct known k;
	if (!code.n) {
		*ret = 0;
		return 0;
	}
	int err = asset_find(s, code, &k, d);
	if (err == MO_ENOENT)
		return asset_add(s, &(struct rec_asset){.code = code, .kind = kind}, 0, false, ret, d);
	if (err)
		return err;
	*ret = k.id;
	if (k.declared || k.kind != ASSET_OTHER || kind == ASSET_OTHER)
		return 0;
	/* So far it was only known by name; where it is named now says what it is. */
	if ((err = db_run(&s->db, ST_ASSET_KIND, ARGS(sarg_i(k.id), sarg_c(asset_kind_name(kind))), d)) || (err = search_asset(s, k.id, d)))
		return err;
	return store_note(s, NOUN_ASSET, code, "changed", 0, d);
}

/* MO_EINVAL when `asset` is `parent` or above it. */
static int check_parents(struct store *s, int64_t asset, struct span parent, struct span code, struct diag *d)
{
	struct known k;
	int err = asset_find(s, parent, &k, d);
	if (err)
		return err == MO_ENOENT ? 0 : err;
	int64_t at = k.id;
	for (int level = 0; at; level++) {
		if (at == asset || level == PARENTS_MAX) {
			diag_set(d, MO_EINVAL, MSG_STORE_ASSET_CYCLE);
			diag_field(d, span_str("parent"));
			diag_value(d, code);
			return MO_EINVAL;
		}
		if ((err = db_find(&s->db, ST_ASSET_PARENT, ARGS(sarg_i(at)), &at, d)))
			return err;
	}
	return 0;
}

int store_put_asset(struct store *s, const struct rec_asset *r, enum store_did *ret, struct diag *d)
{
	struct known k;
	int64_t parent, id;
	int err = asset_find(s, r->code, &k, d);
	if (err == MO_ENOENT) {
		if ((err = store_asset_use(s, r->parent, ASSET_OTHER, &parent, d)))
			return err;
		*ret = STORE_NEW;
		return asset_add(s, r, parent, true, &id, d);
	}
	if (err)
		return err;
	if (r->parent.n && (err = check_parents(s, k.id, r->parent, r->code, d)))
		return err;
	if ((err = store_asset_use(s, r->parent, ASSET_OTHER, &parent, d)) ||
		(err = db_run(&s->db, ST_ASSET_UPDATE, ARGS(sarg_i(k.id), sarg_said(r->name), sarg_c(asset_kind_name(r->kind)), sarg_id(parent),
			sarg_said(r->unit)), d)))
		return err;
	*ret = sqlite3_changes(s->db.sq) ? STORE_CHANGED : STORE_SAME;
	if (*ret == STORE_CHANGED && (err = search_asset(s, k.id, d)))
		return err;
	return store_noted(s, NOUN_ASSET, r->code, *ret, d);
}

/* ---- lots ---- */

struct span store_lot_key(char out[LOT_KEY_TEXT], const struct lot_key *key)
{
	size_t n = key->firm.n < FIRM_CODE_MAX ? key->firm.n : FIRM_CODE_MAX;
	memcpy(out, key->firm.p, n);
	out[n++] = '/';
	size_t m = key->number.n < LOT_NUMBER_MAX ? key->number.n : LOT_NUMBER_MAX;
	memcpy(out + n, key->number.p, m);
	return span_of(out, n + m);
}

static int search_lot(struct store *s, int64_t id, struct span key, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&s->db, ST_LOT_GET, ARGS(sarg_i(id)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) <= 0)
		return err;
	struct span number = db_col_text(st, 0), detail = words(s, db_col_text(st, 1), db_col_text(st, 2));
	if (!number.p || s->scratch.err)
		err = diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	else
		err = store_search_put(s, SEARCH_LOT, id, "lot", key, number, detail.p ? detail : span_str(""), d);
	sqlite3_reset(st);
	return err;
}

static int lot_add(struct store *s, const struct rec_lot *r, int64_t item, bool declared, int64_t *ret, struct diag *d)
{
	char text[LOT_KEY_TEXT];
	struct span key = store_lot_key(text, &r->key);
	struct uuid u;
	int err = store_uuid(s, &u, d);
	if (err)
		return err;
	err = db_run(&s->db, ST_LOT_ADD, ARGS(sarg_b(span_of(u.b, sizeof u.b)), sarg_s(r->key.firm), sarg_s(r->key.number), sarg_id(item),
		sarg_c(lot_state_name(r->has_state ? r->state : LOT_OK)), sarg_said(r->place), sarg_t(r->made_ns), sarg_f(r->quantity), sarg_said(r->unit),
		sarg_i(declared)), d);
	if (err)
		return err;
	*ret = sqlite3_last_insert_rowid(s->db.sq);
	if ((err = search_lot(s, *ret, key, d)))
		return err;
	return store_note(s, NOUN_LOT, key, "new", 1, d);
}

struct known_lot {
	int64_t id;
	enum lot_state state;
	bool declared;
};

static int lot_find(struct store *s, const struct lot_key *key, struct known_lot *ret, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&s->db, ST_LOT_FIND, ARGS(sarg_s(key->firm), sarg_s(key->number)), &st, d);
	if (err)
		return err;
	err = db_step(&s->db, st, d);
	if (err <= 0)
		return err ? err : MO_ENOENT;
	*ret = (struct known_lot){sqlite3_column_int64(st, 0), LOT_OK, sqlite3_column_int(st, 2)};
	err = lot_state_parse(&ret->state, db_col_text(st, 1));
	sqlite3_reset(st);
	return err ? diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY) : 0; /* the schema allows no other text, so there was none */
}

int store_lot_use(struct store *s, const struct lot_key *key, int64_t *ret, struct diag *d)
{
	struct known_lot k;
	*ret = 0;
	if (!key->number.n)
		return 0;
	int err = lot_find(s, key, &k, d);
	if (err == MO_ENOENT)
		return lot_add(s, &(struct rec_lot){.key = *key, .made_ns = T_NONE, .quantity = NAN}, 0, false, ret, d);
	if (!err)
		*ret = k.id;
	return err;
}

int store_put_lot(struct store *s, const struct rec_lot *r, enum store_did *ret, struct diag *d)
{
	char text[LOT_KEY_TEXT];
	struct span key = store_lot_key(text, &r->key);
	struct known_lot k;
	int64_t item, id;
	int err = lot_find(s, &r->key, &k, d);
	if (err == MO_ENOENT) {
		*ret = STORE_NEW;
		err = store_asset_use(s, r->item, ASSET_ITEM, &item, d);
		return err ? err : lot_add(s, r, item, true, &id, d);
	}
	if (err)
		return err;
	/* A lot that was only named so far has no state to come from. */
	if (r->has_state && k.declared && !lot_may(k.state, r->state)) {
		diag_set(d, MO_ESTATE, MSG_STORE_LOT_STATE);
		diag_field(d, span_str("state"));
		diag_value(d, r->key.number);
		diag_text(d, 0, span_str(lot_state_name(k.state)));
		diag_text(d, 1, span_str(lot_state_name(r->state)));
		return MO_ESTATE;
	}
	if ((err = store_asset_use(s, r->item, ASSET_ITEM, &item, d)) ||
		(err = db_run(&s->db, ST_LOT_UPDATE, ARGS(sarg_i(k.id), sarg_id(item), r->has_state ? sarg_c(lot_state_name(r->state)) : sarg_null(),
			sarg_said(r->place), sarg_t(r->made_ns), sarg_f(r->quantity), sarg_said(r->unit)), d)))
		return err;
	*ret = sqlite3_changes(s->db.sq) ? STORE_CHANGED : STORE_SAME;
	if (*ret == STORE_CHANGED && r->item.n && (err = search_lot(s, k.id, key, d)))
		return err;
	return store_noted(s, NOUN_LOT, key, *ret, d);
}
