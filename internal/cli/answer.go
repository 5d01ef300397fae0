package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tutti/internal/stepfunctions/execution"
)

func (a *app) answerCommand() *cobra.Command {
	var output, name, cause string
	var heartbeat bool
	c := &cobra.Command{
		Use: "answer TOKEN", Short: "Answer a task of a state machine that waits for it", Args: cobra.ExactArgs(1),
		Long: `Answer gives the result of a Task whose resource ends in .waitForTaskToken: its
command got the token as TUTTI_TASK_TOKEN, or the definition passed it on from
$$.Task.Token. It does what SendTaskSuccess, SendTaskFailure (-error) and
SendTaskHeartbeat do, with or without a server.`,
		Example: "  tutti answer $TOKEN -output '{\"approved\": true}'\n  tutti answer $TOKEN -error Shop.Refused -cause 'out of stock'",
		RunE: func(c *cobra.Command, args []string) error {
			s := execution.TaskSignal{Token: args[0], Kind: "success", Error: name, Cause: cause}
			given := c.Flags().Changed
			var err error
			switch {
			case heartbeat && (given("output") || given("error") || given("cause")) || given("output") && (given("error") || given("cause")):
				return errors.New("only one of -output, -error and -heartbeat can be the answer")
			case heartbeat:
				s.Kind = "heartbeat"
			case given("error") || given("cause"):
				s.Kind = "failure"
			case !given("output"):
				s.Output = json.RawMessage("{}")
			default:
				if s.Output, err = a.jsonArg("-output", output); err != nil {
					return err
				}
			}
			e, err := a.open(c, nil)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			id, d := e.AnswerTask(c.Context(), s)
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			_, err = fmt.Fprintf(a.stdout, "Your answer was left for run %d.\n", id)
			return err
		},
	}
	c.Flags().StringVar(&output, "output", "", "the result: JSON, @FILE, or - for standard input; {} when not given")
	c.Flags().StringVar(&name, "error", "", "the task has failed: the error's name")
	c.Flags().StringVar(&cause, "cause", "", "why it has failed")
	c.Flags().BoolVar(&heartbeat, "heartbeat", false, "the task goes on")
	return c
}
