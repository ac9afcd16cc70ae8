/* The statements that readers may ask for. An argument that may be NULL
 * ("any") gets an arm of its own in a UNION ALL, so that each arm walks the
 * index that fits it; the arm that doesn't apply ends before its first row. */
#include <stddef.h>

#include "store/priv/queries.h"

#define COLS(a) a, sizeof a / sizeof a[0]
#define ID {"id", COL_I64, NULL}
#define STR(n) {n, COL_STR, NULL}
#define INT(n) {n, COL_I64, NULL}
#define NUM(n) {n, COL_F64, NULL}
#define AT(n) {n, COL_TIME, NULL}
#define JSON(n) {n, COL_JSON, NULL}
#define NO_END "9223372036854775807"
#define NO_START "-9223372036854775807"

/* ---- assets, signals ---- */

#define ASSET_SQL \
	"SELECT a.id, a.code, coalesce(a.name,a.code), a.kind, p.code, a.unit, uuid_text(a.uuid) FROM asset a LEFT JOIN asset p ON p.id=a.parent "
static const struct col_def asset_cols[] = {ID, STR("code"), STR("name"), STR("kind"), STR("parent"), STR("unit"), STR("uuid")};
static const char assets_sql[] =
	"SELECT * FROM (" ASSET_SQL "WHERE ?1 IS NULL AND a.code>coalesce(?2,'') UNION ALL " ASSET_SQL
	"WHERE ?1 IS NOT NULL AND a.kind=?1 AND a.code>coalesce(?2,'')) ORDER BY 2 LIMIT ?3";
static const char asset_sql[] = ASSET_SQL "WHERE a.code=?1";

#define SIGNAL_SQL \
	"SELECT s.id, uuid_text(s.series), a.code, s.name, coalesce(s.label,s.name), s.unit, s.source, s.type, s.kind" \
	" FROM signal s JOIN asset a ON a.id=s.asset "
static const struct col_def signal_cols[] = {ID, STR("series"), STR("asset"), STR("name"), STR("label"), STR("unit"), STR("source"), INT("type"),
	INT("kind")};
static const char signals_sql[] =
	"SELECT * FROM (" SIGNAL_SQL "WHERE ?1 IS NULL AND s.id>coalesce(?2,0) UNION ALL " SIGNAL_SQL
	"WHERE ?1 IS NOT NULL AND s.asset=(SELECT id FROM asset WHERE code=?1) AND s.id>coalesce(?2,0)) ORDER BY 1 LIMIT ?3";
static const char signal_sql[] = SIGNAL_SQL "WHERE s.series=uuid_blob(?1)";

/* ---- lots ---- */

#define LOT_SQL \
	"SELECT l.id, l.firm, l.number, i.code, coalesce(i.name,i.code), l.state, l.place, l.made, l.quantity, l.unit, uuid_text(l.uuid)" \
	" FROM lot l LEFT JOIN asset i ON i.id=l.item "
#define LOT_BEFORE "l.id<coalesce(?4," NO_END ")"
static const struct col_def lot_cols[] = {ID, STR("firm"), STR("number"), STR("item"), STR("item_name"), STR("state"), STR("place"), AT("made"),
	NUM("quantity"), STR("unit"), STR("uuid")};
/* Every part of a number is a prefix of something indexed (see tokenizer.h), so a text is one search. */
static const char lots_sql[] =
	"SELECT * FROM (" LOT_SQL "WHERE ?1 IS NULL AND ?2 IS NULL AND ?3 IS NULL AND " LOT_BEFORE
	" UNION ALL " LOT_SQL "WHERE ?1 IS NULL AND ?2 IS NOT NULL AND l.item=(SELECT id FROM asset WHERE code=?2) AND (?3 IS NULL OR l.state=?3) AND " LOT_BEFORE
	" UNION ALL " LOT_SQL "WHERE ?1 IS NULL AND ?2 IS NULL AND ?3 IS NOT NULL AND l.state=?3 AND " LOT_BEFORE
	" UNION ALL " LOT_SQL "WHERE ?1 IS NOT NULL AND l.id IN (SELECT rowid/4 FROM search WHERE title MATCH search_match(?1) AND kind='lot')"
	" AND (?2 IS NULL OR l.item=(SELECT id FROM asset WHERE code=?2)) AND (?3 IS NULL OR l.state=?3) AND " LOT_BEFORE
	") ORDER BY 1 DESC LIMIT ?5";
