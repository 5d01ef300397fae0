package connection

import (
	"context"
	"errors"
	"sync"

	"tutti/internal/ansible/connection/shell"
	"tutti/internal/ansible/connection/ssh"
)

// host is one connection, and what runs over it: a program for each user that tasks become.
type host struct {
	pool *Pool
	spec Spec // without Become

	mu       sync.Mutex
	client   *ssh.Client // nil when there is none; always for this machine
	sessions map[Become]*slot
	// program is where it was found to lie, for the next user.
	program string
}

// slot holds the session of one user; its lock is held while one is made, so that there is one
// only.
type slot struct {
	mu      sync.Mutex
	session *session
}

func (h *host) local() bool { return h.spec.Kind == "local" }

// starter gives what runs lines on the host; it connects when nobody has yet.
func (h *host) starter(ctx context.Context) (shell.Starter, error) {
	if h.local() {
		return shell.Local{}, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.client != nil && !h.client.Gone() {
		return h.client, nil
	}
	s := h.spec
	client, err := h.pool.dialer.Dial(ctx, ssh.Options{Host: s.Host, Port: s.Port, User: s.User, Password: s.Password,
		KeyFile: s.PrivateKeyFile, Key: s.PrivateKey, Passphrase: s.Passphrase, Arguments: s.Arguments, Timeout: s.Timeout,
		CheckHostKey: s.HostKeyChecking})
	if err != nil {
		return nil, reached(err)
	}
	h.client = client
	return client, nil
}

// session gives the session of a user, a new one when there is none or it has ended.
func (h *host) session(ctx context.Context, b Become) (*session, error) {
	h.mu.Lock()
	s := h.sessions[b]
	if s == nil {
		s = &slot{}
		h.sessions[b] = s
	}
	h.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != nil && !s.session.ended() {
		return s.session, nil
	}
	if h.pool.over() {
		return nil, errClosed
	}
	select {
	case h.pool.starting <- struct{}{}:
		defer func() { <-h.pool.starting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var err error
	s.session, err = h.make(ctx, b)
	return s.session, err
}

// make begins a session, on a new connection when the one that there is proves to have ended.
func (h *host) make(ctx context.Context, b Become) (*session, error) {
	for again := false; ; again = true {
		starter, err := h.starter(ctx)
		if err != nil {
			return nil, err
		}
		made, err := h.begin(ctx, starter, b)
		var cut *Cut
		if errors.As(err, &cut) && !cut.Sent && !again && !h.local() {
			h.drop(starter)
			continue
		}
		return made, err
	}
}

// drop closes a connection that is of no more use.
func (h *host) drop(starter shell.Starter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.client != nil && shell.Starter(h.client) == starter {
		_ = h.client.Close()
		h.client = nil
	}
}

// open are the sessions that there are.
func (h *host) open() []*session {
	h.mu.Lock()
	slots := make([]*slot, 0, len(h.sessions))
	for _, s := range h.sessions {
		slots = append(slots, s)
	}
	h.mu.Unlock()
	var list []*session
	for _, s := range slots {
		s.mu.Lock()
		if s.session != nil && !s.session.ended() {
			list = append(list, s.session)
		}
		s.mu.Unlock()
	}
	return list
}

// close ends everything; the next use begins anew.
func (h *host) close() {
	for _, s := range h.open() {
		s.close()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.client != nil {
		_ = h.client.Close()
		h.client = nil
	}
}
