#include <ctype.h>
#include <stdlib.h>

#include "query/priv/sql.h"

/* Everything that only computes. What is not here is refused: load_extension() and the like, and what a later SQLite may bring. */
static const char *const functions[] = {"abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg", "ceil", "ceiling", "char", "coalesce",
	"cos", "cosh", "count", "cume_dist", "date", "datetime", "degrees", "dense_rank", "exp", "first_value", "floor", "format", "glob", "group_concat",
	"hex", "ifnull", "iif", "instr", "json", "json_array", "json_array_length", "json_extract", "->", "->>", "json_group_array", "json_group_object",
	"json_object", "json_quote", "json_type", "json_valid", "julianday", "lag", "last_value", "lead", "length", "like", "likelihood", "likely", "ln", "log",
	"log10", "log2", "lower", "ltrim", "max", "min", "mod", "nth_value", "ntile", "nullif", "percent_rank", "pi", "pow", "power", "printf", "quote",
	"radians", "rank", "replace", "round", "row_number", "rtrim", "sign", "sin", "sinh", "sqrt", "strftime", "substr", "substring", "sum", "tan",
	"tanh", "time", "time_ns", "time_text", "total", "trim", "trunc", "typeof", "unhex", "unicode", "unixepoch", "unlikely", "upper", "uuid_text"};
static const char *const views[] = {"asset", "case_", "characteristic", "event", "item", "lot", "lot_link", "machine_state", "operation", "signal"};
static const char *const virtual_tables[] = {"chart", "json_each", "json_tree", "series", "value"};

static bool among(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (sqlite3_stricmp(names[i], name) == 0)
			return true;
	return false;
}
#define AMONG(names, name) among(names, sizeof(names) / sizeof *(names), name)

static bool is_hidden(struct sql_guard *g, const char *name)
{
	char low[128];
	size_t n = 0;
	if (sqlite3_strnicmp(name, "sqlite_", 7) == 0 || sqlite3_strnicmp(name, "pragma_", 7) == 0)
		return true;
	for (; name[n] && n < sizeof low; n++)
		low[n] = (char)tolower((unsigned char)name[n]);
	return map_get(&g->hidden, span_of(low, n)) != NULL;
}

static int refuse(struct sql_guard *g, enum sql_refusal why, const char *what)
{
	if (g->refusal == SQL_REFUSED_NOTHING) {
		g->refusal = why;
		diag_copy(g->refused, sizeof g->refused, span_str(what ? what : "?"));
	}
	return SQLITE_DENY;
}

static const char *action_name(int action)
{
	static const struct {
		int action;
		const char *name;
	} names[] = {{SQLITE_ALTER_TABLE, "ALTER TABLE"}, {SQLITE_ANALYZE, "ANALYZE"}, {SQLITE_ATTACH, "ATTACH"}, {SQLITE_DELETE, "DELETE"},
		{SQLITE_DETACH, "DETACH"}, {SQLITE_INSERT, "INSERT"}, {SQLITE_PRAGMA, "PRAGMA"}, {SQLITE_REINDEX, "REINDEX"}, {SQLITE_SAVEPOINT, "SAVEPOINT"},
		{SQLITE_TRANSACTION, "TRANSACTION"}, {SQLITE_UPDATE, "UPDATE"}, {SQLITE_CREATE_VTABLE, "CREATE VIRTUAL TABLE"},
		{SQLITE_DROP_VTABLE, "DROP TABLE"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].action == action)
			return names[i].name;
	if (action >= SQLITE_CREATE_INDEX && action <= SQLITE_CREATE_VIEW)
		return "CREATE";
	return action >= SQLITE_DROP_INDEX && action <= SQLITE_DROP_VIEW ? "DROP" : "?";
}

/* from: the view or WITH clause in whose body the column is read, a name that a statement may choose unless it is our own. A table of which no
 * column is read (a view's join may need none) comes without column, and with the database as it was written, if it was. */
static bool may_read(struct sql_guard *g, const char *table, const char *column, const char *database, const char *from)
{
	if (AMONG(virtual_tables, table))
		return true;
	if (database && sqlite3_stricmp(database, "temp") == 0)
		return AMONG(views, table) || table[0] == SQL_OWN[0];
	if (column[0])
		return from && from[0] == SQL_OWN[0];
	if (database)
		return database[0] == SQL_OWN[0];
	return AMONG(views, table) || !is_hidden(g, table); /* a view, or a WITH clause of any name */
}

