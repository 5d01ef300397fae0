package execution_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// BenchmarkPassChain is 500 Pass states; BenchmarkMap an inline Map over 1,000
// items; BenchmarkMapRun one page of 1,000 items of a distributed Map.
func BenchmarkPassChain(b *testing.B) {
	var states []string
	for i := range 500 {
		next := fmt.Sprintf(`"Next":"S%d"`, i+1)
		if i == 499 {
			next = `"End":true`
		}
		states = append(states, fmt.Sprintf(`"S%d":{"Type":"Pass",%s}`, i, next))
	}
	def := parse(b, `{"StartAt":"S0","States":{`+strings.Join(states, ",")+`}}`)
	start := startOf(`{"order":{"id":7,"lines":[1,2,3]}}`)
	b.ReportAllocs()
	for b.Loop() {
		execution.New(def).Handle(flow.Started{Input: start, Seed: 1})
	}
	b.ReportMetric(float64(500*b.N)/b.Elapsed().Seconds(), "transitions/s")
}

func BenchmarkMap(b *testing.B) {
	def := parse(b, `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`)
	start := startOf("[" + strings.Repeat(`{"id":1},`, 999) + "1]")
	b.ReportAllocs()
	for b.Loop() {
		execution.New(def).Handle(flow.Started{Input: start, Seed: 1})
	}
}

func BenchmarkMapRun(b *testing.B) {
	def := parse(b, `{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`)
	var start execution.Start
	if err := json.Unmarshal(startOf("null"), &start); err != nil {
		b.Fatal(err)
	}
	start.MapRun = &execution.MapRunStart{State: "M", ARN: "arn:aws:states:us-east-1:123456789012:mapRun:sm/M:r1", Items: json.RawMessage("[" + strings.Repeat(`{"id":1},`, 999) + "1]")}
	input, err := json.Marshal(start)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		execution.New(def).Handle(flow.Started{Input: input, Seed: 1})
	}
}
