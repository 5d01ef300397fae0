package jsonata_test

import (
	"fmt"
	"testing"

	"tutti/internal/stepfunctions/jsonata"
)

func TestReferencesOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"phone", "[phone] false map[]"},
		{"phone[0].number + `other one`", "[phone other one] false map[]"},
		{"$states.input.items[value > 3].name", "[] false map[states:[input]]"},
		{"$states.input.a & $states.result[0].b", "[] false map[states:[input result]]"},
		{"$states.'errorOutput'", "[] false map[states:[errorOutput]]"},
		{"$map($states.input.a, function($x) { b + $x.c })", "[b] false map[states:[input] x:[c]]"},
		{"$$.a", "[] true map[$:[a]]"},
		{"$x{name: $sum(price)}", "[] false map[]"},
		{"$x^(>price, name)", "[] false map[]"},
		{"{'k': v, k: 1}", "[v k] false map[]"},
		{"[a, b..c]", "[a b c] false map[]"},
		{"$x ~> |items|{'a': price}|", "[] false map[]"},
		{"a ? b : c", "[a b c] false map[]"},
		{"($y := d; $y ?? e)", "[d e] false map[]"},
		{"$f(g, ?)", "[g] false map[]"},
		{"$v@$w#$i[$i = 1].x", "[] false map[]"},
	} {
		r, err := jsonata.ReferencesOf(c.text)
		if got := fmt.Sprint(r.Context, r.Root, r.Members); err != nil || got != c.want {
			t.Errorf("%s: %s, want %s; %v", c.text, got, c.want, err)
		}
	}
	if _, err := jsonata.ReferencesOf("1 +"); err == nil {
		t.Error("this is no expression")
	}
}
