package main

import (
	"archive/zip"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"tutti/internal/aws/catalog"
)

func convertAll(wheel *zip.Reader, w *writer) error {
	partitions, err := readPartitions(wheel)
	if err != nil {
		return err
	}
	w.partitions = partitions
	for _, src := range sources(wheel) {
		in, err := src.read()
		if err != nil {
			return err
		}
		c := &converter{in: in, shapes: map[string]*catalog.Shape{}}
		s, err := c.service(src.name)
		if err != nil {
			return fmt.Errorf("%s: %w", src.name, err)
		}
		if src.rules != nil {
			var rules ruleSet
			if err := readJSON(src.rules, &rules); err != nil {
				return err
			}
			s.Endpoints = endpoints(s, &rules, partitions)
		}
		if err := w.service(s); err != nil {
			return err
		}
	}
	return nil
}

type converter struct {
	in       *botocoreService
	protocol catalog.Protocol
	shapes   map[string]*catalog.Shape
}

func (c *converter) service(name string) (*catalog.Service, error) {
	in := c.in
	var err error
	if c.protocol, err = protocol(append([]string{in.Metadata.Protocol}, in.Metadata.Protocols...)); err != nil {
		return nil, err
	}
	s := &catalog.Service{
		Name: name, ID: in.Metadata.ServiceID, Protocol: c.protocol, JSONVersion: in.Metadata.JSONVersion,
		TargetPrefix: in.Metadata.TargetPrefix, APIVersion: in.Metadata.APIVersion, Namespace: in.Metadata.XMLNamespace.URI,
		EndpointPrefix: in.Metadata.EndpointPrefix, SigningName: cmp.Or(in.Metadata.SigningName, in.Metadata.EndpointPrefix),
		QueryCompatible: in.Metadata.AWSQueryCompatible != nil,
	}
	for _, name := range slices.Sorted(maps.Keys(in.Operations)) {
		o, err := c.operation(in.Operations[name])
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", name, err)
		}
		s.Operations = append(s.Operations, o)
	}
	slices.SortFunc(s.Operations, func(a, b catalog.Operation) int { return cmp.Compare(a.Name, b.Name) })
	for _, name := range c.faults() {
		shape := in.Shapes[name]
		f := catalog.Fault{Name: name, Status: shape.Error.HTTPStatusCode, Retryable: shape.Retryable != nil}
		if shape.Error.Code != name {
			f.Code = shape.Error.Code
		}
		s.Errors = append(s.Errors, f)
	}
	return s, nil
}

// protocol chooses among those that a service speaks. What all its clients have spoken for years comes before CBOR.
func protocol(spoken []string) (catalog.Protocol, error) {
	for p := catalog.JSON; p <= catalog.CBOR; p++ {
		if slices.Contains(spoken, p.String()) {
			return p, nil
		}
	}
	return 0, fmt.Errorf("no known protocol among %q", spoken)
}