static int authorize(void *arg, int action, const char *a, const char *b, const char *database, const char *from)
{
	struct sql_guard *g = arg;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return b && AMONG(functions, b) ? SQLITE_OK : refuse(g, SQL_REFUSED_FUNCTION, b);
	case SQLITE_READ:
		return a && may_read(g, a, b ? b : "", database, from) ? SQLITE_OK : refuse(g, SQL_REFUSED_TABLE, a);
	default:
		return refuse(g, SQL_REFUSED_ACTION, action_name(action));
	}
}

static int progress(void *arg)
{
	struct sql_guard *g = arg;
	g->steps += SQL_STEPS_CHECK;
	if (g->steps > g->steps_max)
		g->end = SQL_ENDED_STEPS;
	else if (sqlite3_memory_used() > g->memory_ends)
		g->end = SQL_ENDED_MEMORY;
	else if (g->stop && g->stop(g->stop_arg))
		g->end = SQL_ENDED_STOP;
	return g->end != SQL_GOES_ON;
}

static int load_hidden(struct sql_guard *g, sqlite3 *sq)
{
	sqlite3_stmt *st = NULL;
	int err = 0, rc = sqlite3_prepare_v2(sq, "SELECT lower(name) FROM main.sqlite_schema WHERE type IN('table','view')", -1, &st, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW && !err) {
		const char *name = (const char *)sqlite3_column_text(st, 0);
		err = !name ? MO_ENOMEM : AMONG(views, name) ? 0 : map_put(&g->hidden, span_str(name), 1);
		rc = SQLITE_OK;
	}
	if (!err && rc != SQLITE_DONE)
		err = rc == SQLITE_NOMEM ? MO_ENOMEM : MO_EIO;
	sqlite3_finalize(st);
	return err;
}

int sql_guard_set(struct sql_guard *g, sqlite3 *sq)
{
	static const int limits[][2] = {{SQLITE_LIMIT_LENGTH, (int)SQL_VALUE_MAX}, {SQLITE_LIMIT_SQL_LENGTH, (int)SQL_TEXT_MAX},
		{SQLITE_LIMIT_COLUMN, (int)TABLE_COLS_MAX}, {SQLITE_LIMIT_EXPR_DEPTH, 100}, {SQLITE_LIMIT_COMPOUND_SELECT, 50}, {SQLITE_LIMIT_VDBE_OP, 100000},
		{SQLITE_LIMIT_FUNCTION_ARG, 100}, {SQLITE_LIMIT_ATTACHED, 0}, {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256}, {SQLITE_LIMIT_VARIABLE_NUMBER, 16},
		{SQLITE_LIMIT_TRIGGER_DEPTH, 1}, {SQLITE_LIMIT_WORKER_THREADS, 0}};
	map_init(&g->hidden);
	int err = load_hidden(g, sq);
	if (err)
		return err;
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		sqlite3_limit(sq, limits[i][0], limits[i][1]);
	/* A text in double quotes is a name, never quietly a value; no trigger, no writable schema, no extension. */
	static const int off[] = {SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_WRITABLE_SCHEMA,
		SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION};
	for (size_t i = 0; i < sizeof off / sizeof *off; i++)
		sqlite3_db_config(sq, off[i], 0, NULL);
	sqlite3_db_config(sq, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	g->steps_max = SQL_STEPS_MAX;
	sqlite3_progress_handler(sq, SQL_STEPS_CHECK, progress, g);
	return sqlite3_set_authorizer(sq, authorize, g) == SQLITE_OK ? 0 : MO_EBUG;
}

void sql_guard_free(struct sql_guard *g) { map_free(&g->hidden); }

void sql_guard_begin(struct sql_guard *g)
{
	g->refusal = SQL_REFUSED_NOTHING;
	g->end = SQL_GOES_ON;
	g->steps = 0;
	g->memory_ends = sqlite3_memory_used() + (int64_t)SQL_MEMORY_MAX;
}

/* ---- how far WITH clauses unfold ---- */

struct token {
	uint32_t at, n; /* of a name without its quotes */
	uint8_t c;      /* 'a' a name or word, else the character */
	bool quoted;
};
struct with {
	struct span name;
	size_t from, to; /* tokens of its body */
	uint32_t copies; /* 0: not known yet */
	bool open;
};
struct unfold {
	const uint8_t *sql;
	struct token *t;
	size_t n;
	struct with w[SQL_WITH_MAX];
	size_t n_with;
};

static bool is_word(uint8_t c) { return isalnum(c) || c == '_' || c == '$' || c >= 0x80; }

static size_t lex(struct token *t, struct span s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n;) {
		uint8_t c = s.p[i];
		if (c == '-' && i + 1 < s.n && s.p[i + 1] == '-') {
			i = span_find(s, i, '\n');
		} else if (c == '/' && i + 1 < s.n && s.p[i + 1] == '*') {
			for (i += 2; i + 1 < s.n && !(s.p[i] == '*' && s.p[i + 1] == '/'); i++)
				;
			i += 2;
		} else if (c == '\'' || c == '"' || c == '`' || c == '[') {
			uint8_t close = c == '[' ? ']' : c;
			size_t end = span_find(s, i + 1, close);
			while (close != ']' && end + 1 < s.n && s.p[end + 1] == close)
				end = span_find(s, end + 2, close);
			t[n++] = (struct token){(uint32_t)i + 1, (uint32_t)(end - i - 1), 'a', true};
			i = end + 1;
		} else if (is_word(c)) {
			size_t end = i;
			while (end < s.n && is_word(s.p[end]))
				end++;
			t[n++] = (struct token){(uint32_t)i, (uint32_t)(end - i), 'a', false};
			i = end;
		} else {
			if (!isspace(c))
				t[n++] = (struct token){(uint32_t)i, 1, c, false};
			i++;
		}
	}
	return n;
}

