/* Rows of the statement table that stand in a file of their own. */
#ifndef MO_STORE_PRIV_QUERIES_H
#define MO_STORE_PRIV_QUERIES_H

#include "store/queries.h"

#define STORE_EXPORT_QUERIES (STORE_QUERIES - SQ_EXPORT_FIRST)

extern const struct store_query_def store_export_queries[STORE_EXPORT_QUERIES];

#endif
