/* Links, operations, events, characteristics; store_put_record() itself.
 * A refusal (MO_EEXIST, MO_ESTATE, MO_EINVAL) is found before anything is
 * written; after any other error the caller rolls back. */
#include "os/crypto.h"
#include "store/priv/impl.h"

static int put_link(struct store *s, const struct rec_link *r, enum store_did *ret, struct diag *d)
{
	char from[LOT_KEY_TEXT], to[LOT_KEY_TEXT], text[2 * LOT_KEY_TEXT + 3];
	int64_t parent, child, one;
	int err;
	if ((err = store_lot_use(s, &r->parent, &parent, d)) || (err = store_lot_use(s, &r->child, &child, d)))
		return err;
	err = db_find(&s->db, ST_LINK_FIND, ARGS(sarg_i(parent), sarg_i(child)), &one, d);
	if (err && err != MO_ENOENT)
		return err;
	*ret = err == MO_ENOENT ? STORE_NEW : STORE_CHANGED;
	if ((err = db_run(&s->db, ST_LINK_PUT, ARGS(sarg_i(parent), sarg_i(child), sarg_f(r->quantity), sarg_said(r->unit), sarg_said(r->operation)), d)))
		return err;
	if (!sqlite3_changes(s->db.sq))
		*ret = STORE_SAME;
	struct span a = store_lot_key(from, &r->parent), b = store_lot_key(to, &r->child);
	memcpy(text, a.p, a.n);
	memcpy(text + a.n, " > ", 3);
	memcpy(text + a.n + 3, b.p, b.n);
	return store_noted(s, NOUN_LINK, span_of(text, a.n + 3 + b.n), *ret, d);
}

/* What the update would leave standing has to make sense too, not only what it says. */
static int check_merged(sqlite3_stmt *st, const struct rec_operation *r, struct diag *d)
{
	int64_t start = r->start_ns, end = r->end_ns;
	if (end == T_NONE && sqlite3_column_type(st, 2) != SQLITE_NULL)
		end = sqlite3_column_int64(st, 2);
	if (end == T_NONE || end >= start)
		return 0;
	char text[32];
	diag_set(d, MO_EINVAL, MSG_STORE_TIME_ORDER);
	diag_field(d, span_str("end"));
	diag_value(d, span_of(text, rfc3339_format(text, end)));
	return MO_EINVAL;
}

static int put_operation(struct store *s, const struct rec_operation *r, int64_t arrival_ns, enum store_did *ret, struct diag *d)
{
	sqlite3_stmt *st;
	struct uuid u;
	int64_t machine, lot, item, mould;
	struct person_ref person;
	int err = db_use(&s->db, ST_OPERATION_FIND, ARGS(sarg_s(r->id)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) < 0)
		return err;
	bool there = err == 1;
	err = there ? check_merged(st, r, d) : 0;
	sqlite3_reset(st);
	if (err)
		return err;
	if ((err = store_asset_use(s, r->machine, ASSET_MACHINE, &machine, d)) || (err = store_lot_use(s, &r->lot, &lot, d)) ||
		(err = store_asset_use(s, r->item, ASSET_ITEM, &item, d)) || (err = store_asset_use(s, r->mould, ASSET_MOULD, &mould, d)) ||
		(err = store_person_use(s, r->person, &person, d)) || (err = store_uuid(s, &u, d)))
		return err;
	crypto_wipe(person.key, sizeof person.key);
	bool cycles = r->seq_first || r->seq_last;
	const struct store_arg args[] = {sarg_s(r->id), sarg_id(machine), sarg_said(r->step), sarg_id(lot), sarg_id(item), sarg_id(mould),
		sarg_said(r->cavity), sarg_said(r->tool), sarg_said(r->standard_version), sarg_id(person.row), sarg_t(r->start_ns), sarg_t(r->end_ns),
		sarg_f(r->good), sarg_f(r->rework), sarg_f(r->scrap), sarg_f(r->concession), cycles ? sarg_i((int64_t)r->seq_first) : sarg_null(),
		cycles ? sarg_i((int64_t)r->seq_last) : sarg_null(), sarg_b(span_of(u.b, sizeof u.b)), sarg_i(arrival_ns)};
	if ((err = db_run(&s->db, there ? ST_OPERATION_UPDATE : ST_OPERATION_ADD, args, there ? 18 : 20, d)))
		return err;
	*ret = !there ? STORE_NEW : sqlite3_changes(s->db.sq) ? STORE_CHANGED : STORE_SAME;
	return store_noted(s, NOUN_OPERATION, r->id, *ret, d);
}

