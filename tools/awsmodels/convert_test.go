package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"tutti/internal/aws/catalog"
)

const serviceModel = `{
  "metadata": {"apiVersion": "2020-01-01", "endpointPrefix": "shop", "protocol": "smithy-rpc-v2-cbor", "protocols": ["smithy-rpc-v2-cbor", "rest-xml"],
    "serviceId": "Book Shop", "xmlNamespace": {"uri": "urn:shop"}},
  "operations": {
    "Buy2020_01_01": {"name": "Buy2020_01_01", "http": {"method": "POST", "requestUri": "/{Title}"}, "input": {"shape": "BuyRequest", "locationName": "Buy"},
      "output": {"shape": "BuyResult"}, "errors": [{"shape": "OutOfStock"}], "endpoint": {"hostPrefix": "{Shelf}."}, "httpChecksumRequired": true, "idempotent": true},
    "Ask": {"name": "Ask", "http": {"method": "GET", "requestUri": "/"}, "authtype": "none", "readonly": true}
  },
  "shapes": {
    "BuyRequest": {"type": "structure", "required": ["Title"], "payload": "Note", "members": {
      "Title": {"shape": "Text", "location": "uri", "locationName": "Title"},
      "Shelf": {"shape": "Text", "hostLabel": true},
      "Token": {"shape": "Text", "idempotencyToken": true},
      "Until": {"shape": "Moment", "location": "header", "locationName": "until"},
      "Note": {"shape": "Notes", "xmlNamespace": "urn:note"}}},
    "BuyResult": {"type": "structure", "members": {"Loop": {"shape": "BuyResult"}, "Any": {"shape": "Anything"}, "Marks": {"shape": "Marks"}, "Free": {"shape": "Free"}}},
    "Notes": {"type": "structure", "members": {}},
    "Marks": {"type": "list", "member": {"shape": "Text", "locationName": "mark"}, "flattened": true},
    "Free": {"type": "structure", "document": true, "members": {}},
    "Anything": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Number"}},
    "OutOfStock": {"type": "structure", "members": {}, "error": {"code": "OutOf.Stock", "httpStatusCode": 409}, "retryable": {"throttling": false}},
    "Text": {"type": "string"}, "Number": {"type": "long"}, "Moment": {"type": "timestamp", "timestampFormat": "unixTimestamp"}, "Unused": {"type": "string"}
  }
}`

const serviceRules = `{"parameters": {"UseFIPS": {"default": false}}, "rules": [
  {"type": "error", "conditions": [{"fn": "booleanEquals", "argv": [{"ref": "UseFIPS"}, true]}]},
  {"type": "tree", "conditions": [{"fn": "aws.partition", "argv": [{"ref": "Region"}], "assign": "P"}], "rules": [
    {"type": "endpoint", "conditions": [{"fn": "stringEquals", "argv": [{"fn": "getAttr", "argv": [{"ref": "P"}, "name"]}, "aws-cn"]}],
      "endpoint": {"url": "https://books.{P#dnsSuffix}", "properties": {"authSchemes": [{"name": "sigv4", "signingRegion": "cn-north-1", "signingName": "books"}]}}},
    {"type": "endpoint", "conditions": [{"fn": "stringEquals", "argv": [{"ref": "Region"}, "us-east-2"]}], "endpoint": {"url": "https://odd.{Region}.{P#dnsSuffix}"}},
    {"type": "endpoint", "conditions": [], "endpoint": {"url": "https://shop.{Region}.{P#dnsSuffix}"}}]}]}`

const partitionsFile = `{"partitions": [
  {"id": "aws", "regionRegex": "^(us|eu)-\\w+-\\d+$", "regions": {"us-east-1": {}, "us-east-2": {}, "eu-west-1": {}, "aws-global": {}}, "outputs": {"name": "aws", "dnsSuffix": "amazonaws.com"}},
  {"id": "aws-cn", "regionRegex": "^cn-\\w+-\\d+$", "regions": {"cn-north-1": {}}, "outputs": {"name": "aws-cn", "dnsSuffix": "amazonaws.com.cn"}}]}`

