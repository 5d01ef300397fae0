package planner_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// ordinarySeed is where the random histories of an ordinary run begin, so that a
// change is judged by the same ones as the change before it. `make sim`
// (TUTTI_SIM_SEEDS) plays others each time, and -rapid.seed=N those of a number.
const ordinarySeed = "1"

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.seed"); os.Getenv("TUTTI_SIM_SEEDS") == "" && f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.seed", ordinarySeed); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
