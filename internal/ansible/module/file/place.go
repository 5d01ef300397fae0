package file

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// diffLimit is the size above which the content of a file is not shown in a diff, in bytes.
const diffLimit = 104448

// Place is the name of the module that the copy and template actions call: the host's side of
// copying one file, in one round trip. It is not for playbooks.
const Place = "_tutti_place"

// NeedContent is the key of the result that asks to come again with the content.
const NeedContent = "_tutti_need_content"

// placeModule does what Ansible's copy action does in three or more calls of stat, file and
// copy: it looks at dest, makes the diff, and carries the one out that has to be.
//
// Its arguments are "args" (the task's own), "dest", "rel" (the file's name below dest),
// "checksum" and "size" of the source, "origin" (its name for the diff), "inline" (the task
// has the content itself), "mode" (when it is to be preserved), "follow", and one of "content"
// (a []byte, or text in base64) and "src" (a file of this host, which is taken away). With
// neither, a source that is not at dest yet is asked for. "always" calls copy whatever there
// is, in check mode too, and gives one diff and no list.
func placeModule() module.Module {
	return module.Module{Name: Place, Run: runPlace, Spec: argument.Spec{Check: true, Options: []argument.Option{
		{Name: "args", Type: argument.Raw},
		{Name: "dest", Type: argument.Path, Required: true},
		{Name: "rel", Required: true},
		{Name: "checksum", Required: true},
		{Name: "size", Type: argument.Int},
		{Name: "origin"},
		{Name: "inline", Type: argument.Bool},
		{Name: "mode", Type: argument.Raw},
		{Name: "follow", Type: argument.Bool},
		{Name: "force", Type: argument.Bool},
		{Name: "content", Type: argument.Raw},
		{Name: "src", Type: argument.Path},
		{Name: "always", Type: argument.Bool},
	}}}
}

type placer struct {
	*module.Call
	ctx     context.Context
	args    map[string]any
	dest    string
	target  string
	content []byte
	has     bool
}

func runPlace(ctx context.Context, c *module.Call) module.Result {
	p := &placer{Call: c, ctx: ctx, args: c.Map("args"), dest: c.String("dest")}
	if src := c.String("src"); src != "" {
		defer func() { _ = os.Remove(src) }()
	}
	if err := p.decode(); err != nil {
		return attribute.Result(err)
	}
	result := p.run()
	// What the call was made with is not sent back: it may be the whole file.
	c.Args = nil
	return result
}

func (p *placer) decode() error {
	switch content := p.Args["content"].(type) {
	case []byte:
		p.content, p.has = content, true
	case string:
		decoded, err := base64.StdEncoding.DecodeString(content)
		if err != nil {
			return attribute.Failed("the content of the file cannot be decoded: " + err.Error())
		}
		p.content, p.has = decoded, true
	}
	if p.has {
		if sum := sha1.Sum(p.content); hex.EncodeToString(sum[:]) != p.String("checksum") {
			return attribute.Failed("Copied file does not match the expected checksum. Transfer failed.",
				"checksum", hex.EncodeToString(sum[:]), "expected_checksum", p.String("checksum"))
		}
	}
	return nil
}

func (p *placer) run() module.Result {
	p.target = p.dest
	if strings.HasSuffix(p.dest, "/") {
		p.target = join(p.dest, p.String("rel"))
	}
	if p.isDir(p.target) {
		if p.Bool("inline") {
			return module.Result{"failed": true, "changed": false, "msg": "can not use content with a dir as dest", "diff": []any{}}
		}
		p.target = join(p.dest, p.String("rel"))
	}
	there := p.exists(p.target)
	if there && !p.Bool("force") {
		return module.Result{"_tutti_skip": true, "changed": false}
	}
	if p.Bool("always") {
		return p.always()
	}
	var result module.Result
	diff := []any{}
	switch {
	case p.checksum() == p.String("checksum"):
		result = p.attributes()
	case p.Diff && p.needsContentForDiff(), !p.CheckMode && !p.has && !p.Given("src"):
		return module.Result{NeedContent: true, "changed": false}
	default:
		if p.Diff {
			diff = append(diff, p.difference())
		}
		if p.CheckMode {
			return module.Result{"changed": true, "diff": diff}
		}
		result = p.copy()
	}
	if _, ok := result["diff"]; !ok {
		result["diff"] = diff
	}
	if result["checksum"] == nil {
		result["checksum"] = p.String("checksum")
	}
	delete(result, "invocation")
	return result
}

func (p *placer) always() module.Result {
	if !p.has && !p.Given("src") {
		return module.Result{NeedContent: true, "changed": false}
	}
	var diff map[string]any
	if p.Diff {
		diff = p.difference()
	}
	result := p.copy()
	if diff != nil {
		result["diff"] = diff
	}
	return result
}