/* ---- what is append-only is compared by a digest of its content ----
 * Each field that was said, as number, length and bytes: fields to come don't change the digests of records that don't use them. */

static void dig(struct buf *b, unsigned field, struct span s)
{
	if (!s.n)
		return;
	buf_varint(b, field);
	buf_varint(b, s.n);
	buf_add(b, s);
}

static void dig_i64(struct buf *b, unsigned field, int64_t v)
{
	if (v == T_NONE)
		return;
	buf_varint(b, field);
	buf_varint(b, 8);
	buf_u64(b, (uint64_t)v);
}

static void dig_f64(struct buf *b, unsigned field, double v)
{
	uint64_t bits;
	if (isnan(v))
		return;
	v += 0.0; /* -0 is 0 */
	memcpy(&bits, &v, sizeof bits);
	buf_varint(b, field);
	buf_varint(b, 8);
	buf_u64(b, bits);
}

static int dig_end(struct buf *b, uint8_t ret[32], struct diag *d)
{
	int err = b->err ? b->err : sha256_of(ret, buf_span(b));
	return err ? diag_set(d, err, MSG_OUT_OF_MEMORY) : 0;
}

/* Whether `ref` is there already: *there with equal content, MO_EEXIST with other. */
static int find_same(struct store *s, enum statement find, struct span ref, const uint8_t digest[32], bool *there, struct diag *d)
{
	sqlite3_stmt *st;
	int err = db_use(&s->db, find, ARGS(sarg_s(ref)), &st, d);
	if (err)
		return err;
	if ((err = db_step(&s->db, st, d)) <= 0) {
		*there = false;
		return err;
	}
	*there = true;
	bool same = span_eq(db_col_bytes(st, 0), span_of(digest, 32));
	sqlite3_reset(st);
	if (same)
		return 0;
	diag_set(d, MO_EEXIST, MSG_STORE_RECORD_DIFFERS);
	diag_field(d, span_str("id"));
	diag_value(d, ref);
	return MO_EEXIST;
}

/* A person's records may not be known again by a digest that anybody can make: with a key it is keyed, and without the key nobody's. */
static int dig_about(struct buf *b, uint8_t digest[32], const struct person_ref *p, struct diag *d)
{
	dig(b, 15, span_str(p->code));
	int err = b->err ? b->err : aead_hmac(digest, p->key, buf_span(b));
	return err ? diag_set(d, err, MSG_OUT_OF_MEMORY) : 0;
}

static int add_event(struct store *s, const struct rec_event *r, int64_t arrival_ns, const struct person_ref *p, const uint8_t digest[32], struct diag *d)
{
	struct uuid u;
	struct buf sealed;
	int64_t asset, lot;
	bool hide = p->row && (r->text.n || r->reason.n);
	int err;
	if ((err = store_asset_use(s, r->asset, ASSET_OTHER, &asset, d)) || (err = store_lot_use(s, &r->lot, &lot, d)) || (err = store_uuid(s, &u, d)))
		return err;
	buf_init(&sealed, 0);
	if (!hide || !(err = store_seal_text(&sealed, p, r->id, r->text, r->reason, d)))
		err = db_run(&s->db, ST_EVENT_ADD, ARGS(sarg_s(r->id), sarg_b(span_of(u.b, sizeof u.b)), sarg_b(span_of(digest, 32)), sarg_s(r->kind),
			sarg_i(r->t_ns), sarg_i(arrival_ns), sarg_id(asset), sarg_id(lot), sarg_f(r->quantity), sarg_said(r->unit), sarg_said(r->from_place),
			sarg_said(r->to_place), sarg_said(r->partner), hide ? sarg_null() : sarg_said(r->text), sarg_said(r->corrects),
			hide ? sarg_null() : sarg_said(r->reason), sarg_said(r->data), sarg_id(p->row), hide ? sarg_b(buf_span(&sealed)) : sarg_null()), d);
	buf_free(&sealed);
	return err;
}

