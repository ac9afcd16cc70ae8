/* Statements of an export: whole tables in one order that does not depend on
 * when they are asked, each with (from, to, assets) as its arguments. `assets`
 * is a JSON array of row ids, or NULL for all. Rows are walked once, to the
 * end: a plan that reads a whole table is the right one where the table is. */
#include "store/priv/queries.h"

#define COLS(a) a, sizeof a / sizeof a[0]
#define ID {"id", COL_I64, NULL}
#define STR(n) {n, COL_STR, NULL}
#define INT(n) {n, COL_I64, NULL}
#define NUM(n) {n, COL_F64, NULL}
#define AT(n) {n, COL_TIME, NULL}
#define BOOL(n) {n, COL_BOOL, NULL}
#define JSON(n) {n, COL_JSON, NULL}
#define FROM "coalesce(?1,-9223372036854775807)"
#define TO "coalesce(?2,9223372036854775807)"
#define CHOSEN(column) "(?3 IS NULL OR " column " IN (SELECT value FROM json_each(?3)))"
/* A lot is of the range when it was made in it or something recorded in it names it; without a range and a choice all are. */
#define LOT_SEEN \
	"(?1 IS NULL AND ?2 IS NULL AND ?3 IS NULL OR (?3 IS NULL AND l.made>=" FROM " AND l.made<" TO ")" \
	" OR EXISTS(SELECT 1 FROM operation o WHERE o.lot=l.id AND o.start>=" FROM " AND o.start<" TO " AND " CHOSEN("o.machine") ")" \
	" OR EXISTS(SELECT 1 FROM event e WHERE e.lot=l.id AND e.t>=" FROM " AND e.t<" TO " AND " CHOSEN("e.asset") ")" \
	" OR EXISTS(SELECT 1 FROM characteristic c WHERE c.lot=l.id AND c.t>=" FROM " AND c.t<" TO " AND " CHOSEN("c.asset") "))"

static const struct col_def below_cols[] = {ID, STR("code")};
static const char below_sql[] =
	"WITH RECURSIVE below(id) AS (SELECT id FROM asset WHERE code=?1 UNION SELECT a.id FROM below b JOIN asset a ON a.parent=b.id) SELECT a.id, a.code FROM below b JOIN asset a ON a.id=b.id ORDER BY 1";

static const struct col_def asset_cols[] = {STR("code"), STR("name"), STR("kind"), STR("parent"), STR("unit"), STR("uuid"), BOOL("declared")};
static const char assets_sql[] =
	"SELECT a.code, a.name, a.kind, p.code, a.unit, uuid_text(a.uuid), a.declared FROM asset a LEFT JOIN asset p ON p.id=a.parent"
	" WHERE (?1 IS NULL OR 1) AND (?2 IS NULL OR 1) AND " CHOSEN("a.id") " ORDER BY a.id";

static const struct col_def lot_cols[] = {STR("firm"), STR("number"), STR("item"), STR("state"), STR("place"), AT("made"), NUM("quantity"), STR("unit"), STR("uuid"),
	BOOL("declared")};
static const char lots_sql[] =
	"SELECT l.firm, l.number, i.code, l.state, l.place, l.made, l.quantity, l.unit, uuid_text(l.uuid), l.declared FROM lot l LEFT JOIN asset i ON i.id=l.item"
	" WHERE " LOT_SEEN " ORDER BY l.id";

/* Either end is enough: the other one is what the lot was made from, or went into. */
static const struct col_def link_cols[] = {STR("parent_firm"), STR("parent_number"), STR("child_firm"), STR("child_number"), NUM("quantity"), STR("unit"),
	STR("operation")};
static const char links_sql[] =
	"SELECT p.firm, p.number, c.firm, c.number, k.quantity, k.unit, k.operation FROM lot_link k JOIN lot p ON p.id=k.parent JOIN lot c ON c.id=k.child"
	" WHERE (?1 IS NULL AND ?2 IS NULL AND ?3 IS NULL) OR EXISTS(SELECT 1 FROM lot l WHERE l.id IN (k.parent, k.child) AND " LOT_SEEN ")"
	" ORDER BY k.parent, k.child";

