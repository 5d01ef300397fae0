package network

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
	"tutti/internal/ansible/module/network/fetch"
	"tutti/internal/ansible/value"
)

func uriSpec() argument.Spec {
	return argument.Spec{
		Options: append(fetch.Options(), []argument.Option{
			{Name: "url", Required: true},
			{Name: "dest", Type: argument.Path},
			{Name: "url_username", Aliases: []string{"user"}},
			{Name: "url_password", Aliases: []string{"password"}, NoLog: true},
			{Name: "body", Type: argument.Raw},
			{Name: "body_format", Default: "raw", Choices: []any{"form-urlencoded", "json", "raw", "form-multipart"}},
			{Name: "src", Type: argument.Path},
			{Name: "method", Default: "GET"},
			{Name: "return_content", Type: argument.Bool, Default: false},
			{Name: "follow_redirects", Default: "safe", Choices: []any{"all", "no", "none", "safe", "urllib2", "yes"}},
			{Name: "creates", Type: argument.Path},
			{Name: "removes", Type: argument.Path},
			{Name: "status_code", Type: argument.List, Elements: argument.Int, Default: []any{int64(200)}},
			{Name: "timeout", Type: argument.Int, Default: int64(30)},
			{Name: "headers", Type: argument.Dict, Default: map[string]any{}},
			{Name: "unix_socket", Type: argument.Path},
			{Name: "remote_src", Type: argument.Bool, Default: false},
			{Name: "ca_path", Type: argument.Path},
			{Name: "unredirected_headers", Type: argument.List, Elements: argument.Str, Default: []any{}},
			{Name: "decompress", Type: argument.Bool, Default: true},
			{Name: "ciphers", Type: argument.List, Elements: argument.Str},
			{Name: "use_netrc", Type: argument.Bool, Default: true},
		}...),
		MutuallyExclusive: [][]string{{"body", "src"}},
		FileAttributes:    true,
		// It does not, but tells so in words of its own.
		Check: true,
	}
}

// maxContent is how much of an answer is read into a result.
const maxContent = 256 << 20

var oneWord = regexp.MustCompile(`^[A-Z]+$`)

// uri is the module uri: one request, and what came of it.
func uri(ctx context.Context, c *module.Call) module.Result {
	if c.CheckMode {
		return module.Result{"skipped": true, "changed": false, "msg": "This action (uri) does not support check mode."}
	}
	result, err := ask(ctx, c)
	if err != nil {
		return attribute.Result(err)
	}
	return result
}

func ask(ctx context.Context, c *module.Call) (module.Result, error) {
	r := fetch.Of(c, c.String("url"))
	r.Method, r.Follow = strings.ToUpper(c.String("method")), c.String("follow_redirects")
	if !oneWord.MatchString(r.Method) {
		return nil, attribute.Failed("Parameter 'method' needs to be a single word in uppercase, like GET or POST.")
	}
	if err := fill(c, &r); err != nil {
		return nil, err
	}
	if file := c.String("creates"); c.Given("creates") && exists(file) {
		return module.Result{"stdout": "skipped, since '" + file + "' exists", "changed": false}, nil
	}
	if file := c.String("removes"); c.Given("removes") && !exists(file) {
		return module.Result{"stdout": "skipped, since '" + file + "' does not exist", "changed": false}, nil
	}
	if src := c.String("src"); src != "" {
		data, err := os.ReadFile(src)
		if err != nil {
			return nil, attribute.Failed("Unable to open source file "+src, "elapsed", 0)
		}
		r.Body, r.HasBody = data, true
	}
	if f := r.Follow; f == "yes" || f == "no" {
		c.Deprecate("Using 'yes' or 'no' for 'follow_redirects' parameter is deprecated.", "2.22")
	}
	dest := c.String("dest")
	if info, err := os.Stat(dest); dest != "" && err == nil && info.Mode().IsRegular() {
		r.Since = info.ModTime()
	}
	begin := time.Now()
	a := fetch.Do(ctx, r)
	if a.Body != nil {
		defer func() { _ = a.Body.Close() }()
	}
	if a.Broken {
		return nil, attribute.Failed(a.Msg, "url", a.Info["url"], "status", -1)
	}
	return told(ctx, c, a, int(time.Since(begin).Seconds()))
}

// told makes the result of an answer.
func told(ctx context.Context, c *module.Call, a *fetch.Answer, elapsed int) (module.Result, error) {
	result := module.Result{"redirected": a.Info["url"] != fetch.Mask(c.String("url")), "elapsed": elapsed, "changed": false}
	for k, v := range a.Info {
		result[strings.ReplaceAll(k, "-", "_")] = v
	}
	result["elapsed"], result["changed"] = elapsed, false
	var wanted []any
	wanted, _ = c.Args["status_code"].([]any)
	good := slices.Contains(wanted, any(int64(a.Status)))
	returned, isJSON := c.Bool("return_content"), mayBeJSON(a)
	var content *string
	if isJSON || returned || !good {
		text := string(a.Failure)
		if a.Body != nil {
			data, err := io.ReadAll(io.LimitReader(a.Body, maxContent))
			if err != nil {
				return nil, attribute.Failed(fmt.Sprintf("HTTP Error while fetching %s: %v", fetch.Mask(c.String("url")), err))
			}
			text = string(data)
		}
		content = &text
	} else if a.Failure != nil {
		result["body"] = string(a.Failure)
	}
	if err := keep(ctx, c, a, result, content, good); err != nil {
		return nil, err
	}
	if location, ok := result["location"].(string); ok {
		if base, err := url.Parse(fetch.Mask(c.String("url"))); err == nil {
			if target, err := base.Parse(location); err == nil {
				result["location"] = target.String()
			}
		}
	}
	if content != nil && isJSON {
		if v, err := value.ParseJSON([]byte(*content)); err == nil {
			result["json"] = value.ToGo(v)
		}
	}
	if returned {
		result["content"] = nil
		if content != nil {
			result["content"] = strings.ToValidUTF8(*content, "\uFFFD")
		}
	}
	if !good {
		result["failed"] = true
		result["msg"] = fmt.Sprintf("Status code was %d and not %s: %s", a.Status, codes(wanted), a.Msg)
	}
	return result, nil
}

