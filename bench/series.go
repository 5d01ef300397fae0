package main

import (
	"slices"
	"time"
)

// series are the runs of one thing.
type series []sample

// spread is the least, the middle and the greatest of some numbers.
type spread struct{ min, median, max float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	middle := sorted[n/2]
	if n%2 == 0 {
		middle = (sorted[n/2-1] + middle) / 2
	}
	return spread{sorted[0], middle, sorted[n-1]}
}

// wall is in seconds.
func (s series) wall() spread {
	return s.of(func(x sample) float64 { return x.wall.Seconds() })
}

// cpu is in seconds.
func (s series) cpu() spread {
	return s.of(func(x sample) float64 { return x.cpu.Seconds() })
}

// peak is in bytes.
func (s series) peak() spread {
	return s.of(func(x sample) float64 { return float64(x.peak) })
}

func (s series) providers() spread {
	return s.of(func(x sample) float64 { return float64(x.providers) })
}

func (s series) of(f func(sample) float64) spread {
	values := make([]float64, len(s))
	for i, x := range s {
		values[i] = f(x)
	}
	return spreadOf(values)
}

func seconds(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
