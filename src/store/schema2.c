/* Version 2 of the schema: who may log in, who has, and which programs have a
 * token. No secret stands in it: passwords as scrypt texts (helper/password.h),
 * sessions and tokens as the SHA-256 of 256 random bits. */
#include "store/priv/migrations.h"

const char store_schema_v2[] =
	"CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB NOT NULL UNIQUE CHECK(length(uuid)=16), name TEXT NOT NULL UNIQUE,"
	" role TEXT NOT NULL CHECK(role IN('owner','production','quality','operator','read_only','vendor')), hash TEXT NOT NULL,"
	" made INTEGER NOT NULL, changed INTEGER NOT NULL, disabled INTEGER) STRICT;"
	"CREATE INDEX account_role ON account(role);"
	"CREATE TABLE session(digest BLOB PRIMARY KEY CHECK(length(digest)=32), account INTEGER NOT NULL REFERENCES account(id),"
	" made INTEGER NOT NULL, seen INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX session_account ON session(account);"
	"CREATE INDEX session_expires ON session(expires);"
	"CREATE TABLE token(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, digest BLOB NOT NULL UNIQUE CHECK(length(digest)=32),"
	" role TEXT, permissions TEXT, maker TEXT NOT NULL, made INTEGER NOT NULL, seen INTEGER, expires INTEGER, revoked INTEGER,"
	" CHECK((role IS NULL) <> (permissions IS NULL))) STRICT;"
	"CREATE UNIQUE INDEX token_name ON token(name) WHERE revoked IS NULL;"
	"CREATE TRIGGER account_uuid BEFORE UPDATE OF uuid, name ON account BEGIN SELECT RAISE(ABORT, 'an id is for ever'); END;"
	"CREATE TRIGGER token_stay BEFORE DELETE ON token BEGIN SELECT RAISE(ABORT, 'a token is revoked, not removed'); END;"
	"CREATE TRIGGER token_keep BEFORE UPDATE OF name, digest, role, permissions, maker, made, expires ON token"
	" BEGIN SELECT RAISE(ABORT, 'a token does not change'); END;";