// codes shows a list of numbers as Python does.
func codes(list []any) string {
	words := make([]string, len(list))
	for i, x := range list {
		words[i] = fmt.Sprint(x)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// mayBeJSON goes by the type that the server tells.
func mayBeJSON(a *fetch.Answer) bool {
	if a.Header == nil {
		return false
	}
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	kind, _, _ = strings.Cut(kind, ",")
	_, sub, _ := strings.Cut(strings.ToLower(strings.TrimSpace(kind)), "/")
	if _, suffix, ok := strings.Cut(sub, "+"); ok {
		sub = suffix
	}
	return sub == "json" || sub == "javascript"
}

// keep writes an answer to the file dest.
func keep(ctx context.Context, c *module.Call, a *fetch.Answer, result module.Result, content *string, good bool) error {
	dest := c.String("dest")
	if a.Header == nil || dest == "" {
		return nil
	}
	if isDir(dest) {
		name := disposed(a)
		if name == "" {
			name = lastName(a.URL)
		}
		dest = path.Join(dest, name)
	}
	result["path"] = dest
	if !good || a.Status == 304 {
		return nil
	}
	var from io.Reader = strings.NewReader("")
	switch {
	case content != nil:
		from = strings.NewReader(*content)
	case a.Body != nil:
		from = a.Body
	}
	temporary, err := store(c.TempDir, from)
	if err != nil {
		return attribute.Failed("Failed to create temporary content file: " + err.Error() + " " + a.Msg)
	}
	defer func() { _ = os.Remove(temporary) }()
	if sum(temporary) != sum(dest) {
		if err := attribute.AtomicMove(ctx, temporary, dest, attribute.Move{}); err != nil {
			return attribute.Failed(fmt.Sprintf("failed to copy %s to %s: %v %s", temporary, dest, err, a.Msg))
		}
	}
	result["changed"], err = attribute.Of(c, dest).Apply(ctx, c, true, nil)
	return err
}

// disposed gives the name that an answer's Content-Disposition suggests, without folders.
func disposed(a *fetch.Answer) string {
	_, p, err := mime.ParseMediaType(a.Header.Get("Content-Disposition"))
	if err != nil || p["filename"] == "" {
		return ""
	}
	return base(p["filename"])
}

func lastName(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "index.html"
	}
	if name := base(strings.TrimRight(u.Path, "/")); name != "" {
		return name
	}
	return "index.html"
}

func base(s string) string {
	s = s[strings.LastIndexByte(s, '/')+1:]
	if s == ".." || s == "." {
		return ""
	}
	return s
}

// fill makes the request's body of body and body_format.
func fill(c *module.Call, r *fetch.Request) error {
	body := c.Args["body"]
	typed := func(kind string) {
		for name := range r.Headers {
			if strings.EqualFold(name, "content-type") {
				return
			}
		}
		r.Headers["Content-Type"] = kind
	}
	set := func(s string) { r.Body, r.HasBody = []byte(s), true }
	text, isText := body.(string)
	switch c.String("body_format") {
	case "json":
		typed("application/json")
		if isText {
			set(text)
		} else {
			set(argument.JSON(body))
		}
	case "form-urlencoded":
		typed("application/x-www-form-urlencoded")
		switch {
		case isText:
			set(text)
		case body != nil:
			form, err := urlencoded(body)
			if err != nil {
				return err
			}
			set(form)
		}
	case "form-multipart":
		kind, data, err := multipart(body)
		if err != nil {
			return attribute.Failed("failed to parse body as form-multipart: " + err.Error())
		}
		r.Headers["Content-Type"] = kind
		r.Body, r.HasBody = data, true
	default:
		switch {
		case isText:
			set(text)
		case body != nil:
			set(argument.JSON(body))
		}
	}
	return nil
}

// urlencoded writes a dict, or a list of pairs, as a form.
func urlencoded(body any) (string, error) {
	var pairs []string
	add := func(key string, v any) {
		var values []any
		switch v := v.(type) {
		case []any:
			values = v
		case map[string]any:
			for _, k := range keys(v) {
				values = append(values, k)
			}
		default:
			values = []any{v}
		}
		for _, x := range values {
			if x != nil {
				pairs = append(pairs, url.QueryEscape(key)+"="+url.QueryEscape(plain(x)))
			}
		}
	}
	switch body := body.(type) {
	case map[string]any:
		for _, k := range keys(body) {
			add(k, body[k])
		}
	case []any:
		for _, x := range body {
			pair, ok := x.([]any)
			if !ok || len(pair) != 2 {
				return "", attribute.Failed("failed to parse body as form_urlencoded: every element of the list must be a pair of a key and a value", "elapsed", 0)
			}
			add(plain(pair[0]), pair[1])
		}
	default:
		return plain(body), nil
	}
	return strings.Join(pairs, "&"), nil
}

// plain is a value as Python's str shows it.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case nil:
		return "None"
	case map[string]any, []any:
		return argument.JSON(v)
	}
	return fmt.Sprint(v)
}

func keys(m map[string]any) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}
