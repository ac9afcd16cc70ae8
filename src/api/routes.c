/* The one route table: routing, OpenAPI and tests come from it. */
#include "api/priv/api.h"

#include "lots/genealogy.h"
#include "query/sql.h"

#define OWN (PRINCIPAL_LOCAL | PRINCIPAL_OWN)
#define EVERYBODY (PRINCIPAL_PUBLIC | PRINCIPAL_LOCAL | PRINCIPAL_OWN)
/* A row names its permission, or it does not compile: the word is pasted to the enumeration's prefix, so that another field in its place is no
 * name at all (tests/unit/api/meson.build tries it). */
#define ROW(name, method, path, principals, permission, ...) {name, method, path, principals, PERMISSION_##permission, __VA_ARGS__}
#define NO_QUERY .query = -1
#define TEXT(name, about) {name, PARAM_TEXT, false, about, 0, 0}
#define NEEDED(name, about) {name, PARAM_TEXT, true, about, 0, 0}
#define TIME(name, about) {name, PARAM_TIME, false, about, 0, 0}
#define INT(name, lo, hi, about) {name, PARAM_INT, false, about, lo, hi}
#define NUMBER(name, about) {name, PARAM_NUMBER, false, about, 0, 0}
#define FLAG(name, about) {name, PARAM_FLAG, false, about, 0, 0}
#define ENUM(name, values) {name, PARAM_ENUM, false, values, 0, 0}
#define UUID_OF(name, about) {name, PARAM_UUID, true, about, 0, 0}
#define NUMBER_OF(name, about) {name, PARAM_INT, true, about, 1, INT64_MAX}
#define FROM_TO TIME("from", "begin, RFC 3339 or Unix milliseconds"), TIME("to", "end, not included")
#define CURSOR TEXT("cursor", "`next` of the page before")
#define CURSOR_N INT("cursor", 0, INT64_MAX, "`next` of the page before")
#define LIMIT INT("limit", 1, API_PAGE_MAX, "most items")
#define PAGED LIMIT, CURSOR
#define PAGED_N LIMIT, CURSOR_N
#define KINDS "company, site, line, machine, mould, gauge, item, other"
#define LOT_STATES_TEXT "ok, on_hold, quarantined, concession, rework, scrapped, shipped"
#define AS_USER TEXT("u", "any user name"), TEXT("p", "a token")
#define TICKS "ns, n, u, ms, s, m, h"
#define BODY_DOC (256u << 10)
#define BODY_SECRET 8192u /* a password of 1,024 bytes, all of it escaped */
#define BODY_RECORDS (8u << 20)
#define BODY_FILE (UINT64_C(1) << 34)
#define BODY_LINES (UINT64_C(1) << 32)

