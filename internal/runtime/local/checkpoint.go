package local

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// checkpointVersion grows when the form below changes in a way that an older
// program would misread. A program that does not know a form replays the journal.
const checkpointVersion = 1

// checkpoint is what stands for the front of a journal.
type checkpoint struct {
	Version int `json:"version"`
	// Last is the time of the latest event, to which Asked is relative.
	Last time.Time `json:"last"`
	// Asked are the commands that are outstanding, in their text form.
	Asked  []string  `json:"asked,omitempty"`
	Sent   []flow.ID `json:"sent,omitempty"`
	Parked []flow.ID `json:"parked,omitempty"`
	// Machine is the machine's snapshot.
	Machine []byte `json:"machine"`
}

// flush sends what has gathered on its way to the journal, now and then with a
// checkpoint behind its last entry. The context must not end before the run is
// over.
func (r *runner) flush(durable context.Context) {
	if b := &r.commit.next; r.commit.idle() {
		reached := r.commit.durable + int64(len(b.entries))
		if m, ok := r.opts.Machine.(flow.Restorer); ok && r.begun && reached-r.checkpoint >= r.opts.CheckpointEvery {
			r.checkpoint = reached
			// A machine that cannot give one now is asked again later.
			if snapshot, err := m.Snapshot(); err == nil {
				b.entries[len(b.entries)-1].Checkpoint = r.formatCheckpoint(snapshot)
			}
		}
	}
	r.commit.flush(durable)
}

func (r *runner) formatCheckpoint(snapshot []byte) []byte {
	c := checkpoint{Version: checkpointVersion, Last: r.time.last, Machine: snapshot,
		Sent: slices.Sorted(maps.Keys(r.sent)), Parked: slices.Sorted(maps.Keys(r.parked))}
	for _, command := range r.asked.Commands() {
		c.Asked = append(c.Asked, flow.FormatCommand(command, c.Last))
	}
	data, err := json.Marshal(c)
	if err != nil {
		panic("local: invariant broken: a checkpoint is plain data: " + err.Error())
	}
	return data
}

// restore brings the machine to the run's latest checkpoint and gives the index of
// the entry that follows it: 1 when there is none, or none that this program can
// use.
func (r *runner) restore(ctx context.Context) (from int64, err error) {
	m, ok := r.opts.Machine.(flow.Restorer)
	if !ok {
		return 1, nil
	}
	stored, err := r.opts.Store.Checkpoint(ctx, r.opts.RunID)
	if err != nil || stored == nil {
		return 1, err
	}
	var c checkpoint
	if err := json.Unmarshal(stored.Data, &c); err != nil {
		return 0, fmt.Errorf("read the checkpoint: %v: %w", err, store.ErrCorrupt)
	}
	if c.Version != checkpointVersion {
		return 1, nil
	}
	commands := make([]flow.Command, len(c.Asked))
	for i, line := range c.Asked {
		if commands[i], err = flow.ParseCommand(line, c.Last); err != nil {
			return 0, fmt.Errorf("read the checkpoint: %v: %w", err, store.ErrCorrupt)
		}
	}
	if m.Restore(c.Machine) != nil {
		return 1, nil // made by another version of the machine
	}
	r.begun, r.checkpoint = true, stored.Index
	r.time.saw(c.Last)
	r.asked.Gave(commands)
	for _, command := range commands {
		if t, ok := command.(flow.SetTimer); ok {
			r.timers.add(t, &r.asked)
		}
	}
	for _, id := range c.Sent {
		note(&r.sent, id, true)
	}
	for _, id := range c.Parked {
		note(&r.parked, id, true)
	}
	return stored.Index + 1, nil
}
