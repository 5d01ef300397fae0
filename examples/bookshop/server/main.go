// Command shop is a small web shop for books: one server for several branches, each
// with its own catalogue, settings and staff password in a folder of its own.
//
//	shop load -branch DIR -catalogue FILE   read a catalogue (CSV) into the branch
//	shop unload -branch DIR                 remove what load and the server wrote
//	shop serve -run DIR [-listen ADDRESS]   serve all branches over HTTPS
//	shop check -run DIR                     start a server on a free port and try it
//	shop announce -branch DIR -outbox DIR   tell the readers that there are new books
//	shop fulfil -step STEP                  one step of an order: JSON in, JSON out
//	shop version
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
)

const version = "1.0.0"

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("say what to do: load, unload, serve, check, announce, fulfil or version"))
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	branch := flags.String("branch", "", "folder of one branch")
	run := flags.String("run", "", "folder that holds the folders of all branches, and tls")
	catalogue := flags.String("catalogue", "", "books as CSV")
	listen := flags.String("listen", "", "address to listen on instead of the one in server.json")
	step := flags.String("step", "", "reserve, ask, pack or bill")
	outbox := flags.String("outbox", "", "folder for messages")
	_ = flags.Parse(os.Args[2:]) // exits by itself

	var out any
	var err error
	switch os.Args[1] {
	case "load":
		out, err = load(*branch, *catalogue)
	case "unload":
		err = unload(*branch)
	case "serve":
		err = serve(*run, *listen)
	case "check":
		out, err = check(*run)
	case "announce":
		out, err = announce(*branch, *outbox)
	case "fulfil":
		out, err = fulfil(*step, os.Stdin)
	case "version":
		fmt.Println("bookshop", version)
	default:
		err = fmt.Errorf("%q is nothing that shop can do", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
	if out != nil {
		if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	var r *Refusal
	if errors.As(err, &r) {
		_ = json.NewEncoder(os.Stdout).Encode(r) // who asked reads the reason there
	}
	fmt.Fprintln(os.Stderr, "shop:", err)
	os.Exit(1)
}
