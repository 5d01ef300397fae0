package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// The parts of botocore's service-2.json that the tables take over.

type botocoreService struct {
	Metadata struct {
		APIVersion          string
		EndpointPrefix      string
		JSONVersion         string
		Protocol            string
		Protocols           []string
		ServiceID           string
		SigningName         string
		TargetPrefix        string
		XMLNamespace        xmlNamespace
		AWSQueryCompatible  json.RawMessage
		SignatureVersion    string
		ServiceAbbreviation string
	}
	Operations map[string]botocoreOperation
	Shapes     map[string]botocoreShape
}

// xmlNamespace is {"uri": ..., "prefix": ...}, or the URI alone.
type xmlNamespace struct{ URI, Prefix string }

func (n *xmlNamespace) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &n.URI) == nil {
		return nil
	}
	type whole xmlNamespace
	return json.Unmarshal(text, (*whole)(n))
}

type botocoreOperation struct {
	Name string
	HTTP struct {
		Method     string
		RequestURI string
	}
	Input, Output *struct {
		Shape         string
		ResultWrapper string
		LocationName  string
		XMLNamespace  xmlNamespace
	}
	Errors               []struct{ Shape string }
	Idempotent           bool
	ReadOnly             bool
	Deprecated           bool
	AuthType             string
	Auth                 []string
	UnsignedPayload      bool
	HTTPChecksumRequired bool
	HTTPChecksum         struct {
		RequestAlgorithmMember  string
		RequestChecksumRequired bool
	}
	Endpoint struct{ HostPrefix string }
}

// traits are what a reference to a shape may say, and the shape itself too.
type traits struct {
	Shape            string
	Location         string
	LocationName     string
	QueryName        string
	XMLNamespace     xmlNamespace
	TimestampFormat  string
	IdempotencyToken bool
	JSONValue        bool
	HostLabel        bool
	XMLAttribute     bool
	Flattened        bool
	Streaming        bool
	RequiresLength   bool
}

type botocoreShape struct {
	traits
	Type string
	// Members lose their order in a map of Go; order keeps it.
	Members     map[string]traits
	order       []string
	Member      *traits
	Key, Value  *traits
	Required    []string
	Payload     string
	Document    bool
	EventStream bool
	Exception   bool
	Retryable   json.RawMessage
	Error       struct {
		Code           string
		HTTPStatusCode int
	}
}

func (s *botocoreShape) UnmarshalJSON(text []byte) error {
	type whole botocoreShape
	if err := json.Unmarshal(text, (*whole)(s)); err != nil {
		return err
	}
	var ordered struct{ Members json.RawMessage }
	if err := json.Unmarshal(text, &ordered); err != nil || ordered.Members == nil {
		return err
	}
	in := json.NewDecoder(bytes.NewReader(ordered.Members))
	if _, err := in.Token(); err != nil {
		return err
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return err
		}
		var skipped json.RawMessage
		if err := in.Decode(&skipped); err != nil {
			return err
		}
		s.order = append(s.order, name.(string))
	}
	return nil
}

// source is one service in the wheel: the newest of its versions.
type source struct {
	name, version        string
	model, extras, rules *zip.File
}

// sources finds the services in a wheel, by name.
func sources(wheel *zip.Reader) []*source {
	found := map[string]*source{}
	for _, f := range wheel.File {
		parts := strings.Split(f.Name, "/")
		if len(parts) != 5 || parts[1] != "data" {
			continue
		}
		name, version := parts[2], parts[3]
		s := found[name]
		if s == nil || s.version < version {
			s = &source{name: name, version: version}
			found[name] = s
		}
		if s.version != version {
			continue
		}
		switch strings.TrimSuffix(path.Base(f.Name), ".gz") {
		case "service-2.json":
			s.model = f
		case "service-2.sdk-extras.json":
			s.extras = f
		case "endpoint-rule-set-1.json":
			s.rules = f
		}
	}
	var all []*source
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if found[name].model != nil {
			all = append(all, found[name])
		}
	}
	return all
}

// read reads the service's model, with what the SDKs correct in it: the types of shapes.
func (s *source) read() (*botocoreService, error) {
	var service botocoreService
	if err := readJSON(s.model, &service); err != nil || s.extras == nil {
		return &service, err
	}
	var extras struct {
		Merge struct {
			Shapes map[string]struct{ Type string }
		}
	}
	if err := readJSON(s.extras, &extras); err != nil {
		return nil, err
	}
	for name, merge := range extras.Merge.Shapes {
		if merge.Type != "" {
			shape := service.Shapes[name]
			shape.Type = merge.Type
			service.Shapes[name] = shape
		}
	}
	return &service, nil
}

func readJSON(f *zip.File, into any) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	var text io.Reader = in
	if strings.HasSuffix(f.Name, ".gz") {
		if text, err = gzip.NewReader(in); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if err := json.NewDecoder(text).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	return nil
}
