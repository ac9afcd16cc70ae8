/* The OpenAPI 3.1 document, from the route table, the named statements'
 * columns and the schemas below. */
#include <stdio.h>
#include <string.h>

#include "api/priv/api.h"

#define TIME "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define WHEN "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TEXT "{\"type\":[\"string\",\"null\"]}"
#define NUMBER "{\"type\":[\"number\",\"null\"]}"
#define INTEGER "{\"type\":[\"integer\",\"null\"]}"
#define FLAG "{\"type\":\"boolean\"}"
#define OBJECT(members) "{\"type\":\"object\",\"properties\":{" members "}}"
#define ARRAY(of) "{\"type\":\"array\",\"items\":" of "}"
#define LIST(of) OBJECT("\"items\":" ARRAY(of) ",\"next\":" TEXT)
#define M(name, schema) "\"" name "\":" schema
#define RANGE(lo, hi) "{\"type\":\"integer\",\"minimum\":" lo ",\"maximum\":" hi "}"
#define WORDS "{\"type\":[\"object\",\"null\"],\"properties\":{" M("code", TEXT) "," M("ko", TEXT) "," M("en", TEXT) "}}"
#define ANY "{}"
#define ROLE "{\"enum\":[\"owner\",\"production\",\"quality\",\"operator\",\"read_only\",\"vendor\"]}"

#define PURPOSES ARRAY("{\"enum\":[\"https-out\",\"opcua\",\"partner\"]}")
#define CERTIFICATE M("subject", TEXT) "," M("issuer", TEXT) "," M("names", ARRAY("{\"type\":\"string\"}")) "," M("not_before", TIME) "," M("not_after", TIME) "," \
	M("days_left", INTEGER) "," M("ca", FLAG)
#define STATE OBJECT(M("from", TIME) "," M("to", TIME) "," M("state", TEXT) "," M("alarm", INTEGER))
#define LAST M("t", TIME) "," M("value", ANY) "," M("quality", TEXT) "," M("seq", INTEGER)
#define SIGNAL                                                                                                                              \
	M("id", TEXT) "," M("asset", TEXT) "," M("name", TEXT) "," M("label", TEXT) "," M("unit", TEXT) "," M("source", TEXT) "," M("type", TEXT) \
		"," M("kind", TEXT) "," M("last", "{\"type\":[\"object\",\"null\"],\"properties\":{" LAST "}}") "," M("stale", FLAG)
#define DISK M("state", TEXT) "," M("free_bytes", INTEGER) "," M("size_bytes", INTEGER)
#define LOT M("id", INTEGER) "," M("firm", TEXT) "," M("number", TEXT) "," M("item", TEXT) "," M("item_name", TEXT) "," M("state", TEXT) "," M("place", TEXT) \
		"," M("made", TIME) "," M("quantity", NUMBER) "," M("unit", TEXT) "," M("uuid", TEXT)
#define PROBLEM_MEMBERS M("code", TEXT) "," M("detail", WORDS) "," M("field", TEXT) "," M("line", INTEGER) "," M("value", TEXT) "," M("expected", TEXT)
#define IMPORT M("id", TEXT) "," M("file", TEXT) "," M("state", TEXT) "," M("proposal", ANY) "," M("result", ANY) "," M("trouble", WORDS) "," M("progress", NUMBER)

