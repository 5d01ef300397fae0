package faulttest

import (
	"database/sql"

	_ "modernc.org/sqlite" // the tests damage stores behind tutti's back
)

// execSQL changes a store as another program would.
func execSQL(file, query string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	_, err = db.Exec(query)
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	return err
}
