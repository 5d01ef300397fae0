package main

import (
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