#define EXPORT_COUNTS M("files", INTEGER) "," M("values", INTEGER) "," M("records", INTEGER) "," M("unreadable", INTEGER) "," M("bytes", INTEGER)
static const struct {
	const char *name, *schema;
} schemas[] = {
	{"Any", "{}"},
	{"Problem", OBJECT(M("type", TEXT) "," M("title", TEXT) "," M("status", INTEGER) "," PROBLEM_MEMBERS)},
	{"Health", OBJECT(M("status", TEXT))},
	{"Node", OBJECT(M("id", TEXT) "," M("name", TEXT) "," M("firm", TEXT) "," M("version", TEXT) "," M("lang", TEXT) "," M("zone", TEXT) "," M("day_begins", TEXT) ","
		M("clock", OBJECT(M("now", TIME) "," M("mode", TEXT) "," M("scale", NUMBER))) "," M("demo", FLAG) ","
		M("history", "{\"type\":[\"object\",\"null\"]}") "," M("made", TIME) "," M("started", TIME) ","
		M("crash", "{\"type\":[\"object\",\"null\"],\"properties\":{" M("t", TIME) "," M("started", TIME) "," M("version", TEXT) "," M("build", TEXT) ","
		M("signal", TEXT) "," M("thread", TEXT) "," M("frames", ARRAY("{\"type\":\"string\"}")) "," M("whole", FLAG) "," M("file", TEXT) "}}"))},
	{"Log", LIST(OBJECT(M("number", INTEGER) "," M("t", TIME) "," M("level", "{\"enum\":[\"info\",\"warn\",\"error\"]}") "," PROBLEM_MEMBERS ","
		M("file", TEXT) "," M("args", ARRAY(ANY))))},
	{"InfluxError", OBJECT(M("error", TEXT) "," M("dropped", INTEGER) "," M("errors", ARRAY(OBJECT(PROBLEM_MEMBERS))) "," M("type", TEXT) ","
		M("title", TEXT) "," M("status", INTEGER) "," PROBLEM_MEMBERS)},
	{"ClockSet", OBJECT(M("advance_to", WHEN) "," M("run", "{\"type\":\"number\",\"minimum\":0,\"maximum\":120}") ","
		M("history", "{\"type\":\"object\",\"required\":[\"from\",\"to\"],\"properties\":{" M("from", WHEN) "," M("to", WHEN) "}}"))},
	{"CaseStateSet", "{\"type\":\"object\",\"required\":[\"state\"],\"properties\":{\"state\":{\"enum\":[\"open\",\"seen\",\"in_work\",\"done\","
		"\"closed\"]}," M("note", "{\"type\":\"string\"}") "," M("person", "{\"type\":\"string\"}") "}}"},
	{"DeviceConfig", "{\"type\":\"object\",\"required\":[\"driver\",\"asset\"],\"properties\":{\"driver\":{\"enum\":[\"modbus\",\"push\"]},"
		M("asset", "{\"type\":\"string\"}") "," M("enabled", FLAG) "," M("state", "{\"type\":\"object\"}") ","
		M("signals", ARRAY("{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{" M("name", "{\"type\":\"string\"}") "," M("label", TEXT) "," M("unit", TEXT) "}}")) "}}"},
	{"Checked", OBJECT(M("items", ARRAY(OBJECT(M("file", TEXT) "," PROBLEM_MEMBERS))) "," M("files", INTEGER) "," M("findings", INTEGER))},
	{"Login", "{\"type\":\"object\",\"required\":[\"name\",\"password\"],\"properties\":{" M("name", "{\"type\":\"string\"}") ","
		M("password", "{\"type\":\"string\"}") "}}"},
	{"Session", OBJECT(M("account", TEXT) "," M("role", TEXT) "," M("csrf", TEXT) "," M("permissions", ARRAY(TEXT)) "," M("accounts", FLAG))},
	{"AccountSet", OBJECT(M("role", ROLE) "," M("password", "{\"type\":\"string\"}") "," M("disabled", FLAG))},
	{"Account", OBJECT(M("name", TEXT) "," M("role", TEXT) "," M("disabled", FLAG) "," M("did", TEXT))},
	{"PasswordSet", "{\"type\":\"object\",\"required\":[\"password\"],\"properties\":{" M("password", "{\"type\":\"string\"}") ","
		M("old", "{\"type\":\"string\"}") "}}"},
	{"TokenSet", "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{" M("name", "{\"type\":\"string\"}") "," M("role", ROLE) ","
		M("permissions", ARRAY("{\"type\":\"string\"}")) "," M("expires", WHEN) "}}"},
	{"Token", OBJECT(M("id", INTEGER) "," M("name", TEXT) "," M("token", TEXT))},
	{"PersonSet", "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{" M("name", "{\"type\":\"string\"}") "}}"},
	{"EraseSet", "{\"type\":\"object\",\"required\":[\"reason\"],\"properties\":{" M("reason", "{\"type\":\"string\"}") "}}"},
	{"People", LIST(OBJECT(M("pseudonym", TEXT) "," M("name", TEXT) "," M("erasing", TIME) "," M("erased", TIME)))},
	{"Person", OBJECT(M("pseudonym", TEXT) "," M("uuid", TEXT) "," M("name", TEXT) "," M("did", TEXT) ","
		M("erasure", "{\"type\":[\"object\",\"null\"],\"properties\":{" M("begun", TIME) "," M("done", TIME) "," M("who", TEXT) "," M("reason", TEXT) ","
		M("destroyed", ARRAY(TEXT)) "," M("copies", INTEGER) "," M("files", INTEGER) "," M("searched", "{\"type\":[\"boolean\",\"null\"]}") "," M("found", ARRAY(OBJECT(M("object", TEXT) "," M("key", TEXT) "," M("field", TEXT)))) "," M("targets", ARRAY(OBJECT(M("target", TEXT) "," M("done", TIME) "," M("why", WORDS)))) "}}"))},
	{"PersonFile", OBJECT(M("file", TEXT) "," M("pseudonym", TEXT))},
	{"PersonFiles", OBJECT(M("erased", TIME) "," M("items", ARRAY(OBJECT(M("file", TEXT) "," M("media", TEXT) "," M("name", TEXT) "," M("size", INTEGER) ","
		M("t", TIME) "," M("who", TEXT)))))},
	{"Backup", OBJECT(M("snapshot", TEXT) "," M("files", INTEGER) "," M("bytes", INTEGER) "," M("pieces", INTEGER) "," M("written", INTEGER))},
	{"Drill", OBJECT(M("running", FLAG) "," M("age_s", INTEGER) "," M("target", TEXT) "," M("every_hours", INTEGER) "," M("last", "{\"type\":[\"object\",\"null\"],\"properties\":{" M("target", TEXT) ","
		M("t", TIME) "," M("took_ms", INTEGER) "," M("ok", FLAG) "," M("snapshot", TEXT) "," M("made", TIME) "," M("newest", TIME) "," M("files", INTEGER) "," M("bytes", INTEGER) ","
		M("compared", INTEGER) "," M("findings", INTEGER) "," M("found", ARRAY(WORDS)) "," M("why", WORDS) "}}"))},
	{"Exported", OBJECT(EXPORT_COUNTS "," M("sha256", TEXT))},
	{"ExportBegun", OBJECT(M("name", TEXT))},
	{"Exports", OBJECT(M("running", "{\"type\":[\"object\",\"null\"]}") "," M("failed", "{\"type\":[\"object\",\"null\"]}") "," M("keep_hours", INTEGER) ","
		M("items", ARRAY(OBJECT(M("name", TEXT) "," M("bytes", INTEGER) "," M("made", TIME) "," M("until", TIME)))))},
	{"Disk", OBJECT(DISK "," M("marks", OBJECT(M("warn", INTEGER) "," M("spare", INTEGER) "," M("no_blobs", INTEGER) "," M("no_values", INTEGER) ","
		M("reserve_bytes", INTEGER))) "," M("refused", OBJECT(M("blobs", INTEGER) "," M("values", INTEGER))) "," M("values_lost", INTEGER) ","
		M("written", OBJECT(M("device_bytes", INTEGER) "," M("taken_bytes", INTEGER) "," M("ratio", NUMBER))))},
	{"Retention", OBJECT(M("version", INTEGER) "," M("rules", ARRAY(OBJECT(M("class", TEXT) "," M("asset", TEXT) "," M("keep_days", INTEGER)))) ","
		M("running", FLAG) "," M("waits", FLAG) "," M("last", "{\"type\":[\"object\",\"null\"]}"))},
	{"RetentionPreview", OBJECT(M("class", TEXT) "," M("keep_days", INTEGER) "," M("before", WHEN) "," M("removed", INTEGER) "," M("bytes", INTEGER) ","
		M("from", TIME) "," M("to", TIME))},
	{"RetentionSet", "{\"type\":\"object\",\"required\":[\"rules\"],\"additionalProperties\":false,\"properties\":{\"rules\":{\"type\":\"array\",\"items\":"
		"{\"type\":\"object\",\"required\":[\"class\",\"keep_days\"],\"additionalProperties\":false,\"properties\":{\"class\":{\"enum\":[\"values\",\"sequences\",\"files\",\"cases\",\"audit\"]},"
		"\"asset\":{\"type\":[\"string\",\"null\"]},\"keep_days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":36500}}}}}}"},
	{"Phone", OBJECT(M("tls", FLAG) "," M("others", FLAG) ","
		M("ca", "{\"type\":[\"object\",\"null\"],\"properties\":{" M("subject", TEXT) "," M("sha256", TEXT) "," M("to", TIME) "}}") ","
		M("places", ARRAY(OBJECT(M("host", TEXT) "," M("url", TEXT) "," M("size", INTEGER) "," M("path", TEXT)))))},
	{"Clock", OBJECT(M("now", TIME) "," M("values", INTEGER))},
	{"Today", OBJECT(M("from", TIME) "," M("to", TIME) "," M("machines", ARRAY(OBJECT(M("asset", TEXT) "," M("name", TEXT) "," M("state", TEXT) ","
		M("since", TIME) "," M("alarm", INTEGER) "," M("running_share", NUMBER) "," M("stale", FLAG) "," M("states", ARRAY(STATE))))) ","
		M("cases", ARRAY("{\"type\":\"object\"}")) "," M("cases_open", INTEGER) "," M("disk", OBJECT(DISK)) "," M("backup", "{\"type\":[\"object\",\"null\"]}") "," M("counts", "{\"type\":\"object\"}"))},
	{"Asset", OBJECT(M("id", INTEGER) "," M("uuid", TEXT) "," M("code", TEXT) "," M("name", TEXT) "," M("kind", TEXT) "," M("parent", TEXT) "," M("unit", TEXT) "," M("state", TEXT) ","
		M("since", TIME) "," M("stale", FLAG) "," M("signals", INTEGER))},
	{"States", OBJECT(M("items", ARRAY(STATE)))},
	{"Stops", OBJECT(M("items", ARRAY(OBJECT(M("from", TIME) "," M("to", TIME) "," M("kind", TEXT) "," M("alarm", INTEGER)))))},
	{"Signals", LIST(OBJECT(SIGNAL))},
	{"Signal", OBJECT(SIGNAL "," M("points", INTEGER) "," M("first", TIME) "," M("last_t", TIME))},
	{"Values", OBJECT(M("t_ms", ARRAY(NUMBER)) "," M("seq", "{\"type\":[\"array\",\"null\"]}") "," M("v", "{\"type\":\"array\"}") ","
		M("q", "{\"type\":[\"array\",\"null\"]}") "," M("arrival_ms", ARRAY(NUMBER)) "," M("next", TEXT))},
	{"Chart", OBJECT(M("from", TIME) "," M("to", TIME) "," M("width", INTEGER) "," M("t_ms", ARRAY(NUMBER)) "," M("min", ARRAY(NUMBER)) "," M("max", ARRAY(NUMBER)) ","
		M("mean", ARRAY(NUMBER)) "," M("n", ARRAY(INTEGER)) "," M("bad", ARRAY(INTEGER)) "," M("raw", FLAG))},
	{"Last", OBJECT(M("items", ARRAY(OBJECT(M("id", TEXT) "," LAST "," M("stale", FLAG)))))},
	{"Lot", OBJECT(LOT "," M("events", "{\"type\":\"array\"}") "," M("operations", "{\"type\":\"array\"}") "," M("characteristics", "{\"type\":\"array\"}") ","
		M("parents", "{\"type\":\"array\"}") "," M("children", "{\"type\":\"array\"}"))},
	{"Tree", OBJECT(M("nodes", ARRAY(OBJECT(LOT "," M("depth", INTEGER)))) "," M("links", ARRAY(OBJECT(M("parent", INTEGER) "," M("child", INTEGER) ","
		M("quantity", NUMBER) "," M("unit", TEXT)))) "," M("cut", FLAG))},
	{"SeenLots", OBJECT(M("values", INTEGER) "," M("items", ARRAY(OBJECT(LOT "," M("times", INTEGER) "," M("first_t", TIME) "," M("last_t", TIME)))))},
	{"Case", "{\"type\":\"object\"}"},
	{"CaseState", OBJECT(M("state", TEXT))},
	{"Recorded", OBJECT(M("taken", INTEGER) "," M("changed", INTEGER) "," M("same", INTEGER) "," M("refused", INTEGER) "," M("errors", ARRAY(OBJECT(PROBLEM_MEMBERS))))},
	{"Devices", LIST(OBJECT(M("name", TEXT) "," M("version", INTEGER) "," M("config", "{\"type\":\"object\"}") "," M("status", "{\"type\":[\"object\",\"null\"]}")))},
	{"DeviceTest", OBJECT(M("ok", FLAG) "," M("state", TEXT) "," M("trouble", WORDS) "," M("values", "{\"type\":\"array\"}") "," M("frames", "{\"type\":\"array\"}"))},
	{"Stored", OBJECT(M("name", TEXT) "," M("version", INTEGER))},
	{"SinkConfig", "{\"type\":\"object\",\"required\":[\"url\",\"what\"],\"additionalProperties\":false,\"properties\":{" M("url", "{\"type\":\"string\",\"maxLength\":1024}") ","
		M("what", ARRAY("{\"enum\":[\"assets\",\"signals\",\"lots\",\"links\",\"operations\",\"events\",\"characteristics\",\"states\",\"cases\",\"changes\"]}")) ","
		M("enabled", FLAG) "," M("plain", FLAG) "," M("rate", RANGE("1", "10000")) "," M("timeout_ms", RANGE("1000", "120000")) ","
		M("keep_hours", RANGE("1", "87600")) "," M("behind_max", RANGE("1", "100000000")) "," M("ca", "{\"type\":\"string\"}") "," M("token", TEXT) ","
		M("from", "{\"enum\":[\"now\",\"start\"]}") "}}"},
	{"Sinks", LIST(OBJECT(M("name", TEXT) "," M("version", INTEGER) "," M("config", "{\"type\":[\"object\",\"null\"]}") ","
		M("status", "{\"type\":[\"object\",\"null\"],\"properties\":{" M("state", TEXT) "," M("pending", INTEGER) "," M("oldest", TIME) "," M("oldest_age_s", INTEGER) ","
			M("sent", INTEGER) "," M("skipped", INTEGER) "," M("last", TIME) "," M("aside", INTEGER) "," M("failures", INTEGER) "," M("wait_s", INTEGER) ","
			M("trouble", WORDS) "}}")))},
	{"TrustSet", "{\"type\":\"object\",\"required\":[\"purposes\"],\"properties\":{" M("certificate", "{\"type\":\"string\"}") "," M("der", "{\"type\":\"string\"}") ","
		M("purposes", PURPOSES) "," M("authority", FLAG) "," M("label", "{\"type\":\"string\",\"maxLength\":64}") "}}"},
	{"TrustDecision", "{\"type\":\"object\",\"required\":[\"state\"],\"properties\":{" M("state", "{\"enum\":[\"trusted\",\"refused\"]}") ","
		M("purposes", PURPOSES) "," M("authority", FLAG) "," M("label", "{\"type\":\"string\",\"maxLength\":64}") "}}"},
	{"Trust", LIST(OBJECT(M("fingerprint", TEXT) "," M("version", INTEGER) "," M("readable", FLAG) "," M("state", "{\"enum\":[\"waiting\",\"trusted\",\"refused\"]}") ","
		M("purposes", PURPOSES) "," M("authority", FLAG) "," M("label", TEXT) "," M("peer", TEXT) "," M("by", TEXT) "," M("added", TIME) "," CERTIFICATE ","
		M("uri", TEXT) "," M("key", TEXT) "," M("certificate", TEXT)))},
	{"Keys", LIST(OBJECT(M("purpose", TEXT) "," M("use", TEXT) "," M("algorithm", TEXT) "," M("renewal", TEXT) "," M("in_backups", FLAG) "," M("good", FLAG) ","
		M("trouble", WORDS) "," M("fingerprint", TEXT) "," M("certificate", "{\"type\":[\"object\",\"null\"],\"properties\":{" CERTIFICATE "}}")))},
	{"SinkTest", OBJECT(M("ok", FLAG) "," M("status", INTEGER) "," M("took_ms", INTEGER) "," M("trouble", WORDS))},
	{"Imports", LIST(OBJECT(IMPORT))},
	{"Import", OBJECT(IMPORT)},
	{"Preview", OBJECT(M("columns", "{\"type\":\"array\"}") "," M("rows", "{\"type\":\"array\"}"))},
};

