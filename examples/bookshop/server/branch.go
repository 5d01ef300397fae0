package main

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Book is one title of a branch.
type Book struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Author string `json:"author"`
	// Cents is the price without discount.
	Cents int `json:"cents"`
	Stock int `json:"stock"`
}

// Order is what somebody bought.
type Order struct {
	Number   int    `json:"number"`
	Book     string `json:"book"`
	Quantity int    `json:"quantity"`
	Cents    int    `json:"cents"`
}

// Settings are written by whoever deploys the shop.
type Settings struct {
	Title    string `json:"title"`
	Currency string `json:"currency"`
	// Discount is in percent.
	Discount int `json:"discount"`
}

// database is what a branch remembers: books.json in its folder.
type database struct {
	Books  []Book  `json:"books"`
	Orders []Order `json:"orders"`
	Last   int     `json:"last"`
}

// Branch is an opened branch. It is safe for concurrent use.
type Branch struct {
	Settings
	Name     string
	folder   string
	password string

	mu   sync.Mutex
	data database
}

func openBranch(folder string) (*Branch, error) {
	b := &Branch{Name: filepath.Base(folder), folder: folder}
	if err := readJSON(filepath.Join(folder, "settings.json"), &b.Settings); err != nil {
		return nil, err
	}
	if err := readJSON(filepath.Join(folder, "books.json"), &b.data); err != nil {
		return nil, fmt.Errorf("%w (was the catalogue loaded?)", err)
	}
	password, err := os.ReadFile(filepath.Join(folder, "password"))
	if err != nil {
		return nil, err
	}
	if b.password = strings.TrimSpace(string(password)); b.password == "" {
		return nil, fmt.Errorf("the password in %s is empty", folder)
	}
	return b, nil
}

// openBranches opens every folder that holds settings.
func openBranches(run string) ([]*Branch, error) {
	found, err := filepath.Glob(filepath.Join(run, "*", "settings.json"))
	if err != nil || len(found) == 0 {
		return nil, errors.Join(fmt.Errorf("%s holds no branches", run), err)
	}
	var out []*Branch
	for _, path := range found {
		b, err := openBranch(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Search gives the books whose title or author holds the text, at their price here.
func (b *Branch) Search(text string) []Book {
	b.mu.Lock()
	defer b.mu.Unlock()
	text = strings.ToLower(text)
	found := []Book{}
	for _, book := range b.data.Books {
		if strings.Contains(strings.ToLower(book.Title+" "+book.Author), text) {
			book.Cents = b.price(book)
			found = append(found, book)
		}
	}
	return found
}

func (b *Branch) price(book Book) int { return book.Cents * (100 - b.Discount) / 100 }

var (
	errNoBook    = errors.New("there is no such book")
	errSoldOut   = errors.New("there are not as many of it")
	errNoOrder   = errors.New("there is no such order")
	errBadNumber = errors.New("the quantity must be at least 1")
)

// Order takes books out of the stock.
func (b *Branch) Order(id string, quantity int) (Order, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if quantity < 1 {
		return Order{}, errBadNumber
	}
	for i := range b.data.Books {
		book := &b.data.Books[i]
		if book.ID != id {
			continue
		}
		if book.Stock < quantity {
			return Order{}, errSoldOut
		}
		book.Stock -= quantity
		b.data.Last++
		o := Order{Number: b.data.Last, Book: id, Quantity: quantity, Cents: quantity * b.price(*book)}
		b.data.Orders = append(b.data.Orders, o)
		return o, b.save()
	}
	return Order{}, errNoBook
}

// Cancel puts the books of an order back.
func (b *Branch) Cancel(number int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, o := range b.data.Orders {
		if o.Number != number {
			continue
		}
		for j := range b.data.Books {
			if b.data.Books[j].ID == o.Book {
				b.data.Books[j].Stock += o.Quantity
			}
		}
		b.data.Orders = append(b.data.Orders[:i], b.data.Orders[i+1:]...)
		return b.save()
	}
	return errNoOrder
}

// Orders gives a copy of all orders.
func (b *Branch) Orders() []Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Order{}, b.data.Orders...)
}

func (b *Branch) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.data.Books)
}

func (b *Branch) save() error { return writeJSON(filepath.Join(b.folder, "books.json"), b.data) }

// loaded is what load prints.
type loaded struct {
	Branch string `json:"branch"`
	Books  int    `json:"books"`
	// Digest names the catalogue that was loaded.
	Digest string `json:"digest"`
}

// load replaces the books of a branch and keeps its orders. Doing it twice is doing
// it once.
func load(folder, catalogue string) (any, error) {
	src, err := os.ReadFile(catalogue)
	if err != nil {
		return nil, err
	}
	books, err := parseCatalogue(string(src))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", catalogue, err)
	}
	path := filepath.Join(folder, "books.json")
	var data database
	if err := readJSON(path, &data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	data.Books = books
	if err := writeJSON(path, data); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(src)
	return loaded{Branch: filepath.Base(folder), Books: len(books), Digest: hex.EncodeToString(sum[:8])}, nil
}

func unload(folder string) error {
	err := os.Remove(filepath.Join(folder, "books.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// parseCatalogue reads lines of id, title, author, price, stock below a headline.
func parseCatalogue(src string) ([]Book, error) {
	r := csv.NewReader(strings.NewReader(src))
	r.FieldsPerRecord = 5
	lines, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	var books []Book
	seen := map[string]bool{}
	for i, line := range lines {
		if i == 0 {
			continue
		}
		price, err := strconv.ParseFloat(line[3], 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: price: %w", i+1, err)
		}
		stock, err := strconv.Atoi(line[4])
		if err != nil {
			return nil, fmt.Errorf("line %d: stock: %w", i+1, err)
		}
		if seen[line[0]] {
			return nil, fmt.Errorf("line %d: the id %s is there twice", i+1, line[0])
		}
		seen[line[0]] = true
		books = append(books, Book{ID: line[0], Title: line[1], Author: line[2], Cents: int(price*100 + 0.5), Stock: stock})
	}
	return books, nil
}

func readJSON(path string, into any) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(src, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces the file in one step, so that nobody ever reads half of it.
func writeJSON(path string, v any) error {
	src, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(append(src, '\n')); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
