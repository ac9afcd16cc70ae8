/* Records in any order, upserts, append-only events, the change feed. */
#include "fixture.h"

static void test_any_order(void **state)
{
	struct fixture *f = *state;
	/* a link between lots nobody told of, then the lots */
	assert_int_equal(put1(f, r_link("R-1", "H-1")), STORE_NEW);
	struct record lot = r_lot("F", "H-1");
	lot.lot.item = S("HLD-A");
	lot.lot.quantity = 40;
	lot.lot.state = LOT_HOLD;
	lot.lot.has_state = true;
	lot.lot.place = S("WH-1");
	assert_int_equal(put1(f, lot), STORE_CHANGED);
	assert_int_equal(put1(f, lot), STORE_SAME);
	assert_string_equal(sel(f, SQ_LOT, "firm number item item_name state place quantity", A(TX("F"), TX("H-1"))), "F|H-1|HLD-A|HLD-A|on_hold|WH-1|40\n");
	assert_string_equal(sel(f, SQ_ASSETS, "code kind", A(NIL, NIL, sarg_i(10))), "HLD-A|item\n");
	assert_int_equal(put1(f, r_asset("HLD-A", "버스바 홀더", ASSET_ITEM)), STORE_CHANGED);
	assert_string_equal(sel(f, SQ_LOT, "item item_name", A(TX("F"), TX("H-1"))), "HLD-A|버스바 홀더\n");
	/* what is not said stays */
	struct record again = r_lot("F", "H-1");
	assert_int_equal(put1(f, again), STORE_SAME);
	again.lot.quantity = 39;
	assert_int_equal(put1(f, again), STORE_CHANGED);
	assert_string_equal(sel(f, SQ_LOT, "state place quantity", A(TX("F"), TX("H-1"))), "on_hold|WH-1|39\n");
	int64_t id = 0;
	OK(store_lot_id(f->r, lk("F", "R-1"), &id, &f->d));
	assert_string_equal(sel(f, SQ_LOT_LINKS, "number quantity", A(sarg_i(id), sarg_i(1))), "H-1|-\n");
	assert_string_equal(sel(f, SQ_LOT_LINKS, "number", A(sarg_i(id), sarg_i(0))), "");
	struct record link = r_link("R-1", "H-1");
	link.link.quantity = 12;
	assert_int_equal(put1(f, link), STORE_CHANGED);
	assert_int_equal(put1(f, link), STORE_SAME);
	assert_string_equal(sel(f, SQ_LOT_LINKS, "number quantity", A(sarg_i(id), sarg_i(1))), "H-1|12\n");
	assert_int_equal(store_lot_id(f->r, lk("F", "nobody"), &id, &f->d), MO_ENOENT);
}

static void test_lot_states(void **state)
{
	struct fixture *f = *state;
	struct record r = r_lot("F", "L");
	enum store_did did;
	r.lot.has_state = true;
	r.lot.state = LOT_QUARANTINE;
	put1(f, r);
	r.lot.state = LOT_SHIPPED;
	r.lot.item = S("NEVER-MADE");
	OK(store_begin(f->s, &f->d));
	assert_int_equal(put_at(f, &r, T0, &did), MO_ESTATE);
	assert_int_equal(f->d.msg, MSG_STORE_LOT_STATE);
	assert_string_equal(f->d.value, "L");
	assert_string_equal(f->d.arg[0].text, "quarantined");
	assert_string_equal(f->d.arg[1].text, "shipped");
	OK(store_commit(f->s, &f->d)); /* a refusal leaves nothing behind */
	assert_string_equal(sel(f, SQ_ASSET, "code", A(TX("NEVER-MADE"))), "");
	/* a lot that was only named may begin in any state */
	put1(f, r_link("P", "Q"));
	struct record q = r_lot("F", "Q");
	q.lot.has_state = true;
	q.lot.state = LOT_SHIPPED;
	assert_int_equal(put1(f, q), STORE_CHANGED);
}

