package definition_test

import (
	"fmt"
	"strings"
	"testing"

	"tutti/internal/stepfunctions/definition"
)

// chain is a definition of so many states of several types, one after the other.
func chain(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"StartAt":"S0","States":{`)
	for i := range n {
		body := `"Type":"Pass","Parameters":{"a.$":"$.x","b":{"c.$":"States.Format('{}', $.y)"}},"ResultPath":"$.r"`
		switch i % 3 {
		case 1:
			body = `"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"q","MessageBody.$":"$"},"Retry":[{"ErrorEquals":["States.ALL"]}]`
		case 2:
			body = `"Type":"Pass","QueryLanguage":"JSONata","Output":{"v":"{% $states.input.a + 1 %}"}`
		}
		fmt.Fprintf(&b, `"S%d":{%s,"Next":"S%d"},`+"\n", i, body, i+1)
	}
	fmt.Fprintf(&b, `"S%d":{"Type":"Succeed"}}}`, n)
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		text := chain(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for range b.N {
				if m, diags := definition.Parse("x.json", text); m == nil {
					b.Fatal(diags.Err())
				}
			}
		})
	}
}
