package module

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"tutti/internal/terraform/install/service"
)

// maxObjects bounds a package that is a folder of a bucket.
const maxObjects = 10_000

// emptySum is the SHA-256 of an empty body, which a signature covers.
const emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// bucket is a place in S3, or in a store that speaks its protocol. Only two
// requests of it are needed, so they are made here rather than by the SDK's S3
// client, which is four times the size of all that this package links.
type bucket struct {
	base *url.URL // without key and query
	key  string
	sign service.Sign
}

// s3 fetches an archive in a bucket, or all objects below a key.
func (f *fetcher) s3(ctx context.Context, u *url.URL, dst, scratch string) error {
	plain, format, checksum := archiveQuery(u)
	b, err := openBucket(ctx, plain)
	if err != nil {
		return err
	}
	if format != "" {
		return f.archive(ctx, b.object(b.key), b.sign, format, checksum, dst, scratch)
	}
	return f.objects(ctx, b, dst)
}

// openBucket understands the forms https://s3[-.]REGION.amazonaws.com/BUCKET/KEY,
// https://BUCKET.s3[-.]REGION.amazonaws.com/KEY and https://HOST/BUCKET/KEY.
func openBucket(ctx context.Context, u *url.URL) (*bucket, error) {
	q := u.Query()
	base := &url.URL{Scheme: u.Scheme, Host: u.Host}
	key := strings.TrimPrefix(u.Path, "/")
	region, inHost := "", false
	if host, ok := strings.CutSuffix(u.Hostname(), ".amazonaws.com"); ok {
		region, inHost = awsHost(host)
	}
	if !inHost {
		name, rest, _ := strings.Cut(key, "/")
		base.Path, key = "/"+name, rest
		if name == "" {
			return nil, errors.New("the address names no bucket")
		}
	}
	if r := q.Get("region"); r != "" {
		region = r
	}
	sign, err := signer(ctx, q, region)
	return &bucket{base: base, key: key, sign: sign}, err
}

// awsHost reads what stands before amazonaws.com: the region, and whether the
// bucket's name is in it.
func awsHost(host string) (region string, withBucket bool) {
	labels := strings.Split(host, ".")
	for i := len(labels) - 1; i >= 0; i-- {
		switch l := labels[i]; {
		case l == "s3":
			return strings.Join(labels[i+1:], "."), i > 0
		case strings.HasPrefix(l, "s3-"):
			return strings.TrimPrefix(l, "s3-"), i > 0
		}
	}
	return "", false
}

// signer signs with the credentials in the address, or those that AWS's own
// tools would take. Without any, the request goes out unsigned: some buckets are
// public.
func signer(ctx context.Context, q url.Values, region string) (service.Sign, error) {
	options := []func(*awsconfig.LoadOptions) error{}
	if p := q.Get("aws_profile"); p != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(p))
	}
	config, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	if region == "" {
		region = config.Region
	}
	if region == "" {
		region = "us-east-1"
	}
	creds := aws.Credentials{AccessKeyID: q.Get("aws_access_key_id"), SecretAccessKey: q.Get("aws_access_key_secret"), SessionToken: q.Get("aws_access_token")}
	if creds.AccessKeyID == "" {
		creds, err = config.Credentials.Retrieve(ctx)
		if err != nil {
			return func(*http.Request) error { return nil }, nil
		}
	}
	return func(req *http.Request) error {
		req.Header.Set("X-Amz-Content-Sha256", emptySum)
		return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
			SignHTTP(req.Context(), creds, req, emptySum, "s3", region, time.Now())
	}, nil
}

func (b *bucket) object(key string) *url.URL { return b.base.JoinPath(key) }

// objects fetches everything below the key.
func (f *fetcher) objects(ctx context.Context, b *bucket, dst string) error {
	prefix := strings.TrimSuffix(b.key, "/")
	if prefix != "" {
		prefix += "/"
	}
	if err := os.MkdirAll(dst, 0o755); err != nil {
		return err
	}
	fetched, after := 0, ""
	for {
		page, err := f.list(ctx, b, prefix, after)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			name := strings.TrimPrefix(o.Key, prefix)
			if name == "" || strings.HasSuffix(name, "/") {
				continue // a folder's placeholder
			}
			if fetched++; fetched > maxObjects {
				return fmt.Errorf("the bucket has more than %d objects below %q", maxObjects, prefix)
			}
			if err := f.objectTo(ctx, b, o.Key, dst, name); err != nil {
				return err
			}
		}
		if after = page.NextContinuationToken; !page.IsTruncated || after == "" {
			break
		}
	}
	if fetched == 0 {
		return fmt.Errorf("the bucket has nothing below %q", prefix)
	}
	return nil
}

func (f *fetcher) objectTo(ctx context.Context, b *bucket, key, dst, name string) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("the object %q would lie outside the module", key)
	}
	path := filepath.Join(dst, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return f.download(ctx, b.object(key), b.sign, path)
}

// listing is a page of ListObjectsV2.
type listing struct {
	Contents []struct {
		Key string
	}
	IsTruncated           bool
	NextContinuationToken string
}

func (f *fetcher) list(ctx context.Context, b *bucket, prefix, after string) (*listing, error) {
	u := *b.base
	if u.Path == "" {
		u.Path = "/"
	}
	q := url.Values{"list-type": {"2"}, "prefix": {prefix}}
	if after != "" {
		q.Set("continuation-token", after)
	}
	u.RawQuery = q.Encode()
	resp, err := f.client.GetSigned(ctx, &u, b.sign)
	if err != nil {
		return nil, err
	}
	var page listing
	if err := xml.Unmarshal(resp.Body, &page); err != nil {
		return nil, fmt.Errorf("%s gave no valid listing: %w", service.Redact(&u), err)
	}
	return &page, nil
}