static void row_schema(struct json_writer *w, enum store_query q)
{
	static const char *const types[] = {"boolean", "integer", "number", "string", "string", "string", NULL};
	const struct store_query_def *def = store_query_def(q);
	jw_object(w);
	jw_key(w, "type");
	jw_cstr(w, "object");
	jw_key(w, "properties");
	jw_object(w);
	for (unsigned i = 0; i < def->n_cols; i++) {
		const char *name = def->cols[i].name, *type = types[def->cols[i].type];
		size_t n = strlen(name);
		if (strcmp(name, "sealed") == 0) { /* api_members() writes what it means */
			jw_key(w, "personal");
			jw_raw(w, SPAN_LIT(FLAG));
			continue;
		}
		bool pair = n > 5 && strcmp(name + n - 5, "_firm") == 0;
		jw_key_span(w, span_of(name, pair ? n - 5 : n));
		jw_object(w);
		if (pair || type) {
			jw_key(w, "type");
			jw_array(w);
			jw_cstr(w, pair ? "object" : type);
			jw_cstr(w, "null");
			jw_array_end(w);
		}
		if (def->cols[i].type == COL_TIME) {
			jw_key(w, "format");
			jw_cstr(w, "date-time");
		}
		jw_object_end(w);
		i += pair;
		if (strcmp(name, "person") == 0) {
			jw_key(w, "person_name");
			jw_raw(w, SPAN_LIT(TEXT));
		}
	}
	jw_object_end(w);
	jw_object_end(w);
}