static const char lot_sql[] = LOT_SQL "WHERE l.firm=?1 AND l.number=?2";
static const char lot_by_id_sql[] = LOT_SQL "WHERE l.id=?1";

#define EVENT_COLS \
	"e.id, e.ref, e.kind, e.t, e.arrival, a.code, l.firm, l.number, e.quantity, e.unit, e.from_place, e.to_place, e.partner, e.text," \
	" e.corrects, e.reason, e.data, (SELECT c.ref FROM event c WHERE c.corrects=e.ref ORDER BY c.id DESC LIMIT 1), uuid_text(e.uuid), p.code, e.sealed"
#define EVENT_SQL \
	"SELECT " EVENT_COLS " FROM event e LEFT JOIN asset a ON a.id=e.asset LEFT JOIN lot l ON l.id=e.lot LEFT JOIN person p ON p.id=e.person "
static const struct col_def event_cols[] = {ID, STR("ref"), STR("kind"), AT("t"), AT("arrival"), STR("asset"), STR("lot_firm"), STR("lot_number"),
	NUM("quantity"), STR("unit"), STR("from_place"), STR("to_place"), STR("partner"), STR("text"), STR("corrects"), STR("reason"), JSON("data"),
	STR("corrected_by"), STR("uuid"), STR("person"), {"sealed", COL_BYTES, NULL}};
static const char lot_events_sql[] = EVENT_SQL "WHERE e.lot=?1 ORDER BY e.t";

#define OPERATION_SQL \
	"SELECT o.id, o.ref, m.code, o.step, l.firm, l.number, i.code, f.code, o.cavity, o.tool, o.standard_version, p.code, o.start, o.end," \
	" o.good, o.rework, o.scrap, o.concession, o.seq_first, o.seq_last, o.arrival, uuid_text(o.uuid)" \
	" FROM operation o JOIN asset m ON m.id=o.machine LEFT JOIN lot l ON l.id=o.lot LEFT JOIN asset i ON i.id=o.item" \
	" LEFT JOIN asset f ON f.id=o.mould LEFT JOIN person p ON p.id=o.person "
static const struct col_def operation_cols[] = {ID, STR("ref"), STR("machine"), STR("step"), STR("lot_firm"), STR("lot_number"), STR("item"),
	STR("mould"), STR("cavity"), STR("tool"), STR("standard_version"), STR("person"), AT("start"), AT("end"), NUM("good"), NUM("rework"),
	NUM("scrap"), NUM("concession"), INT("seq_first"), INT("seq_last"), AT("arrival"), STR("uuid")};
static const char lot_operations_sql[] = OPERATION_SQL "WHERE o.lot=?1 ORDER BY o.start";

static const struct col_def characteristic_cols[] = {ID, STR("ref"), STR("name"), NUM("value"), STR("unit"), NUM("lower"), NUM("upper"),
	INT("judged"), STR("gauge"), STR("spec_version"), STR("person"), AT("t"), STR("asset"), INT("seq")};
static const char lot_characteristics_sql[] =
	"SELECT c.id, c.ref, c.name, c.value, c.unit, c.lower, c.upper, c.judged, g.code, c.spec_version, p.code, c.t, a.code, c.seq"
	" FROM characteristic c LEFT JOIN asset g ON g.id=c.gauge LEFT JOIN person p ON p.id=c.person LEFT JOIN asset a ON a.id=c.asset"
	" WHERE c.lot=?1 ORDER BY c.t";

static const struct col_def link_cols[] = {ID, STR("firm"), STR("number"), STR("item"), STR("state"), NUM("quantity"), STR("unit"),
	STR("operation")};
static const char lot_links_sql[] =
	"SELECT * FROM (SELECT l.id, l.firm, l.number, i.code, l.state, k.quantity, k.unit, k.operation FROM lot_link k JOIN lot l ON l.id=k.child"
	" LEFT JOIN asset i ON i.id=l.item WHERE ?2<>0 AND k.parent=?1 UNION ALL"
	" SELECT l.id, l.firm, l.number, i.code, l.state, k.quantity, k.unit, k.operation FROM lot_link k JOIN lot l ON l.id=k.parent"
	" LEFT JOIN asset i ON i.id=l.item WHERE ?2=0 AND k.child=?1) ORDER BY 1";

/* ---- operations and events over time ---- */

/* With a range of time the rows of the range are found by time and sorted; without one the list is walked in its own order. An operation is
 * in [from, to) when it began there. */
