package function_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"tutti/internal/terraform/function"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"
)

// TestNetworks compares the functions on networks with plain arithmetic on
// addresses from another library.
func TestNetworks(t *testing.T) {
	table := function.Table(function.Options{})
	rapid.Check(t, func(t *rapid.T) {
		prefix := drawPrefix(t)
		width := prefix.Addr().BitLen()
		room := width - prefix.Bits()
		bits := rapid.IntRange(0, min(room, 16)).Draw(t, "newbits")
		num := rapid.IntRange(0, 1<<bits-1).Draw(t, "netnum")
		subnet := parsePrefix(t, call(t, table, "cidrsubnet", cty.StringVal(prefix.String()), cty.NumberIntVal(int64(bits)), cty.NumberIntVal(int64(num))))
		if subnet.Bits() != prefix.Bits()+bits || !prefix.Contains(subnet.Addr()) || subnet != subnet.Masked() {
			t.Fatalf("subnet %d with %d more bits of %s is %s", num, bits, prefix, subnet)
		}
		if contains := call(t, table, "cidrcontains", cty.StringVal(prefix.String()), cty.StringVal(subnet.String())); contains.False() {
			t.Fatalf("%s does not contain %s", prefix, subnet)
		}
		host := netip.MustParseAddr(call(t, table, "cidrhost", cty.StringVal(subnet.String()), cty.NumberIntVal(0)).AsString())
		if host != subnet.Addr() {
			t.Fatalf("the first address of %s is %s", subnet, host)
		}
		last := netip.MustParseAddr(call(t, table, "cidrhost", cty.StringVal(subnet.String()), cty.NumberIntVal(-1)).AsString())
		if !subnet.Contains(last) || last.Next().IsValid() && subnet.Contains(last.Next()) {
			t.Fatalf("the last address of %s is %s", subnet, last)
		}
	})
}

// TestConsecutiveNetworks: subnets lie inside, in order, and apart.
func TestConsecutiveNetworks(t *testing.T) {
	table := function.Table(function.Options{})
	rapid.Check(t, func(t *rapid.T) {
		prefix := drawPrefix(t)
		args := []cty.Value{cty.StringVal(prefix.String())}
		sizes := rapid.SliceOfN(rapid.IntRange(-1, 34), 0, 6).Draw(t, "newbits")
		for _, s := range sizes {
			args = append(args, cty.NumberIntVal(int64(s)))
		}
		v, err := table["cidrsubnets"].Call(args)
		if err != nil {
			return
		}
		var before netip.Prefix
		for i, elem := range v.AsValueSlice() {
			p := parsePrefix(t, elem)
			if !prefix.Contains(p.Addr()) || p.Bits() != prefix.Bits()+sizes[i] || p != p.Masked() {
				t.Fatalf("%s is no subnet of %s with %d more bits", p, prefix, sizes[i])
			}
			if i > 0 && (p.Overlaps(before) || p.Addr().Less(before.Addr())) {
				t.Fatalf("%s comes after %s", p, before)
			}
			before = p
		}
	})
}

func drawPrefix(t *rapid.T) netip.Prefix {
	size := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
	raw := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "address")
	addr, _ := netip.AddrFromSlice(raw)
	if addr.Is4In6() {
		t.Skip("an IPv4 address in IPv6 notation is read as IPv4")
	}
	return netip.PrefixFrom(addr, rapid.IntRange(0, 8*size).Draw(t, "bits")).Masked()
}

func parsePrefix(t *rapid.T, v cty.Value) netip.Prefix {
	p, err := netip.ParsePrefix(v.AsString())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func call(t *rapid.T, table functions, name string, args ...cty.Value) cty.Value {
	v, err := table[name].Call(args)
	if err != nil {
		t.Fatalf("%s(%#v): %v", name, args, err)
	}
	return v
}

func FuzzCidr(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8", "010.1.0.0/016", "fd00::/8", "::ffff:1.2.3.4/100", "1.2.3/8", "/", "::/0", "1.2.3.4/32", "0.0.0.0/0"} {
		f.Add(seed, 8, 1)
	}
	table := function.Table(function.Options{})
	f.Fuzz(func(t *testing.T, prefix string, bits, num int) {
		for _, src := range []string{
			fmt.Sprintf("cidrsubnet(%q, %d, %d)", prefix, bits, num),
			fmt.Sprintf("cidrhost(%q, %d)", prefix, num),
			fmt.Sprintf("cidrsubnets(%q, %d, %d)", prefix, bits, num),
			fmt.Sprintf("cidrcontains(%q, %q)", prefix, strings.TrimSuffix(prefix, "/8")),
			fmt.Sprintf("cidrnetmask(%q)", prefix),
		} {
			// A panic of the library arrives as such an error.
			if _, err := eval(table, src); err != nil && strings.Contains(messages(err), "these arguments have no result") {
				t.Fatalf("%s: %s", src, messages(err))
			}
		}
	})
}

func FuzzFormat(f *testing.F) {
	for _, seed := range []string{"%s", "%05d", "%[2]q", "%#v %%", "%*d", "%-5.2f", "%!", "%v%", "%+x"} {
		f.Add(seed, "12")
	}
	table := function.Table(function.Options{})
	f.Fuzz(func(t *testing.T, pattern, arg string) {
		for _, v := range []cty.Value{cty.StringVal(arg), cty.NumberIntVal(int64(len(arg))), cty.NullVal(cty.DynamicPseudoType), cty.EmptyTupleVal} {
			one, err := table["format"].Call([]cty.Value{cty.StringVal(pattern), v})
			list, listErr := table["formatlist"].Call([]cty.Value{cty.StringVal(pattern), cty.TupleVal([]cty.Value{v, v})})
			if err == nil && listErr == nil && list.LengthInt() == 2 && !list.Index(cty.Zero).RawEquals(one) {
				t.Fatalf("format gives %#v and formatlist %#v", one, list)
			}
		}
	})
}
