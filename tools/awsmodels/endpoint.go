package main

import (
	"archive/zip"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"tutti/internal/aws/catalog"
)

// partition is a part of AWS with accounts of its own, from botocore's partitions.json.
type partition struct {
	ID          string
	RegionRegex string
	Regions     map[string]json.RawMessage
	Outputs     map[string]any
}

func (p *partition) suffix() string { return p.Outputs["dnsSuffix"].(string) }

func readPartitions(wheel *zip.Reader) ([]partition, error) {
	for _, f := range wheel.File {
		if f.Name == "botocore/data/partitions.json" {
			var all struct{ Partitions []partition }
			err := readJSON(f, &all)
			return all.Partitions, err
		}
	}
	return nil, fmt.Errorf("the wheel has no partitions.json")
}

func partitionOf(region string, partitions []partition) any {
	for _, p := range partitions {
		_, listed := p.Regions[region]
		if listed || regexp.MustCompile(p.RegionRegex).MatchString(region) {
			return p.Outputs
		}
	}
	return partitions[0].Outputs
}

// endpoints gives what has to be known of where a service is, beyond the form that most have: of each partition the
// endpoint that most of its regions share, and the regions that have another.
func endpoints(s *catalog.Service, rules *ruleSet, partitions []partition) []catalog.Endpoint {
	usual := catalog.Endpoint{URL: "https://" + s.EndpointPrefix + ".{region}.{suffix}"}
	var told []catalog.Endpoint
	for _, p := range partitions {
		of := map[catalog.Endpoint][]string{}
		for _, region := range slices.Sorted(maps.Keys(p.Regions)) {
			// aws-global and its like are names for "no region", which nobody has to write with us.
			if strings.HasSuffix(region, "-global") {
				continue
			}
			if r, ok := rules.resolve(region, partitions); ok {
				e := general(r, region, &p, s)
				of[e] = append(of[e], region)
			}
		}
		if len(of) == 0 {
			continue
		}
		shared := slices.MaxFunc(slices.SortedFunc(maps.Keys(of), byURL), func(a, b catalog.Endpoint) int { return cmp.Compare(len(of[a]), len(of[b])) })
		if shared != usual {
			shared.Partition = p.ID
			told = append(told, shared)
		}
		for _, e := range slices.SortedFunc(maps.Keys(of), byURL) {
			for _, region := range of[e] {
				if same(e, shared, region, p.suffix()) {
					continue
				}
				own := e
				own.Partition, own.Region = p.ID, region
				told = append(told, own)
			}
		}
	}
	return told
}

func same(a, b catalog.Endpoint, region, suffix string) bool {
	urlA, signingA := a.At(region, suffix)
	urlB, signingB := b.At(region, suffix)
	return urlA == urlB && signingA == signingB && a.SigningName == b.SigningName
}

func byURL(a, b catalog.Endpoint) int {
	return cmp.Or(cmp.Compare(a.URL, b.URL), cmp.Compare(a.SigningRegion, b.SigningRegion), cmp.Compare(a.SigningName, b.SigningName))
}

// general puts places for region and suffix in the place of what they are here.
func general(r resolved, region string, p *partition, s *catalog.Service) catalog.Endpoint {
	url := regexp.MustCompile(`([/.])`+regexp.QuoteMeta(region)+`\.`).ReplaceAllString(r.url, "${1}{region}.")
	if host, found := strings.CutSuffix(url, "."+p.suffix()); found {
		url = host + ".{suffix}"
	}
	e := catalog.Endpoint{URL: url, SigningRegion: r.signingRegion, SigningName: r.signingName}
	if e.SigningRegion == region && strings.Contains(url, "{region}") {
		e.SigningRegion = ""
	}
	if e.SigningName == s.SigningName {
		e.SigningName = ""
	}
	return e
}
