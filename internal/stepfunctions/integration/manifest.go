package integration

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"tutti/internal/stepfunctions/execution"
)

// maxManifest bounds a list of objects that hold items, in bytes.
const maxManifest = 64 << 20

// part is an object that holds some of the items.
type part struct{ bucket, key string }

// readPart gives the next items of one of several objects.
func (i *Integration) readPart(ctx context.Context, c execution.ReadCall, p part, cursor string) (execution.ReadResult, error) {
	var page execution.ReadResult
	c.Arguments, c.Cursor, c.ManifestType, c.Transformation = json.RawMessage(text(object{"Bucket": p.bucket, "Key": p.key})), cursor, "", ""
	raw, err := i.readObject(ctx, c)
	if err != nil {
		return page, fmt.Errorf("%s: %w", p.key, err)
	}
	return page, json.Unmarshal(raw, &page)
}

// readManifest gives the items of the objects that a manifest names: the inventory of a bucket, or what Athena's UNLOAD
// has written. The cursor is the object's number and the cursor in it.
func (i *Integration) readManifest(ctx context.Context, c execution.ReadCall) (json.RawMessage, error) {
	var input object
	if err := json.Unmarshal(c.Arguments, &input); err != nil {
		return nil, fmt.Errorf("the arguments of %s are not right: %w", c.Resource, err)
	}
	a, err := i.s3(ctx, "getObject", c.RoleARN, input)
	if err != nil {
		return nil, err
	}
	if len(a.Body) > maxManifest {
		return nil, fmt.Errorf("the manifest is larger than %d bytes", maxManifest)
	}
	var parts []part
	if c.ManifestType == "ATHENA_DATA" {
		parts, err = unloaded(a.Body)
		if c.InputType == "MANIFEST" {
			c.InputType = "JSONL"
			if c.CSVHeaderLocation != "" {
				c.InputType = "CSV"
			}
		}
	} else {
		parts, c.CSVHeaders, err = inventory(a.Body)
		c.InputType, c.CSVHeaderLocation = "CSV", "GIVEN"
	}
	if err != nil {
		return nil, err
	}
	number, within, _ := strings.Cut(c.Cursor, "/")
	n, err := strconv.Atoi(cmp.Or(number, "0"))
	if err != nil || n < 0 || n > len(parts) {
		return nil, fmt.Errorf("the cursor %q is none of ours", c.Cursor)
	}
	if n == len(parts) {
		return json.Marshal(execution.ReadResult{Items: []json.RawMessage{}})
	}
	page, err := i.readPart(ctx, c, parts[n], within)
	if err != nil {
		return nil, err
	}
	switch {
	case page.Next != "":
		page.Next = fmt.Sprintf("%d/%s", n, page.Next)
	case n+1 < len(parts):
		page.Next = fmt.Sprintf("%d/", n+1)
	}
	return json.Marshal(page)
}

// inventory reads the manifest.json of an inventory: its files, and the names of their columns.
func inventory(manifest []byte) (parts []part, columns []string, err error) {
	var told struct {
		DestinationBucket, FileFormat, FileSchema string
		Files                                     []struct{ Key string }
	}
	if err := json.Unmarshal(manifest, &told); err != nil {
		return nil, nil, fmt.Errorf("the manifest is not that of an inventory: %w", err)
	}
	if told.FileFormat != "CSV" {
		return nil, nil, fmt.Errorf("an inventory in the format %q cannot be read here; CSV can", told.FileFormat)
	}
	for column := range strings.SplitSeq(told.FileSchema, ",") {
		columns = append(columns, strings.TrimSpace(column))
	}
	bucket := told.DestinationBucket[strings.LastIndexByte(told.DestinationBucket, ':')+1:]
	for _, f := range told.Files {
		parts = append(parts, part{bucket, f.Key})
	}
	return parts, columns, nil
}

// unloaded reads the manifest of UNLOAD: a URI of S3 in each line.
func unloaded(manifest []byte) ([]part, error) {
	var parts []part
	for line := range strings.Lines(string(manifest)) {
		line = strings.Trim(strings.TrimSpace(line), `"`)
		if line == "" {
			continue
		}
		bucket, key, found := strings.Cut(strings.TrimPrefix(line, "s3://"), "/")
		if !found || !strings.HasPrefix(line, "s3://") {
			return nil, fmt.Errorf("the manifest has %q where the URI of an object in S3 belongs", line)
		}
		parts = append(parts, part{bucket, key})
	}
	return parts, nil
}

// listedAt is where the reading of listed objects is: behind an object, or within the next.
type listedAt struct {
	Behind string `json:"b,omitempty"`
	Key    string `json:"k,omitempty"`
	Within string `json:"w,omitempty"`
}

// readListed gives the items of all objects of a listing, one object after the other.
func (i *Integration) readListed(ctx context.Context, c execution.ReadCall) (json.RawMessage, error) {
	var where listedAt
	if c.Cursor != "" && json.Unmarshal([]byte(c.Cursor), &where) != nil {
		return nil, fmt.Errorf("the cursor %q is none of ours", c.Cursor)
	}
	var args struct{ Bucket, Prefix string }
	if err := json.Unmarshal(c.Arguments, &args); err != nil {
		return nil, fmt.Errorf("the arguments of %s are not right: %w", c.Resource, err)
	}
	if where.Key == "" {
		key, err := i.keyBehind(ctx, c, args.Bucket, args.Prefix, where.Behind)
		if err != nil {
			return nil, err
		}
		if key == "" {
			return json.Marshal(execution.ReadResult{Items: []json.RawMessage{}})
		}
		where.Key = key
	}
	page, err := i.readPart(ctx, c, part{args.Bucket, where.Key}, where.Within)
	if err != nil {
		return nil, err
	}
	if where.Within = page.Next; page.Next == "" {
		where = listedAt{Behind: where.Key}
	}
	page.Next = text(where)
	return json.Marshal(page)
}

// keyBehind gives the next object of a listing that holds anything; "" is the end.
func (i *Integration) keyBehind(ctx context.Context, c execution.ReadCall, bucket, prefix, behind string) (string, error) {
	input := object{"Bucket": bucket, "MaxKeys": 10}
	if prefix != "" {
		input["Prefix"] = prefix
	}
	for ctx.Err() == nil {
		if behind != "" {
			input["StartAfter"] = behind
		}
		a, err := i.s3(ctx, "listObjectsV2", c.RoleARN, input)
		if err != nil {
			return "", err
		}
		contents, _ := a.Output["Contents"].([]any)
		for _, one := range contents {
			behind, _ = at(one, "Key").(string)
			if at(one, "Size") != json.Number("0") {
				return behind, nil
			}
		}
		if len(contents) == 0 || a.Output["IsTruncated"] != true {
			return "", nil
		}
	}
	return "", ctx.Err()
}
