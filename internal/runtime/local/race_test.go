//go:build race

package local_test

// stride is how many of the moments at which a real process could be cut off are
// passed over: under the race detector each process takes a second, and shows
// nothing that it does not show without.
const stride = 6