static void schema_ref(struct json_writer *w, const char *name)
{
	char ref[96];
	snprintf(ref, sizeof ref, "#/components/schemas/%s", name);
	jw_object(w);
	jw_key(w, "$ref");
	jw_cstr(w, ref);
	jw_object_end(w);
}

static void answer_schema(struct json_writer *w, const struct api_route *r)
{
	if (r->query >= 0) {
		jw_object(w);
		jw_key(w, "type");
		jw_cstr(w, "object");
		jw_key(w, "properties");
		jw_object(w);
		jw_key(w, "items");
		jw_object(w);
		jw_key(w, "type");
		jw_cstr(w, "array");
		jw_key(w, "items");
		row_schema(w, (enum store_query)r->query);
		jw_object_end(w);
		jw_key(w, "next");
		jw_raw(w, SPAN_LIT(TEXT));
		jw_object_end(w);
		jw_object_end(w);
		return;
	}
	schema_ref(w, r->answer);
}

static void values_of(struct json_writer *w, const char *list)
{
	struct span all = span_str(list);
	jw_key(w, "enum");
	jw_array(w);
	for (size_t i = 0; i < all.n;) {
		size_t end = span_find(all, i, ',');
		jw_str(w, span_trim(span_sub(all, i, end - i)));
		i = end + 1;
	}
	jw_array_end(w);
}

