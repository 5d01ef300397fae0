package main

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const catalogue = "id,title,author,price,stock\ne1,Emma,Jane Austen,9.99,2\ne2,Ulysses,James Joyce,20,0\n"

func testBranch(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "eu")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"settings.json": `{"title":"Europe","currency":"EUR","discount":10}`, "password": "open sesame\n", "books.csv": catalogue} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestLoadTwiceKeepsOrders(t *testing.T) {
	folder := testBranch(t)
	first, err := load(folder, filepath.Join(folder, "books.csv"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := openBranch(folder)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := b.Order("e1", 2); err != nil || o.Cents != 1798 {
		t.Fatal(o, err)
	}
	for id, want := range map[string]error{"e1": errSoldOut, "e2": errSoldOut, "e3": errNoBook} {
		if _, err := b.Order(id, 1); err != want {
			t.Errorf("ordering %s gave %v, want %v", id, err, want)
		}
	}
	second, err := load(folder, filepath.Join(folder, "books.csv"))
	if err != nil || second != first {
		t.Errorf("loading again gave %v, %v, and first %v", second, err, first)
	}
	if b, err = openBranch(folder); err != nil || len(b.Orders()) != 1 {
		t.Fatalf("the orders are %v, %v", b.Orders(), err)
	}
	if err := b.Cancel(1); err != nil || b.Cancel(1) != errNoOrder {
		t.Error(err)
	}
	if err := unload(folder); err != nil || unload(folder) != nil {
		t.Error(err)
	}
}

func TestBadCatalogues(t *testing.T) {
	for _, src := range []string{"id\n1\n", catalogue + "e1,Again,Nobody,1,1\n", catalogue + "e3,Dear,Nobody,many,1\n", catalogue + "e3,Rare,Nobody,1,few\n"} {
		if books, err := parseCatalogue(src); err == nil {
			t.Errorf("%q was read as %v", src, books)
		}
	}
}

func TestPageShowsWhatIsSearched(t *testing.T) {
	folder := testBranch(t)
	if _, err := load(folder, filepath.Join(folder, "books.csv")); err != nil {
		t.Fatal(err)
	}
	branches, err := openBranches(filepath.Dir(folder))
	if err != nil {
		t.Fatal(err)
	}
	s, err := newShop("Books & more", branches)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequest("GET", "/?q=austen", nil))
	page := w.Body.String()
	for _, want := range []string{"Books &amp; more", "Europe, 10 % off", "Emma", "8.99"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "Ulysses") {
		t.Error("the page shows what was not asked for")
	}
}

func TestFulfil(t *testing.T) {
	dir := t.TempDir()
	branch := filepath.Join(dir, "eu")
	if err := os.Mkdir(branch, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"settings.json": `{"discount":10}`, "password": "p", "books.json": `{"books":[{"id":"b1","title":"Emma","cents":1000,"stock":2}]}`} {
		if err := os.WriteFile(filepath.Join(branch, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	step := func(name, input string) string {
		out, err := fulfil(name, strings.NewReader(strings.ReplaceAll(input, "DIR", dir)))
		var r *Refusal
		if errors.As(err, &r) {
			return r.Type
		}
		if err != nil {
			return err.Error()
		}
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, tt := range []struct{ name, input, want string }{
		{"reserve", `{"branch":"DIR/eu","book":"b1","quantity":2}`, `{"book":"b1","cents":1800,"quantity":2,"title":"Emma"}`},
		{"reserve", `{"branch":"DIR/eu","book":"b1","quantity":3}`, "Shop.OutOfStock"},
		{"reserve", `{"branch":"DIR/eu","book":"b2","quantity":1}`, "Shop.OutOfStock"},
		{"bill", `{"order":"o1","shop":"DIR","cents":1805}`, `{"cents":1805}`},
		{"pack", `{"order":"../o","shop":"DIR","lines":[]}`, `"../o" is no name for an order`},
		{"sell", `{}`, `"sell" is no step: there are reserve, ask, pack and bill`},
	} {
		if got := step(tt.name, tt.input); got != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.name, tt.input, got, tt.want)
		}
	}
	if err := os.WriteFile(filepath.Join(branch, "shelf.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := step("reserve", `{"branch":"DIR/eu","book":"b1","quantity":1}`); got != "Shop.Busy" {
		t.Errorf("while somebody is at the shelf: %s", got)
	}
	if bill, err := os.ReadFile(filepath.Join(dir, "bills", "o1.txt")); err != nil || string(bill) != "o1 owes 18.05\n" {
		t.Errorf("the bill says %q, %v", bill, err)
	}
}
