/* Names, state changes, and what record_check() refuses: one table row a rule. */
#include <math.h>
#include <stdio.h>

#include "cm.h"

#include "lots/records.h"

#define S(x) span_str(x)
#define T0 INT64_C(1795392000000000000)

static void test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LOT_STATES; i++) {
		enum lot_state s = LOT_STATES;
		assert_int_equal(lot_state_parse(&s, S(lot_state_name((enum lot_state)i))), 0);
		assert_int_equal(s, i);
	}
	for (unsigned i = 0; i < ASSET_KINDS; i++) {
		enum asset_kind k = ASSET_KINDS;
		assert_int_equal(asset_kind_parse(&k, S(asset_kind_name((enum asset_kind)i))), 0);
		assert_int_equal(k, i);
	}
	for (unsigned i = 0; i < REC_TYPES; i++) {
		enum record_type t = REC_TYPES;
		assert_int_equal(record_type_parse(&t, S(record_type_name((enum record_type)i))), 0);
		assert_int_equal(t, i);
	}
	enum lot_state s = LOT_REWORK;
	enum asset_kind k;
	enum record_type t;
	assert_int_equal(lot_state_parse(&s, S("OK")), MO_EINVAL);
	assert_int_equal(s, LOT_REWORK);
	assert_int_equal(asset_kind_parse(&k, S("")), MO_EINVAL);
	assert_int_equal(record_type_parse(&t, S("lots")), MO_EINVAL);
	assert_string_equal(lot_state_name(LOT_HOLD), "on_hold");
	assert_string_equal(lot_state_name(LOT_STATES), "?");
	assert_string_equal(asset_kind_name(ASSET_KINDS), "?");
	assert_string_equal(record_type_name(REC_TYPES), "?");
}

static void test_may(void **state)
{
	(void)state;
	for (unsigned from = 0; from < LOT_STATES; from++) {
		enum lot_state f = (enum lot_state)from;
		assert_true(lot_may(f, f));
		assert_int_equal(lot_may(f, LOT_SHIPPED), f == LOT_OK || f == LOT_CONCESSION || f == LOT_SHIPPED);
		assert_int_equal(lot_may(f, LOT_HOLD), f != LOT_SCRAPPED);
		assert_int_equal(lot_may(f, LOT_OK), f != LOT_SCRAPPED && f != LOT_SHIPPED);
		assert_int_equal(lot_may(f, LOT_SCRAPPED), f != LOT_SHIPPED);
	}
	assert_false(lot_may(LOT_STATES, LOT_OK));
	assert_false(lot_may(LOT_OK, LOT_STATES));
}

/* ---- one good record of each type; every row of the table spoils one field ---- */

static struct record good(enum record_type t)
{
	struct record r = {.type = t};
	struct lot_key a = {S("SUP"), S("R-1")}, b = {S("MLD"), S("H-1")};
	switch (t) {
	case REC_ASSET:
		r.asset = (struct rec_asset){.code = S("MLD-01"), .name = S("사출기 1호"), .kind = ASSET_MACHINE, .parent = S("L1")};
		break;
	case REC_LOT:
		r.lot = (struct rec_lot){.key = b, .item = S("HLD-A"), .state = LOT_OK, .has_state = true, .made_ns = T0, .quantity = 40, .unit = S("EA")};
		break;
	case REC_LINK:
		r.link = (struct rec_link){.parent = a, .child = b, .quantity = NAN};
		break;
	case REC_OPERATION:
		r.operation = (struct rec_operation){.id = S("op"), .machine = S("MLD-01"), .lot = b, .start_ns = T0, .end_ns = T0, .good = 38, .rework = NAN,
			.scrap = 2, .concession = NAN, .seq_first = 1, .seq_last = 20};
		break;
	case REC_EVENT:
		r.event = (struct rec_event){.id = S("e"), .kind = S("note"), .t_ns = T0, .asset = S("MLD-01"), .quantity = NAN, .text = S("a\nb\tc")};
		break;
	case REC_CHARACTERISTIC:
	case REC_TYPES:
		r.characteristic = (struct rec_characteristic){.id = S("c"), .lot = b, .name = S("weight"), .value = 42, .lower = 41, .upper = 43, .judged = 1,
			.t_ns = T0};
		break;
	}
	return r;
}

static char longest[RECORD_DATA_MAX + 2];

static const char *of(size_t n)
{
	memset(longest, 'x', n);
	longest[n] = '\0';
	return longest;
}

#define REFUSED(t, change, want_field, want_msg) \
	do { \
		struct record r = good(t); \
		struct diag d; \
		assert_int_equal(record_check(&r, &d), 0); \
		change; \
		assert_int_equal(record_check(&r, &d), MO_EINVAL); \
		assert_string_equal(d.field, want_field); \
		assert_int_equal(d.msg, want_msg); \
		assert_int_equal(record_check(&r, NULL), MO_EINVAL); \
	} while (0)
