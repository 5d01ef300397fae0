package function

import (
	"math/big"
	"net"
	"strings"

	"github.com/apparentlymart/go-cidr/cidr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"
)

// addAddresses adds the functions on IP addresses and networks.
func addAddresses(t map[string]function.Function) {
	t["cidrhost"] = cidrHost()
	t["cidrnetmask"] = textToText([]function.Parameter{text("prefix")}, cidrNetmask)
	t["cidrsubnet"] = cidrSubnet()
	t["cidrsubnets"] = cidrSubnets()
	t["cidrcontains"] = textToBool([]function.Parameter{text("containing_prefix"), text("contained_ip_or_prefix")}, cidrContains)
}

// maxNewBits is by how much one call of cidrsubnets may extend a prefix, so that
// a subnet's number fits 32 bits on every machine.
const maxNewBits = 32

func cidrHost() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{text("prefix"), number("hostnum")},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			network, err := parseNetwork(args[0].AsString(), 0)
			if err != nil {
				return cty.NilVal, err
			}
			num, err := wholeNumber(args[1], 1)
			if err != nil {
				return cty.NilVal, err
			}
			ip, err := cidr.HostBig(network, num)
			if err != nil {
				return cty.NilVal, function.NewArgError(1, err)
			}
			return cty.StringVal(ip.String()), nil
		},
	})
}

func cidrNetmask(args []string) (string, error) {
	network, err := parseNetwork(args[0], 0)
	if err != nil {
		return "", err
	}
	if network.IP.To4() == nil {
		return "", function.NewArgErrorf(0, "an IPv6 network has no netmask: %s", args[0])
	}
	return net.IP(network.Mask).String(), nil
}

func cidrSubnet() function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{text("prefix"), number("newbits"), number("netnum")},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			network, err := parseNetwork(args[0].AsString(), 0)
			if err != nil {
				return cty.NilVal, err
			}
			newBits, err := smallNumber(args[1], 1)
			if err != nil {
				return cty.NilVal, err
			}
			num, err := wholeNumber(args[2], 2)
			if err != nil {
				return cty.NilVal, err
			}
			// A negative number of bits gives the network around the prefix, which
			// was never meant but always worked, as long as it is the first one.
			if base, width := network.Mask.Size(); newBits < -base || newBits > width-base {
				return cty.NilVal, function.NewArgErrorf(1, "cannot extend a prefix of %d bits by %d: an address has %d bits", base, newBits, width)
			}
			if newBits < 0 && num.Sign() != 0 {
				return cty.NilVal, function.NewArgErrorf(2, "must be 0 where newbits is negative")
			}
			subnet, err := cidr.SubnetBig(network, newBits, num)
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(subnet.String()), nil
		},
	})
}

func cidrSubnets() function.Function {
	newBits := number("newbits")
	return function.New(&function.Spec{
		Params:       []function.Parameter{text("prefix")},
		VarParam:     &newBits,
		Type:         function.StaticReturnType(cty.List(cty.String)),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			network, err := parseNetwork(args[0].AsString(), 0)
			if err != nil {
				return cty.NilVal, err
			}
			out, err := consecutive(network, args[1:])
			if err != nil {
				return cty.NilVal, err
			}
			return stringList(out), nil
		},
	})
}

// consecutive cuts subnets off a network, one after the other, each longer than
// the network's prefix by the given number of bits.
func consecutive(network *net.IPNet, newBits []cty.Value) ([]string, error) {
	base, width := network.Mask.Size()
	var out []string
	var current *net.IPNet
	for i, arg := range newBits {
		bits, err := smallNumber(arg, i+1)
		if err != nil {
			return nil, err
		}
		switch {
		case bits < 1:
			return nil, function.NewArgErrorf(i+1, "must extend prefix by at least one bit")
		case bits > maxNewBits:
			return nil, function.NewArgErrorf(i+1, "may not extend prefix by more than %d bits", maxNewBits)
		case base+bits > width:
			return nil, function.NewArgErrorf(i+1, "would extend prefix to %d bits, which is too long for an IPv%d address", base+bits, map[int]int{32: 4, 128: 6}[width])
		}
		if current == nil {
			current, _ = cidr.PreviousSubnet(network, base+bits)
		}
		next, rolled := cidr.NextSubnet(current, base+bits)
		if rolled || !network.Contains(next.IP) {
			return nil, function.NewArgErrorf(i+1, "not enough remaining address space for a subnet with a prefix of %d bits after %s", base+bits, current)
		}
		out, current = append(out, next.String()), next
	}
	return out, nil
}

// cidrContains tells whether an address, or every address of a network, lies in
// a network. Comparing IPv4 with IPv6 is a mistake and not merely false.
func cidrContains(args []string) (bool, error) {
	network, err := parseNetwork(args[0], 0)
	if err != nil {
		return false, err
	}
	first := net.ParseIP(plainOctets(args[1]))
	last := first
	if first == nil {
		inner, err := parseNetwork(args[1], 1)
		if err != nil {
			return false, function.NewArgErrorf(1, "invalid IP address or prefix: %s", args[1])
		}
		first, last = cidr.AddressRange(inner)
	}
	if (first.To4() == nil) != (network.IP.To4() == nil) {
		return false, function.NewArgErrorf(1, "address family mismatch: %s vs. %s", args[0], args[1])
	}
	return network.Contains(first) && network.Contains(last), nil
}

// parseNetwork reads a prefix such as 10.0.0.0/8 for the argument with the given
// index.
func parseNetwork(s string, arg int) (*net.IPNet, error) {
	_, network, err := net.ParseCIDR(plainOctets(s))
	if err != nil {
		return nil, function.NewArgErrorf(arg, "invalid CIDR expression: %q is not an address, a slash and a prefix length, such as 10.0.0.0/8", s)
	}
	return network, nil
}

// plainOctets takes the leading zeros off the octets of an IPv4 address. Go no
// longer accepts them, as other systems read them as octal; the language always
// has, as decimal, and configurations rely on it.
func plainOctets(s string) string {
	address, length, hasLength := strings.Cut(s, "/")
	v6, v4 := "", address
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		v6, v4 = address[:i+1], address[i+1:]
	}
	if !strings.Contains(v4, ".") {
		return s
	}
	octets := strings.Split(v4, ".")
	for i, o := range octets {
		for len(o) > 1 && o[0] == '0' {
			o = o[1:]
		}
		octets[i] = o
	}
	out := v6 + strings.Join(octets, ".")
	if hasLength {
		out += "/" + length
	}
	return out
}

// wholeNumber gives a number of any size, for the argument with that index.
func wholeNumber(v cty.Value, arg int) (*big.Int, error) {
	n, accuracy := v.AsBigFloat().Int(nil)
	if n == nil || accuracy != big.Exact {
		return nil, function.NewArgErrorf(arg, "must be a whole number")
	}
	return n, nil
}

// smallNumber gives a whole number that fits an int.
func smallNumber(v cty.Value, arg int) (int, error) {
	var n int
	if err := gocty.FromCtyValue(v, &n); err != nil {
		return 0, function.NewArgErrorf(arg, "must be a whole number that fits 64 bits")
	}
	return n, nil
}
