package main

import (
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for name, test := range map[string]struct {
		values []float64
		want   spread
	}{
		"none":          {nil, spread{}},
		"one":           {[]float64{3}, spread{3, 3, 3}},
		"odd, unsorted": {[]float64{9, 1, 4}, spread{1, 4, 9}},
		"even":          {[]float64{8, 2, 4, 6}, spread{2, 5, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := spreadOf(test.values); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestSeries(t *testing.T) {
	s := series{{wall: 3 * time.Second, cpu: 40 * time.Millisecond, peak: 10, providers: 7}, {wall: time.Second, cpu: 20 * time.Millisecond, peak: 30}}
	if got, want := s.wall(), (spread{1, 2, 3}); got != want {
		t.Errorf("wall %v, want %v", got, want)
	}
	if got, want := s.cpu(), (spread{0.02, 0.03, 0.04}); got != want {
		t.Errorf("cpu %v, want %v", got, want)
	}
	if got := s.peak().max; got != 30 {
		t.Errorf("peak %v, want 30", got)
	}
	if got := s.providers().max; got != 7 {
		t.Errorf("providers %v, want 7", got)
	}
}