#define OPERATION_AFTER "o.id>coalesce(?4,0) "
#define OPERATION_SPAN "o.start>=coalesce(?2," NO_START ") AND o.start<coalesce(?3," NO_END ") AND +" OPERATION_AFTER
#define OPERATION_ANY "?2 IS NULL AND ?3 IS NULL AND "
#define OPERATION_TIMED "(?2 IS NOT NULL OR ?3 IS NOT NULL) AND "
#define OPERATION_MACHINE "?1 IS NOT NULL AND o.machine=(SELECT id FROM asset WHERE code=?1) AND "
static const char operations_sql[] =
	"SELECT * FROM (" OPERATION_SQL "WHERE ?1 IS NULL AND " OPERATION_ANY OPERATION_AFTER
	"UNION ALL " OPERATION_SQL "WHERE ?1 IS NULL AND " OPERATION_TIMED OPERATION_SPAN
	"UNION ALL " OPERATION_SQL "WHERE " OPERATION_MACHINE OPERATION_ANY OPERATION_AFTER
	"UNION ALL " OPERATION_SQL "WHERE " OPERATION_MACHINE OPERATION_TIMED OPERATION_SPAN ") ORDER BY 1 LIMIT ?5";

static const struct col_def work_cols[] = {INT("lot"), AT("start"), AT("end"), INT("seq_first"), INT("seq_last")};
static const char work_sql[] =
	"SELECT o.lot, o.start, o.end, o.seq_first, o.seq_last FROM operation o WHERE o.machine=(SELECT id FROM asset WHERE code=?1)"
	" AND o.lot IS NOT NULL AND +o.start<=?3 AND (o.end IS NULL OR o.end>=?2) ORDER BY o.start";

/* An operation that is not over refers to all that follows. */
static const struct col_def cycles_kept_cols[] = {INT("first"), INT("last")};
static const char cycles_kept_sql[] =
	"SELECT o.seq_first, coalesce(o.seq_last," NO_END ") FROM operation o WHERE o.machine=(SELECT id FROM asset WHERE code=?1) AND o.seq_first IS NOT NULL"
	" UNION ALL SELECT c.seq, c.seq FROM characteristic c WHERE c.asset=(SELECT id FROM asset WHERE code=?1) AND c.seq IS NOT NULL ORDER BY 1";

#define EVENT_AFTER "e.id>coalesce(?5,0) "
#define EVENT_RANGE "e.t>=coalesce(?3," NO_START ") AND e.t<coalesce(?4," NO_END ") "
#define EVENT_KIND "(?2 IS NULL OR e.kind=?2) AND "
static const char events_sql[] =
	"SELECT * FROM (" EVENT_SQL "WHERE ?1 IS NULL AND ?2 IS NULL AND ?3 IS NULL AND ?4 IS NULL AND " EVENT_AFTER
	"UNION ALL " EVENT_SQL "WHERE ?1 IS NULL AND ?2 IS NOT NULL AND ?3 IS NULL AND ?4 IS NULL AND e.kind=?2 AND " EVENT_AFTER
	"UNION ALL " EVENT_SQL "WHERE ?1 IS NULL AND (?3 IS NOT NULL OR ?4 IS NOT NULL) AND " EVENT_KIND "+" EVENT_AFTER "AND " EVENT_RANGE
	"UNION ALL " EVENT_SQL "WHERE ?1 IS NOT NULL AND e.asset=(SELECT id FROM asset WHERE code=?1) AND " EVENT_KIND EVENT_AFTER "AND +e.t>=coalesce(?3," NO_START ") AND +e.t<coalesce(?4," NO_END ") "
	") ORDER BY 1 LIMIT ?6";

/* ---- cases, states ---- */

#define CASE_SQL \
	"SELECT c.id, a.code, coalesce(a.name,a.code), c.cause, c.kind, c.state, c.begin_t, c.end_t, c.raised, c.changed, l.firm, l.number," \
	" c.evidence, c.over, uuid_text(c.uuid) FROM cases c JOIN asset a ON a.id=c.asset LEFT JOIN lot l ON l.id=c.lot "
#define CASE_BEFORE "c.id<coalesce(?3," NO_END ")"
static const struct col_def case_cols[] = {ID, STR("asset"), STR("asset_name"), STR("cause"), STR("kind"), STR("state"), AT("begin"), AT("end"),
	AT("raised"), AT("changed"), STR("lot_firm"), STR("lot_number"), JSON("evidence"), {"over", COL_BOOL, NULL}, STR("uuid")};