// isDir and exists look through links only when the task follows them.
func (p *placer) isDir(path string) bool {
	return isDir(path) && (p.Bool("follow") || !isLink(path))
}

func (p *placer) exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil && (!p.Bool("follow") || exists(path))
}

func (p *placer) checksum() string {
	if !isFile(p.target) || isLink(p.target) && !p.Bool("follow") {
		return ""
	}
	sums, err := attribute.Checksums(p.target, "sha1")
	if err != nil {
		return ""
	}
	return sums[0]
}

// attributes has the file module see to a file whose content is right.
func (p *placer) attributes() module.Result {
	dest := p.dest
	if p.Bool("follow") && isLink(p.target) {
		dest = attribute.RealPath(p.target)
	}
	args := p.forFile()
	args["dest"], args["_original_basename"], args["recurse"], args["state"] = dest, p.String("rel"), false, "file"
	delete(args, "src")
	return p.call(fileModule(), args)
}

// forFile gives the task's arguments that the file module knows.
func (p *placer) forFile() map[string]any {
	args := map[string]any{}
	for k, v := range p.args {
		switch k {
		case "mode", "owner", "group", "seuser", "serole", "selevel", "setype", "attributes", "unsafe_writes", "state", "path", "force":
			args[k] = v
		}
	}
	if p.Given("mode") {
		args["mode"] = p.Args["mode"]
	}
	return args
}

func (p *placer) call(m module.Module, args map[string]any) module.Result {
	return module.Run(p.ctx, &m, module.Request{Module: m.Name, Called: "ansible.legacy." + m.Name, Args: args,
		CheckMode: p.CheckMode, Diff: p.Diff, Verbosity: p.Verbosity, NoLog: p.NoLog, TempDir: p.TempDir})
}

// copy has the copy module bring the content to dest.
func (p *placer) copy() module.Result {
	src := p.String("src")
	if src == "" {
		var err error
		if src, err = p.temporary(); err != nil {
			return attribute.Result(err)
		}
		defer func() { _ = os.Remove(src) }()
	}
	args := map[string]any{}
	for k, v := range p.args {
		if k != "content" && k != "decrypt" {
			args[k] = v
		}
	}
	args["src"], args["dest"], args["_original_basename"], args["follow"] = src, p.dest, p.String("rel"), p.Bool("follow")
	if sum, _ := args["checksum"].(string); sum == "" {
		args["checksum"] = p.String("checksum")
	}
	if p.Given("mode") {
		args["mode"] = p.Args["mode"]
	}
	return p.call(copyModule(), args)
}

// temporary writes the content into a file that keeps the suffix, for those who validate it.
func (p *placer) temporary() (string, error) {
	dir := p.TempDir
	if dir == "" {
		dir = os.TempDir()
	}
	file, err := os.CreateTemp(dir, ".source-*"+filepath.Ext(p.target))
	if err != nil {
		return "", attribute.Failed(attribute.OSError(err, dir))
	}
	_, err = file.Write(p.content)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return "", attribute.Failed(attribute.OSError(err, file.Name()))
	}
	return file.Name(), nil
}

// needsContentForDiff tells that the diff wants a content that did not come along.
func (p *placer) needsContentForDiff() bool {
	size, _ := p.Int("size")
	return !p.has && !p.Given("src") && size <= diffLimit
}

func (p *placer) difference() map[string]any {
	diff := map[string]any{}
	info, err := os.Stat(p.target)
	switch {
	case err != nil || !info.Mode().IsRegular():
		diff["before"] = ""
	case looksBinary(p.target):
		diff["dst_binary"] = 1
	case info.Size() > diffLimit:
		diff["dst_larger"] = diffLimit
	default:
		if before, err := os.ReadFile(p.target); err == nil {
			diff["before_header"], diff["before"] = p.target, strings.ToValidUTF8(string(before), "\uFFFD")
		}
	}
	size, _ := p.Int("size")
	if size > diffLimit {
		diff["src_larger"] = diffLimit
		return diff
	}
	after := p.content
	if !p.has {
		after, err = os.ReadFile(p.String("src"))
	}
	switch {
	case !p.has && err != nil:
		return diff
	case bytes.IndexByte(after, 0) >= 0:
		diff["src_binary"] = 1
	default:
		diff["after_header"] = p.String("origin")
		if p.Bool("inline") {
			diff["after_header"] = p.target
		}
		diff["after"] = strings.ToValidUTF8(string(after), "\uFFFD")
	}
	if p.NoLog {
		hide(diff)
	}
	return diff
}

// hide takes the content out of a diff that must not be shown.
func hide(diff map[string]any) {
	if _, ok := diff["before"]; ok {
		diff["before"] = ""
	}
	if _, ok := diff["after"]; ok {
		diff["after"] = " [[ Diff output has been hidden because 'no_log: true' was specified for this result ]]\n"
	}
}