static void param(struct json_writer *w, const struct api_param *p, const char *in)
{
	bool in_path = strcmp(in, "path") == 0;
	jw_object(w);
	jw_key(w, "name");
	jw_cstr(w, p->name);
	jw_key(w, "in");
	jw_cstr(w, in);
	jw_key(w, "required");
	jw_bool(w, p->required || in_path);
	if (p->about && p->type != PARAM_ENUM) {
		jw_key(w, "description");
		jw_cstr(w, p->about);
	}
	jw_key(w, "schema");
	jw_object(w);
	jw_key(w, "type");
	jw_cstr(w, p->type == PARAM_INT ? "integer" : p->type == PARAM_NUMBER ? "number" : "string");
	if (p->type == PARAM_ENUM || p->type == PARAM_FLAG)
		values_of(w, p->type == PARAM_FLAG ? "0, 1" : p->about);
	if (p->type == PARAM_UUID) {
		jw_key(w, "format");
		jw_cstr(w, "uuid");
	}
	if (p->type == PARAM_INT) {
		jw_key(w, "minimum");
		jw_i64(w, p->lo);
		jw_key(w, "maximum");
		jw_i64(w, p->hi);
	} else if (in_path) {
		jw_key(w, "minLength");
		jw_i64(w, 1);
	}
	jw_object_end(w);
	jw_object_end(w);
}