static const struct col_def operation_cols[] = {STR("id"), STR("machine"), STR("step"), STR("lot_firm"), STR("lot_number"), STR("item"), STR("mould"), STR("cavity"),
	STR("tool"), STR("standard_version"), STR("person"), AT("start"), AT("end"), NUM("good"), NUM("rework"), NUM("scrap"), NUM("concession"), INT("seq_first"),
	INT("seq_last"), AT("arrival"), STR("uuid")};
static const char operations_sql[] =
	"SELECT o.ref, m.code, o.step, l.firm, l.number, i.code, f.code, o.cavity, o.tool, o.standard_version, p.code, o.start, o.end, o.good, o.rework, o.scrap,"
	" o.concession, o.seq_first, o.seq_last, o.arrival, uuid_text(o.uuid) FROM operation o JOIN asset m ON m.id=o.machine LEFT JOIN lot l ON l.id=o.lot"
	" LEFT JOIN asset i ON i.id=o.item LEFT JOIN asset f ON f.id=o.mould LEFT JOIN person p ON p.id=o.person"
	" WHERE o.start>=" FROM " AND o.start<" TO " AND " CHOSEN("o.machine") " ORDER BY o.start, o.id";

static const struct col_def event_cols[] = {STR("id"), STR("kind"), AT("t"), STR("asset"), STR("lot_firm"), STR("lot_number"), NUM("quantity"), STR("unit"),
	STR("from"), STR("to"), STR("partner"), STR("text"), STR("corrects"), STR("reason"), JSON("data"), AT("arrival"), STR("uuid")};
static const char events_sql[] =
	"SELECT e.ref, e.kind, e.t, a.code, l.firm, l.number, e.quantity, e.unit, e.from_place, e.to_place, e.partner, e.text, e.corrects, e.reason, e.data, e.arrival,"
	" uuid_text(e.uuid) FROM event e LEFT JOIN asset a ON a.id=e.asset LEFT JOIN lot l ON l.id=e.lot"
	" WHERE e.t>=" FROM " AND e.t<" TO " AND " CHOSEN("e.asset") " ORDER BY e.t, e.id";

static const struct col_def characteristic_cols[] = {STR("id"), STR("lot_firm"), STR("lot_number"), STR("name"), NUM("value"), STR("unit"), NUM("lower"), NUM("upper"),
	BOOL("pass"), STR("gauge"), STR("spec_version"), STR("person"), AT("t"), STR("machine"), INT("seq"), AT("arrival"), STR("uuid")};
static const char characteristics_sql[] =
	"SELECT c.ref, l.firm, l.number, c.name, c.value, c.unit, c.lower, c.upper, c.judged, g.code, c.spec_version, p.code, c.t, a.code, c.seq, c.arrival,"
	" uuid_text(c.uuid) FROM characteristic c JOIN lot l ON l.id=c.lot LEFT JOIN asset g ON g.id=c.gauge LEFT JOIN person p ON p.id=c.person"
	" LEFT JOIN asset a ON a.id=c.asset WHERE c.t>=" FROM " AND c.t<" TO " AND " CHOSEN("c.asset") " ORDER BY c.id";

static const struct col_def state_cols[] = {STR("asset"), AT("from"), AT("to"), STR("state"), INT("alarm")};
static const char states_sql[] =
	"SELECT a.code, s.from_t, s.to_t, s.state, s.alarm FROM state s JOIN asset a ON a.id=s.asset WHERE s.to_t>" FROM " AND s.from_t<" TO
	" AND " CHOSEN("s.asset") " ORDER BY s.asset, s.from_t";

#define CASE_IN "k.begin_t<" TO " AND coalesce(k.end_t,9223372036854775807)>=" FROM " AND " CHOSEN("k.asset")
static const struct col_def case_cols[] = {INT("case"), STR("asset"), STR("cause"), STR("kind"), STR("state"), AT("begin"), AT("end"), AT("raised"), AT("changed"),
	STR("lot_firm"), STR("lot_number"), JSON("evidence"), BOOL("over"), STR("uuid")};
