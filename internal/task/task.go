// Package task is tutti's own language: the blocks of files that end in .tutti.hcl.
// A task is a command, a script or an HTTP request that belongs to the graph; an
// approval is a question that a person answers.
//
//	task "load" {
//	  command     = ["bin/shop", "load", "-data", local_file.catalogue.filename]
//	  environment = { SHOP_PASSWORD = random_password.admin.result }
//	  triggers    = { catalogue = local_file.catalogue.content_sha256 }
//	  timeout     = "5m"
//	  retry { attempts = 3 }
//	}
//
//	approval "release" {
//	  message = "Open the shop with ${task.load.json.books} books?"
//	  timeout = "2h"
//	}
//
// In: the sources of the files, and what expressions there share with the root
// module (expr.Env). Out: objects, which the hall evaluates and plans, and their
// drivers. It owns the blocks, when a task runs, how it is run, and what of it is
// stored. It must not know the planner, plans, runs or stores, nor any other
// language: references to those are followed through object.Scope.
//
// # Arguments of a task
//
// What to do, exactly one of:
//   - command: the program and its arguments; no shell is between.
//   - script: text for a shell, which ends at the first command that fails
//     (/bin/sh -e -c). interpreter = ["bash", "-euo", "pipefail", "-c"] takes another.
//   - http { url, method = "GET", headers, body, expected_status = [200, ...] (any
//     2xx when unset), ca_certificate, client_certificate, client_key (PEM),
//     insecure = false }.
//
// With what:
//   - environment: added to tutti's own; null takes a variable away.
//   - working_dir: relative to the stack's folder, which is the default.
//   - stdin: text for the standard input, which is empty otherwise.
//   - timeout: for each attempt, such as "5m"; none for commands, DefaultHTTPTimeout
//     for requests. The whole process group is ended.
//   - retry { attempts, min_backoff = "1s", max_backoff = "1m", on_exit_codes,
//     on_status }: attempts is how often it is tried in all, 1 when there is no such
//     block and 3 when it does not say; the pause doubles. Without on_exit_codes
//     every failure is retried; without on_status network failures and the statuses
//     408, 425, 429, 500, 502, 503 and 504 are.
//   - ok_exit_codes = [0]: other codes are failures.
//
// When:
//   - run = "on_change" (default): when it never ran, its last run failed, its
//     command, script, interpreter, environment, working_dir, stdin, http or
//     triggers changed, or a path that creates names is not there. What is not
//     known at plan time counts as changed.
//   - run = "always": in every apply. run = "manual": only when -replace=task.NAME
//     asks for it; a failed one too.
//   - triggers: any value; when it changes the task runs again. depends_on orders
//     and triggers nothing.
//   - creates: a path, or a list of them, that the task makes.
//   - idempotent: an interrupted run may be repeated without asking. False unless
//     set, and true for the methods that RFC 9110, section 9.2.2, calls idempotent.
//   - on_destroy { command | script | http ... }: done when the task is destroyed or
//     its block is gone, as it was evaluated when the task last ran or was updated.
//     It takes over the task's environment, working_dir and interpreter.
//
// And as everywhere: count, for_each, depends_on, and lifecycle { precondition {},
// postcondition {}, prevent_destroy, enabled }.
//
// # Outputs
//
// stdout and stderr (MaxOutput bytes of each, without the ends of the last line, as
// $(...) gives them), exit_code; for http status, body and response_headers (names
// in lower case); json is stdout or body, parsed, or null when it is not JSON. The
// inputs are attributes too, with sensitive strings replaced by a keyed hash.
//
// # Secrets
//
// Sensitive values may stand in any argument. They are masked in log lines and
// errors always. Outputs are the real text, because other objects use it, and are
// sensitive when any input was (but for triggers), since nobody can tell what a
// program prints. sensitive = false says that they may be seen: the known secrets
// in them are then masked in the text itself. sensitive = true makes them sensitive
// in any case and keeps the output out of the log.
//
// Files: load.go and schema.go say what the blocks may hold (package block reads
// them), block.go the objects, spec.go and wanted.go their checked values, conceal.go inputs without
// secrets, output.go outputs; plan.go, apply.go and state.go the driver; attempt.go
// one attempt after another, command.go and http.go one of them; approval.go
// approvals.
package task

import (
	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/expr"
	"tutti/internal/object"
)

// Object gives the object of a task or approval block. The environment is the root
// module's.
func Object(b *block.Block, env *expr.Env) object.Object {
	it := block.Item{Block: b, Env: env}
	if b.Name.Kind == addr.Approval {
		return &approval{it}
	}
	return &task{it}
}
