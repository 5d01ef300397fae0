package aws

import (
	"fmt"
	"regexp"
	"strings"
)

// virtualBucket is a bucket's name that may be part of a host's. One with dots would not match the certificate.
var virtualBucket = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// bucketHost moves the bucket of a call to S3 from the path into the host, which is where AWS wants it. Endpoints of
// one's own keep it in the path: their names seldom reach down to buckets.
func bucketHost(host, path, template string, own bool) (string, string, error) {
	if !strings.HasPrefix(template, "/{Bucket}") {
		return host, path, nil
	}
	bucket, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case strings.HasPrefix(bucket, "arn%3A"):
		return "", "", fmt.Errorf("the bucket is an ARN: access points cannot be called yet, name the bucket")
	case strings.HasSuffix(bucket, "--x-s3"):
		return "", "", fmt.Errorf("%s is a directory bucket of S3 Express, which cannot be called yet", bucket)
	case own || !virtualBucket.MatchString(bucket):
		return host, path, nil
	}
	return bucket + "." + host, "/" + rest, nil
}
