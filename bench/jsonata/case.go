package main

import (
	"encoding/json"
	"fmt"
)

// contests are the cases: what state machines typically compute over small documents, and queries over an order book
// of 10,000 lines.
func contests() []contest {
	small, large := order(), orders(2500, 4)
	return []contest{
		{"field", `detail.customer.name`, small},
		{"arithmetic", `(detail.total * 1.23 + 4) / 2`, small},
		{"concat", `"order " & detail.id & " of " & detail.customer.name & ": " & detail.total`, small},
		{"condition", `detail.total > 100 and detail.customer.vip ? "express" : "normal"`, small},
		{"object", `{"id": detail.id, "who": detail.customer.name, "sum": $sum(detail.lines.(price * count)), "first": detail.lines[0].sku}`, small},
		{"small-filter", `detail.lines[price > 10].sku`, small},
		{"small-map", `$map(detail.lines, function($l){ $l.price * $l.count })`, small},
		{"function", `$uppercase($substring(detail.customer.name, 0, 3)) & "-" & $string($length(detail.id))`, small},
		{"recursion", `($f := function($n){ $n < 2 ? $n : $f($n - 1) + $f($n - 2) }; $f(12))`, small},
		{"regex", `$replace(detail.id, /(\w+)-(\d+)/, "$2/$1")`, small},
		{"large-fields", `orders.lines.price`, large},
		{"large-sum", `$sum(orders.lines.(price * count))`, large},
		{"large-filter", `orders.lines[price > 50 and count > 2].sku`, large},
		{"large-map", `$map(orders.lines, function($l){ {"sku": $l.sku, "total": $l.price * $l.count} })`, large},
		{"large-reduce", `$reduce(orders.lines.price, function($a, $b){ $a + $b }, 0)`, large},
		{"large-group", `orders.lines{genre: $sum(price)}`, large},
		{"large-sort", `orders.lines^(>price, sku).sku`, large},
		{"large-distinct", `$count($distinct(orders.lines.sku))`, large},
		{"large-parent", `orders.lines.{"order": %.id, "sku": sku}`, large},
		{"large-join", `$join(orders.lines.sku, ",") ~> $length`, large},
		{"large-transform", `$ ~> |orders.lines|{"total": price * count}, ["genre"]| ~> $lookup("orders") ~> $count`, large},
		{"large-string", `$length($string(orders))`, large},
	}
}

func order() []byte {
	return mustJSON(map[string]any{
		"source": "shop", "time": "2024-05-17T12:34:56Z",
		"detail": map[string]any{
			"id": "order-1047", "total": 143.5,
			"customer": map[string]any{"name": "Ines Duarte", "vip": true, "city": "Aveiro"},
			"lines":    lines(1, 4),
		},
	})
}

func orders(n, each int) []byte {
	all := make([]any, n)
	for i := range all {
		all[i] = map[string]any{"id": fmt.Sprintf("order-%d", i), "customer": fmt.Sprintf("customer %d", i%97), "lines": lines(i, each)}
	}
	return mustJSON(map[string]any{"orders": all})
}

// lines differ in a way that repeats late; a few numbers that multiply and wrap are random enough for sorting.
func lines(seed, n int) []any {
	all := make([]any, n)
	for i := range all {
		x := (seed*n + i) * 7919 % 10007
		all[i] = map[string]any{"sku": fmt.Sprintf("sku-%04d", x%1500), "price": float64(x%9973) / 100, "count": x%5 + 1,
			"genre": []string{"maps", "science", "craft", "fiction", "poetry"}[x%5]}
	}
	return all
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("bench: invariant broken: a document is no JSON: " + err.Error())
	}
	return text
}
