/* People: names leave table person, whose codes become pseudonyms, and stand sealed in table people (store/people.h); events and notes may be about
 * a person, and their text is sealed then; erasing and where it has yet to come. What is called here (person_sealed() ...) is of people.c and
 * put_records.c. The rest of the old bytes go with the rewrite that store_open() does where meta asks for it. */
#include "store/priv/migrations.h"

const char store_schema_people[] =
	"CREATE TABLE people(person INTEGER PRIMARY KEY REFERENCES person(id), sealed BLOB NOT NULL) STRICT;"
	"CREATE TABLE backup_target(path TEXT PRIMARY KEY, t INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE erasure(id INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER NOT NULL UNIQUE REFERENCES person(id), t INTEGER NOT NULL,"
	" who TEXT NOT NULL, reason TEXT NOT NULL, done INTEGER, copies INTEGER) STRICT;"
	"CREATE INDEX erasure_open ON erasure(id) WHERE done IS NULL;"
	"CREATE TABLE erasure_target(erasure INTEGER NOT NULL REFERENCES erasure(id), target TEXT NOT NULL, done INTEGER,"
	" PRIMARY KEY(erasure, target)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX erasure_target_open ON erasure_target(target, erasure) WHERE done IS NULL;"
	"ALTER TABLE event ADD COLUMN person INTEGER REFERENCES person(id);"
	"ALTER TABLE event ADD COLUMN sealed BLOB;"
	"CREATE INDEX event_person ON event(person) WHERE person IS NOT NULL;"
	"ALTER TABLE case_history ADD COLUMN person INTEGER REFERENCES person(id);"
	"ALTER TABLE case_history ADD COLUMN sealed BLOB;"
	"CREATE INDEX case_history_person ON case_history(person) WHERE person IS NOT NULL;"
	"CREATE TRIGGER erasure_stay BEFORE DELETE ON erasure BEGIN SELECT RAISE(ABORT, 'an erasure stays'); END;"
	"CREATE TRIGGER person_stay BEFORE DELETE ON person BEGIN SELECT RAISE(ABORT, 'a pseudonym stays'); END;"

	/* ---- what there is already ---- */
	"INSERT INTO people(person, sealed) SELECT id, person_sealed(uuid, code) FROM person;"
	"UPDATE person SET code = person_code(uuid);"
	"DROP TRIGGER characteristic_keep;"
	"UPDATE characteristic SET digest = (SELECT characteristic_digest(l.firm, l.number, characteristic.name, value, characteristic.unit, lower, upper,"
	" judged, (SELECT code FROM asset WHERE id=gauge), spec_version, (SELECT code FROM person WHERE id=characteristic.person), t,"
	" (SELECT code FROM asset WHERE id=characteristic.asset), seq) FROM lot l WHERE l.id=characteristic.lot) WHERE person IS NOT NULL;"
	"CREATE TRIGGER characteristic_keep BEFORE UPDATE ON characteristic BEGIN SELECT RAISE(ABORT, 'characteristic is append-only'); END;"
	"INSERT INTO backup_target(path, t) SELECT target, max(t) FROM audit WHERE what='backup' AND target IS NOT NULL GROUP BY target;"
	"INSERT INTO meta(name, value) SELECT 'rewrite', 1 WHERE EXISTS(SELECT 1 FROM person);"
	"SELECT person_keys_keep();";
