// Package servetest runs the real `tutti serve` as a process of its own, with the
// clients that people use: boto3, the AWS command, the Go SDK. It kills the server in
// the middle of its work, and holds its answers against moto's.
//
// Only tests live here. The package knows the binary by its command line and its API
// only, and imports nothing of the house but where the Python environment lies.
package servetest
