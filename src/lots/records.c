#include "lots/records.h"

#include <math.h>
#include <stdio.h>

#include "base/num.h"
#include "base/utf8.h"

static const char *const state_names[LOT_STATES] = {"ok", "on_hold", "quarantined", "concession", "rework", "scrapped", "shipped"};
static const char *const kind_names[ASSET_KINDS] = {"company", "site", "line", "machine", "mould", "gauge", "item", "other"};
static const char *const type_names[REC_TYPES] = {"asset", "lot", "link", "operation", "event", "characteristic"};

static int name_find(const char *const *names, int n, struct span s)
{
	for (int i = 0; i < n; i++)
		if (span_is(s, names[i]))
			return i;
	return -1;
}

const char *lot_state_name(enum lot_state s) { return (unsigned)s < LOT_STATES ? state_names[s] : "?"; }
const char *asset_kind_name(enum asset_kind k) { return (unsigned)k < ASSET_KINDS ? kind_names[k] : "?"; }
const char *record_type_name(enum record_type t) { return (unsigned)t < REC_TYPES ? type_names[t] : "?"; }

int lot_state_parse(enum lot_state *ret, struct span s)
{
	int i = name_find(state_names, LOT_STATES, s);
	if (i < 0)
		return MO_EINVAL;
	*ret = (enum lot_state)i;
	return 0;
}

int asset_kind_parse(enum asset_kind *ret, struct span s)
{
	int i = name_find(kind_names, ASSET_KINDS, s);
	if (i < 0)
		return MO_EINVAL;
	*ret = (enum asset_kind)i;
	return 0;
}

int record_type_parse(enum record_type *ret, struct span s)
{
	int i = name_find(type_names, REC_TYPES, s);
	if (i < 0)
		return MO_EINVAL;
	*ret = (enum record_type)i;
	return 0;
}

bool lot_may(enum lot_state from, enum lot_state to)
{
	/* A row is where a lot stands, a column where it may go. What was scrapped is gone; what was shipped comes back only to be looked at. */
	static const bool may[LOT_STATES][LOT_STATES] = {
		/*                ok hold quar conc rewk scrap ship */
		[LOT_OK] =         {1, 1, 1, 1, 1, 1, 1},
		[LOT_HOLD] =       {1, 1, 1, 1, 1, 1, 0},
		[LOT_QUARANTINE] = {1, 1, 1, 1, 1, 1, 0},
		[LOT_CONCESSION] = {1, 1, 1, 1, 1, 1, 1},
		[LOT_REWORK] =     {1, 1, 1, 1, 1, 1, 0},
		[LOT_SCRAPPED] =   {0, 0, 0, 0, 0, 1, 0},
		[LOT_SHIPPED] =    {0, 1, 1, 0, 0, 0, 1},
	};
	return (unsigned)from < LOT_STATES && (unsigned)to < LOT_STATES && may[from][to];
}

/* ---- checking ---- */

static int refuse(struct diag *d, enum mo_msg msg, const char *field, struct span value, const char *expected)
{
	diag_set(d, MO_EINVAL, msg);
	diag_field(d, span_str(field));
	diag_value(d, value);
	diag_expected(d, expected);
	return MO_EINVAL;
}

static int refuse_f64(struct diag *d, enum mo_msg msg, const char *field, double value, const char *expected)
{
	char text[32];
	return refuse(d, msg, field, span_of(text, num_format_f64(text, value)), expected);
}

static int refuse_time(struct diag *d, const char *field, int64_t value, int64_t bound)
{
	char text[32], expected[48];
	size_t n = rfc3339_format(expected + 3, bound);
	memcpy(expected, ">= ", 3);
	expected[3 + n] = '\0';
	return refuse(d, MSG_LOTS_TIME_ORDER, field, span_of(text, rfc3339_format(text, value)), expected);
}

static bool said(struct span s) { return s.n > 0; }

/* Free text: valid UTF-8, no control characters but tab and line ends. */
static int check_text(struct span s, const char *field, size_t max, struct diag *d)
{
	char expected[48];
	if (!said(s))
		return 0;
	if (s.n > max) {
		snprintf(expected, sizeof expected, "<= %zu", max);
		return refuse(d, MSG_LOTS_TOO_LONG, field, s, expected);
	}
	if (!utf8_valid(s))
		return refuse(d, MSG_LOTS_BAD_TEXT, field, s, "UTF-8");
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 0x20 && s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r') || s.p[i] == 0x7f)
			return refuse(d, MSG_LOTS_BAD_TEXT, field, s, "[^\\x00-\\x1f]");
	return 0;
}

/* Names by which something is found again: one line, no blanks at the ends, for " A" and "A" would be two things that look like one. */
static int check_code(struct span s, const char *field, size_t max, bool required, struct diag *d)
{
	if (!said(s))
		return required ? refuse(d, MSG_LOTS_MISSING, field, s, "") : 0;
	int err = check_text(s, field, max, d);
	if (err)
		return err;
	if (span_trim(s).n != s.n)
		return refuse(d, MSG_LOTS_BLANKS, field, s, "");
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20)
			return refuse(d, MSG_LOTS_BAD_TEXT, field, s, "[^\\x00-\\x1f]");
	return 0;
}