static bool in_path(const char *path, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = path; (p = strchr(p, '{')); p++)
		if (strncmp(p + 1, name, n) == 0 && p[n + 1] == '}')
			return true;
	return false;
}

static void path_params(struct json_writer *w, const struct api_route *r)
{
	for (const char *p = r->path; (p = strchr(p, '{')); p++) {
		char name[32] = "";
		size_t n = strcspn(p + 1, "}");
		struct api_param one = {name, PARAM_TEXT, true, NULL, 0, 0};
		memcpy(name, p + 1, n < sizeof name - 1 ? n : sizeof name - 1);
		for (size_t i = 0; i < sizeof r->params / sizeof *r->params && r->params[i].name; i++)
			if (strcmp(r->params[i].name, name) == 0)
				one = r->params[i];
		param(w, &one, "path");
	}
}

static void refusal(struct json_writer *w, const struct api_route *r, struct span status)
{
	jw_key_span(w, status);
	jw_raw(w, r->flags & ROUTE_INFLUX ? SPAN_LIT("{\"$ref\":\"#/components/responses/InfluxError\"}") : SPAN_LIT("{\"$ref\":\"#/components/responses/Problem\"}"));
}

/* What any route may answer, and what follows from this one's row. */
static void refusals(struct json_writer *w, const struct api_route *r)
{
	bool has_name = strchr(r->path, '{') != NULL;
	struct span more = span_str(r->statuses ? r->statuses : "");
	static const char *const always[] = {"400", "401", "403", "408", "414", "431", "500", "503"};
	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		refusal(w, r, span_str(always[i]));
	if (has_name)
		refusal(w, r, SPAN_LIT("404"));
	if (r->body_limit) {
		refusal(w, r, SPAN_LIT("413"));
		refusal(w, r, SPAN_LIT("415"));
	}
	for (size_t i = 0; i < more.n;) {
		size_t end = span_find(more, i, ',');
		struct span s = span_trim(span_sub(more, i, end - i));
		i = end + 1;
		bool said = span_is(s, "401") || (has_name && span_is(s, "404")) || (r->body_limit && span_is(s, "413")) || span_is(s, "422");
		if (!said)
			refusal(w, r, s);
	}
}

