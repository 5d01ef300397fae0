// Package mersenne is Python's random.Random: from the same seed come the same numbers, so
// that random(seed=…), shuffle(seed=…) and the password lookup choose what they have always
// chosen. A seed goes in, numbers come out; the package knows no randomness of its own.
package mersenne

import (
	"crypto/sha512"
	"errors"
	"math"
	"math/big"
	"math/bits"
)

// The sizes and constants of MT19937.
const (
	words = 624
	ahead = 397
)

// Random is a generator. Make it with New.
type Random struct {
	state [words]uint32
	next  int
}

// ErrSeed says which seeds there are, in Python's words.
var ErrSeed = errors.New("The only supported seed types are: None,\nint, float, str, bytes, and bytearray.") // Python's own words

// New makes a generator from a seed: a string, an int64, a bool or a float64.
func New(seed any) (*Random, error) {
	var n *big.Int
	switch s := seed.(type) {
	case string:
		sum := sha512.Sum512([]byte(s))
		n = new(big.Int).SetBytes(append([]byte(s), sum[:]...))
	case int64:
		n = new(big.Int).Abs(big.NewInt(s))
	case bool:
		n = new(big.Int)
		if s {
			n.SetInt64(1)
		}
	case float64:
		n = new(big.Int).SetUint64(uint64(hashFloat(s)))
	default:
		return nil, ErrSeed
	}
	return seeded(key(n)), nil
}

// key gives a number's 32-bit words, the lowest first.
func key(n *big.Int) []uint32 {
	raw := n.Bytes()
	k := make([]uint32, max(1, (len(raw)+3)/4))
	for i, b := range raw {
		at := len(raw) - 1 - i
		k[at/4] |= uint32(b) << (8 * (at % 4))
	}
	return k
}

// hashFloat is Python's hash() of a float: the number modulo the prime 2^61-1, so that a
// whole float hashes as the int does.
func hashFloat(f float64) int64 {
	const width = 61
	const prime = 1<<width - 1
	switch {
	case math.IsInf(f, 1):
		return 314159
	case math.IsInf(f, -1):
		return -314159
	case math.IsNaN(f):
		return 0
	}
	m, e := math.Frexp(math.Abs(f))
	var x uint64
	for m != 0 {
		x = x<<28&prime | x>>(width-28)
		m *= 1 << 28
		e -= 28
		y := uint64(m)
		m -= float64(y)
		if x += y; x >= prime {
			x -= prime
		}
	}
	shift := ((e % width) + width) % width
	x = x<<shift&prime | x>>(width-shift)
	h := int64(x)
	if f < 0 {
		h = -h
	}
	if h == -1 {
		h = -2
	}
	return h
}

func (r *Random) fill(seed uint32) {
	r.state[0] = seed
	for i := uint32(1); i < words; i++ {
		before := r.state[i-1]
		r.state[i] = 1812433253*(before^before>>30) + i
	}
	r.next = words
}

// seeded is the algorithm's init_by_array.
func seeded(key []uint32) *Random {
	r := &Random{}
	r.fill(19650218)
	i, j := 1, 0
	for range max(words, len(key)) {
		before := r.state[i-1]
		r.state[i] = (r.state[i] ^ (before^before>>30)*1664525) + key[j] + uint32(j)
		if i++; i >= words {
			r.state[0] = r.state[words-1]
			i = 1
		}
		if j++; j >= len(key) {
			j = 0
		}
	}
	for range words - 1 {
		before := r.state[i-1]
		r.state[i] = (r.state[i] ^ (before^before>>30)*1566083941) - uint32(i)
		if i++; i >= words {
			r.state[0] = r.state[words-1]
			i = 1
		}
	}
	r.state[0] = 1 << 31
	return r
}

func (r *Random) twist() {
	for i := range words {
		y := r.state[i]&(1<<31) | r.state[(i+1)%words]&(1<<31-1)
		next := r.state[(i+ahead)%words] ^ y>>1
		if y&1 != 0 {
			next ^= 0x9908b0df
		}
		r.state[i] = next
	}
	r.next = 0
}

func (r *Random) word() uint32 {
	if r.next >= words {
		r.twist()
	}
	y := r.state[r.next]
	r.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// bits gives a number of k bits, at most 64.
func (r *Random) bits(k int) uint64 {
	if k <= 32 {
		return uint64(r.word() >> (32 - k))
	}
	low := uint64(r.word())
	return uint64(r.word()>>(64-k))<<32 | low
}

// Below gives a number from 0 up to, and without, n, which must be above 0.
func (r *Random) Below(n int64) int64 {
	k := bits.Len64(uint64(n))
	for {
		// Of k bits at least every second number is below n, so this ends.
		if x := r.bits(k); x < uint64(n) {
			return int64(x)
		}
	}
}

// Shuffle puts items into another order, in place.
func Shuffle(items []any, below func(n int64) int64) {
	for i := len(items) - 1; i > 0; i-- {
		j := below(int64(i) + 1)
		items[i], items[j] = items[j], items[i]
	}
}