const struct api_route api_routes[] = {
	ROW("health", HTTP_GET, "/healthz", EVERYBODY, OPEN, RUN_LOOP, .handler = get_healthz, .summary = "Whether the node answers", .answer = "Health", NO_QUERY),
	ROW("ca_certificate", HTTP_GET, "/ca.crt", EVERYBODY, OPEN, RUN_LOOP, .handler = get_ca_certificate, .statuses = "404",
		.summary = "Certificate of the node's own CA, to be installed on devices", NO_QUERY, .content = "application/x-x509-ca-cert"),
	ROW("metrics", HTTP_GET, "/metrics", OWN, METRICS, RUN_LOOP, .handler = get_metrics, .summary = "Measurements of the node for Prometheus", NO_QUERY,
		.content = "text/plain"),
	ROW("openapi", HTTP_GET, "/api/v1/openapi.json", OWN, SELF, RUN_LOOP, .handler = get_openapi, .summary = "This document", .answer = "Any", NO_QUERY),
	ROW("node", HTTP_GET, "/api/v1/node", OWN, SELF, RUN_LOOP, .handler = get_node, .summary = "Identity, language, zone and clock of the node", .answer = "Node",
		NO_QUERY),
	ROW("clock", HTTP_POST, "/api/v1/clock", OWN, SETTINGS, RUN_LATER, .body_limit = 4096, .body_type = "application/json", .handler = post_clock,
		.takes = "ClockSet", .statuses = "409",
		.summary = "Advance the clock of a demo folder", .answer = "Clock", NO_QUERY),
	ROW("today", HTTP_GET, "/api/v1/today", OWN, READ, RUN_WORKER, .handler = get_today, .summary = "Machines, their states today, open cases", .answer = "Today", NO_QUERY),
	ROW("assets", HTTP_GET, "/api/v1/assets", OWN, MACHINES, RUN_WORKER, .handler = get_assets, .params = {ENUM("kind", KINDS), PAGED},
		.summary = "Assets by code", .query = SQ_ASSETS),
	ROW("asset", HTTP_GET, "/api/v1/assets/{code}", OWN, MACHINES, RUN_WORKER, .handler = get_asset, .summary = "One asset and its state now", .answer = "Asset", NO_QUERY),
	ROW("asset_states", HTTP_GET, "/api/v1/assets/{code}/states", OWN, MACHINES, RUN_WORKER, .handler = get_asset_states, .params = {FROM_TO},
		.summary = "Machine states over time", .answer = "States", NO_QUERY),
	ROW("asset_stops", HTTP_GET, "/api/v1/assets/{code}/stops", OWN, MACHINES, RUN_WORKER, .handler = get_asset_stops, .params = {FROM_TO},
		.summary = "Stops over time", .answer = "Stops", NO_QUERY),
	ROW("signals", HTTP_GET, "/api/v1/signals", OWN, MACHINES, RUN_WORKER, .handler = get_signals, .params = {TEXT("asset", "asset code"), PAGED_N},
		.summary = "Signals with their last values", .answer = "Signals", NO_QUERY),
	ROW("series", HTTP_GET, "/api/v1/series/{id}", OWN, MACHINES, RUN_WORKER, .handler = get_series, .params = {UUID_OF("id", "series")}, .summary = "One signal", .answer = "Signal", NO_QUERY),
	ROW("values", HTTP_GET, "/api/v1/series/{id}/values", OWN, MACHINES, RUN_WORKER, .handler = get_values,
		.params = {UUID_OF("id", "series"), FROM_TO, INT("limit", 1, 10000, "most values"), CURSOR,
			ENUM("order", "asc, desc"), FLAG("arrival", "1: arrival times too"), ENUM("format", "json, csv")},
		.summary = "Values as stored", .answer = "Values", .content = "text/csv", NO_QUERY),
	ROW("chart", HTTP_GET, "/api/v1/series/{id}/chart", OWN, MACHINES, RUN_WORKER, .handler = get_chart,
		.params = {UUID_OF("id", "series"), FROM_TO, INT("width", 1, 4000, "pixels")}, .statuses = "409", .summary = "Least, greatest and mean per pixel", .answer = "Chart", NO_QUERY),
	ROW("series_lots", HTTP_GET, "/api/v1/series/{id}/lots", OWN, READ, RUN_WORKER, .handler = get_series_lots,
		.params = {UUID_OF("id", "series"), FROM_TO, NUMBER("below", "values under this"), NUMBER("above", "values over this; with `below` either will do, with neither any value")},
		.statuses = "409", .summary = "Lots that the machine worked on while the value was so", .answer = "SeenLots", NO_QUERY),
	ROW("last", HTTP_GET, "/api/v1/last", OWN, MACHINES, RUN_LOOP, .handler = get_last, .params = {{"series", PARAM_UUIDS, true, "ids with commas, at most 200", 0, 0}},
		.statuses = "404, 413", .summary = "Last values", .answer = "Last", NO_QUERY),
	ROW("lots", HTTP_GET, "/api/v1/lots", OWN, READ, RUN_WORKER, .handler = get_lots,
		.params = {TEXT("q", "part of the number"), TEXT("item", "item code"), ENUM("state", LOT_STATES_TEXT), PAGED_N},
		.summary = "Lots, newest first", .query = SQ_LOTS),
	ROW("lot", HTTP_GET, "/api/v1/lots/{firm}/{number}", OWN, READ, RUN_WORKER, .handler = get_lot, .summary = "One lot with all that is known of it", .answer = "Lot",
		NO_QUERY),
	ROW("lot_tree", HTTP_GET, "/api/v1/lots/{firm}/{number}/tree", OWN, READ, RUN_WORKER, .handler = get_lot_tree,
		.params = {ENUM("direction", "down, up, both"), INT("depth", 0, 1000, "steps; 0: all"), INT("limit", 1, GENEALOGY_LOTS_MAX, "most lots")},
		.summary = "Family tree of a lot", .answer = "Tree", NO_QUERY),
	ROW("operations", HTTP_GET, "/api/v1/operations", OWN, READ, RUN_WORKER, .handler = get_operations,
		.params = {TEXT("machine", "asset code"), FROM_TO, PAGED_N}, .summary = "Operations that began in a range", .query = SQ_OPERATIONS),
	ROW("events", HTTP_GET, "/api/v1/events", OWN, READ, RUN_WORKER, .handler = get_events,
		.params = {TEXT("asset", "asset code"), TEXT("kind", "receipt, shipment, note…"), FROM_TO, PAGED_N},
		.summary = "Events", .query = SQ_EVENTS),
	ROW("cases", HTTP_GET, "/api/v1/cases", OWN, READ, RUN_WORKER, .handler = get_cases,
		.params = {ENUM("state", "open, seen, in_work, done, closed"), TEXT("asset", "asset code"), PAGED_N},
		.summary = "Cases, newest first", .query = SQ_CASES),
	ROW("case", HTTP_GET, "/api/v1/cases/{id}", OWN, READ, RUN_WORKER, .handler = get_case, .params = {NUMBER_OF("id", "case")}, .summary = "One case with its history", .answer = "Case", NO_QUERY),
	ROW("case_state", HTTP_POST, "/api/v1/cases/{id}/state", OWN, CASES, RUN_WORKER, .body_limit = 65536, .body_type = "application/json", .handler = post_case_state, .params = {NUMBER_OF("id", "case")},
		.takes = "CaseStateSet", .statuses = "409", .summary = "Say what became of a case", .answer = "CaseState", NO_QUERY),
	ROW("search", HTTP_GET, "/api/v1/search", OWN, READ, RUN_WORKER, .handler = get_search,
		.params = {NEEDED("q", "text"), INT("limit", 1, 100, "most items")}, .summary = "Find machines, signals, lots and items", .query = SQ_SEARCH),
	ROW("changes", HTTP_GET, "/api/v1/changes", OWN, READ, RUN_WORKER, .handler = get_changes,
		.params = {INT("after", 0, INT64_MAX, "change number"), PAGED_N}, .summary = "The change feed", .query = SQ_CHANGES),
	ROW("audit", HTTP_GET, "/api/v1/audit", OWN, AUDIT, RUN_WORKER, .handler = get_audit, .params = {PAGED_N}, .summary = "Who changed what", .query = SQ_AUDIT),
	ROW("log", HTTP_GET, "/api/v1/log", OWN, READ, RUN_WORKER, .handler = get_log, .params = {ENUM("level", "info, warn, error"), PAGED_N},
		.summary = "What the node has said since its start, newest first", .answer = "Log", NO_QUERY),
	ROW("crash_seen", HTTP_POST, "/api/v1/crash/seen", OWN, CASES, RUN_WORKER, .body_limit = 1024, .body_type = "application/json", .handler = post_crash_seen,
		.statuses = "404, 507", .summary = "Dismiss the node's last crash", NO_QUERY),
	ROW("records", HTTP_POST, "/api/v1/records", OWN, RECORDS, RUN_WORKER, .body_limit = BODY_RECORDS, .body_type = "application/x-ndjson", .handler = post_records,
		.statuses = "409, 422, 507", .summary = "Store assets, lots, links, operations, events and characteristics", .answer = "Recorded", NO_QUERY),
	ROW("devices", HTTP_GET, "/api/v1/devices", OWN, MACHINES, RUN_WORKER, .handler = get_devices, .summary = "Devices and how they are", .answer = "Devices", NO_QUERY),
	ROW("device_test", HTTP_POST, "/api/v1/devices/test", OWN, DEVICES, RUN_LATER, .body_limit = BODY_DOC, .body_type = "application/json", .handler = test_device,
		.takes = "DeviceConfig", .summary = "Try a device for at most five seconds", .answer = "DeviceTest", NO_QUERY),
	ROW("device_put", HTTP_PUT, "/api/v1/devices/{name}", OWN, DEVICES, RUN_WORKER, .body_limit = BODY_DOC, .body_type = "application/json", .handler = put_device,
		.takes = "DeviceConfig", .statuses = "409, 507", .summary = "Set a device", .answer = "Stored", NO_QUERY),
	ROW("device_delete", HTTP_DELETE, "/api/v1/devices/{name}", OWN, DEVICES, RUN_WORKER, .handler = delete_device, .statuses = "507", .summary = "Remove a device", .answer = "Stored", NO_QUERY),
	ROW("device_undo", HTTP_POST, "/api/v1/devices/{name}/undo", OWN, DEVICES, RUN_WORKER, .body_limit = 1024, .body_type = "application/json", .handler = undo_device,
		.statuses = "409, 507", .summary = "Take back the last change of a device", .answer = "Stored", NO_QUERY),
	ROW("device_history", HTTP_GET, "/api/v1/devices/{name}/history", OWN, READ, RUN_WORKER, .handler = get_device_history,
		.summary = "All versions of a device", .query = SQ_DOC_HISTORY),
	ROW("imports", HTTP_GET, "/api/v1/imports", OWN, READ, RUN_WORKER, .handler = get_imports, .params = {INT("limit", 1, 100, "most items"), CURSOR}, .summary = "Imports, newest first", .answer = "Imports",
		NO_QUERY),
	ROW("import_put", HTTP_POST, "/api/v1/imports", OWN, IMPORT, RUN_STREAM, .body_limit = BODY_FILE, .body_type = "application/octet-stream", .stream = &import_stream,
		.params = {NEEDED("name", "file name")}, .summary = "Give a file and get the proposed reading", .answer = "Import", NO_QUERY),
	ROW("import", HTTP_GET, "/api/v1/imports/{id}", OWN, READ, RUN_WORKER, .handler = get_import, .summary = "One import", .answer = "Import", NO_QUERY),
	ROW("import_preview", HTTP_GET, "/api/v1/imports/{id}/preview", OWN, READ, RUN_WORKER, .handler = get_import_preview,
		.params = {INT("rows", 1, 200, "rows shown")}, .summary = "First rows and how each cell is read", .answer = "Preview", NO_QUERY),
	ROW("import_commit", HTTP_POST, "/api/v1/imports/{id}/commit", OWN, IMPORT, RUN_WORKER, .body_limit = BODY_DOC, .body_type = "application/json", .handler = commit_import,
		.statuses = "409, 507", .summary = "Store the file as proposed or corrected", .answer = "Import", NO_QUERY),
	ROW("import_refused", HTTP_GET, "/api/v1/imports/{id}/refused.csv", OWN, READ, RUN_WORKER, .handler = get_import_refused,
		.summary = "The rows that were refused, with the reason in the last column", NO_QUERY, .content = "text/csv"),
	ROW("influx_ping", HTTP_GET, "/ping", EVERYBODY, OPEN, RUN_LOOP, .flags = ROUTE_INFLUX, .handler = influx_ping, .summary = "InfluxDB 1.x ping", NO_QUERY),
	ROW("influx_write", HTTP_POST, "/write", OWN, WRITE, RUN_STREAM, .body_limit = BODY_LINES, .body_type = "text/plain", .flags = ROUTE_ANY_TYPE | ROUTE_INFLUX, .stream = &write_stream,
		.params = {TEXT("db", "database"), ENUM("precision", TICKS), TEXT("consistency", "taken, without meaning"),
			TEXT("rp", "taken, without meaning"), AS_USER},
		.statuses = "409, 507", .summary = "InfluxDB 1.x line protocol; 204 means durable", NO_QUERY),
	ROW("influx_query", HTTP_GET, "/query", OWN, MACHINES, RUN_WORKER, .flags = ROUTE_INFLUX, .handler = influx_query,
		.params = {NEEDED("q", "InfluxQL"), TEXT("db", "database"), ENUM("epoch", TICKS), AS_USER},
		.summary = "InfluxDB 1.x query", .answer = "Any", NO_QUERY),
	ROW("influx_query_post", HTTP_POST, "/query", OWN, MACHINES, RUN_WORKER, .body_limit = 1u << 20, .body_type = "application/x-www-form-urlencoded", .flags = ROUTE_ANY_TYPE | ROUTE_INFLUX, .handler = influx_query,
		.params = {TEXT("q", "InfluxQL"), TEXT("db", "database"), ENUM("epoch", TICKS), AS_USER},
		.summary = "InfluxDB 1.x query", .answer = "Any", NO_QUERY),
	ROW("live", HTTP_GET, "/api/v1/live", OWN, MACHINES, RUN_LOOP, .handler = get_live, .params = {TEXT("topics", "values:ID,ID;changes;devices")},
		.summary = "Server-sent events: values, changes, clock, devices", NO_QUERY, .content = "text/event-stream"),
	ROW("sql", HTTP_POST, "/api/v1/sql", OWN, SQL, RUN_WORKER, .body_limit = SQL_TEXT_MAX + 1, .body_type = "application/sql", .handler = post_sql,
		.params = {ENUM("format", "table, csv, json")}, .statuses = "413", .summary = "One SELECT over lots, events, operations, cases and series",
		.content = "text/plain, text/csv, application/x-ndjson", NO_QUERY),
	ROW("check", HTTP_POST, "/api/v1/check", OWN, SETTINGS, RUN_WORKER, .body_limit = 1024, .body_type = "application/json", .handler = post_check,
		.params = {TEXT("folder", "what the answer calls the node's folder; without it as the node does")},
		.summary = "Verify every file's checksums and every reference, as `moru check` does", .answer = "Checked", NO_QUERY),
	ROW("backup", HTTP_POST, "/api/v1/backup", OWN, BACKUP, RUN_LATER, .body_limit = 1024, .body_type = "application/json", .handler = post_backup,
		.params = {TEXT("target", "folder; without it that of the settings; another one by the node's socket alone"), FLAG("keys", "1: secrets too; by the node's socket alone"),
			INT("keep", 0, 10000, "newest snapshots that stay; 0: all")},
		.statuses = "404, 409, 507", .summary = "Back up now, as `moru backup` does; answers when the backup is whole", .answer = "Backup", NO_QUERY),
	ROW("session", HTTP_GET, "/api/v1/session", OWN, SELF, RUN_LOOP, .handler = get_session, .summary = "Who asks, and what they may", .answer = "Session",
		NO_QUERY),
	ROW("login", HTTP_POST, "/api/v1/session", EVERYBODY, OPEN, RUN_LATER, .body_limit = BODY_SECRET, .body_type = "application/json", .flags = ROUTE_SECRET,
		.handler = post_session, .takes = "Login", .statuses = "401, 429", .summary = "Log in: sets the session's cookie", .answer = "Session", NO_QUERY),
	ROW("logout", HTTP_DELETE, "/api/v1/session", OWN, SELF, RUN_WORKER, .handler = delete_session, .statuses = "507", .summary = "Log out: ends the session",
		NO_QUERY),
	ROW("accounts", HTTP_GET, "/api/v1/accounts", OWN, ACCOUNTS, RUN_WORKER, .handler = get_accounts, .params = {PAGED}, .summary = "Accounts by name",
		.query = SQ_ACCOUNTS),
	ROW("account_put", HTTP_PUT, "/api/v1/accounts/{name}", OWN, ACCOUNTS, RUN_WORKER, .body_limit = BODY_SECRET, .body_type = "application/json",
		.flags = ROUTE_SECRET, .handler = put_account, .takes = "AccountSet", .statuses = "409, 507", .summary = "Make an account, or change its role",
		.answer = "Account", NO_QUERY),
	ROW("account_delete", HTTP_DELETE, "/api/v1/accounts/{name}", OWN, ACCOUNTS, RUN_WORKER, .handler = delete_account, .statuses = "409, 507",
		.summary = "Remove an account", NO_QUERY),
	ROW("password_put", HTTP_PUT, "/api/v1/accounts/{name}/password", OWN, SELF, RUN_WORKER, .body_limit = BODY_SECRET, .body_type = "application/json",
		.flags = ROUTE_SECRET, .handler = put_password, .takes = "PasswordSet", .statuses = "429, 507",
		.summary = "Change a password: one's own with the present one, another's as an owner. Ends the account's sessions", NO_QUERY),
	ROW("tokens", HTTP_GET, "/api/v1/tokens", OWN, ACCOUNTS, RUN_WORKER, .handler = get_tokens, .params = {PAGED_N}, .summary = "Tokens, without their secrets",
		.query = SQ_TOKENS),
	ROW("token_new", HTTP_POST, "/api/v1/tokens", OWN, ACCOUNTS, RUN_WORKER, .body_limit = BODY_SECRET, .body_type = "application/json", .flags = ROUTE_SECRET,
		.handler = post_token, .takes = "TokenSet", .statuses = "409, 507", .summary = "Make a token, which is shown this once", .answer = "Token", NO_QUERY),
	ROW("token_revoke", HTTP_DELETE, "/api/v1/tokens/{id}", OWN, ACCOUNTS, RUN_WORKER, .handler = delete_token, .params = {NUMBER_OF("id", "token")},
		.statuses = "507", .summary = "Revoke a token", NO_QUERY),
	ROW("people", HTTP_GET, "/api/v1/people", OWN, READ, RUN_WORKER, .handler = get_people, .params = {PAGED},
		.summary = "People by pseudonym; names for those who may see them", .answer = "People", NO_QUERY),
	ROW("person_put", HTTP_POST, "/api/v1/people", OWN, PEOPLE, RUN_WORKER, .body_limit = BODY_SECRET, .body_type = "application/json", .flags = ROUTE_SECRET,
		.handler = post_person, .takes = "PersonSet", .statuses = "507", .summary = "The pseudonym of a name, made where the name is new", .answer = "Person", NO_QUERY),
	ROW("person", HTTP_GET, "/api/v1/people/{pseudonym}", OWN, READ, RUN_WORKER, .handler = get_person,
		.summary = "One person, and the evidence where the name was erased", .answer = "Person", NO_QUERY),
	ROW("person_erase", HTTP_POST, "/api/v1/people/{pseudonym}/erase", OWN, ERASE, RUN_WORKER, .body_limit = BODY_SECRET, .body_type = "application/json",
		.handler = post_erase, .takes = "EraseSet", .statuses = "507",
		.summary = "Erase a person's name for ever: destroys the key, here and on every target of backups that can be reached", .answer = "Person", NO_QUERY),
	/* Last: everything else that is asked for by GET is the page or one of its files. */
	ROW("page", HTTP_GET, "*", EVERYBODY, OPEN, RUN_LOOP, .handler = get_page, .summary = "The page", NO_QUERY, .content = "text/html"),
};
const size_t api_routes_n = sizeof api_routes / sizeof *api_routes;
