// Package faulttest runs the real binary against everything that can go wrong: bad
// files, faulty providers, damaged state, full disks, signals, two runs at once, and
// kill -9 at each write of the journal.
//
// Only tests live here. Each fault has one test that says what must come of it: the
// exact message with what to do next, the exit code, and that nothing was lost or
// done twice. What is a matter of text alone is a script in testdata/script; what
// needs processes, signals or counting is Go.
//
// The package knows the binary by its command line only, and must not import the
// house but for where test providers lie and how an sshd is begun.
package faulttest
