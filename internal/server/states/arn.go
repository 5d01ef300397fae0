package states

import (
	"strconv"
	"strings"

	"tutti/internal/executor"
)

// arn is an ARN of Step Functions, taken apart.
//
//	arn:aws:states:REGION:ACCOUNT:stateMachine:NAME[/LABEL][:VERSION or ALIAS][#TestCase]
//	arn:aws:states:REGION:ACCOUNT:execution:NAME[/LABEL]:EXECUTION
//	arn:aws:states:REGION:ACCOUNT:express:NAME:EXECUTION:UNIQUE
//	arn:aws:states:REGION:ACCOUNT:mapRun:NAME/LABEL:UNIQUE
//	arn:aws:states:REGION:ACCOUNT:activity:NAME
type arn struct {
	partition, region, account string
	kind                       string
	name                       string   // of the state machine or activity
	label                      string   // of a distributed Map's state
	rest                       []string // what follows the name
	test                       string   // the case of a mock file
}

const (
	kindStateMachine = "stateMachine"
	kindExecution    = "execution"
	kindExpress      = "express"
	kindMapRun       = "mapRun"
	kindActivity     = "activity"
)

// parseArn takes an ARN apart; false when it is none of Step Functions.
func parseArn(text string) (arn, bool) {
	body, test, _ := strings.Cut(text, "#")
	part := strings.Split(body, ":")
	if len(part) < 7 || part[0] != "arn" || !strings.HasPrefix(part[1], "aws") || part[2] != "states" || part[3] == "" || len(part[4]) != 12 {
		return arn{}, false
	}
	a := arn{partition: part[1], region: part[3], account: part[4], kind: part[5], rest: part[7:], test: test}
	a.name, a.label, _ = strings.Cut(part[6], "/")
	if !executor.GoodName(a.name) {
		return arn{}, false
	}
	for _, r := range a.rest {
		if r == "" {
			return arn{}, false
		}
	}
	after := map[string][2]int{kindStateMachine: {0, 1}, kindExecution: {1, 1}, kindExpress: {2, 2}, kindMapRun: {1, 1}, kindActivity: {0, 0}}
	bounds, known := after[a.kind]
	return a, known && len(a.rest) >= bounds[0] && len(a.rest) <= bounds[1]
}

func (a arn) prefix(kind string) string {
	return "arn:" + a.partition + ":states:" + a.region + ":" + a.account + ":" + kind + ":"
}

// stateMachine is the ARN of the state machine itself, without version or alias.
func (a arn) stateMachine() string { return a.prefix(kindStateMachine) + a.name }

// qualifier is the version or alias; "" when there is none.
func (a arn) qualifier() string {
	if a.kind != kindStateMachine || len(a.rest) == 0 {
		return ""
	}
	return a.rest[0]
}

// version is the number of a version's ARN.
func (a arn) version() (int64, bool) {
	n, err := strconv.ParseInt(a.qualifier(), 10, 64)
	return n, err == nil && n > 0
}
