// Command awsmodels makes the tables of internal/aws/catalog from the service models in botocore, the foundation of the
// AWS SDK for Python. Run it from the root of the repository, with the version to take:
//
//	go run ./tools/awsmodels -version 1.44.5
//
// It fetches the wheel with pip, or reads the one that -wheel names, and rewrites all of internal/aws/catalog/tables. The
// same wheel always gives the same files.
package main

import (
	"archive/zip"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

func main() {
	log.SetFlags(0)
	version := flag.String("version", "", "version of botocore to fetch with pip")
	wheel := flag.String("wheel", "", "read this wheel instead of fetching one")
	out := flag.String("out", filepath.Join("internal", "aws", "catalog", "tables"), "folder to write")
	flag.Parse()
	if err := run(*version, *wheel, *out); err != nil {
		log.Fatalf("awsmodels: %v", err)
	}
}

func run(version, wheel, out string) error {
	if wheel == "" {
		dir, err := os.MkdirTemp("", "awsmodels")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if wheel, err = fetch(version, dir); err != nil {
			return err
		}
	}
	named := regexp.MustCompile(`^botocore-([0-9.]+)-`).FindStringSubmatch(filepath.Base(wheel))
	if named == nil {
		return fmt.Errorf("%s is not named as a wheel of botocore is", wheel)
	}
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer archive.Close()
	w := &writer{dir: out, version: named[1]}
	if err := w.clear(); err != nil {
		return err
	}
	if err := convertAll(&archive.Reader, w); err != nil {
		return err
	}
	return w.finish()
}

func fetch(version, dir string) (string, error) {
	if version == "" {
		return "", fmt.Errorf("say which version of botocore to fetch (-version), or where its wheel lies (-wheel)")
	}
	pip := exec.Command("python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", dir, "botocore=="+version)
	pip.Stderr = os.Stderr
	if err := pip.Run(); err != nil {
		return "", fmt.Errorf("fetch botocore %s with pip: %w", version, err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "botocore-*.whl"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("pip left %d wheels of botocore (%v)", len(found), err)
	}
	return found[0], nil
}
