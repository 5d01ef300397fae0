package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// stack is a Terraform configuration of a given size.
type stack struct {
	name string
	text string
	// objects is how many instances it has, and files how many local files.
	objects, files int
	// providers are the types of those of the mirror that it uses.
	providers []string
	// reference says that each file holds what another resource made.
	reference bool
}

// write puts the stack into a folder.
func (s stack) write(dir string) error {
	return os.WriteFile(filepath.Join(dir, "main.tf"), []byte(s.text), 0o644)
}

// pairs has two resources of n instances, each b[i] referring to a[i]. They need no
// provider process: what is measured is the tool alone.
func pairs(n int) stack {
	return stack{name: fmt.Sprintf("pairs-%d", n), objects: 2 * n, text: fmt.Sprintf(`
resource "terraform_data" "a" {
  count = %[1]d
  input = "value of ${count.index}"
}

resource "terraform_data" "b" {
  count = %[1]d
  input = terraform_data.a[count.index].output
}
`, n)}
}

// chainLength is how many resources depend on each other in a row. The peer notes
// with each resource all those above it: one chain of 2000 makes a state of 2
// million lines and takes it minutes, which is another matter.
const chainLength = 10

// chains has n single resources in chains, each referring to the one before it.
func chains(n int) stack {
	var text strings.Builder
	for i := range n {
		input := fmt.Sprintf("%q", fmt.Sprint("chain ", i/chainLength))
		if i%chainLength > 0 {
			input = fmt.Sprintf("terraform_data.r%d.output", i-1)
		}
		fmt.Fprintf(&text, "resource \"terraform_data\" \"r%d\" {\n  input = %s\n}\n\n", i, input)
	}
	return stack{name: fmt.Sprintf("chains-%d", n), objects: n, text: text.String()}
}

// files has n random_id and n local_file of real providers; with references each
// file's content is an ID.
func files(n int, reference bool) stack {
	name, content := fmt.Sprintf("files-plain-%d", n), `"content of ${count.index}"`
	if reference {
		name, content = fmt.Sprintf("files-%d", n), "random_id.a[count.index].hex"
	}
	return stack{name: name, objects: 2 * n, files: n, providers: []string{"random", "local"}, reference: reference, text: fmt.Sprintf(`
terraform {
  required_providers {
    random = { source = "hashicorp/random" }
    local  = { source = "hashicorp/local" }
  }
}

resource "random_id" "a" {
  count       = %[1]d
  byte_length = 8
}

resource "local_file" "b" {
  count    = %[1]d
  filename = "./out/${count.index}.txt"
  content  = %[2]s
}
`, n, content)}
}
