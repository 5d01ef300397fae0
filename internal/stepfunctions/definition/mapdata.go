package definition

import (
	"regexp"
	"strings"
	"tutti/internal/stepfunctions/document"

	"tutti/internal/stepfunctions/expression"
)

// What reads and writes the items of a distributed Map.
var (
	readerARN = regexp.MustCompile(`^(arn:aws[a-z-]*:states:::s3:(getObject|listObjectsV2)|arn:tutti:file(:\S+)?)$`)
	writerARN = regexp.MustCompile(`^(arn:aws[a-z-]*:states:::s3:putObject|arn:tutti:file(:\S+)?)$`)
)

// argument reads Parameters or Arguments of ItemReader and ResultWriter.
func (r *reading) argument(n *document.Node) expression.Expr {
	switch {
	case r.language == JSONata && n.Has("Arguments"):
		return r.argumentsJSONata(n.Get("Arguments"))
	case r.language == JSONPath:
		if m := r.c.objectOf(n, "Parameters"); m != nil {
			return r.payload(m)
		}
	}
	return nil
}

func (r *reading) arn(n *document.Node, allowed *regexp.Regexp, what string) string {
	text, ok := r.c.stringOf(n, "Resource")
	if ok && !allowed.MatchString(text) {
		r.c.wrong(n.Get("Resource"), "Invalid resource", "The field 'Resource' does not match any of the allowed values", "%s is not possible here: %s.", quote(text), what)
	}
	return text
}

func (r *reading) reader(n *document.Node) *Reader {
	c := r.c
	r.known(n, append(in("", "Resource", "ReaderConfig", "Comment"), fieldSpec{"Parameters", JSONPath}, fieldSpec{"Arguments", JSONata}), "an item reader")
	c.required(n, "Resource")
	rd := &Reader{Resource: r.arn(n, readerARN, "it is arn:aws:states:::s3:getObject, arn:aws:states:::s3:listObjectsV2 or arn:tutti:file"), Arguments: r.argument(n)}
	listing := strings.HasSuffix(rd.Resource, ":listObjectsV2")
	config := c.objectOf(n, "ReaderConfig")
	if config == nil {
		if !listing && rd.Resource != "" && !n.Has("ReaderConfig") {
			c.required(n, "ReaderConfig")
		}
		return rd
	}
	r.readerConfig(config, rd, listing)
	return rd
}

func (r *reading) readerConfig(n *document.Node, rd *Reader, listing bool) {
	c := r.c
	rd.Transformation = c.oneWord(n, "Transformation", "NONE", "LOAD_AND_FLATTEN")
	rd.InputType = c.oneWord(n, "InputType", "CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")
	known := []string{"MaxItems", "MaxItemsPath", "InputType", "Transformation"}
	switch needed := !listing || rd.Transformation == "LOAD_AND_FLATTEN"; {
	case needed && !n.Has("InputType"):
		c.wrongAt(n, c.subject(n), "Missing field", "The field 'InputType' is required but was missing", "the field InputType is required: CSV, JSON, JSONL, PARQUET or MANIFEST.")
	case !needed && n.Has("InputType"):
		c.unsupported(n.Get("InputType"), nil, `is not possible for a listing, whose items are the objects' names. Set Transformation "LOAD_AND_FLATTEN" to read the objects.`)
	}
	switch rd.InputType {
	case "CSV":
		known = append(known, "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter")
		r.csv(n, rd)
	case "JSON":
		known = append(known, "ItemsPointer")
		rd.ItemsPointer, _ = c.stringOf(n, "ItemsPointer")
		if p := n.Get("ItemsPointer"); p != nil && rd.ItemsPointer != "" && !strings.HasPrefix(rd.ItemsPointer, "/") {
			c.wrong(p, "Invalid value", "ItemsPointer must be a valid JSON pointer", "%s is not a JSON pointer, which begins with a slash: /orders/items.", quote(rd.ItemsPointer))
		}
	case "MANIFEST":
		known = append(known, "ManifestType")
		rd.ManifestType = c.oneWord(n, "ManifestType", "ATHENA_DATA", "S3_INVENTORY")
		if rd.ManifestType == "ATHENA_DATA" {
			known = append(known, "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter")
			r.csvFields(n, rd)
		}
	}
	c.fieldsOf(n, known...)
	if m := n.Get("MaxItemsPath"); m != nil && r.language == JSONata {
		r.otherLanguage(m, JSONPath)
	}
	rd.MaxItems = r.number(n, "MaxItems", "MaxItemsPath", wholeNumber(0, unbounded))
}