static const char cases_sql[] =
	"SELECT * FROM (" CASE_SQL "WHERE ?1 IS NULL AND ?2 IS NULL AND " CASE_BEFORE " UNION ALL " CASE_SQL
	"WHERE ?2 IS NOT NULL AND c.asset=(SELECT id FROM asset WHERE code=?2) AND (?1 IS NULL OR c.state=?1) AND " CASE_BEFORE " UNION ALL " CASE_SQL
	"WHERE ?1 IS NOT NULL AND ?2 IS NULL AND c.state=?1 AND " CASE_BEFORE ") ORDER BY 1 DESC LIMIT ?4";
static const char case_sql[] = CASE_SQL "WHERE c.id=?1";
static const struct col_def case_history_cols[] = {AT("t"), STR("state"), STR("who"), STR("note"), STR("person"), {"sealed", COL_BYTES, NULL}};
static const char case_history_sql[] =
	"SELECT h.t, h.state, h.who, h.note, p.code, h.sealed FROM case_history h LEFT JOIN person p ON p.id=h.person WHERE h.case_id=?1 ORDER BY h.id";

static const struct col_def state_cols[] = {STR("asset"), AT("from"), AT("to"), STR("state"), INT("alarm")};
/* Intervals don't overlap, so the only one that begins before the range and reaches into it is the last that begins before it. */
static const char states_sql[] =
	"SELECT a.code, s.from_t, s.to_t, s.state, s.alarm FROM asset a JOIN state s ON s.asset=a.id"
	" WHERE ?1 IS NULL AND s.from_t>=coalesce((SELECT max(b.from_t) FROM state b WHERE b.asset=a.id AND b.from_t<=?2),?2)"
	" AND s.from_t<?3 AND s.to_t>?2 UNION ALL "
	"SELECT a.code, s.from_t, s.to_t, s.state, s.alarm FROM asset a JOIN state s ON s.asset=a.id"
	" WHERE ?1 IS NOT NULL AND a.code=?1 AND s.from_t>=coalesce((SELECT max(b.from_t) FROM state b WHERE b.asset=a.id AND b.from_t<=?2),?2)"
	" AND s.from_t<?3 AND s.to_t>?2 ORDER BY 1, 2";

/* ---- documents, imports, the feed ---- */

static const struct col_def doc_cols[] = {STR("name"), INT("version"), JSON("json"), STR("who"), AT("changed")};
static const char docs_sql[] =
	"SELECT d.name, d.version, d.json, h.who, h.changed FROM doc d JOIN doc_history h ON h.class=d.class AND h.name=d.name AND h.version=d.version"
	" WHERE d.class=?1 AND d.name>coalesce(?2,'') AND d.json IS NOT NULL ORDER BY d.name LIMIT ?3";
static const struct col_def doc_history_cols[] = {INT("version"), JSON("json"), STR("who"), AT("changed")};
static const char doc_history_sql[] =
	"SELECT version, json, who, changed FROM doc_history WHERE class=?1 AND name=?2 ORDER BY version DESC";

#define IMPORT_SQL "SELECT id, file, state, result, t, lower(hex(sha256)) FROM import "
static const struct col_def import_cols[] = {STR("id"), STR("file"), STR("state"), JSON("result"), AT("t"), STR("sha256")};
static const char imports_sql[] =
	IMPORT_SQL "WHERE row<coalesce((SELECT row FROM import WHERE id=?1)," NO_END ") ORDER BY row DESC LIMIT ?2";
static const char import_sql[] = IMPORT_SQL "WHERE id=?1";
static const char imports_running_sql[] = "SELECT id FROM import WHERE state='running' ORDER BY row";

static const struct col_def change_cols[] = {INT("number"), AT("t"), STR("noun"), STR("key"), STR("did")};
static const char changes_sql[] = "SELECT number, t, noun, key, did FROM change WHERE number>?1 ORDER BY number LIMIT ?2";

static const struct col_def search_cols[] = {STR("kind"), STR("key"), STR("title"), STR("detail")};
static const char search_sql[] = "SELECT kind, key, title, detail FROM search WHERE search MATCH search_match(?1) ORDER BY rank LIMIT ?2";

