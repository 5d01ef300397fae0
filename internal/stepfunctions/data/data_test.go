package data_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tutti/internal/stepfunctions/data"
)

func TestDecodeKeepsWhatItReads(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`null`, `true`, `false`, `0`, `-1`, `12.5`, `1.0`, `1e3`, `-0`, `1E-7`, `12345678901234567890`, `0.1`, `1e400`,
		`""`, `"a"`, `"é\n\"\\"`, `"😀"`, `[]`, `[1,[2,[]]]`, `{}`, `{"b":1,"a":{"c":[null]}}`,
		`{"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9,"k10":10,"k11":11,"k12":12,"k13":13}`,
	} {
		v, err := data.Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(data.Encode(v)); got != text {
			t.Errorf("%s came back as %s", text, got)
		}
	}
	v, err := data.Decode([]byte(` {"a" : "\u00e9\ud83d\ude00\ud800", "a":"\/\b\f\r\t" } `))
	if err != nil || string(data.Encode(v)) != `{"a":"/\b\f\r\t"}` {
		t.Errorf("got %s, %v", data.Encode(v), err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "nul", "tru", "01", "1.", "1e", "-", "+1", ".5", `"a`, "\"a\nb\"", `"\x"`, `"\u12"`, "[1", "[1,]", "[,1]",
		`{"a"}`, `{"a":}`, `{a:1}`, `{"a":1,}`, "1 2", "'a'", strings.Repeat("[", data.MaxDepth+1)} {
		var syntax *data.SyntaxError
		if _, err := data.Decode([]byte(text)); !errors.As(err, &syntax) {
			t.Errorf("%.40q: %v is not a syntax error", text, err)
		}
	}
	deep := strings.Repeat("[", data.MaxDepth) + strings.Repeat("]", data.MaxDepth)
	if _, err := data.Decode([]byte(deep)); err != nil {
		t.Error(err)
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true}, {`12345678901234567890`, `12345678901234567891`, false}, {`{"a":1,"b":2}`, `{"b":2,"a":1}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false}, {`[1,2]`, `[2,1]`, false}, {`[1]`, `{}`, false}, {`"1"`, `1`, false}, {`null`, `false`, false}, {`"x"`, `[1]`, false},
	} {
		a, _ := data.Decode([]byte(c.a))
		b, _ := data.Decode([]byte(c.b))
		if data.Equal(a, b) != c.want || data.Equal(b, a) != c.want {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.want)
		}
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	o := data.ObjectOf(data.Member{Key: "a", Value: 1.0}, data.Member{Key: "b", Value: 2.0}, data.Member{Key: "a", Value: 3.0})
	with := o.With("b", nil).With("c", true)
	if got := string(data.Encode(with)) + string(data.Encode(o)) + string(data.Encode(with.Without("a"))); got != `{"a":3,"b":null,"c":true}{"a":3,"b":2}{"b":null,"c":true}` {
		t.Error(got)
	}
	for i := range 30 {
		with = with.With(strings.Repeat("k", i+1), float64(i))
	}
	if v, ok := with.Get("kkk"); !ok || v != 2.0 || with.Len() != 33 {
		t.Error(v, ok, with.Len())
	}
	if _, ok := with.Get("none"); ok {
		t.Error("there is no such member")
	}
}

func TestSizeStopsAtItsLimit(t *testing.T) {
	t.Parallel()
	v, _ := data.Decode([]byte(`{"a":["` + strings.Repeat("x", 1000) + `",1],"b":2}`))
	if got, whole := data.Size(v, 1<<20), len(data.Encode(v)); got < whole || got > whole+8 {
		t.Errorf("%d for %d bytes", got, whole)
	}
	if data.Size(v, 100) <= 100 {
		t.Error("it is larger than its limit")
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,"x\u00e9"]}`, `[]`, `1e9`, `"\ud800"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := data.Decode(text)
		if ok := json.Valid(text); (err == nil) != ok && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) < data.MaxDepth {
			t.Fatalf("%q: valid %v, error %v", text, ok, err)
		}
		if err != nil {
			return
		}
		again, err := data.Decode(data.Encode(v))
		if err != nil || !data.Equal(v, again) {
			t.Fatalf("%q does not come back: %s, %v", text, data.Encode(v), err)
		}
	})
}