static struct span text_of(const struct unfold *u, size_t i) { return span_of(u->sql + u->t[i].at, u->t[i].n); }

static bool same(struct span a, struct span b) { return a.n == b.n && sqlite3_strnicmp((const char *)a.p, (const char *)b.p, (int)a.n) == 0; }

static bool is(const struct unfold *u, size_t i, const char *word)
{
	return i < u->n && u->t[i].c == 'a' && !u->t[i].quoted && same(text_of(u, i), span_str(word));
}

/* Behind the parenthesis that matches the one at i. */
static size_t behind(const struct unfold *u, size_t i)
{
	size_t depth = 0;
	for (; i < u->n; i++) {
		depth += u->t[i].c == '(';
		if (u->t[i].c == ')' && --depth == 0)
			return i + 1;
	}
	return u->n;
}

static size_t before(const struct unfold *u, size_t i)
{
	size_t depth = 0;
	for (;; i--) {
		depth += u->t[i].c == ')';
		if (u->t[i].c == '(' && --depth == 0)
			return i;
		if (i == 0)
			return 0;
	}
}

/* name [(columns)] AS [[NOT] MATERIALIZED] ( */
static bool find_withs(struct unfold *u)
{
	for (size_t i = 1; i < u->n; i++) {
		size_t body = i + 1, name = i - 1;
		if (!is(u, i, "AS"))
			continue;
		body += is(u, body, "NOT");
		body += is(u, body, "MATERIALIZED");
		if (body >= u->n || u->t[body].c != '(')
			continue;
		if (u->t[name].c == ')') {
			name = before(u, name);
			if (name-- == 0)
				continue;
		}
		if (u->t[name].c != 'a')
			continue;
		if (u->n_with == SQL_WITH_MAX)
			return false;
		u->w[u->n_with++] = (struct with){.name = text_of(u, name), .from = body, .to = behind(u, body)};
	}
	return true;
}

static uint32_t copies(struct unfold *u, size_t from, size_t to);

static uint32_t copies_of(struct unfold *u, struct with *w)
{
	if (w->open)
		return 1; /* itself: recursion unfolds nothing */
	if (!w->copies) {
		w->open = true;
		w->copies = copies(u, w->from, w->to);
		w->open = false;
	}
	return w->copies;
}

/* A name where a table may stand; what is in truth a column only counts too much. */
static uint32_t copies(struct unfold *u, size_t from, size_t to)
{
	uint32_t n = 1;
	for (size_t i = from; i < to && n <= SQL_EXPANSIONS_MAX; i++) {
		if (u->t[i].c != 'a' || i == 0 || (i + 1 < u->n && u->t[i + 1].c == '.'))
			continue;
		uint8_t c = u->t[i - 1].c;
		if (c != ',' && c != '(' && c != '.' && !is(u, i - 1, "FROM") && !is(u, i - 1, "JOIN") && !is(u, i - 1, "IN"))
			continue;
		for (size_t k = 0; k < u->n_with && n <= SQL_EXPANSIONS_MAX; k++)
			if (same(u->w[k].name, text_of(u, i)))
				n += copies_of(u, &u->w[k]);
	}
	return n;
}

int sql_guard_unfolds(struct span sql)
{
	struct unfold *u = calloc(1, sizeof *u);
	struct token *t = sql.n ? calloc(sql.n, sizeof *t) : NULL;
	int err = u && (t || !sql.n) ? 0 : MO_ENOMEM;
	if (!err) {
		u->sql = sql.p;
		u->t = t;
		u->n = lex(t, sql);
		err = find_withs(u) && copies(u, 0, u->n) <= SQL_EXPANSIONS_MAX ? 0 : MO_ELIMIT;
	}
	free(t);
	free(u);
	return err;
}