static const char cases_sql[] =
	"SELECT k.id, a.code, k.cause, k.kind, k.state, k.begin_t, k.end_t, k.raised, k.changed, l.firm, l.number, k.evidence, k.over, uuid_text(k.uuid)"
	" FROM cases k JOIN asset a ON a.id=k.asset LEFT JOIN lot l ON l.id=k.lot WHERE " CASE_IN " ORDER BY k.id";
static const struct col_def history_cols[] = {INT("case"), AT("t"), STR("state"), STR("who"), STR("note")};
static const char history_sql[] =
	"SELECT h.case_id, h.t, h.state, h.who, h.note FROM case_history h JOIN cases k ON k.id=h.case_id WHERE " CASE_IN " ORDER BY h.id";

/* Blobs and documents belong to no asset: with a choice of assets they stay at home. Files about people go where their names go: into no export. */
static const struct col_def blob_cols[] = {STR("sha256"), INT("bytes"), STR("media_type"), STR("name"), AT("t"), {"digest", COL_BYTES, NULL}};
static const char blobs_sql[] =
	"SELECT lower(hex(b.sha256)), b.size, b.media_type, b.name, b.t, b.sha256 FROM blob b WHERE b.t>=" FROM " AND b.t<" TO " AND ?3 IS NULL"
	" AND NOT EXISTS(SELECT 1 FROM person_file f WHERE f.blob=b.sha256) ORDER BY b.sha256";
static const struct col_def doc_cols[] = {STR("class"), STR("name"), INT("version"), JSON("json")};
static const char docs_sql[] =
	"SELECT d.class, d.name, d.version, d.json FROM doc d WHERE d.json IS NOT NULL AND (?1 IS NULL OR 1) AND (?2 IS NULL OR 1) AND ?3 IS NULL ORDER BY d.class, d.name";

const struct store_query_def store_export_queries[STORE_EXPORT_QUERIES] = {
	[SQ_EXPORT_BELOW - SQ_EXPORT_FIRST] = {"export_below", below_sql, 1, COLS(below_cols)},
	[SQ_EXPORT_ASSETS - SQ_EXPORT_FIRST] = {"export_assets", assets_sql, 3, COLS(asset_cols)},
	[SQ_EXPORT_LOTS - SQ_EXPORT_FIRST] = {"export_lots", lots_sql, 3, COLS(lot_cols)},
	[SQ_EXPORT_LINKS - SQ_EXPORT_FIRST] = {"export_links", links_sql, 3, COLS(link_cols)},
	[SQ_EXPORT_OPERATIONS - SQ_EXPORT_FIRST] = {"export_operations", operations_sql, 3, COLS(operation_cols)},
	[SQ_EXPORT_EVENTS - SQ_EXPORT_FIRST] = {"export_events", events_sql, 3, COLS(event_cols)},
	[SQ_EXPORT_CHARACTERISTICS - SQ_EXPORT_FIRST] = {"export_characteristics", characteristics_sql, 3, COLS(characteristic_cols)},
	[SQ_EXPORT_STATES - SQ_EXPORT_FIRST] = {"export_states", states_sql, 3, COLS(state_cols)},
	[SQ_EXPORT_CASES - SQ_EXPORT_FIRST] = {"export_cases", cases_sql, 3, COLS(case_cols)},
	[SQ_EXPORT_CASE_HISTORY - SQ_EXPORT_FIRST] = {"export_case_history", history_sql, 3, COLS(history_cols)},
	[SQ_EXPORT_BLOBS - SQ_EXPORT_FIRST] = {"export_blobs", blobs_sql, 3, COLS(blob_cols)},
	[SQ_EXPORT_DOCS - SQ_EXPORT_FIRST] = {"export_docs", docs_sql, 3, COLS(doc_cols)},
};
