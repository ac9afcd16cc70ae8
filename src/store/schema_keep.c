/* What rules of retention need (store/sweep.h): when a blob came last, blobs whose file has yet to go, and triggers of the append-only tables that let
 * go what lies before the limit that stands in `sweeping`, which is empty but within the transaction of a slice. */
#include "store/priv/migrations.h"

const char store_schema_keep[] =
	"ALTER TABLE blob ADD COLUMN seen INTEGER;"
	"CREATE TABLE blob_gone(sha256 BLOB PRIMARY KEY CHECK(length(sha256)=32)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE sweeping(noun TEXT PRIMARY KEY CHECK(noun IN('audit','case')), before INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX cases_closed ON cases(closed_t, id) WHERE state='closed';"
	"DROP TRIGGER audit_stay;"
	"CREATE TRIGGER audit_stay BEFORE DELETE ON audit WHEN NOT EXISTS(SELECT 1 FROM sweeping s WHERE s.noun='audit' AND old.t<s.before)"
	" BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;"
	"DROP TRIGGER case_history_stay;"
	"CREATE TRIGGER case_history_stay BEFORE DELETE ON case_history WHEN NOT EXISTS(SELECT 1 FROM sweeping s JOIN cases c ON c.id=old.case_id"
	" WHERE s.noun='case' AND c.state='closed' AND c.closed_t<s.before) BEGIN SELECT RAISE(ABORT, 'case_history is append-only'); END;"
	"CREATE TRIGGER cases_stay BEFORE DELETE ON cases WHEN NOT EXISTS(SELECT 1 FROM sweeping s WHERE s.noun='case' AND old.state='closed'"
	" AND old.closed_t<s.before) BEGIN SELECT RAISE(ABORT, 'a case that is not closed stays'); END;";
