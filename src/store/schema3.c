/* Version 3 of the schema: how far each sink has got in the change feed, and
 * what its receiver refused. Nothing of a message is copied: it is rendered from
 * the feed each time it is sent. */
#include "store/priv/migrations.h"

const char store_schema_v3[] =
	"CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL UNIQUE, node BLOB NOT NULL CHECK(length(node)=16),"
	" cursor INTEGER NOT NULL CHECK(cursor>=0), sent INTEGER NOT NULL, skipped INTEGER NOT NULL, gap_from INTEGER, gap_to INTEGER, last INTEGER,"
	" CHECK((gap_from IS NULL)=(gap_to IS NULL)), CHECK(gap_to IS NULL OR gap_to>=gap_from)) STRICT;"
	"CREATE TABLE outbox_aside(id INTEGER PRIMARY KEY AUTOINCREMENT, outbox INTEGER NOT NULL REFERENCES outbox(id), number INTEGER NOT NULL,"
	" t INTEGER NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL, again INTEGER NOT NULL CHECK(again IN(0,1)),"
	" UNIQUE(outbox, number)) STRICT;"
	"CREATE TRIGGER outbox_forward BEFORE UPDATE OF cursor ON outbox WHEN new.cursor<old.cursor"
	" BEGIN SELECT RAISE(ABORT, 'a cursor goes forward only'); END;";
