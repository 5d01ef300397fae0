package execution

import "fmt"

// random is a small generator (SplitMix64) that follows from the execution's seed,
// so that a replay draws the same.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float is in [0, 1).
func (r *random) float() float64 { return float64(r.next()>>11) / (1 << 53) }

// uuid is a random one (RFC 9562, version 4).
func (r *random) uuid() string {
	a, b := r.next(), r.next()
	a = a&^0xf000 | 0x4000
	b = b&^(0xc0<<56) | 0x80<<56
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

// key is 32 characters of [0-9a-f].
func (r *random) key() string { return fmt.Sprintf("%016x%016x", r.next(), r.next()) }
