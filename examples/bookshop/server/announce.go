package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// announced is what announce prints.
type announced struct {
	Branch string `json:"branch"`
	Titles int    `json:"titles"`
}

// announce writes to the readers of a branch. What was sent cannot be taken back, so
// doing it twice is not doing it once: the outbox shows every beginning and every end.
//
// SHOP_SLOW_BRANCH names a branch whose post takes its time, for those who want to
// see what happens when the power fails in the middle.
func announce(folder, outbox string) (any, error) {
	var data database
	if err := readJSON(filepath.Join(folder, "books.json"), &data); err != nil {
		return nil, err
	}
	name := filepath.Base(folder)
	if err := note(outbox, name, fmt.Sprintf("begin pid=%d", os.Getpid())); err != nil {
		return nil, err
	}
	if os.Getenv("SHOP_SLOW_BRANCH") == name {
		time.Sleep(time.Hour)
	}
	var titles []string
	for _, b := range data.Books {
		titles = append(titles, b.Title)
	}
	if err := note(outbox, name, "sent "+strings.Join(titles, "; ")); err != nil {
		return nil, err
	}
	return announced{Branch: name, Titles: len(titles)}, nil
}

func note(outbox, branch, line string) error {
	if err := os.MkdirAll(outbox, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(outbox, branch+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Sync(), f.Close())
}
