/* Where an erased name was found in plain. And files about people: what a picture or paper that shows or names a person is, sealed under that person's key (store/person_file.h). */
#include "store/priv/migrations.h"

const char store_schema_files[] =
	"CREATE TABLE person_file(id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB NOT NULL UNIQUE CHECK(length(uuid)=16),"
	" person INTEGER NOT NULL REFERENCES person(id), media TEXT NOT NULL, sealed BLOB, blob BLOB CHECK(length(blob)=32), size INTEGER NOT NULL,"
	" t INTEGER NOT NULL, who TEXT NOT NULL, removed INTEGER) STRICT;"
	"CREATE INDEX person_file_person ON person_file(person, id);"
	"CREATE UNIQUE INDEX person_file_blob ON person_file(blob) WHERE blob IS NOT NULL;"
	"CREATE INDEX person_file_gone ON person_file(id) WHERE removed IS NOT NULL AND blob IS NOT NULL;"
	"ALTER TABLE erasure ADD COLUMN searched INTEGER;"
	"CREATE TABLE erasure_found(erasure INTEGER NOT NULL REFERENCES erasure(id), n INTEGER NOT NULL, object TEXT NOT NULL, key TEXT NOT NULL,"
	" field TEXT NOT NULL, PRIMARY KEY(erasure, n)) STRICT, WITHOUT ROWID;"
	"CREATE TRIGGER person_file_keep BEFORE UPDATE OF uuid, person ON person_file BEGIN SELECT RAISE(ABORT, 'an id is for ever'); END;";
