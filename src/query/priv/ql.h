/* InfluxQL as text: tokens, statements. All of a parse lies in one arena. */
#ifndef MO_QUERY_PRIV_QL_H
#define MO_QUERY_PRIV_QL_H

#include "base/arena.h"
#include "base/diag.h"
#include "query/influxql.h"

#define QL_DEPTH_MAX 64u   /* nested parentheses and operators of a condition */
#define QL_COMPARISONS_MAX 2048u /* of one condition: its tree is walked by recursion */
#define QL_COLUMNS_MAX 512u
#define QL_TAGS_MAX 64u    /* of a GROUP BY */

enum ql_kind {
	QL_END,
	QL_NAME,   /* word or "quoted" */
	QL_STRING, /* 'text' */
	QL_INT,
	QL_FLOAT,
	QL_DURATION,
	QL_REGEX,
	QL_OP,     /* punctuation: = != <> < <= > >= =~ !~ ( ) , ; . :: * + - / % */
	QL_BAD     /* an unclosed string, a byte that begins nothing */
};
struct ql_token {
	enum ql_kind kind;
	struct span raw;  /* as it stands in the text */
	struct span text; /* without quotes and escapes */
	bool quoted;
	int64_t i64;      /* INT, DURATION (ns) */
	double f64;       /* FLOAT, INT */
};
struct ql_lexer {
	struct span text;
	size_t at;
	struct arena *a;
};
/* `regex`: a '/' here begins a regular expression. MO_ENOMEM. */
MO_MUST_USE int ql_next(struct ql_lexer *x, bool regex, struct ql_token *ret);
bool ql_is_keyword(struct span word);
/* Letter case of ASCII does not matter. */
bool ql_same_word(struct span a, const char *b);

enum ql_as { QL_ANY, QL_TAG, QL_FIELD };
struct ql_ref {
	struct span name;
	enum ql_as as;
};
enum ql_column_kind { QLC_REF, QLC_WILD, QLC_LAST, QLC_LAST_WILD };
struct ql_column {
	enum ql_column_kind kind;
	struct ql_ref ref; /* of WILD: only `as` */
	struct span alias; /* p == NULL: none */
	struct ql_column *next;
};
enum ql_cmp { QL_EQ, QL_NE, QL_LT, QL_LE, QL_GT, QL_GE };
enum ql_literal { QL_L_STRING, QL_L_INT, QL_L_FLOAT, QL_L_BOOL };
struct ql_expr {
	enum { QL_AND, QL_OR, QL_COMPARE } op;
	struct ql_expr *l, *r; /* AND, OR */
	struct ql_ref ref;     /* COMPARE: ref cmp literal */
	enum ql_cmp cmp;
	enum ql_literal type;
	struct span str;
	int64_t i64;
	double f64;            /* INT and FLOAT */
	bool b;
	/* set by the plan: slot of a field, or -1 for a tag */
	int slot;
};
struct ql_select {
	struct ql_column *columns;
	struct span measurement;
	struct ql_expr *where;  /* NULL: all */
	int64_t from_ns, to_ns; /* inclusive; INT64_MIN, INT64_MAX: open */
	bool group_all;
	struct span group[QL_TAGS_MAX];
	size_t n_group;
	bool descending;
	uint64_t limit, offset; /* 0: none */
};
enum ql_statement_kind { QLS_SELECT, QLS_SHOW_DATABASES, QLS_CREATE_DATABASE, QLS_UNSERVED };
struct ql_statement {
	enum ql_statement_kind kind;
	struct ql_select *select;
	struct span name;   /* CREATE DATABASE */
	bool ignored;       /* CREATE DATABASE … WITH: what follows has no meaning here */
	const char *why;    /* UNSERVED: in InfluxDB's language, English */
	struct ql_statement *next;
};
/* MO_EINVAL (diag: line, column, value, expected), MO_ELIMIT, MO_ENOMEM. */
MO_MUST_USE int ql_parse(struct ql_statement **ret, struct arena *a, struct span text, int64_t now_ns, struct diag *d);

#endif
