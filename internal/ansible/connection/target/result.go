package target

import (
	"bytes"
	"strings"

	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/module"
)

// ReadResult finds the JSON object in what a module that is a program printed, as Ansible does:
// lines before the first one that begins with { are noise, and so are those behind the object,
// which are warned of.
func ReadResult(out module.Output) module.Result {
	failure := func(msg string) module.Result {
		r := module.Result{"failed": true, "changed": false, "msg": msg, "module_stdout": out.Stdout, "module_stderr": out.Stderr, "rc": out.Code}
		if out.Err != nil {
			r["msg"] = msg + ": " + out.Err.Error()
		}
		return r
	}
	const seeOutput = "\nSee stdout/stderr for the exact error"
	if strings.TrimSpace(out.Stdout) == "" {
		return failure(reason(out) + seeOutput)
	}
	text, junk, found := object(out.Stdout)
	if !found {
		return failure(reason(out) + seeOutput)
	}
	var result module.Result
	if err := channel.Decode([]byte(text), &result); err != nil || result == nil {
		return failure("Module result deserialization failed" + seeOutput)
	}
	if strings.TrimSpace(junk) != "" {
		warnings, _ := result["warnings"].([]any)
		result["warnings"] = append(warnings, "Module invocation had junk after the JSON data: "+junk)
	}
	if _, there := result["stderr"]; !there && out.Stderr != "" && result.Failed() {
		result["module_stderr"] = out.Stderr
	}
	return result
}

func reason(out module.Output) string {
	if out.Code == 127 || strings.Contains(out.Stderr, "No such file or directory") && out.Stdout == "" {
		return "The module interpreter was not found."
	}
	return "MODULE FAILURE: No start of json char found"
}

// object cuts the object out of text: from the first line that begins with { to the last that
// ends with }.
func object(text string) (object, junk string, found bool) {
	lines := strings.SplitAfter(text, "\n")
	first := -1
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "{") {
			first = i
			break
		}
	}
	if first < 0 {
		return "", "", false
	}
	for last := len(lines) - 1; last >= first; last-- {
		if bytes.HasSuffix(bytes.TrimSpace([]byte(lines[last])), []byte("}")) {
			return strings.Join(lines[first:last+1], ""), strings.Join(lines[last+1:], ""), true
		}
	}
	return "", "", false
}
