package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"tutti/internal/store"
)

// applicationID marks the file as a store of tutti: the letters "tutt".
const applicationID = 0x74757474

// migrations brings a store from each version to the next: the one at index i
// makes version i+1. One that was released is never changed; old versions are kept
// in testdata.
//
// What lies where: state has one row an instance (its key as text that package
// addr parses back), gone the keys of deleted ones, output the root outputs, run
// and journal what happened, preimage and preimage_output the rows as they were
// before a run first changed them, lease who may change what, message what was
// posted to runs, checkpoint from where a run's journal may be replayed, document
// what else a server keeps. Times are nanoseconds since 1970 (UTC). Columns named
// sealed, plan, input and output are encrypted (secret.Box); sum guards against
// silent damage.
var migrations = [...]string{
	`
CREATE TABLE meta (lineage TEXT NOT NULL, serial INTEGER NOT NULL);

CREATE TABLE state (
	id INTEGER PRIMARY KEY,
	module TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, deposed TEXT NOT NULL,
	serial INTEGER NOT NULL, driver TEXT NOT NULL, schema_version INTEGER NOT NULL,
	attributes BLOB, detail BLOB, needs TEXT, sealed BLOB, sum INTEGER NOT NULL,
	UNIQUE (module, kind, type, name, key, deposed)
) STRICT;
CREATE INDEX state_serial ON state (serial);

CREATE TABLE gone (
	module TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, deposed TEXT NOT NULL,
	serial INTEGER NOT NULL,
	PRIMARY KEY (module, kind, type, name, key, deposed)
) STRICT, WITHOUT ROWID;
CREATE INDEX gone_serial ON gone (serial);

CREATE TABLE output (
	name TEXT PRIMARY KEY, serial INTEGER NOT NULL, sensitive INTEGER NOT NULL, type BLOB, value BLOB, sealed BLOB
) STRICT;

CREATE TABLE run (
	id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER NOT NULL, machine TEXT NOT NULL, command TEXT NOT NULL,
	user TEXT NOT NULL, host TEXT NOT NULL, created INTEGER NOT NULL, ended INTEGER NOT NULL,
	status TEXT NOT NULL, message TEXT NOT NULL, plan BLOB
) STRICT;

CREATE TABLE journal (
	run INTEGER NOT NULL, idx INTEGER NOT NULL, sum BLOB NOT NULL, sealed BLOB NOT NULL,
	PRIMARY KEY (run, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE preimage (
	id INTEGER PRIMARY KEY, run INTEGER NOT NULL,
	module TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, deposed TEXT NOT NULL,
	serial INTEGER, driver TEXT, schema_version INTEGER,
	attributes BLOB, detail BLOB, needs TEXT, sealed BLOB, sum INTEGER,
	UNIQUE (run, module, kind, type, name, key, deposed)
) STRICT;

CREATE TABLE preimage_output (
	run INTEGER NOT NULL, name TEXT NOT NULL, serial INTEGER, sensitive INTEGER, type BLOB, value BLOB, sealed BLOB,
	PRIMARY KEY (run, name)
) STRICT;

CREATE TABLE lease (
	run INTEGER PRIMARY KEY, holder TEXT NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL, renewed INTEGER NOT NULL,
	whole INTEGER NOT NULL, objects TEXT NOT NULL, place TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL
) STRICT;
`,
	`
CREATE TABLE message (
	number INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, sealed BLOB NOT NULL
) STRICT;
CREATE INDEX message_run ON message (run);
`,
	`
ALTER TABLE run ADD COLUMN child INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN code TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN input BLOB;
ALTER TABLE run ADD COLUMN output BLOB;
CREATE UNIQUE INDEX run_child ON run (parent, child) WHERE child != 0;
CREATE UNIQUE INDEX run_name ON run (owner, name) WHERE name != '';
CREATE INDEX run_owner ON run (owner) WHERE owner != '';
CREATE INDEX run_parent ON run (parent) WHERE parent != 0;
CREATE INDEX run_open ON run (ended) WHERE ended = 0;

CREATE TABLE checkpoint (
	run INTEGER PRIMARY KEY, idx INTEGER NOT NULL, sealed BLOB NOT NULL
) STRICT;

CREATE TABLE document (
	serial INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL, sealed BLOB NOT NULL,
	UNIQUE (kind, key)
) STRICT;
`,
}

// version is the newest schema version that this binary knows.
const version = len(migrations)

// checkVersion refuses a file that is newer, older, or not a store.
func checkVersion(ctx context.Context, conn *sql.Conn, path string) error {
	have, err := versionOf(ctx, conn, path)
	if err != nil {
		return err
	}
	if have < version {
		return fmt.Errorf("%w: %s has schema version %d and must be brought to %d: run a command that may write there once",
			store.ErrReadOnly, path, have, version)
	}
	return nil
}

// versionOf gives the schema version; 0 for a file without anything in it.
func versionOf(ctx context.Context, conn *sql.Conn, path string) (int, error) {
	var have, app, tables int
	row := conn.QueryRowContext(ctx,
		"SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version, pragma_application_id")
	if err := row.Scan(&have, &app, &tables); err != nil {
		return 0, err
	}
	switch {
	case tables > 0 && app != applicationID:
		return 0, fmt.Errorf("%w: %s is an SQLite file, but not a store of tutti; move it away", store.ErrCorrupt, path)
	case have > version:
		return 0, fmt.Errorf("%w: %s has schema version %d, this tutti knows versions up to %d; use the newer tutti, which all who "+
			"work on this stack need then", store.ErrNewer, path, have, version)
	case have < 0 || have == 0 && tables > 0:
		return 0, fmt.Errorf("%w: %s has the impossible schema version %d; restore a copy of it", store.ErrCorrupt, path, have)
	}
	return have, nil
}

// migrate brings the file to the newest version in one transaction, or leaves it
// as it is. Another process may do the same at the same time.
func migrate(ctx context.Context, conn *sql.Conn, path string) error {
	have, err := versionOf(ctx, conn, path)
	if err != nil || have == version {
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err = migrateLocked(ctx, conn, path)
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	}
	return err
}

func migrateLocked(ctx context.Context, conn *sql.Conn, path string) error {
	have, err := versionOf(ctx, conn, path)
	if err != nil {
		return err
	}
	for v := have; v < version; v++ {
		if _, err := conn.ExecContext(ctx, migrations[v]); err != nil {
			return fmt.Errorf("bringing %s from schema version %d to %d: %w", path, v, v+1, err)
		}
	}
	if have == 0 {
		if _, err := conn.ExecContext(ctx, "INSERT INTO meta (lineage, serial) VALUES (?, 0)", uuid.NewString()); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, version))
	return err
}