/* The person of a record that is append-only. A name that nobody knows makes a person, but not for a record whose id is there already: it cannot be
 * the same, and a refusal leaves nothing behind. */
static int person_of(struct store *s, enum statement of, struct span ref, struct span name, struct person_ref *ret, struct diag *d)
{
	static const uint8_t nobodys[32];
	bool there;
	int err = store_person_find(s, name, ret, d);
	if (err != MO_ENOENT)
		return err;
	err = find_same(s, of, ref, nobodys, &there, d);
	return err ? err : store_person_use(s, name, ret, d);
}

static int put_event(struct store *s, const struct rec_event *r, int64_t arrival_ns, enum store_did *ret, struct diag *d)
{
	uint8_t digest[32];
	struct buf *b = &s->scratch;
	struct person_ref p;
	bool there;
	int err = store_json_object(r->data, "data", d);
	if (err || (err = person_of(s, ST_EVENT_FIND, r->id, r->person, &p, d)))
		return err;
	buf_reset(b);
	dig(b, 1, r->kind);
	dig_i64(b, 2, r->t_ns);
	dig(b, 3, r->asset);
	dig(b, 4, r->lot.firm);
	dig(b, 5, r->lot.number);
	dig_f64(b, 6, r->quantity);
	dig(b, 7, r->unit);
	dig(b, 8, r->from_place);
	dig(b, 9, r->to_place);
	dig(b, 10, r->partner);
	dig(b, 11, r->text);
	dig(b, 12, r->corrects);
	dig(b, 13, r->reason);
	dig(b, 14, r->data);
	if (!(err = p.row ? dig_about(b, digest, &p, d) : dig_end(b, digest, d)))
		err = find_same(s, ST_EVENT_FIND, r->id, digest, &there, d);
	if (!err && !there && p.row && !p.has_key && (r->text.n || r->reason.n))
		err = store_person_keyless(&p, "person", d);
	if (!err) {
		*ret = there ? STORE_SAME : STORE_NEW;
		if (!there && !(err = add_event(s, r, arrival_ns, &p, digest, d)))
			err = store_noted(s, NOUN_EVENT, r->id, STORE_NEW, d);
	}
	crypto_wipe(p.key, sizeof p.key);
	if (p.row)
		crypto_wipe(b->p, b->n);
	return err;
}

/* person: the pseudonym. */
static int digest_characteristic(struct buf *b, const struct rec_characteristic *r, struct span person, uint8_t digest[32], struct diag *d)
{
	buf_reset(b);
	dig(b, 1, r->lot.firm);
	dig(b, 2, r->lot.number);
	dig(b, 3, r->name);
	dig_f64(b, 4, r->value);
	dig(b, 5, r->unit);
	dig_f64(b, 6, r->lower);
	dig_f64(b, 7, r->upper);
	dig_i64(b, 8, r->judged);
	dig(b, 9, r->gauge);
	dig(b, 10, r->spec_version);
	dig(b, 11, person);
	dig_i64(b, 12, r->t_ns);
	dig(b, 13, r->asset);
	dig_i64(b, 14, (int64_t)r->seq);
	return dig_end(b, digest, d);
}

static struct span text_of(sqlite3_value *v)
{
	const void *p = sqlite3_value_text(v);
	return span_of(p, p ? (size_t)sqlite3_value_bytes(v) : 0);
}
static double f64_of(sqlite3_value *v) { return sqlite3_value_type(v) == SQLITE_NULL ? (double)NAN : sqlite3_value_double(v); }

