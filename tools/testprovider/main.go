// Command testprovider is a provider that does as it is told, faults included,
// so that tests can see what tutti makes of them. It is a module of its own, and
// always a process of its own, because the published server bindings register
// the same message names as tutti's client.
//
// As a provider it is called faulty: registry address tutti.test/test/faulty.
//
// # Environment
//
//	FAULTY_PROTOCOL=5       serve protocol 5 (default 6; resource faulty_nested is then missing)
//	FAULTY_LEDGER=FILE      append one line for each thing done, in one write each:
//	                        "schema", "configure LABEL", "create NAME", "update NAME", "delete NAME", "read NAME",
//	                        "open NAME", "renew NAME", "close NAME", "stop",
//	                        "freeze" (apply_freeze has begun)
//	FAULTY_PID=FILE         write the process's ID there at start
//	FAULTY_START=KIND       exit, panic, hang, garbage (a first line that is no handshake),
//	                        protocol (announces protocol 9), freeze (says nothing and ignores signals)
//	FAULTY_CAPABILITIES=..  comma-separated out of plan_destroy, schema_optional, move; default: all
//	FAULTY_DEBUG=1          (protocol 6) run on its own and print how to reattach, as one JSON object
//	FAULTY_SCHEMA=KIND      error (a diagnostic), bad (a type that is no type)
//
// # Provider configuration
//
// label (string), fault (configure_error, configure_crash, configure_hang).
// Provider meta: module_name (string).
//
// # Resource faulty_thing (schema version 2)
//
// Arguments: name (string, required; a change replaces), size (number), value
// (any type), secret_wo (write-only), secret_wo_version, path (a file that is
// created, written and deleted with the thing; its presence is what read sees),
// delay (milliseconds that an apply takes), fault. Computed: id, serial (counts
// updates), secret_length, meta_seen, label_seen. Identity (version 1): name.
// State of version 0 had title for name, version 1 had size as a string;
// identity of version 0 had title. Import by ID or identity gives a thing of that
// name; ID "none" finds nothing, "two" finds a faulty_moved beside it.
//
// fault, at plan:  plan_error, plan_warning, plan_crash, plan_hang, plan_wrong_type,
// plan_changes_config (plans another name), defer, legacy (with a harmless
// inconsistency), plan_garbage (bytes that are no value).
// fault, at apply: apply_error (nothing was made), apply_error_partial (made, and
// failed), apply_crash (before), apply_crash_after (the file exists), apply_hang
// (ends when asked to stop, with an error and partial state), apply_freeze (never
// ends), apply_unknown, apply_wrong_value, apply_wrong_type, apply_null, apply_exit (exit
// without a word).
// fault, at read:  read_error, read_crash, read_gone, read_drift (size is 99), read_stop
// (the process stops itself by a signal), defer.
// fault, at validate: validate_error (at attribute name), validate_warning.
//
// # Others
//
// Resource faulty_moved: name, id; takes over any faulty_thing by a move.
// Resource faulty_nested (protocol 6): nested attributes and blocks of every nesting.
// Data source faulty_echo: input (any) gives output; fault: read_error, read_crash, defer.
// Ephemeral faulty_lease: name, renew_after (milliseconds), fault (open_error, close_error, renew_error);
// gives token. Its private data is checked at renew and close.
// Functions: join_all(separator, parts...), blame(index, any...) which fails and
// blames that argument, crash(), wrong_type().
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-mux/tf6to5server"
)

const address = "tutti.test/test/faulty"

func main() {
	if name := os.Getenv("FAULTY_PID"); name != "" {
		if err := os.WriteFile(name, strconv.AppendInt(nil, int64(os.Getpid()), 10), 0o644); err != nil {
			panic(err)
		}
	}
	misstart(os.Getenv("FAULTY_START"))
	five := os.Getenv("FAULTY_PROTOCOL") == "5"
	p := newProvider(!five)
	var err error
	if five {
		var server tfprotov5.ProviderServer
		if server, err = tf6to5server.DowngradeServer(context.Background(), func() tfprotov6.ProviderServer { return p }); err == nil {
			err = tf5server.Serve(address, func() tfprotov5.ProviderServer { return capableServer{server} })
		}
	} else {
		err = tf6server.Serve(address, func() tfprotov6.ProviderServer { return p }, debugOptions()...)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// capableServer announces the capabilities, which the downgrade forgets.
type capableServer struct{ tfprotov5.ProviderServer }

func (s capableServer) GetProviderSchema(ctx context.Context, req *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	resp, err := s.ProviderServer.GetProviderSchema(ctx, req)
	if err == nil {
		c := capabilities()
		resp.ServerCapabilities = &tfprotov5.ServerCapabilities{
			PlanDestroy: c.PlanDestroy, GetProviderSchemaOptional: c.GetProviderSchemaOptional, MoveResourceState: c.MoveResourceState,
		}
	}
	return resp, err
}

// debugOptions carries out FAULTY_DEBUG.
func debugOptions() []tf6server.ServeOpt {
	if os.Getenv("FAULTY_DEBUG") == "" {
		return nil
	}
	started, done := make(chan *plugin.ReattachConfig, 1), make(chan struct{})
	go func() {
		c := <-started
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
			"Protocol": string(c.Protocol), "ProtocolVersion": c.ProtocolVersion, "Pid": c.Pid, "Test": c.Test,
			"Addr": map[string]string{"Network": c.Addr.Network(), "String": c.Addr.String()},
		})
	}()
	return []tf6server.ServeOpt{tf6server.WithDebug(context.Background(), started, done)}
}

// misstart carries out FAULTY_START.
func misstart(kind string) {
	switch kind {
	case "":
	case "exit":
		fmt.Fprintln(os.Stderr, "faulty: told to exit")
		os.Exit(3)
	case "panic":
		panic("told to panic at start")
	case "hang":
		sleep()
	case "freeze":
		signal.Ignore()
		sleep()
	case "garbage":
		fmt.Println("hello, this is not a handshake")
		sleep()
	case "protocol":
		fmt.Println("1|9|unix|/nowhere|grpc|")
		sleep()
	default:
		panic("FAULTY_START=" + kind + " is unknown")
	}
}

// sleep never returns, and is no deadlock in the runtime's eyes.
func sleep() {
	for {
		time.Sleep(time.Hour)
	}
}

// record appends a line to the ledger.
func record(words ...string) {
	name := os.Getenv("FAULTY_LEDGER")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Join(words, " ") + "\n"); err != nil {
		panic(err)
	}
}

// capable reports whether FAULTY_CAPABILITIES allows a capability.
func capable(name string) bool {
	list, set := os.LookupEnv("FAULTY_CAPABILITIES")
	return !set || strings.Contains(","+list+",", ","+name+",")
}