static void test_operation(void **state)
{
	struct fixture *f = *state;
	struct record r = r_operation("op-1", "MLD-01", T0, T_NONE);
	r.operation.lot = lk("F", "H-1");
	r.operation.mould = S("M-117");
	r.operation.person = S("p7");
	r.operation.seq_first = 5;
	r.operation.seq_last = 24;
	assert_int_equal(put1(f, r), STORE_NEW);
	assert_int_equal(put1(f, r), STORE_SAME);
	struct record end = r_operation("op-1", "MLD-01", T0, T0 + 60 * NS_PER_S);
	end.operation.good = 38;
	end.operation.scrap = 2;
	assert_int_equal(put1(f, end), STORE_CHANGED);
	assert_string_equal(sel(f, SQ_OPERATIONS, "ref machine lot_number mould start end good rework scrap seq_first seq_last",
							A(TX("MLD-01"), NIL, NIL, NIL, sarg_i(10))),
		"op-1|MLD-01|H-1|M-117|T+0|T+60|38|-|2|5|24\n");
	assert_string_equal(sel(f, SQ_ASSETS, "code kind", A(NIL, NIL, sarg_i(10))), "M-117|mould\nMLD-01|machine\n");
	/* the stored end would lie before the new start */
	struct record late = r_operation("op-1", "MLD-01", T0 + 120 * NS_PER_S, T_NONE);
	enum store_did did;
	OK(store_begin(f->s, &f->d));
	assert_int_equal(put_at(f, &late, T0, &did), MO_EINVAL);
	assert_int_equal(f->d.msg, MSG_STORE_TIME_ORDER);
	store_rollback(f->s);
	int64_t id = 0;
	OK(store_lot_id(f->r, lk("F", "H-1"), &id, &f->d));
	assert_string_equal(sel(f, SQ_LOT_OPERATIONS, "ref", A(sarg_i(id))), "op-1\n");
	assert_string_equal(sel(f, SQ_OPERATIONS, "ref", A(NIL, sarg_i(T0), sarg_i(T0 + 1), NIL, sarg_i(10))), "op-1\n");
	assert_string_equal(sel(f, SQ_OPERATIONS, "ref", A(NIL, sarg_i(T0 + 1), NIL, NIL, sarg_i(10))), "");
}

static void test_events(void **state)
{
	struct fixture *f = *state;
	enum store_did did;
	struct record e = r_event("e-1", "note", T0);
	e.event.lot = lk("F", "H-1");
	e.event.text = S("1호기 원료교체 대체품 1포 투입");
	e.event.data = S("{\"bags\":1.0}");
	assert_int_equal(put1(f, e), STORE_NEW);
	assert_int_equal(put1(f, e), STORE_SAME);
	struct record other = e;
	other.event.text = S("2호기");
	OK(store_begin(f->s, &f->d));
	assert_int_equal(put_at(f, &other, T0, &did), MO_EEXIST);
	assert_int_equal(f->d.msg, MSG_STORE_RECORD_DIFFERS);
	struct record bad = r_event("e-9", "note", T0);
	bad.event.asset = S("X");
	bad.event.data = S("[1]");
	assert_int_equal(put_at(f, &bad, T0, &did), MO_EINVAL);
	assert_int_equal(f->d.msg, MSG_STORE_JSON);
	bad.event.data = S("{");
	assert_int_equal(put_at(f, &bad, T0, &did), MO_EINVAL);
	OK(store_commit(f->s, &f->d));
	struct record fix = other;
	fix.event.id = S("e-2");
	fix.event.corrects = S("e-1");
	fix.event.reason = S("오타");
	assert_int_equal(put1(f, fix), STORE_NEW);
	int64_t id = 0;
	OK(store_lot_id(f->r, lk("F", "H-1"), &id, &f->d));
	assert_string_equal(sel(f, SQ_LOT_EVENTS, "ref kind t arrival corrects reason corrected_by data", A(sarg_i(id))),
		"e-1|note|T+0|T+0|-|-|{\"bags\":1.0}|e-2\ne-2|note|T+0|T+0|e-1|오타|{\"bags\":1.0}|-\n");
	assert_string_equal(sel(f, SQ_EVENTS, "ref lot_number", A(NIL, TX("note"), NIL, NIL, NIL, sarg_i(1))), "e-1|H-1\n");
	assert_string_equal(sel(f, SQ_EVENTS, "ref", A(NIL, NIL, NIL, NIL, sarg_i(1), sarg_i(9))), "e-2\n");
	assert_string_equal(sel(f, SQ_EVENTS, "ref", A(TX("none"), NIL, NIL, NIL, NIL, sarg_i(9))), "");
}

