package module

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tutti/internal/terraform/install/service"
)

// store is a bucket named "modules" that asks for signed requests, and lists two
// objects a page.
type store struct {
	t       *testing.T
	objects map[string]string
}

// ServeHTTP signs the request again, with the secret that only the two sides
// know, and compares.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	again := r.Clone(r.Context())
	again.URL.Scheme, again.URL.Host = "https", r.Host
	for _, h := range []string{"Authorization", "User-Agent", "Accept-Encoding"} {
		again.Header.Del(h)
	}
	if err == nil {
		err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
			SignHTTP(r.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, again, emptySum, "s3", "eu-west-1", at)
	}
	if err != nil || given == "" || given != again.Header.Get("Authorization") {
		http.Error(w, "SignatureDoesNotMatch", http.StatusForbidden)
		return
	}
	if r.URL.Query().Get("list-type") == "2" {
		s.list(w, r.URL.Query())
		return
	}
	text, ok := s.objects[strings.TrimPrefix(r.URL.Path, "/modules/")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = fmt.Fprint(w, text)
}

func (s *store) list(w http.ResponseWriter, q url.Values) {
	type object struct{ Key string }
	page := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Contents              []object
		IsTruncated           bool
		NextContinuationToken string
	}{}
	var keys []string
	for k := range s.objects {
		if strings.HasPrefix(k, q.Get("prefix")) && k > q.Get("continuation-token") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	if len(keys) > 2 {
		keys, page.IsTruncated, page.NextContinuationToken = keys[:2], true, keys[1]
	}
	for _, k := range keys {
		page.Contents = append(page.Contents, object{k})
	}
	if err := xml.NewEncoder(w).Encode(page); err != nil {
		s.t.Error(err)
	}
}

func TestS3(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	archived := archive(t, map[string]string{"net-1/main.tf": "locals {}\n"})
	server := httptest.NewTLSServer(&store{t: t, objects: map[string]string{
		"net/main.tf": "locals {}\n", "net/sub dir/a+b.tf": "# odd name\n", "net/x/y/main.tf": "locals {}\n", "net/": "",
		"network/main.tf": "# another", "net.tgz": string(archived), "bad/../../evil": "x",
	}})
	t.Cleanup(server.Close)
	install := func(path, query string) (string, error) {
		dir := tree(t, map[string]string{"main.tf": call("m", "s3::"+server.URL+"/modules/"+path+query)})
		client := service.New(service.Options{Transport: server.Client().Transport, RetryWait: 1})
		_, list := Install(t.Context(), Options{Dir: dir, Client: client, Load: load})
		return filepath.Join(dir, ".terraform", "modules", "m"), list.Err()
	}
	const keys = "?region=eu-west-1&aws_access_key_id=AKID&aws_access_key_secret="
	dir, err := install("net", keys+"secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"main.tf", "sub dir/a+b.tf", "x/y/main.tf"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
	if text(t, dir, "main.tf") != "locals {}\n" {
		t.Error("the object of another prefix was taken")
	}
	if dir, err = install("net.tgz//net-1", keys+"secret"); err != nil {
		t.Error(err)
	} else if _, err := os.Stat(filepath.Join(dir, "net-1", "main.tf")); err != nil {
		t.Error(err)
	}
	// With credentials of the environment.
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "eu-west-1")
	if _, err := install("net", ""); err != nil {
		t.Error(err)
	}
	for query, word := range map[string]string{keys + "wr0ng": "403", "": "nothing below"} {
		path := "net"
		if query == "" {
			path = "void"
		}
		_, err := install(path, query)
		if err == nil || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%s%s: %v, want %q and no secret", path, query, err, word)
		}
	}
	if _, err := install("bad", ""); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("a key that leaves the module: %v", err)
	}
}

func TestHostsOfS3(t *testing.T) {
	for host, want := range map[string]string{
		"s3": " false", "s3.eu-west-1": "eu-west-1 false", "s3-eu-west-1": "eu-west-1 false",
		"b.s3": " true", "my.b.s3.eu-west-1": "eu-west-1 true", "b.s3-eu-west-1": "eu-west-1 true", "ec2": " false",
	} {
		region, within := awsHost(host)
		if got := fmt.Sprintf("%s %t", region, within); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
}