#define ALLOWED(t, change) \
	do { \
		struct record r = good(t); \
		struct diag d; \
		change; \
		assert_int_equal(record_check(&r, &d), 0); \
	} while (0)

static void test_check(void **state)
{
	(void)state;
	REFUSED(REC_ASSET, r.asset.code = S(""), "code", MSG_LOTS_MISSING);
	REFUSED(REC_ASSET, r.asset.code = S(" MLD"), "code", MSG_LOTS_BLANKS);
	REFUSED(REC_ASSET, r.asset.code = S("a\nb"), "code", MSG_LOTS_BAD_TEXT);
	REFUSED(REC_ASSET, r.asset.code = S("a\x7f"), "code", MSG_LOTS_BAD_TEXT);
	REFUSED(REC_ASSET, r.asset.code = S("\xff"), "code", MSG_LOTS_BAD_TEXT);
	REFUSED(REC_ASSET, r.asset.code = S(of(RECORD_CODE_MAX + 1)), "code", MSG_LOTS_TOO_LONG);
	ALLOWED(REC_ASSET, r.asset.code = S(of(RECORD_CODE_MAX)));
	REFUSED(REC_ASSET, r.asset.name = S(of(RECORD_NAME_MAX + 1)), "name", MSG_LOTS_TOO_LONG);
	REFUSED(REC_ASSET, r.asset.kind = ASSET_KINDS, "kind", MSG_LOTS_BAD_VALUE);
	REFUSED(REC_ASSET, r.asset.parent = S("MLD-01"), "parent", MSG_LOTS_OWN_PARENT);
	REFUSED(REC_ASSET, r.asset.unit = S(of(RECORD_UNIT_MAX + 1)), "unit", MSG_LOTS_TOO_LONG);

	REFUSED(REC_LOT, r.lot.key.firm = S(""), "firm", MSG_LOTS_MISSING);
	REFUSED(REC_LOT, r.lot.key.firm = S("a/b"), "firm", MSG_LOTS_BAD_VALUE);
	ALLOWED(REC_LOT, r.lot.key.number = S("a/b"));
	REFUSED(REC_LOT, r.lot.key.number = S(""), "number", MSG_LOTS_MISSING);
	REFUSED(REC_LOT, r.lot.key.number = S(of(LOT_NUMBER_MAX + 1)), "number", MSG_LOTS_TOO_LONG);
	REFUSED(REC_LOT, r.lot.quantity = -1, "quantity", MSG_LOTS_BAD_VALUE);
	REFUSED(REC_LOT, r.lot.quantity = INFINITY, "quantity", MSG_LOTS_BAD_VALUE);
	REFUSED(REC_LOT, r.lot.state = LOT_STATES, "state", MSG_LOTS_BAD_VALUE);
	ALLOWED(REC_LOT, (r.lot.state = LOT_STATES, r.lot.has_state = false));
	REFUSED(REC_LOT, r.lot.item = S("x "), "item", MSG_LOTS_BLANKS);
	REFUSED(REC_LOT, r.lot.place = S("x "), "place", MSG_LOTS_BLANKS);

	REFUSED(REC_LINK, r.link.parent.number = S(""), "parent_number", MSG_LOTS_MISSING);
	REFUSED(REC_LINK, r.link.child.firm = S(""), "child_firm", MSG_LOTS_MISSING);
	REFUSED(REC_LINK, r.link.child = r.link.parent, "parent_number", MSG_LOTS_OWN_PARENT);
	ALLOWED(REC_LINK, r.link.child.number = r.link.parent.number);
	REFUSED(REC_LINK, r.link.quantity = -0.5, "quantity", MSG_LOTS_BAD_VALUE);

	REFUSED(REC_OPERATION, r.operation.id = S(""), "id", MSG_LOTS_MISSING);
	REFUSED(REC_OPERATION, r.operation.machine = S(""), "machine", MSG_LOTS_MISSING);
	REFUSED(REC_OPERATION, r.operation.start_ns = T_NONE, "start", MSG_LOTS_MISSING);
	REFUSED(REC_OPERATION, r.operation.end_ns = T0 - 1, "end", MSG_LOTS_TIME_ORDER);
	ALLOWED(REC_OPERATION, r.operation.end_ns = T_NONE);
	REFUSED(REC_OPERATION, r.operation.lot.firm = S(""), "lot_firm", MSG_LOTS_MISSING);
	ALLOWED(REC_OPERATION, (r.operation.lot = (struct lot_key){{NULL, 0}, {NULL, 0}}));
	REFUSED(REC_OPERATION, r.operation.scrap = -1, "scrap", MSG_LOTS_BAD_VALUE);
	REFUSED(REC_OPERATION, r.operation.seq_last = 0, "seq_last", MSG_LOTS_BAD_VALUE);
	REFUSED(REC_OPERATION, r.operation.seq_last = (uint64_t)INT64_MAX + 1, "seq_last", MSG_LOTS_BAD_VALUE);

	REFUSED(REC_EVENT, r.event.id = S(""), "id", MSG_LOTS_MISSING);
	REFUSED(REC_EVENT, r.event.kind = S(""), "kind", MSG_LOTS_MISSING);
	REFUSED(REC_EVENT, r.event.t_ns = T_NONE, "t", MSG_LOTS_MISSING);
	REFUSED(REC_EVENT, r.event.asset = S(""), "asset", MSG_LOTS_MISSING_ONE);
	ALLOWED(REC_EVENT, (r.event.asset = S(""), r.event.lot = (struct lot_key){S("F"), S("1")}));
	REFUSED(REC_EVENT, r.event.corrects = S("e0"), "reason", MSG_LOTS_MISSING);
	ALLOWED(REC_EVENT, (r.event.corrects = S("e0"), r.event.reason = S("typo")));
	REFUSED(REC_EVENT, (r.event.corrects = S("e"), r.event.reason = S("typo")), "corrects", MSG_LOTS_OWN_PARENT);
	REFUSED(REC_EVENT, r.event.text = S("a\001"), "text", MSG_LOTS_BAD_TEXT);
	REFUSED(REC_EVENT, r.event.text = S(of(RECORD_TEXT_MAX + 1)), "text", MSG_LOTS_TOO_LONG);
	REFUSED(REC_EVENT, r.event.data = S(of(RECORD_DATA_MAX + 1)), "data", MSG_LOTS_TOO_LONG);
	REFUSED(REC_EVENT, r.event.partner = S(of(FIRM_CODE_MAX + 1)), "partner", MSG_LOTS_TOO_LONG);

	REFUSED(REC_CHARACTERISTIC, r.characteristic.id = S(""), "id", MSG_LOTS_MISSING);
	REFUSED(REC_CHARACTERISTIC, r.characteristic.lot.number = S(""), "lot_number", MSG_LOTS_MISSING);
	REFUSED(REC_CHARACTERISTIC, r.characteristic.name = S(""), "name", MSG_LOTS_MISSING);
	REFUSED(REC_CHARACTERISTIC, (r.characteristic.value = NAN, r.characteristic.judged = -1), "value", MSG_LOTS_MISSING_ONE);
	ALLOWED(REC_CHARACTERISTIC, r.characteristic.value = NAN);
	REFUSED(REC_CHARACTERISTIC, r.characteristic.value = INFINITY, "value", MSG_LOTS_BAD_VALUE);
	REFUSED(REC_CHARACTERISTIC, r.characteristic.lower = 44, "lower", MSG_LOTS_BAD_VALUE);
	ALLOWED(REC_CHARACTERISTIC, (r.characteristic.lower = 44, r.characteristic.upper = NAN));
	REFUSED(REC_CHARACTERISTIC, r.characteristic.judged = 2, "judged", MSG_LOTS_BAD_VALUE);
	REFUSED(REC_CHARACTERISTIC, r.characteristic.t_ns = T_NONE, "t", MSG_LOTS_MISSING);
	REFUSED(REC_CHARACTERISTIC, r.characteristic.seq = UINT64_MAX, "seq", MSG_LOTS_BAD_VALUE);
	REFUSED(REC_ASSET, r.type = REC_TYPES, "type", MSG_LOTS_BAD_VALUE);
}

/* A zeroed text is one that was not said. */
static void test_values(void **state)
{
	(void)state;
	struct record r = good(REC_OPERATION);
	struct diag d;
	r.operation.end_ns = T0 - 500 * NS_PER_MS;
	assert_int_equal(record_check(&r, &d), MO_EINVAL);
	assert_string_equal(d.value, "2026-11-22T23:59:59.500Z");
	assert_string_equal(d.expected, ">= 2026-11-23T00:00:00Z");
	r = good(REC_LOT);
	r.lot.quantity = -2.5;
	assert_int_equal(record_check(&r, &d), MO_EINVAL);
	assert_string_equal(d.value, "-2.5");
	assert_string_equal(d.expected, ">= 0");
	r = good(REC_ASSET);
	r.asset.code = S(of(200));
	assert_int_equal(record_check(&r, &d), MO_EINVAL);
	assert_string_equal(d.expected, "<= 128");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_may), cmocka_unit_test(test_check),
		cmocka_unit_test(test_values)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
