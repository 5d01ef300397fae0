package module

import (
	"context"
	"testing"
)

func TestExpand(t *testing.T) {
	ctx := withEnvironment(context.Background(), map[string]string{"HOME": "/home/me", "A": "x", "EMPTY": ""})
	for in, want := range map[string]string{
		"~": "/home/me", "~/b": "/home/me/b", "a~": "a~", "$A/${A}": "x/x", "$NO_SUCH_NAME/${NO_SUCH_NAME}": "$NO_SUCH_NAME/${NO_SUCH_NAME}", "$": "$",
		"${A": "${A", "$A$A": "xx", "a$EMPTY": "a", "~nosuchuser/x": "~nosuchuser/x", "~root": "/root", "~root/x": "/root/x", "$$A": "$x", "": "",
	} {
		if got := Expand(ctx, in); got != want {
			t.Errorf("Expand(%q) = %q, want %q", in, got, want)
		}
	}
}