/* characteristic_digest(firm, number, name, value, unit, lower, upper, judged, gauge, spec_version, pseudonym, t, machine, seq) of a row. */
static void characteristic_digest(sqlite3_context *ctx, int n, sqlite3_value **a)
{
	struct store *s = sqlite3_user_data(ctx);
	uint8_t digest[32];
	(void)n;
	struct rec_characteristic r = {.lot = {text_of(a[0]), text_of(a[1])}, .name = text_of(a[2]), .value = f64_of(a[3]), .unit = text_of(a[4]),
		.lower = f64_of(a[5]), .upper = f64_of(a[6]), .judged = sqlite3_value_type(a[7]) == SQLITE_NULL ? -1 : sqlite3_value_int(a[7]),
		.gauge = text_of(a[8]), .spec_version = text_of(a[9]), .t_ns = sqlite3_value_int64(a[11]), .asset = text_of(a[12]),
		.seq = (uint64_t)sqlite3_value_int64(a[13])};
	if (digest_characteristic(&s->scratch, &r, text_of(a[10]), digest, NULL))
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_blob(ctx, digest, sizeof digest, SQLITE_TRANSIENT);
}

int store_digest_function(struct store *s, struct diag *d)
{
	int rc = sqlite3_create_function_v2(s->db.sq, "characteristic_digest", 14, SQLITE_UTF8 | SQLITE_DIRECTONLY, s, characteristic_digest, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_error(&s->db, rc, "open", d);
}

static int put_characteristic(struct store *s, const struct rec_characteristic *r, int64_t arrival_ns, enum store_did *ret, struct diag *d)
{
	uint8_t digest[32];
	struct uuid u;
	struct person_ref person;
	int64_t asset, lot, gauge;
	bool there;
	int err = person_of(s, ST_CHARACTERISTIC_FIND, r->id, r->person, &person, d);
	if (err)
		return err;
	crypto_wipe(person.key, sizeof person.key);
	if ((err = digest_characteristic(&s->scratch, r, span_str(person.code), digest, d)) ||
		(err = find_same(s, ST_CHARACTERISTIC_FIND, r->id, digest, &there, d)))
		return err;
	*ret = there ? STORE_SAME : STORE_NEW;
	if (there)
		return 0;
	if ((err = store_lot_use(s, &r->lot, &lot, d)) || (err = store_asset_use(s, r->gauge, ASSET_GAUGE, &gauge, d)) ||
		(err = store_asset_use(s, r->asset, ASSET_MACHINE, &asset, d)) || (err = store_uuid(s, &u, d)))
		return err;
	err = db_run(&s->db, ST_CHARACTERISTIC_ADD, ARGS(sarg_s(r->id), sarg_b(span_of(u.b, sizeof u.b)), sarg_b(span_of(digest, 32)), sarg_i(lot),
		sarg_s(r->name), sarg_f(r->value), sarg_said(r->unit), sarg_f(r->lower), sarg_f(r->upper), r->judged < 0 ? sarg_null() : sarg_i(r->judged),
		sarg_id(gauge), sarg_said(r->spec_version), sarg_id(person.row), sarg_i(r->t_ns), sarg_id(asset), sarg_id((int64_t)r->seq),
		sarg_i(arrival_ns)), d);
	return err ? err : store_noted(s, NOUN_CHARACTERISTIC, r->id, STORE_NEW, d);
}

int store_put_record(struct store *s, const struct record *r, int64_t arrival_ns, enum store_did *ret, struct diag *d)
{
	enum store_did did = STORE_SAME;
	int err;
	if ((err = store_writing(s, d)) || (err = record_check(r, d)))
		return err;
	store_saw(s, arrival_ns);
	switch (r->type) {
	case REC_ASSET:
		err = store_put_asset(s, &r->asset, &did, d);
		break;
	case REC_LOT:
		err = store_put_lot(s, &r->lot, &did, d);
		break;
	case REC_LINK:
		err = put_link(s, &r->link, &did, d);
		break;
	case REC_OPERATION:
		err = put_operation(s, &r->operation, arrival_ns, &did, d);
		break;
	case REC_EVENT:
		err = put_event(s, &r->event, arrival_ns, &did, d);
		break;
	case REC_CHARACTERISTIC:
		err = put_characteristic(s, &r->characteristic, arrival_ns, &did, d);
		break;
	case REC_TYPES:
		err = MO_EBUG; /* record_check() refused it */
		break;
	}
	if (!err)
		*ret = did;
	return err;
}
