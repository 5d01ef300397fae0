//go:build !race

package local_test

// stride is 1: a real process is cut off at every moment.
const stride = 1