/* Both parts or, where it isn't required, none. '/' parts firm and number in keys of the change feed, so a firm's code can't hold it. */
static int check_key(const struct lot_key *k, const char *firm, const char *number, bool required, struct diag *d)
{
	int err;
	bool any = required || said(k->firm) || said(k->number);
	if ((err = check_code(k->firm, firm, FIRM_CODE_MAX, any, d)) || (err = check_code(k->number, number, LOT_NUMBER_MAX, any, d)))
		return err;
	if (span_find(k->firm, 0, '/') < k->firm.n)
		return refuse(d, MSG_LOTS_BAD_VALUE, firm, k->firm, "[^/]");
	return 0;
}

static int check_amount(double v, const char *field, struct diag *d)
{
	if (isnan(v) || (v >= 0 && isfinite(v)))
		return 0;
	return refuse_f64(d, MSG_LOTS_BAD_VALUE, field, v, ">= 0");
}

static int check_number(double v, const char *field, struct diag *d)
{
	return isinf(v) ? refuse_f64(d, MSG_LOTS_BAD_VALUE, field, v, "-1.8e308..1.8e308") : 0;
}

static int check_asset(const struct rec_asset *r, struct diag *d)
{
	int err;
	if ((err = check_code(r->code, "code", RECORD_CODE_MAX, true, d)) || (err = check_code(r->name, "name", RECORD_NAME_MAX, false, d)) ||
		(err = check_code(r->parent, "parent", RECORD_CODE_MAX, false, d)) || (err = check_code(r->unit, "unit", RECORD_UNIT_MAX, false, d)))
		return err;
	if ((unsigned)r->kind >= ASSET_KINDS)
		return refuse(d, MSG_LOTS_BAD_VALUE, "kind", span_str("?"), "company, site, line, machine, mould, gauge, item, other");
	if (said(r->parent) && span_eq(r->parent, r->code))
		return refuse(d, MSG_LOTS_OWN_PARENT, "parent", r->parent, "");
	return 0;
}

static int check_lot(const struct rec_lot *r, struct diag *d)
{
	int err;
	if ((err = check_key(&r->key, "firm", "number", true, d)) || (err = check_code(r->item, "item", RECORD_CODE_MAX, false, d)) ||
		(err = check_code(r->place, "place", RECORD_CODE_MAX, false, d)) || (err = check_amount(r->quantity, "quantity", d)) ||
		(err = check_code(r->unit, "unit", RECORD_UNIT_MAX, false, d)))
		return err;
	if (r->has_state && (unsigned)r->state >= LOT_STATES)
		return refuse(d, MSG_LOTS_BAD_VALUE, "state", span_str("?"), "ok, on_hold, quarantined, concession, rework, scrapped, shipped");
	return 0;
}

static int check_link(const struct rec_link *r, struct diag *d)
{
	int err;
	if ((err = check_key(&r->parent, "parent_firm", "parent_number", true, d)) ||
		(err = check_key(&r->child, "child_firm", "child_number", true, d)) || (err = check_amount(r->quantity, "quantity", d)) ||
		(err = check_code(r->unit, "unit", RECORD_UNIT_MAX, false, d)) ||
		(err = check_code(r->operation, "operation", RECORD_ID_MAX, false, d)))
		return err;
	if (span_eq(r->parent.firm, r->child.firm) && span_eq(r->parent.number, r->child.number))
		return refuse(d, MSG_LOTS_OWN_PARENT, "parent_number", r->parent.number, "");
	return 0;
}

static int check_operation(const struct rec_operation *r, struct diag *d)
{
	int err;
	if ((err = check_code(r->id, "id", RECORD_ID_MAX, true, d)) || (err = check_code(r->machine, "machine", RECORD_CODE_MAX, true, d)) ||
		(err = check_code(r->step, "step", RECORD_NAME_MAX, false, d)) || (err = check_key(&r->lot, "lot_firm", "lot_number", false, d)) ||
		(err = check_code(r->item, "item", RECORD_CODE_MAX, false, d)) || (err = check_code(r->mould, "mould", RECORD_CODE_MAX, false, d)) ||
		(err = check_code(r->cavity, "cavity", RECORD_CODE_MAX, false, d)) || (err = check_code(r->tool, "tool", RECORD_CODE_MAX, false, d)) ||
		(err = check_code(r->standard_version, "standard_version", RECORD_CODE_MAX, false, d)) ||
		(err = check_code(r->person, "person", RECORD_NAME_MAX, false, d)) || (err = check_amount(r->good, "good", d)) ||
		(err = check_amount(r->rework, "rework", d)) || (err = check_amount(r->scrap, "scrap", d)) ||
		(err = check_amount(r->concession, "concession", d)))
		return err;
	if (r->start_ns == T_NONE)
		return refuse(d, MSG_LOTS_MISSING, "start", span_str(""), "");
	if (r->end_ns != T_NONE && r->end_ns < r->start_ns)
		return refuse_time(d, "end", r->end_ns, r->start_ns);
	if (r->seq_first > r->seq_last || r->seq_last > INT64_MAX) {
		char text[48];
		int n = snprintf(text, sizeof text, "%llu..%llu", (unsigned long long)r->seq_first, (unsigned long long)r->seq_last);
		return refuse(d, MSG_LOTS_BAD_VALUE, "seq_last", span_of(text, (size_t)n), ">= seq_first, <= 9223372036854775807");
	}
	return 0;
}

