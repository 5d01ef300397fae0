package connection

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection/ssh"
)

// Cut is the error of a call whose connection went away before the answer was in. It is also an
// *action.Unreachable.
type Cut struct {
	// Sent tells that the call had gone out: the host may have carried it out, wholly or in part.
	Sent    bool
	Message string
}

// Error implements error.
func (c *Cut) Error() string { return c.Message }

// Unwrap makes a Cut an *action.Unreachable for those who only ask for that.
func (c *Cut) Unwrap() error { return &action.Unreachable{Message: c.Message} }

// cut is the error of a lost call.
func cut(host string, sent bool, cause error) error {
	message := fmt.Sprintf("Connection to %s was lost: %v", host, cause)
	if sent {
		message += "; the task had been sent, so it may have been carried out"
	}
	return &Cut{Sent: sent, Message: message}
}

// Failure is the error of a task that fails where Ansible does not call the host unreachable: a
// wrong sudo password, a file that is not there. Run gives it as a Result.
type Failure struct{ Message string }

// Error implements error.
func (f *Failure) Error() string { return f.Message }

func unreachable(format string, args ...any) error {
	return &action.Unreachable{Message: fmt.Sprintf(format, args...)}
}

// reached translates what package ssh says.
func reached(err error) error {
	var e *ssh.Error
	if errors.As(err, &e) {
		return &action.Unreachable{Message: e.Message}
	}
	return err
}

// missing is the error of a file that is not there.
func missing(path string) error {
	return &os.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}
