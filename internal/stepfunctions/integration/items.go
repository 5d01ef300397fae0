package integration

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"tutti/internal/aws"
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
)

// The resources of ItemReader and ResultWriter.
const (
	resourceGet  = "s3:getObject"
	resourceList = "s3:listObjectsV2"
	resourcePut  = "s3:putObject"
)

// partSize is how many bytes of an object are asked for at once.
const partSize = 16 << 20

// read gives the next items of a distributed Map that lie in S3.
func (i *Integration) read(ctx context.Context, c execution.ReadCall) (json.RawMessage, error) {
	out, err := i.readItems(ctx, c)
	if err == nil {
		return out, nil
	}
	var f flow.Failure
	if errors.As(err, &f) && f.Code == execution.ItemReaderFailed || ctx.Err() != nil {
		return nil, err
	}
	return nil, flow.Failure{Kind: flow.Terminal, Code: execution.ItemReaderFailed, Message: err.Error()}
}

func (i *Integration) readItems(ctx context.Context, c execution.ReadCall) (json.RawMessage, error) {
	switch name := lastParts(c.Resource, 2); {
	case c.InputType == "PARQUET":
		return nil, errors.New("items of the type PARQUET cannot be read here; JSON, JSONL and CSV can")
	case name == resourceList && c.Transformation == "LOAD_AND_FLATTEN":
		return i.readListed(ctx, c)
	case name == resourceList:
		return i.list(ctx, c)
	case name == resourceGet && (c.InputType == "MANIFEST" || c.ManifestType != ""):
		return i.readManifest(ctx, c)
	case name == resourceGet:
		return i.readObject(ctx, c)
	default:
		return nil, fmt.Errorf("%s gives no items; there are arn:aws:states:::%s and arn:aws:states:::%s", c.Resource, resourceGet, resourceList)
	}
}

// lastParts gives the last n parts of an ARN.
func lastParts(arn string, n int) string {
	parts := strings.Split(arn, ":")
	return strings.Join(parts[max(0, len(parts)-n):], ":")
}

func (i *Integration) s3(ctx context.Context, operation, role string, input object) (*aws.Answer, error) {
	return i.options.AWS.Do(ctx, aws.Request{Service: "s3", Operation: operation, Input: input, RoleARN: role})
}

// list gives the objects of a bucket; the cursor is the listing's own token.
func (i *Integration) list(ctx context.Context, c execution.ReadCall) (json.RawMessage, error) {
	var args struct{ Bucket, Prefix, ExpectedBucketOwner string }
	if err := json.Unmarshal(c.Arguments, &args); err != nil {
		return nil, fmt.Errorf("the arguments of %s are not right: %w", c.Resource, err)
	}
	input := object{"Bucket": args.Bucket, "MaxKeys": min(max(c.Count, 1), 1000)}
	for name, v := range map[string]string{"Prefix": args.Prefix, "ExpectedBucketOwner": args.ExpectedBucketOwner, "ContinuationToken": c.Cursor} {
		if v != "" {
			input[name] = v
		}
	}
	a, err := i.s3(ctx, "listObjectsV2", c.RoleARN, input)
	if err != nil {
		return nil, err
	}
	page := execution.ReadResult{Items: []json.RawMessage{}}
	contents, _ := a.Output["Contents"].([]any)
	for _, one := range contents {
		modified, _ := at(one, "LastModified").(string)
		when, err := time.Parse(time.RFC3339, modified)
		if err != nil {
			return nil, fmt.Errorf("S3 tells the time of an object as %q", modified)
		}
		page.Items = append(page.Items, json.RawMessage(text(object{
			"Etag": at(one, "ETag"), "Key": at(one, "Key"), "LastModified": when.Unix(), "Size": at(one, "Size"), "StorageClass": at(one, "StorageClass"),
		})))
	}
	if a.Output["IsTruncated"] == true {
		page.Next, _ = a.Output["NextContinuationToken"].(string)
	}
	return json.Marshal(page)
}

// readObject brings the object here, once, and has its items read like those of any file. Between the pages it lies in a
// file that is named by what it holds. The cursor begins with that name: a process that takes over finds or fetches the
// same, and an object that has become another one meanwhile is an error.
func (i *Integration) readObject(ctx context.Context, c execution.ReadCall) (json.RawMessage, error) {
	held, cursor, _ := strings.Cut(c.Cursor, ":")
	name, err := i.items.fetch(ctx, i, c, held)
	if err != nil {
		return nil, err
	}
	path, err := i.items.path(name)
	if err != nil {
		return nil, err
	}
	local := c
	local.Resource, local.Arguments, local.Cursor = "arn:tutti:file", json.RawMessage(text(object{"Path": path})), cursor
	input, err := json.Marshal(local)
	if err != nil {
		return nil, err
	}
	out, err := i.local.Do(ctx, flow.Do{Activity: execution.ActivityRead, Input: input, Idempotent: true}, func(string) {})
	if err != nil {
		return nil, err
	}
	var page execution.ReadResult
	if err := json.Unmarshal(out, &page); err != nil {
		return nil, err
	}
	if page.Next == "" {
		_ = os.Remove(path) // nobody asks for more
		return out, nil
	}
	page.Next = name + ":" + page.Next
	return json.Marshal(page)
}