func (r *reading) csv(n *document.Node, rd *Reader) {
	if !n.Has("CSVHeaderLocation") {
		r.c.wrongAt(n, r.c.subject(n), "Missing field", "The field 'CSVHeaderLocation' is required", "the field CSVHeaderLocation is required: FIRST_ROW or GIVEN.")
	}
	r.csvFields(n, rd)
}

func (r *reading) csvFields(n *document.Node, rd *Reader) {
	c := r.c
	rd.CSVHeaderLocation = c.oneWord(n, "CSVHeaderLocation", "FIRST_ROW", "GIVEN")
	rd.CSVDelimiter = c.oneWord(n, "CSVDelimiter", "COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")
	if rd.CSVHeaderLocation == "GIVEN" {
		c.required(n, "CSVHeaders")
	} else if h := n.Get("CSVHeaders"); h != nil {
		c.unsupported(h, nil, `is used only if CSVHeaderLocation is "GIVEN".`)
		return
	}
	for _, h := range c.listOf(n, "CSVHeaders") {
		if text, ok := h.Text(); ok {
			rd.CSVHeaders = append(rd.CSVHeaders, text)
		} else {
			c.typed(h, "string")
		}
	}
}

func (r *reading) batcher(n *document.Node) *Batcher {
	c := r.c
	r.known(n, append(in("", "MaxItemsPerBatch", "MaxInputBytesPerBatch", "BatchInput", "Comment"), in(JSONPath, "MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath")...), "an item batcher")
	bounds := []string{"MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"}
	bounded := false
	for _, b := range bounds {
		bounded = bounded || n.Has(b)
	}
	if !bounded {
		c.wrongAt(n, c.subject(n), "Missing field", "At least one of the following fields is required: ["+strings.Join(bounds, ", ")+"]", "how large a batch may be is not said. Set MaxItemsPerBatch or MaxInputBytesPerBatch.")
	}
	b := &Batcher{MaxItems: r.number(n, "MaxItemsPerBatch", "MaxItemsPerBatchPath", wholeNumber(1, unbounded)),
		MaxBytes: r.number(n, "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", wholeNumber(1, maxBatchBytes))}
	switch f := n.Get("BatchInput"); {
	case f == nil:
	case r.language == JSONata:
		b.BatchInput = r.argumentsJSONata(f)
	case f.Kind != document.Object:
		c.typed(f, "object")
	default:
		b.BatchInput = r.payload(f)
	}
	return b
}

func (r *reading) writer(n *document.Node) *Writer {
	c := r.c
	r.known(n, append(in("", "Resource", "WriterConfig", "Comment"), fieldSpec{"Parameters", JSONPath}, fieldSpec{"Arguments", JSONata}), "a result writer")
	w := &Writer{Resource: r.arn(n, writerARN, "it is arn:aws:states:::s3:putObject or arn:tutti:file"), Arguments: r.argument(n)}
	where := "Parameters"
	if r.language == JSONata {
		where = "Arguments"
	}
	switch {
	case !n.Has("Resource") && !n.Has("WriterConfig"):
		c.wrongAt(n, c.subject(n), "Missing field", "These fields are required: [Resource]", "a result writer has a Resource, a WriterConfig or both.")
	case n.Has("Resource") && !strings.HasPrefix(w.Resource, "arn:tutti:"):
		c.required(n, where)
	}
	if config := c.objectOf(n, "WriterConfig"); config != nil {
		c.fieldsOf(config, "Transformation", "OutputType")
		w.Transformation = c.oneWord(config, "Transformation", "NONE", "COMPACT", "FLATTEN")
		w.OutputType = c.oneWord(config, "OutputType", "JSON", "JSONL")
	}
	return w
}