static void responses(struct json_writer *w, const struct api_route *r)
{
	jw_key(w, "responses");
	jw_object(w);
	bool none = !r->answer && r->query < 0 && !r->content;
	jw_key(w, none ? "204" : r->stream == &import_stream || r->stream == &person_files_stream ? "201" : "200");
	jw_object(w);
	jw_key(w, "description");
	jw_cstr(w, none ? "Done" : "The answer");
	if (!none) {
		jw_key(w, "content");
		jw_object(w);
		struct span types = span_str(r->content ? r->content : "");
		if (r->answer || r->query >= 0) {
			jw_key(w, "application/json");
			jw_object(w);
			jw_key(w, "schema");
			answer_schema(w, r);
			jw_object_end(w);
		}
		for (size_t i = 0; i < types.n;) {
			size_t end = span_find(types, i, ',');
			jw_key_span(w, span_trim(span_sub(types, i, end - i)));
			jw_raw(w, SPAN_LIT("{\"schema\":{\"type\":\"string\"}}"));
			i = end + 1;
		}
		jw_object_end(w);
	}
	jw_object_end(w);
	if (strcmp(r->name, "records") == 0) {
		jw_key(w, "422");
		jw_raw(w, SPAN_LIT("{\"description\":\"Lines were refused; nothing was stored\",\"content\":{\"application/json\":{\"schema\":"
				   "{\"$ref\":\"#/components/schemas/Recorded\"}}}}"));
	}
	refusals(w, r);
	jw_object_end(w);
}