static void test_characteristics(void **state)
{
	struct fixture *f = *state;
	struct record c = r_characteristic("c-1", "H-1", "weight", 41.7);
	c.characteristic.lower = 41.5;
	c.characteristic.judged = 1;
	c.characteristic.gauge = S("G-1");
	c.characteristic.seq = 7;
	assert_int_equal(put1(f, c), STORE_NEW);
	assert_int_equal(put1(f, c), STORE_SAME);
	c.characteristic.value = 41.8;
	enum store_did did;
	OK(store_begin(f->s, &f->d));
	assert_int_equal(put_at(f, &c, T0, &did), MO_EEXIST);
	store_rollback(f->s);
	int64_t id = 0;
	OK(store_lot_id(f->r, lk("F", "H-1"), &id, &f->d));
	assert_string_equal(sel(f, SQ_LOT_CHARACTERISTICS, "ref name value lower upper judged gauge seq", A(sarg_i(id))), "c-1|weight|41.7|41.5|-|1|G-1|7\n");
}

static void test_assets(void **state)
{
	struct fixture *f = *state;
	struct record r = r_asset("L1", "1라인", ASSET_LINE);
	r.asset.parent = S("SITE");
	assert_int_equal(put1(f, r), STORE_NEW);
	assert_string_equal(sel(f, SQ_ASSET, "code name kind parent", A(TX("L1"))), "L1|1라인|line|SITE\n");
	assert_string_equal(sel(f, SQ_ASSET, "kind", A(TX("SITE"))), "other\n");
	/* naming it as a machine tells what it is, once */
	put1(f, r_operation("o", "SITE", T0, T_NONE));
	assert_string_equal(sel(f, SQ_ASSET, "kind", A(TX("SITE"))), "machine\n");
	put1(f, r_asset("SITE", NULL, ASSET_SITE));
	put1(f, r_operation("o2", "SITE", T0, T_NONE));
	assert_string_equal(sel(f, SQ_ASSETS, "code name kind", A(TX("site"), NIL, sarg_i(9))), "SITE|SITE|site\n");
	/* no asset stands above itself */
	struct record top = r_asset("SITE", NULL, ASSET_SITE);
	top.asset.parent = S("L1");
	enum store_did did;
	OK(store_begin(f->s, &f->d));
	assert_int_equal(put_at(f, &top, T0, &did), MO_EINVAL);
	assert_int_equal(f->d.msg, MSG_STORE_ASSET_CYCLE);
	store_rollback(f->s);
	assert_string_equal(sel(f, SQ_ASSETS, "code", A(NIL, TX("L1"), sarg_i(9))), "SITE\n");
}

