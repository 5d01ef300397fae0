package states

import (
	"fmt"
	"net/http"
)

// Fault is an error that a caller is told: one of the service's, by its name.
type Fault struct {
	Code    string
	Message string
	// Status is the HTTP status; 0 is 400.
	Status int
	// Reason is ValidationException's, where it has one; Resource names what was not
	// found or has too many tags.
	Reason, Resource string
}

// Error implements error.
func (f *Fault) Error() string { return f.Code + ": " + f.Message }

func (f *Fault) status() int {
	if f.Status == 0 {
		return http.StatusBadRequest
	}
	return f.Status
}

func fault(code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// invalid is a ValidationException.
func invalid(format string, args ...any) *Fault { return fault("ValidationException", format, args...) }

func serialization(message string) *Fault {
	return &Fault{Code: "SerializationException", Message: message}
}

func conflict(format string, args ...any) *Fault {
	f := fault("ConflictException", format, args...)
	f.Status = http.StatusConflict
	return f
}

func invalidArn(arn string) *Fault { return fault("InvalidArn", "Invalid Arn: '%s'", arn) }

func invalidName(name string) *Fault { return fault("InvalidName", "Invalid Name: '%s'", name) }

func wrongType() *Fault {
	return fault("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
}

func noStateMachine(arn string) *Fault {
	return fault("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
}

func noExecution(arn string) *Fault {
	return fault("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
}

func noActivity(arn string) *Fault {
	return fault("ActivityDoesNotExist", "Activity Does Not Exist: '%s'", arn)
}

func noResource(arn string) *Fault {
	f := fault("ResourceNotFound", "Resource not found: '%s'", arn)
	f.Resource = arn
	return f
}

func badToken() *Fault { return fault("InvalidToken", "Invalid Token: 'Invalid token'") }