static void operation(struct json_writer *w, const struct api_route *r)
{
	char method[8];
	size_t n = 0;
	for (const char *m = http1_method_name(r->method); m[n] && n < sizeof method - 1; n++)
		method[n] = (char)(m[n] | 0x20);
	method[n] = 0;
	jw_key(w, method);
	jw_object(w);
	jw_key(w, "operationId");
	jw_cstr(w, r->name);
	jw_key(w, "summary");
	jw_cstr(w, r->summary);
	if (r->flags & ROUTE_INGEST) {
		jw_key(w, "x-moru-ingest");
		jw_bool(w, true);
	}
	jw_key(w, "x-moru-permission");
	jw_cstr(w, permission_name(r->permission));
	jw_key(w, "parameters");
	jw_array(w);
	path_params(w, r);
	for (size_t i = 0; i < sizeof r->params / sizeof *r->params && r->params[i].name; i++)
		if (!in_path(r->path, r->params[i].name))
			param(w, &r->params[i], "query");
	jw_array_end(w);
	if (r->body_type) {
		jw_key(w, "requestBody");
		jw_object(w);
		jw_key(w, "content");
		jw_object(w);
		struct span types = span_str(r->body_type);
		for (size_t i = 0; i < types.n;) {
			size_t end = span_find(types, i, ',');
			jw_key_span(w, span_trim(span_sub(types, i, end - i)));
			jw_object(w);
			jw_key(w, "schema");
			if (r->takes)
				schema_ref(w, r->takes);
			else
				jw_raw(w, strcmp(r->body_type, "application/json") == 0 ? SPAN_LIT("{\"type\":\"object\"}") : SPAN_LIT("{\"type\":\"string\"}"));
			jw_object_end(w);
			i = end + 1;
		}
		jw_object_end(w);
		jw_object_end(w);
	}
	responses(w, r);
	jw_object_end(w);
}

void api_openapi(struct buf *out, const char *version)
{
	struct json_writer w;
	json_writer_init(&w, out);
	jw_object(&w);
	jw_key(&w, "openapi");
	jw_cstr(&w, "3.1.0");
	jw_key(&w, "info");
	jw_object(&w);
	jw_key(&w, "title");
	jw_cstr(&w, "Moru");
	jw_key(&w, "version");
	jw_cstr(&w, version);
	jw_key(&w, "license");
	jw_raw(&w, SPAN_LIT("{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}"));
	jw_object_end(&w);
	jw_key(&w, "servers");
	jw_raw(&w, SPAN_LIT("[{\"url\":\"/\"}]"));
	jw_key(&w, "paths");
	jw_object(&w);
	for (size_t i = 0; i < api_routes_n; i++) {
		bool first = api_routes[i].path[0] != '*';
		for (size_t k = 0; k < i; k++)
			first &= strcmp(api_routes[k].path, api_routes[i].path) != 0;
		if (!first)
			continue;
		jw_key(&w, api_routes[i].path);
		jw_object(&w);
		for (size_t k = i; k < api_routes_n; k++)
			if (strcmp(api_routes[k].path, api_routes[i].path) == 0)
				operation(&w, &api_routes[k]);
		jw_object_end(&w);
	}
	jw_object_end(&w);
	jw_key(&w, "components");
	jw_object(&w);
	jw_key(&w, "schemas");
	jw_object(&w);
	for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
		jw_key(&w, schemas[i].name);
		jw_raw(&w, span_str(schemas[i].schema));
	}
	jw_object_end(&w);
	jw_key(&w, "responses");
	jw_raw(&w, SPAN_LIT("{\"Problem\":{\"description\":\"What is wrong, in words (RFC 9457)\",\"content\":{\"application/problem+json\":{\"schema\":"
			    "{\"$ref\":\"#/components/schemas/Problem\"}}}},\"InfluxError\":{\"description\":\"What is wrong, as InfluxDB says it\",\"content\":"
			    "{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/InfluxError\"}},\"application/problem+json\":{\"schema\":"
			    "{\"$ref\":\"#/components/schemas/Problem\"}}}}}"));
	jw_object_end(&w);
	jw_object_end(&w);
}
