// Command protogen makes the Go code of the provider protocol from the .proto
// files beside it, with the compiler and the generator that its own go.mod pins,
// so that no protoc needs to be installed:
//
//	go -C internal/terraform/provider generate
//
// It is a module of its own: the main module shall not depend on a compiler.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	for _, name := range []string{"tfplugin5", "tfplugin6"} {
		if err := generate(filepath.Join("..", name), name+".proto"); err != nil {
			fmt.Fprintf(os.Stderr, "protogen: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

// generate compiles one file and writes what protoc-gen-go makes of it beside it.
func generate(dir, file string) error {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{dir}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), file)
	if err != nil {
		return err
	}
	req, err := proto.Marshal(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{file},
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      withImports(files[0]),
	})
	if err != nil {
		return err
	}
	answer, err := run(req)
	if err != nil {
		return err
	}
	for _, f := range answer.GetFile() {
		if err := os.WriteFile(filepath.Join(dir, f.GetName()), []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// withImports lists a file's descriptor after those of what it imports, as the
// generator wants them.
func withImports(fd protoreflect.FileDescriptor) []*descriptorpb.FileDescriptorProto {
	var out []*descriptorpb.FileDescriptorProto
	for i := range fd.Imports().Len() {
		out = append(out, withImports(fd.Imports().Get(i).FileDescriptor)...)
	}
	return append(out, protodesc.ToFileDescriptorProto(fd))
}

func run(request []byte) (*pluginpb.CodeGeneratorResponse, error) {
	cmd := exec.Command("go", "tool", "protoc-gen-go")
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("protoc-gen-go: %w", err)
	}
	var answer pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("answer of protoc-gen-go: %w", err)
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("protoc-gen-go: %s", answer.GetError())
	}
	return &answer, nil
}
