// Package channel is the language that the controller and the program on the host speak, over
// any two streams of bytes: many calls at once, each a stream of its own within the one, with
// flow control, so that a large file holds nobody else up, and a sign of life now and then.
//
// In: a Call. Out: a Reply, and for files their content. A call whose caller gives up is cut
// off, and its context ends on the other side. The package must not know what calls do.
package channel

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
)

// Version is that of the language; both sides have to have the same.
const Version = 1

// MaxMessage is how large one call or reply may be in bytes, file contents not counted. What a
// module returns beyond that is a failure, not a controller without memory.
const MaxMessage = 256 << 20

// maxChunk is how much of a file goes in one piece.
const maxChunk = 128 << 10

// Kind says what is asked for.
type Kind string

// The kinds of calls. A Put is followed by the file's content, and so is the reply to a Get.
const (
	Module Kind = "module"
	Exec   Kind = "exec"
	Put    Kind = "put"
	Get    Kind = "get"
	Remove Kind = "remove"
	Start  Kind = "start"
	Clean  Kind = "clean"
)

// Call is what the controller asks for.
type Call struct {
	Kind    Kind            `json:"kind"`
	Module  *module.Request `json:"module,omitempty"`
	Command *action.Command `json:"command,omitempty"`
	Job     *Job            `json:"job,omitempty"`
	// Name is the hint for Put, Path the file of Get and Remove.
	Name string `json:"name,omitempty"`
	Path string `json:"path,omitempty"`
}

// Job is work that goes on after everybody has left: a module, or a command.
type Job struct {
	// ID is the job's without the number of the process, which is added.
	ID      string          `json:"id"`
	Module  *module.Request `json:"module,omitempty"`
	Command *action.Command `json:"command,omitempty"`
	// Payload is a file that the job keeps a copy of, since Put's files go with the connection;
	// Command names it as PayloadMark.
	Payload string `json:"payload,omitempty"`
	// Limit is after how many seconds the job is ended; 0 is never.
	Limit int `json:"limit,omitempty"`
	// Dir is where the job's file is; "" is ~/.ansible_async.
	Dir string `json:"dir,omitempty"`
}

// PayloadMark stands in a job's command for the path of its payload.
const PayloadMark = "@payload@"

// Reply is the answer to a Call.
type Reply struct {
	Result module.Result `json:"result,omitempty"`
	Output *Output       `json:"output,omitempty"`
	Path   string        `json:"path,omitempty"`
	// Error is why nothing came of it.
	Error string `json:"error,omitempty"`
	// Missing tells that Error means that a file is not there.
	Missing bool `json:"missing,omitempty"`
}

// Output is a module.Output in a form that travels; texts are bytes, since programs print what
// they like.
type Output struct {
	Stdout  []byte `json:"stdout,omitempty"`
	Stderr  []byte `json:"stderr,omitempty"`
	Code    int    `json:"code"`
	Failure string `json:"failure,omitempty"`
	Elapsed int64  `json:"elapsed,omitempty"`
}

// writeMessage sends a value as JSON with its length before it, in one piece.
func writeMessage(w io.Writer, v any) error {
	var b bytes.Buffer
	b.Write(make([]byte, 4))
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return &formatError{err}
	}
	size := b.Len() - 4
	if size > MaxMessage {
		return &formatError{fmt.Errorf("it has %d bytes, and %d is the most that can be sent", size, MaxMessage)}
	}
	binary.BigEndian.PutUint32(b.Bytes(), uint32(size))
	_, err := w.Write(b.Bytes())
	return err
}

// formatError is that of a value that cannot be sent at all; nothing was.
type formatError struct{ cause error }

func (e *formatError) Error() string { return e.cause.Error() }
func (e *formatError) Unwrap() error { return e.cause }

// readMessage is the reverse of writeMessage. Whole numbers become int64, others float64.
func readMessage(r io.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > MaxMessage {
		return fmt.Errorf("a message of %d bytes, where %d is the most", size, MaxMessage)
	}
	// The buffer grows with what comes, so that a length alone takes no memory.
	var b bytes.Buffer
	if n, err := io.CopyN(&b, r, int64(size)); err != nil {
		if n > 0 && errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return Decode(b.Bytes(), v)
}

// Decode reads one JSON value. Numbers that land in an any are int64 where they are whole and
// written so, and float64 otherwise.
func Decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	switch v := v.(type) {
	case *Call:
		if v.Module != nil {
			plainMap(v.Module.Args)
		}
		if v.Job != nil && v.Job.Module != nil {
			plainMap(v.Job.Module.Args)
		}
	case *Reply:
		plainMap(v.Result)
	case *Job:
		if v.Module != nil {
			plainMap(v.Module.Args)
		}
	case *module.Result:
		plainMap(*v)
	}
	return nil
}

func plainMap(m map[string]any) {
	for k, v := range m {
		if w, changed := plain(v); changed {
			m[k] = w
		}
	}
}

func plain(v any) (any, bool) {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil && !strings.ContainsAny(v.String(), ".eE") {
			return i, true
		}
		f, err := v.Float64()
		if err != nil {
			return v.String(), true
		}
		return f, true
	case map[string]any:
		plainMap(v)
	case []any:
		for i := range v {
			if w, changed := plain(v[i]); changed {
				v[i] = w
			}
		}
	}
	return v, false
}

// writeContent sends all of r in pieces with their length before them, and a length of zero at
// the end, so that a stream that was cut is not taken for a short file.
func writeContent(w io.Writer, r io.Reader) error {
	buffer := make([]byte, 4+maxChunk)
	for {
		n, err := r.Read(buffer[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(buffer, uint32(n))
			if _, err := w.Write(buffer[:4+n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			_, err := w.Write(make([]byte, 4))
			return err
		}
		if err != nil {
			return &sourceError{err}
		}
	}
}

// sourceError is that of reading what was to be sent.
type sourceError struct{ cause error }

func (e *sourceError) Error() string { return e.cause.Error() }
func (e *sourceError) Unwrap() error { return e.cause }

// content reads what writeContent wrote.
type content struct {
	from io.Reader
	left uint32
	done bool
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	if c.left == 0 {
		var head [4]byte
		if _, err := io.ReadFull(c.from, head[:]); err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		c.left = binary.BigEndian.Uint32(head[:])
		if c.left > maxChunk {
			return 0, fmt.Errorf("a piece of %d bytes, where %d is the most", c.left, maxChunk)
		}
		if c.left == 0 {
			c.done = true
			return 0, io.EOF
		}
	}
	n, err := c.from.Read(p[:min(len(p), int(c.left))])
	c.left -= uint32(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Wrap makes an output fit to travel.
func Wrap(o module.Output) *Output {
	w := &Output{Stdout: []byte(o.Stdout), Stderr: []byte(o.Stderr), Code: o.Code, Elapsed: int64(o.Elapsed)}
	if o.Err != nil {
		w.Failure = o.Err.Error()
	}
	return w
}

// Unwrap is the reverse of Wrap.
func (o *Output) Unwrap() module.Output {
	out := module.Output{Stdout: string(o.Stdout), Stderr: string(o.Stderr), Code: o.Code, Elapsed: time.Duration(o.Elapsed)}
	if o.Failure != "" {
		out.Err = errors.New(o.Failure)
	}
	return out
}