static const struct col_def audit_cols[] = {ID, AT("t"), STR("who"), STR("what"), STR("target"), JSON("detail")};
static const char audit_sql[] = "SELECT id, t, who, what, target, detail FROM audit WHERE id<coalesce(?1," NO_END ") ORDER BY id DESC LIMIT ?2";

/* ---- people ---- */

static const struct col_def people_cols[] = {STR("pseudonym"), AT("erasing"), AT("erased")};
static const char people_sql[] =
	"SELECT p.code, e.t, e.done FROM person p LEFT JOIN erasure e ON e.person=p.id WHERE p.code>coalesce(?1,'') ORDER BY p.code LIMIT ?2";
static const struct col_def person_cols[] = {STR("pseudonym"), STR("uuid"), ID, AT("erasing"), STR("who"), STR("reason"), AT("erased"), INT("copies"), INT("files"),
	INT("searched")};
static const char person_sql[] =
	"SELECT p.code, uuid_text(p.uuid), e.id, e.t, e.who, e.reason, e.done, e.copies,"
	" (SELECT count(*) FROM person_file f WHERE f.person=p.id AND f.removed IS NULL), e.searched FROM person p LEFT JOIN erasure e ON e.person=p.id WHERE p.code=?1";
static const struct col_def erasure_targets_cols[] = {STR("target"), AT("done")};
static const struct col_def person_files_cols[] = {STR("file"), STR("media"), {"sealed", COL_BYTES, NULL}, INT("size"), AT("t"), STR("who")};
static const char person_files_sql[] =
	"SELECT uuid_text(f.uuid), f.media, f.sealed, f.size, f.t, f.who FROM person_file f WHERE f.person=(SELECT id FROM person WHERE code=?1)"
	" AND f.removed IS NULL ORDER BY f.id";
static const struct col_def person_file_cols[] = {STR("media"), {"sealed", COL_BYTES, NULL}, {"blob", COL_BYTES, NULL}};
static const char person_file_sql[] =
	"SELECT f.media, f.sealed, f.blob FROM person_file f WHERE f.person=(SELECT id FROM person WHERE code=?1) AND f.uuid=?2 AND f.removed IS NULL";
static const struct col_def files_gone_cols[] = {STR("file")};
static const char files_gone_sql[] = "SELECT uuid_text(uuid) FROM person_file WHERE removed IS NOT NULL AND blob IS NOT NULL ORDER BY id LIMIT ?1";
static const struct col_def erasure_found_cols[] = {STR("object"), STR("key"), STR("field")};
static const char erasure_found_sql[] = "SELECT object, key, field FROM erasure_found WHERE erasure=?1 ORDER BY n";
static const char erasure_targets_sql[] = "SELECT target, done FROM erasure_target WHERE erasure=?1 ORDER BY target";

/* ---- accounts ---- */

static const struct col_def accounts_cols[] = {STR("name"), STR("role"), AT("made"), AT("changed"), AT("disabled"), ID};
static const char accounts_sql[] =
	"SELECT name, role, made, changed, disabled, id FROM account WHERE name>coalesce(?1,'') ORDER BY name LIMIT ?2";
static const struct col_def account_cols[] = {ID, STR("role"), STR("hash"), AT("disabled")};
static const char account_sql[] = "SELECT id, role, hash, disabled FROM account WHERE name=?1";
static const struct col_def sessions_cols[] = {{"digest", COL_BYTES, NULL}, INT("account"), AT("made"), AT("seen"), AT("expires")};
static const char sessions_sql[] = "SELECT digest, account, made, seen, expires FROM session";
static const struct col_def tokens_cols[] = {ID, STR("name"), STR("role"), STR("permissions"), STR("maker"), AT("made"), AT("seen"), AT("expires"),
	AT("revoked")};
static const char tokens_sql[] =
	"SELECT id, name, role, permissions, maker, made, seen, expires, revoked FROM token WHERE id>coalesce(?1,0) ORDER BY id LIMIT ?2";
static const struct col_def token_key_cols[] = {ID, {"digest", COL_BYTES, NULL}, STR("name"), STR("role"), STR("permissions"), AT("seen"), AT("expires")};
static const char token_keys_sql[] = "SELECT id, digest, name, role, permissions, seen, expires FROM token WHERE revoked IS NULL";

/* ---- one by one, for the outbox ---- */