// itemFiles are the objects that lie here while they are read.
type itemFiles struct {
	dir   string
	mutex sync.Mutex // one fetch at a time: two readers of one object share it
}

// path gives where an object lies. The folder is the user's own: what lies there is trusted to be what its name says.
func (f *itemFiles) path(name string) (string, error) {
	dir := f.dir
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the folder for objects that hold items: %w", err)
		}
		dir = filepath.Join(cache, "tutti", "items")
	}
	return filepath.Join(dir, name), os.MkdirAll(dir, 0o700)
}

// fetch gives the name of the file with the object, held where that is still here.
func (f *itemFiles) fetch(ctx context.Context, i *Integration, c execution.ReadCall, held string) (string, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if held != "" {
		if held != filepath.Base(held) {
			return "", fmt.Errorf("the cursor %q is none of ours", c.Cursor)
		}
		path, err := f.path(held)
		if err != nil {
			return "", err
		}
		if _, err := os.Stat(path); err == nil {
			return held, nil
		}
	}
	var input object
	if err := json.Unmarshal(c.Arguments, &input); err != nil {
		return "", fmt.Errorf("the arguments of %s are not right: %w", c.Resource, err)
	}
	head, err := i.s3(ctx, "headObject", c.RoleARN, input)
	if err != nil {
		return "", err
	}
	etag, _ := head.Output["ETag"].(string)
	sum := sha256.Sum256([]byte(text(input) + etag))
	name := hex.EncodeToString(sum[:12])
	if held != "" && held != name {
		return "", fmt.Errorf("the object %v has become another one while its items were read", input["Key"])
	}
	size, err := strconv.ParseInt(fmt.Sprint(head.Output["ContentLength"]), 10, 64)
	if err != nil {
		return "", fmt.Errorf("S3 does not tell how large %v is", input["Key"])
	}
	input["IfMatch"] = etag
	path, err := f.path(name)
	if err != nil {
		return "", err
	}
	return name, i.download(ctx, c.RoleARN, input, size, path)
}

// download writes an object into a file, part by part, that is there whole or not at all. One that is compressed by gzip
// is there without that: inventories and the results of queries are.
func (i *Integration) download(ctx context.Context, role string, input object, size int64, path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-part-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	for from := int64(0); from < size && err == nil; from += partSize {
		input["Range"] = fmt.Sprintf("bytes=%d-%d", from, min(from+partSize, size)-1)
		var a *aws.Answer
		if a, err = i.s3(ctx, "getObject", role, input); err == nil {
			_, err = file.Write(a.Body)
		}
	}
	if errClose := file.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = unzip(file.Name())
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return err
}

// maxUnzipped bounds what a compressed object grows to, in bytes.
const maxUnzipped = 64 << 30

// unzip decompresses a file in its place, if it is compressed by gzip.
func unzip(name string) error {
	packed, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = packed.Close() }()
	z, err := gzip.NewReader(packed)
	if err != nil {
		return nil //nolint:nilerr // it is as it should be
	}
	plain, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(plain.Name()) }()
	n, err := io.Copy(plain, io.LimitReader(z, maxUnzipped+1))
	if errClose := plain.Close(); err == nil {
		err = errClose
	}
	switch {
	case err != nil:
		return err
	case n > maxUnzipped:
		return fmt.Errorf("the object unpacks to more than %d bytes", int64(maxUnzipped))
	}
	return os.Rename(plain.Name(), name)
}

// write writes a part of a map run's results into a bucket, below the run's own prefix.
func (i *Integration) write(ctx context.Context, c execution.WriteCall) (json.RawMessage, error) {
	failed := func(why string) error {
		return flow.Failure{Kind: flow.Terminal, Code: execution.ResultWriterFailed, Message: why}
	}
	var args struct{ Bucket, Prefix string }
	if err := json.Unmarshal(c.Arguments, &args); err != nil || lastParts(c.Resource, 2) != resourcePut {
		return nil, failed(fmt.Sprintf("ResultWriter takes arn:aws:states:::%s with Bucket and Prefix", resourcePut))
	}
	run := c.MapRun[strings.LastIndexAny(c.MapRun, ":/")+1:]
	key := strings.TrimPrefix(strings.TrimSuffix(args.Prefix, "/")+"/"+run+"/"+c.Name, "/")
	content := worker.ResultText(c)
	// The body is text that is JSON, or lines of it: as it is.
	if _, err := i.s3(ctx, "putObject", c.RoleARN, object{"Bucket": args.Bucket, "Key": key, "Body": string(content)}); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, failed(err.Error())
	}
	return json.Marshal(execution.WriteResult{Bucket: args.Bucket, Key: key, Size: int64(len(content))})
}