// wheel writes a wheel with one service in two versions, of which the newer counts.
func wheel(t *testing.T, model string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "botocore-9.9.9-py3-none-any.whl")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(file)
	for path, text := range map[string]string{
		"botocore/data/partitions.json":                           partitionsFile,
		"botocore/data/shop/2019-01-01/service-2.json":            `{"metadata": {"protocol": "none"}}`,
		"botocore/data/shop/2020-01-01/service-2.json":            model,
		"botocore/data/shop/2020-01-01/service-2.sdk-extras.json": `{"merge": {"shapes": {"Unused": {"type": "blob"}, "Number": {"type": "double"}}}}`,
		"botocore/data/shop/2020-01-01/endpoint-rule-set-1.json":  serviceRules,
		"botocore/data/shop/2020-01-01/paginators-1.json":         `{}`,
		"botocore/docs/shop/2020-01-01/service-2.json":            `{`,
	} {
		w, err := z.Create(path)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestConvert(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	if err := os.WriteFile(filepath.Join(out, "gone"+catalog.TableSuffix), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run("", wheel(t, serviceModel), out); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(filepath.Join(out, "shop"+catalog.TableSuffix))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	plain, err := z.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := catalog.Decode(plain)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	services, err := os.ReadFile(filepath.Join(out, "services.txt"))
	if err != nil || string(services) != "shop\tbookshop\n" {
		t.Errorf("services: %q (%v)", services, err)
	}
	notice, err := os.ReadFile(filepath.Join(out, "NOTICE"))
	if err != nil || !strings.Contains(string(notice), "botocore 9.9.9") {
		t.Errorf("notice: %q (%v)", notice, err)
	}
	if _, err := os.Stat(filepath.Join(out, "gone"+catalog.TableSuffix)); !os.IsNotExist(err) {
		t.Errorf("the table of a service that is no more is still there (%v)", err)
	}
}

func wanted() *catalog.Service {
	plain := func(k catalog.Kind) *catalog.Shape { return &catalog.Shape{Kind: k, Payload: -1} }
	request := &catalog.Shape{Kind: catalog.Structure, Payload: 4, Members: []catalog.Member{
		{Name: "Title", Shape: plain(catalog.String), Location: catalog.URI, Required: true},
		{Name: "Shelf", Shape: plain(catalog.String), Host: true},
		{Name: "Token", Shape: plain(catalog.String), Token: true},
		{Name: "Until", Wire: "until", Shape: &catalog.Shape{Kind: catalog.Timestamp, Time: catalog.Epoch, Payload: -1}, Location: catalog.Header},
		{Name: "Note", Wire: "Notes", Namespace: "urn:note", Shape: &catalog.Shape{Kind: catalog.Structure, Members: []catalog.Member{}, Payload: -1}},
	}}
	result := &catalog.Shape{Kind: catalog.Structure, Payload: -1}
	result.Members = []catalog.Member{
		{Name: "Loop", Shape: result},
		{Name: "Any", Shape: &catalog.Shape{Kind: catalog.Map, Key: &catalog.Member{Shape: plain(catalog.String)}, Element: &catalog.Member{Shape: plain(catalog.Double)}, Payload: -1}},
		{Name: "Marks", Flat: true, Shape: &catalog.Shape{Kind: catalog.List, Element: &catalog.Member{Wire: "mark", Shape: plain(catalog.String)}, Payload: -1}},
		{Name: "Free", Shape: plain(catalog.Document)},
	}
	return &catalog.Service{
		Name: "shop", ID: "Book Shop", Protocol: catalog.RESTXML, APIVersion: "2020-01-01", Namespace: "urn:shop", EndpointPrefix: "shop", SigningName: "shop",
		Endpoints: []catalog.Endpoint{
			{Partition: "aws", Region: "us-east-2", URL: "https://odd.{region}.{suffix}"},
			{Partition: "aws-cn", URL: "https://books.{suffix}", SigningRegion: "cn-north-1", SigningName: "books"},
		},
		Operations: []catalog.Operation{
			{Name: "Ask", Method: "GET", URI: "/", ReadOnly: true, Unsigned: true},
			{Name: "Buy", Method: "POST", URI: "/{Title}", Input: request, Output: result, InputName: "Buy", HostPrefix: "{Shelf}.", ChecksumRequired: true, Idempotent: true},
		},
		Errors: []catalog.Fault{{Name: "OutOfStock", Code: "OutOf.Stock", Status: 409, Retryable: true}},
	}
}

// TestUnknown refuses what a newer botocore may have and we do not know, rather than leave it out.
func TestUnknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ old, new, want string }{
		{`"rest-xml"`, `"new-protocol"`, ""}, // CBOR is left
		{`"protocol": "smithy-rpc-v2-cbor", "protocols": ["smithy-rpc-v2-cbor", "rest-xml"]`, `"protocol": "new"`, "no known protocol"},
		{`"location": "uri"`, `"location": "cloud"`, `no known location "cloud"`},
		{`"timestampFormat": "unixTimestamp"`, `"timestampFormat": "julian"`, `no known format of timestamps: "julian"`},
		{`"type": "map"`, `"type": "bag"`, `no known type "bag"`},
		{`{"shape": "Notes"`, `{"shape": "Lost"`, "no shape Lost"},
	} {
		err := run("", wheel(t, strings.Replace(serviceModel, test.old, test.new, 1)), t.TempDir())
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", test.new, err, test.want)
		}
	}
	if err := run("", filepath.Join(t.TempDir(), "other.whl"), t.TempDir()); err == nil {
		t.Error("any file is a wheel")
	}
	if err := run("", "", t.TempDir()); err == nil {
		t.Error("any version will do")
	}
}