static const char operation_sql[] = OPERATION_SQL "WHERE o.ref=?1";
static const char event_sql[] = EVENT_SQL "WHERE e.ref=?1";
static const struct col_def one_characteristic_cols[] = {ID, STR("ref"), STR("lot_firm"), STR("lot_number"), STR("name"), NUM("value"), STR("unit"),
	NUM("lower"), NUM("upper"), INT("judged"), STR("gauge"), STR("spec_version"), STR("person"), AT("t"), STR("asset"), INT("seq")};
static const char characteristic_sql[] =
	"SELECT c.id, c.ref, l.firm, l.number, c.name, c.value, c.unit, c.lower, c.upper, c.judged, g.code, c.spec_version, p.code, c.t, a.code, c.seq"
	" FROM characteristic c JOIN lot l ON l.id=c.lot LEFT JOIN asset g ON g.id=c.gauge LEFT JOIN person p ON p.id=c.person"
	" LEFT JOIN asset a ON a.id=c.asset WHERE c.ref=?1";
static const struct col_def one_link_cols[] = {STR("parent_firm"), STR("parent_number"), STR("child_firm"), STR("child_number"), NUM("quantity"), STR("unit"),
	STR("operation")};
static const char link_sql[] =
	"SELECT p.firm, p.number, c.firm, c.number, k.quantity, k.unit, k.operation FROM lot_link k JOIN lot p ON p.id=k.parent JOIN lot c ON c.id=k.child"
	" WHERE k.parent=(SELECT id FROM lot WHERE firm=?1 AND number=?2) AND k.child=(SELECT id FROM lot WHERE firm=?3 AND number=?4)";
static const char state_now_sql[] =
	"SELECT a.code, s.from_t, s.to_t, s.state, s.alarm FROM state s JOIN asset a ON a.id=s.asset WHERE a.code=?1 ORDER BY s.from_t DESC LIMIT 1";

/* ---- sinks ---- */

static const struct col_def outbox_cols[] = {ID, STR("sink"), {"node", COL_BYTES, NULL}, INT("cursor"), INT("sent"), INT("skipped"), INT("gap_from"),
	INT("gap_to"), AT("last"), INT("aside")};
static const char outbox_sql[] =
	"SELECT o.id, o.sink, o.node, o.cursor, o.sent, o.skipped, o.gap_from, o.gap_to, o.last,"
	" (SELECT count(*) FROM outbox_aside a WHERE a.outbox=o.id) FROM outbox o ORDER BY o.sink";
static const struct col_def aside_cols[] = {ID, INT("number"), AT("t"), INT("status"), STR("reason"), {"again", COL_BOOL, NULL}, STR("noun"), STR("key"),
	STR("did")};
static const char aside_sql[] =
	"SELECT a.id, a.number, a.t, a.status, a.reason, a.again, c.noun, c.key, c.did FROM outbox_aside a LEFT JOIN change c ON c.number=a.number"
	" WHERE a.outbox=(SELECT id FROM outbox WHERE sink=?1) AND a.id>coalesce(?2,0) ORDER BY a.id LIMIT ?3";
static const struct col_def aside_next_cols[] = {INT("number")};
static const char aside_next_sql[] = "SELECT number FROM outbox_aside WHERE outbox=?1 AND again=1 ORDER BY id LIMIT 1";

static const struct col_def count_cols[] = {STR("noun"), INT("n")};
static const char counts_sql[] = "SELECT noun, n FROM tally ORDER BY noun";