// faults gives the names of the shapes that operations tell of as errors, sorted.
func (c *converter) faults() []string {
	names := map[string]bool{}
	for _, o := range c.in.Operations {
		for _, e := range o.Errors {
			names[e.Shape] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (c *converter) operation(in botocoreOperation) (catalog.Operation, error) {
	o := catalog.Operation{
		Name: in.Name, Method: in.HTTP.Method, URI: in.HTTP.RequestURI, HostPrefix: in.Endpoint.HostPrefix,
		ChecksumMember: in.HTTPChecksum.RequestAlgorithmMember,
		ReadOnly:       in.ReadOnly, Idempotent: in.Idempotent, Deprecated: in.Deprecated,
		Unsigned:         in.AuthType == "none" || slices.Contains(in.Auth, "smithy.api#noAuth"),
		UnsignedPayload:  in.UnsignedPayload || in.AuthType == "v4-unsigned-body",
		ChecksumRequired: in.HTTPChecksumRequired || in.HTTPChecksum.RequestChecksumRequired,
	}
	if c.protocol == catalog.RESTJSON || c.protocol == catalog.RESTXML {
		// CloudFront's names carry the API's date, which no SDK shows. What the wire never sees can be as they have it.
		o.Name = regexp.MustCompile(`\d{4}_\d{2}_\d{2}$`).ReplaceAllString(o.Name, "")
	}
	var err error
	if in.Input != nil {
		o.InputName, o.Namespace = in.Input.LocationName, in.Input.XMLNamespace.URI
		if o.Input, err = c.shape(in.Input.Shape); err != nil {
			return o, err
		}
	}
	if in.Output != nil {
		o.ResultWrapper = in.Output.ResultWrapper
		o.Output, err = c.shape(in.Output.Shape)
	}
	return o, err
}

func (c *converter) shape(name string) (*catalog.Shape, error) {
	if s := c.shapes[name]; s != nil {
		return s, nil
	}
	in, known := c.in.Shapes[name]
	if !known {
		return nil, fmt.Errorf("no shape %s", name)
	}
	s := &catalog.Shape{Payload: -1}
	var err error
	switch in.Type {
	case "structure":
		if in.Document {
			return &catalog.Shape{Kind: catalog.Document, Payload: -1}, nil
		}
		c.shapes[name] = s
		err = c.structure(s, &in)
	case "list":
		s.Kind = catalog.List
		c.shapes[name] = s
		s.Element, err = c.member("", *in.Member)
	case "map":
		s.Kind = catalog.Map
		c.shapes[name] = s
		if s.Key, err = c.member("", *in.Key); err == nil {
			s.Element, err = c.member("", *in.Value)
		}
	default:
		s.Kind, err = plainKind(in.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("shape %s: %w", name, err)
	}
	return s, nil
}

func plainKind(name string) (catalog.Kind, error) {
	for k := catalog.String; k <= catalog.Document; k++ {
		if k.String() == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("no known type %q", name)
}

func (c *converter) structure(s *catalog.Shape, in *botocoreShape) error {
	s.Kind, s.EventStream = catalog.Structure, in.EventStream
	for i, name := range in.order {
		m, err := c.member(name, in.Members[name])
		if err != nil {
			return fmt.Errorf("member %s: %w", name, err)
		}
		m.Required = slices.Contains(in.Required, name)
		if name == in.Payload {
			s.Payload = i
			// The root element of an XML body is named by the shape where the member does not name it.
			if c.protocol == catalog.RESTXML && m.Shape.Kind == catalog.Structure && in.Members[name].LocationName == "" {
				m.Wire = in.Members[name].Shape
			}
		}
		s.Members = append(s.Members, *m)
	}
	return nil
}

// member takes over a reference to a shape. What the reference says goes before what the shape says.
func (c *converter) member(name string, ref traits) (*catalog.Member, error) {
	own := c.in.Shapes[ref.Shape]
	shape, err := c.shape(ref.Shape)
	if err != nil {
		return nil, err
	}
	if format := cmp.Or(ref.TimestampFormat, own.TimestampFormat); shape.Kind == catalog.Timestamp && format != "" {
		shape = &catalog.Shape{Kind: catalog.Timestamp, Payload: -1}
		if shape.Time, err = timeFormat(format); err != nil {
			return nil, err
		}
	}
	namespace := ref.XMLNamespace
	if namespace == (xmlNamespace{}) {
		namespace = own.XMLNamespace
	}
	m := &catalog.Member{
		Name: name, Wire: cmp.Or(ref.LocationName, own.LocationName), QueryName: cmp.Or(ref.QueryName, own.QueryName),
		Namespace: namespace.URI, Prefix: namespace.Prefix, Shape: shape,
		Token: ref.IdempotencyToken || own.IdempotencyToken, JSONText: ref.JSONValue || own.JSONValue,
		Host: ref.HostLabel, Attribute: ref.XMLAttribute, Flat: ref.Flattened || own.Flattened,
		Streaming: ref.Streaming || own.Streaming, BoundsLength: own.RequiresLength,
	}
	if m.Wire == name {
		m.Wire = ""
	}
	if m.Location, err = location(ref.Location); err != nil {
		return nil, err
	}
	return m, nil
}

func timeFormat(name string) (catalog.TimeFormat, error) {
	switch name {
	case "iso8601":
		return catalog.ISO8601, nil
	case "unixTimestamp":
		return catalog.Epoch, nil
	case "rfc822":
		return catalog.HTTPDate, nil
	}
	return 0, fmt.Errorf("no known format of timestamps: %q", name)
}

func location(name string) (catalog.Location, error) {
	all := map[string]catalog.Location{
		"": catalog.Body, "header": catalog.Header, "headers": catalog.PrefixHeaders, "uri": catalog.URI,
		"querystring": catalog.QueryString, "statusCode": catalog.StatusCode,
	}
	l, known := all[name]
	if !known {
		return 0, fmt.Errorf("no known location %q", name)
	}
	return l, nil
}
