package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tutti/internal/executor"
	"tutti/internal/store"
)

// maxDays is the longest age in days: more does not fit into a duration.
const maxDays = 100 * 365

// parseAge reads a length of time above 0: a number of days such as 90d, or one like 12h.
func parseAge(flag, text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > maxDays {
			return 0, fmt.Errorf("%s=%s: expected a number of days from 1d to %dd", flag, text, maxDays)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s=%s: expected something like 90d or 12h", flag, text)
	}
	return d, nil
}

func (a *app) pruneCommand() *cobra.Command {
	var older string
	var dry bool
	c := &cobra.Command{
		Use: "prune", Short: "Delete runs that ended long ago, with their journals", Args: cobra.NoArgs,
		Long: `Prune deletes the runs and executions that ended longer ago than -older says:
their journals, histories and what "tutti rollback" would need. What is in the
state stays, and so do runs that are open. Names of executions can be used again.`,
		Example: "  tutti runs prune -older 30d\n  tutti runs prune -older 12h -dry-run",
		RunE: func(c *cobra.Command, _ []string) error {
			if older == "" {
				return errors.New("say how old: -older 30d")
			}
			age, err := parseAge("-older", older)
			if err != nil {
				return err
			}
			e, err := a.open(c, nil)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			return a.prune(c.Context(), e.Store(), executor.Retention{Before: time.Now().Add(-age)}, dry)
		},
	}
	c.Flags().StringVar(&older, "older", "", "how long ago they ended at least, such as 30d or 12h")
	c.Flags().BoolVar(&dry, "dry-run", false, "only list them")
	return c
}

func (a *app) prune(ctx context.Context, s store.Store, r executor.Retention, dry bool) error {
	if !dry {
		n, err := r.Prune(ctx, s)
		if err == nil {
			_, err = fmt.Fprintf(a.stdout, "%s deleted.\n", runCount(n))
		}
		return err
	}
	n := 0
	err := r.Expired(ctx, s, func(run store.Run) error {
		n++
		_, err := fmt.Fprintf(a.stdout, "%d\t%s\t%s\t%s\n", run.ID, run.Status, run.Created.Local().Format(time.DateTime), what(&run))
		return err
	})
	if err == nil {
		_, err = fmt.Fprintf(a.stdout, "%s would be deleted.\n", runCount(n))
	}
	return err
}

func runCount(n int) string {
	if n == 1 {
		return "1 run"
	}
	return fmt.Sprintf("%d runs", n)
}
