//go:build !unix

package local_test

func ignoreFileSizeSignal() {}