static int check_event(const struct rec_event *r, struct diag *d)
{
	int err;
	if ((err = check_code(r->id, "id", RECORD_ID_MAX, true, d)) || (err = check_code(r->kind, "kind", RECORD_KIND_MAX, true, d)) ||
		(err = check_code(r->asset, "asset", RECORD_CODE_MAX, false, d)) || (err = check_key(&r->lot, "lot_firm", "lot_number", false, d)) ||
		(err = check_amount(r->quantity, "quantity", d)) || (err = check_code(r->unit, "unit", RECORD_UNIT_MAX, false, d)) ||
		(err = check_code(r->from_place, "from_place", RECORD_CODE_MAX, false, d)) ||
		(err = check_code(r->to_place, "to_place", RECORD_CODE_MAX, false, d)) ||
		(err = check_code(r->partner, "partner", FIRM_CODE_MAX, false, d)) || (err = check_text(r->text, "text", RECORD_TEXT_MAX, d)) ||
		(err = check_code(r->corrects, "corrects", RECORD_ID_MAX, false, d)) || (err = check_text(r->reason, "reason", RECORD_TEXT_MAX, d)) ||
		(err = check_code(r->person, "person", RECORD_NAME_MAX, false, d)) ||
		(err = check_text(r->data, "data", RECORD_DATA_MAX, d)))
		return err;
	if (r->t_ns == T_NONE)
		return refuse(d, MSG_LOTS_MISSING, "t", span_str(""), "");
	if (!said(r->asset) && !said(r->lot.number))
		return refuse(d, MSG_LOTS_MISSING_ONE, "asset", span_str(""), "asset, lot");
	if (said(r->corrects) && span_eq(r->corrects, r->id))
		return refuse(d, MSG_LOTS_OWN_PARENT, "corrects", r->corrects, "");
	if (said(r->corrects) && !said(r->reason))
		return refuse(d, MSG_LOTS_MISSING, "reason", span_str(""), "");
	return 0;
}

static int check_characteristic(const struct rec_characteristic *r, struct diag *d)
{
	int err;
	if ((err = check_code(r->id, "id", RECORD_ID_MAX, true, d)) || (err = check_key(&r->lot, "lot_firm", "lot_number", true, d)) ||
		(err = check_code(r->name, "name", RECORD_NAME_MAX, true, d)) || (err = check_number(r->value, "value", d)) ||
		(err = check_code(r->unit, "unit", RECORD_UNIT_MAX, false, d)) || (err = check_number(r->lower, "lower", d)) ||
		(err = check_number(r->upper, "upper", d)) || (err = check_code(r->gauge, "gauge", RECORD_CODE_MAX, false, d)) ||
		(err = check_code(r->spec_version, "spec_version", RECORD_CODE_MAX, false, d)) ||
		(err = check_code(r->person, "person", RECORD_NAME_MAX, false, d)) || (err = check_code(r->asset, "asset", RECORD_CODE_MAX, false, d)))
		return err;
	if (r->t_ns == T_NONE)
		return refuse(d, MSG_LOTS_MISSING, "t", span_str(""), "");
	if (r->judged < -1 || r->judged > 1) {
		char text[24];
		return refuse(d, MSG_LOTS_BAD_VALUE, "judged", span_of(text, num_format_i64(text, r->judged)), "-1, 0, 1");
	}
	if (isnan(r->value) && r->judged == -1)
		return refuse(d, MSG_LOTS_MISSING_ONE, "value", span_str(""), "value, judged");
	if (r->lower > r->upper) /* false when either isn't said */
		return refuse_f64(d, MSG_LOTS_BAD_VALUE, "lower", r->lower, "<= upper");
	if (r->seq > INT64_MAX)
		return refuse(d, MSG_LOTS_BAD_VALUE, "seq", span_str("> 9223372036854775807"), "0..9223372036854775807");
	return 0;
}

int record_check(const struct record *r, struct diag *d)
{
	switch (r->type) {
	case REC_ASSET:
		return check_asset(&r->asset, d);
	case REC_LOT:
		return check_lot(&r->lot, d);
	case REC_LINK:
		return check_link(&r->link, d);
	case REC_OPERATION:
		return check_operation(&r->operation, d);
	case REC_EVENT:
		return check_event(&r->event, d);
	case REC_CHARACTERISTIC:
		return check_characteristic(&r->characteristic, d);
	case REC_TYPES:
		break;
	}
	return refuse(d, MSG_LOTS_BAD_VALUE, "type", span_str("?"), "asset, lot, link, operation, event, characteristic");
}
