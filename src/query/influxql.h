/* InfluxQL as far as this version serves it (InfluxDB 1.8 answers are the
 * model: docs.influxdata.com/influxdb/v1.8/query_language): CREATE DATABASE,
 * SHOW DATABASES, and
 *   SELECT *|field|tag[::field|::tag] [AS name][, …]|last(field|*)[, …]
 *     FROM [db.[rp].]measurement
 *     [WHERE tag = 'x' | tag != 'x' | field op literal | time op … [AND …] [OR …] with parentheses; time not under OR]
 *     [GROUP BY tag[, …] | *] [ORDER BY time [DESC|ASC]] [LIMIT n] [OFFSET n]
 * Several statements with ';'. InfluxQL that is not served is an error in its
 * statement's result (English, as its clients expect), never a guess.
 *
 * All of the node is one database: the names of databases and policies in FROM
 * change nothing. Points of bad quality are as if not there. Points of kind
 * SEQUENCE of one time are rows of their own, joined by their number. Rows of
 * one time and group stand in order of their texts, then of their series. */
#ifndef MO_QUERY_INFLUXQL_H
#define MO_QUERY_INFLUXQL_H

#include "base/arena.h"
#include "base/diag.h"
#include "codec/json.h"
#include "series/series.h"

#define INFLUXQL_TEXT_MAX 65536u /* bytes */
#define INFLUXQL_STATEMENTS_MAX 64u
#define INFLUXQL_ROWS_MAX 1000000u /* per request; past it the answer says "partial" */

/* Series found by measurement, tags and field; grows with the engine's series. Thread-safe. */
struct series_index;
MO_MUST_USE int series_index_new(struct series_index **ret, struct sdb *db);
void series_index_free(struct series_index *x);
/* Looks at series defined since the last call. MO_ENOMEM: the next call goes on where this one stopped. */
MO_MUST_USE int series_index_refresh(struct series_index *x);

/* May be NULL as a whole or in part: no databases, and CREATE does nothing. */
struct influx_databases {
	/* Calls fn with each database's name. */
	int (*list)(void *arg, int (*fn)(void *fn_arg, struct span name), void *fn_arg);
	int (*create)(void *arg, struct span name, struct diag *d);
	void *arg;
};
struct influx_options {
	int64_t now_ns;   /* of now(); times without a zone are UTC */
	int64_t epoch_ns; /* ns of one tick in answers; 0: RFC 3339 texts */
};
/* Runs all statements of text and writes {"results":[…]} as InfluxDB 1.8 does (errors inside the statement's result; a text that cannot be
 * parsed: MO_EINVAL with diag, for HTTP 400 {"error":…}). out is a limited buffer: MO_ELIMIT when the answer is larger. Any other error is
 * one of dbs or of the engine. Where INFLUXQL_ROWS_MAX cut a series it says "partial":true. Any thread. */
MO_MUST_USE int influxql_run(struct series_index *x, struct sdb *db, struct span text, const struct influx_databases *dbs, const struct influx_options *opt,
	struct buf *out, struct diag *d);

#endif
