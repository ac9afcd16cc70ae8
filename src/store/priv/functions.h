/* The SQL functions that our statements call: uuid_text(blob),
 * uuid_blob(text) and search_match(text), which turns what a person typed into an FTS5 query. */
#ifndef MO_STORE_PRIV_FUNCTIONS_H
#define MO_STORE_PRIV_FUNCTIONS_H

#include <sqlite3.h>

int store_functions_register(sqlite3 *sq); /* an SQLite result code */

#endif
