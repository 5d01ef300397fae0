package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Step is what one step of fulfilling an order is given, as JSON on standard input.
type Step struct {
	Order string `json:"order"` // names the order and its papers
	Shop  string `json:"shop"`  // folder that holds the folders of all branches
	// Branch is the branch's folder.
	Branch   string          `json:"branch"`
	Book     string          `json:"book"`
	Quantity int             `json:"quantity"`
	Lines    json.RawMessage `json:"lines"`
	Cents    int             `json:"cents"`
	Token    string          `json:"token"`
}

// Refusal is an error that the workflow knows by its name.
type Refusal struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (r *Refusal) Error() string { return r.Message }

// fulfil carries out one step: reserve, ask, pack or bill.
func fulfil(step string, in io.Reader) (any, error) {
	var s Step
	if err := json.NewDecoder(in).Decode(&s); err != nil {
		return nil, fmt.Errorf("the step's input: %w", err)
	}
	switch step {
	case "reserve":
		return s.reserve()
	case "ask":
		return nil, s.paper("desk", ".token", []byte(s.Token))
	case "pack":
		return map[string]string{"parcel": s.Order}, s.paper("parcels", ".json", s.Lines)
	case "bill":
		return map[string]int{"cents": s.Cents}, s.paper("bills", ".txt", []byte(fmt.Sprintf("%s owes %d.%02d\n", s.Order, s.Cents/100, s.Cents%100)))
	default:
		return nil, fmt.Errorf("%q is no step: there are reserve, ask, pack and bill", step)
	}
}

// reserve finds the price of one line. Two of them at once would get in each other's
// way at the shelf: the second is told to come again.
func (s Step) reserve() (any, error) {
	lock := filepath.Join(s.Branch, "shelf.lock")
	f, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, &Refusal{"Shop.Busy", "somebody else is at the shelf"}
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(lock) }()
	if err := f.Close(); err != nil {
		return nil, err
	}
	b, err := openBranch(s.Branch)
	if err != nil {
		return nil, err
	}
	for _, book := range b.data.Books {
		switch {
		case book.ID != s.Book:
		case book.Stock < s.Quantity:
			return nil, &Refusal{"Shop.OutOfStock", fmt.Sprintf("%d of %q are wanted, and %d are there", s.Quantity, book.Title, book.Stock)}
		default:
			return map[string]any{"book": book.ID, "title": book.Title, "quantity": s.Quantity, "cents": s.Quantity * book.Cents * (100 - b.Discount) / 100}, nil
		}
	}
	return nil, &Refusal{"Shop.OutOfStock", "there is no book " + s.Book}
}

// paper writes a paper of the order: the same order again writes the same one.
func (s Step) paper(folder, ending string, text []byte) error {
	if s.Order == "" || strings.ContainsAny(s.Order, `/\`) {
		return fmt.Errorf("%q is no name for an order", s.Order)
	}
	dir := filepath.Join(s.Shop, folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, s.Order+ending), text, 0o600)
}