static void test_feed(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(store_last_change(f->s), 0);
	put1(f, r_link("A", "B"));
	assert_int_equal(store_last_change(f->s), 3);
	assert_string_equal(sel(f, SQ_CHANGES, "number noun key did", A(sarg_i(0), sarg_i(9))),
		"1|lot|F/A|new\n2|lot|F/B|new\n3|link|F/A > F/B|new\n");
	assert_string_equal(sel(f, SQ_CHANGES, "number", A(sarg_i(2), sarg_i(9))), "3\n");
	/* what is dropped leaves no number; a savepoint takes back only its own */
	enum store_did did;
	struct record r = r_link("A", "C");
	OK(store_begin(f->s, &f->d));
	OK(put_at(f, &r, T0, &did));
	OK(store_savepoint(f->s, &f->d));
	assert_int_equal(store_savepoint(f->s, &f->d), MO_ESTATE);
	struct record x = r_link("A", "D");
	OK(put_at(f, &x, T0, &did));
	assert_int_equal(store_last_change(f->s), 7);
	store_undo(f->s);
	assert_int_equal(store_last_change(f->s), 5);
	OK(store_savepoint(f->s, &f->d));
	OK(store_release(f->s, &f->d));
	OK(store_commit(f->s, &f->d));
	OK(store_begin(f->s, &f->d));
	OK(put_at(f, &x, T0, &did));
	store_rollback(f->s);
	assert_int_equal(store_last_change(f->s), 5);
	assert_string_equal(sel(f, SQ_COUNTS, NULL, NULL, 0), "link|2\nlot|3\n");
	fx_reopen(f);
	assert_int_equal(store_last_change(f->s), 5);
}

static void test_no_transaction(void **state)
{
	struct fixture *f = *state;
	enum store_did did;
	struct record r = r_link("A", "B");
	assert_int_equal(put_at(f, &r, T0, &did), MO_ESTATE);
	assert_int_equal(store_commit(f->s, &f->d), MO_ESTATE);
	OK(store_begin(f->s, &f->d));
	assert_int_equal(store_begin(f->s, &f->d), MO_ESTATE);
	assert_int_equal(store_release(f->s, &f->d), MO_ESTATE);
	struct record bad = r_lot("F", "");
	assert_int_equal(put_at(f, &bad, T0, &did), MO_EINVAL);
	store_rollback(f->s);
}

static void test_genealogy(void **state)
{
	struct fixture *f = *state;
	struct arena a;
	struct gen_tree t;
	int64_t id = 0;
	arena_init(&a, 0);
	put1(f, r_link("R", "H1"));
	put1(f, r_link("R", "H2"));
	put1(f, r_link("H1", "M1"));
	put1(f, r_link("H2", "M1"));
	OK(store_lot_id(f->r, lk("F", "R"), &id, &f->d));
	OK(genealogy_walk(&t, &a, id, true, 0, 0, store_links, f->r, &f->d));
	assert_int_equal(t.n_nodes, 4);
	assert_int_equal(t.n_links, 4);
	assert_int_equal(t.nodes[3].depth, 2);
	assert_true(isnan(t.links[0].quantity));
	struct record r = r_link("R", "H1");
	struct buf unit;
	buf_init(&unit, 0);
	r.link.quantity = 21.8;
	r.link.unit = S("kg");
	put1(f, r);
	OK(store_link_unit(f->r, t.links[0].parent, t.links[0].child, &unit, &f->d));
	assert_true(span_is(buf_span(&unit), "kg"));
	OK(store_link_unit(f->r, t.links[1].parent, t.links[1].child, &unit, &f->d));
	assert_int_equal(unit.n, 0);
	OK(store_link_unit(f->r, 1 << 30, 1, &unit, &f->d));
	assert_int_equal(unit.n, 0);
	buf_free(&unit);
	OK(genealogy_walk(&t, &a, t.nodes[3].lot, false, 1, 0, store_links, f->r, &f->d));
	assert_int_equal(t.n_nodes, 3);
	assert_true(t.cut);
	arena_free(&a);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {T(test_any_order), T(test_lot_states), T(test_operation), T(test_events), T(test_characteristics),
		T(test_assets), T(test_feed), T(test_no_transaction), T(test_genealogy)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
