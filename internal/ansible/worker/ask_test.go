package worker

import (
	"encoding/json"
	"strings"
	"testing"

	"tutti/internal/ansible/play"
)

// Where nobody is, as below tutti up, a prompt gives its default or says what to do.
func TestNobodyThere(t *testing.T) {
	w := New(Options{})
	for _, c := range []struct {
		ask  play.Ask
		want string
	}{
		{play.Ask{Kind: play.AskPerson, Name: "user", Default: "me"}, `"me"`},
		{play.Ask{Kind: play.AskPerson, Name: "secret", Private: true}, "nobody is there to be asked for the variable secret"},
		{play.Ask{Kind: play.AskPerson, Prompt: "Press enter"}, `""`},
	} {
		text, err := json.Marshal(c.ask)
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.Do(t.Context(), play.ActivityAsk, text)
		var a play.Answer
		if err == nil {
			err = json.Unmarshal(out, &a)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := string(a.Value) + a.Error; !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v gives %s, want %s", c.ask, got, c.want)
		}
	}
}