static const struct store_query_def defs[SQ_EXPORT_FIRST] = {
	[SQ_ASSETS] = {"assets", assets_sql, 3, COLS(asset_cols)},
	[SQ_ASSET] = {"asset", asset_sql, 1, COLS(asset_cols)},
	[SQ_SIGNALS] = {"signals", signals_sql, 3, COLS(signal_cols)},
	[SQ_SIGNAL] = {"signal", signal_sql, 1, COLS(signal_cols)},
	[SQ_LOTS] = {"lots", lots_sql, 5, COLS(lot_cols)},
	[SQ_LOT] = {"lot", lot_sql, 2, COLS(lot_cols)},
	[SQ_LOT_BY_ID] = {"lot_by_id", lot_by_id_sql, 1, COLS(lot_cols)},
	[SQ_LOT_EVENTS] = {"lot_events", lot_events_sql, 1, COLS(event_cols)},
	[SQ_LOT_OPERATIONS] = {"lot_operations", lot_operations_sql, 1, COLS(operation_cols)},
	[SQ_LOT_CHARACTERISTICS] = {"lot_characteristics", lot_characteristics_sql, 1, COLS(characteristic_cols)},
	[SQ_LOT_LINKS] = {"lot_links", lot_links_sql, 2, COLS(link_cols)},
	[SQ_OPERATIONS] = {"operations", operations_sql, 5, COLS(operation_cols)},
	[SQ_WORK] = {"work", work_sql, 3, COLS(work_cols)},
	[SQ_CYCLES_KEPT] = {"cycles_kept", cycles_kept_sql, 1, COLS(cycles_kept_cols)},
	[SQ_EVENTS] = {"events", events_sql, 6, COLS(event_cols)},
	[SQ_CASES] = {"cases", cases_sql, 4, COLS(case_cols)},
	[SQ_CASE] = {"case", case_sql, 1, COLS(case_cols)},
	[SQ_CASE_HISTORY] = {"case_history", case_history_sql, 1, COLS(case_history_cols)},
	[SQ_PEOPLE] = {"people", people_sql, 2, COLS(people_cols)},
	[SQ_PERSON] = {"person", person_sql, 1, COLS(person_cols)},
	[SQ_PERSON_FILES] = {"person_files", person_files_sql, 1, COLS(person_files_cols)},
	[SQ_PERSON_FILE] = {"person_file", person_file_sql, 2, COLS(person_file_cols)},
	[SQ_FILES_GONE] = {"files_gone", files_gone_sql, 1, COLS(files_gone_cols)},
	[SQ_ERASURE_FOUND] = {"erasure_found", erasure_found_sql, 1, COLS(erasure_found_cols)},
	[SQ_ERASURE_TARGETS] = {"erasure_targets", erasure_targets_sql, 1, COLS(erasure_targets_cols)},
	[SQ_STATES] = {"states", states_sql, 3, COLS(state_cols)},
	[SQ_DOCS] = {"docs", docs_sql, 3, COLS(doc_cols)},
	[SQ_DOC_HISTORY] = {"doc_history", doc_history_sql, 2, COLS(doc_history_cols)},
	[SQ_IMPORTS] = {"imports", imports_sql, 2, COLS(import_cols)},
	[SQ_IMPORT] = {"import", import_sql, 1, COLS(import_cols)},
	[SQ_IMPORTS_RUNNING] = {"imports_running", imports_running_sql, 0, import_cols, 1},
	[SQ_CHANGES] = {"changes", changes_sql, 2, COLS(change_cols)},
	[SQ_SEARCH] = {"search", search_sql, 2, COLS(search_cols)},
	[SQ_AUDIT] = {"audit", audit_sql, 2, COLS(audit_cols)},
	[SQ_ACCOUNTS] = {"accounts", accounts_sql, 2, COLS(accounts_cols)},
	[SQ_ACCOUNT] = {"account", account_sql, 1, COLS(account_cols)},
	[SQ_SESSIONS] = {"sessions", sessions_sql, 0, COLS(sessions_cols)},
	[SQ_TOKENS] = {"tokens", tokens_sql, 2, COLS(tokens_cols)},
	[SQ_TOKEN_KEYS] = {"token_keys", token_keys_sql, 0, COLS(token_key_cols)},
	[SQ_COUNTS] = {"counts", counts_sql, 0, COLS(count_cols)},
	[SQ_OPERATION] = {"operation", operation_sql, 1, COLS(operation_cols)},
	[SQ_EVENT] = {"event", event_sql, 1, COLS(event_cols)},
	[SQ_CHARACTERISTIC] = {"characteristic", characteristic_sql, 1, COLS(one_characteristic_cols)},
	[SQ_LINK] = {"link", link_sql, 4, COLS(one_link_cols)},
	[SQ_STATE_NOW] = {"state_now", state_now_sql, 1, COLS(state_cols)},
	[SQ_OUTBOX] = {"outbox", outbox_sql, 0, COLS(outbox_cols)},
	[SQ_ASIDE] = {"aside", aside_sql, 3, COLS(aside_cols)},
	[SQ_ASIDE_NEXT] = {"aside_next", aside_next_sql, 1, COLS(aside_next_cols)},
};

const struct store_query_def *store_query_def(enum store_query q)
{
	if ((unsigned)q >= STORE_QUERIES)
		return NULL;
	return q < SQ_EXPORT_FIRST ? &defs[q] : &store_export_queries[q - SQ_EXPORT_FIRST];
}
