package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"tutti/internal/aws/catalog"
)

// writer writes the files of the tables' folder.
type writer struct {
	dir, version string
	partitions   []partition
	services     []string // a line for each
}

// clear removes tables of before, so that a service that is no more has none.
func (w *writer) clear() error {
	old, err := filepath.Glob(filepath.Join(w.dir, "*"+catalog.TableSuffix))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return os.MkdirAll(w.dir, 0o755)
}

func (w *writer) service(s *catalog.Service) error {
	table := catalog.Encode(s)
	if _, err := catalog.Decode(table); err != nil {
		return fmt.Errorf("%s: the table cannot be read back: %w", s.Name, err)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	w.services = append(w.services, s.Name+"\t"+catalog.ClientName(s.ID))
	return os.WriteFile(filepath.Join(w.dir, s.Name+catalog.TableSuffix), z.EncodeAll(table, nil), 0o644)
}

// finish writes what is about all services: their names, the partitions, and where the facts come from.
func (w *writer) finish() error {
	var partitions []catalog.Partition
	for _, p := range w.partitions {
		partitions = append(partitions, catalog.Partition{ID: p.ID, Regions: p.RegionRegex, Suffix: p.suffix()})
	}
	text, err := json.MarshalIndent(partitions, "", "\t")
	if err != nil {
		return err
	}
	notice := "The facts in these tables (names, shapes and endpoints of the services of AWS) are taken from botocore " + w.version + ",\n" +
		"https://github.com/boto/botocore, Copyright Amazon.com, Inc. or its affiliates, under the Apache License 2.0.\n" +
		"tools/awsmodels wrote them; do not edit them.\n"
	for name, text := range map[string]string{
		"services.txt":    strings.Join(w.services, "\n") + "\n",
		"partitions.json": string(text) + "\n",
		"NOTICE":          notice,
	} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
