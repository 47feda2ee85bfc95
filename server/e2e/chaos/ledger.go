package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// sentMessage is a message that a client wants to be in a session once.
type sentMessage struct {
	user, sender string
	session      string // "" opens a session
	key          string // idempotency key
	text         string // unique
	reply        string // text of a complete answer; "": not known

	// What was acknowledged. The ledger's mutex guards these fields.
	order   int // position among the sender's acknowledged messages, from 1; 0: not acknowledged
	in      string
	run     string
	message string // "" where the answer does not name it
	epoch   string // likewise
	seq     int64  // likewise
}

// retriedRun is a run that a client wants to be tried again once.
type retriedRun struct {
	session string
	run     string // the new run; "" until it is acknowledged
	epoch   string // likewise
}

// ledger records what the clients asked for, and what the gateway acknowledged.
type ledger struct {
	// mu guards the following fields.
	mu      sync.Mutex
	sends   []*sentMessage
	retries []*retriedRun
	orders  map[string]int           // acknowledged messages by sender
	aborted map[string]bool          // sessions in which a run may have been aborted
	codes   map[string]protocol.Code // why runs failed
	opened  map[string][]string      // sessions that sends opened, by user
}

func newLedger() *ledger {
	return &ledger{orders: map[string]int{}, aborted: map[string]bool{},
		codes: map[string]protocol.Code{}, opened: map[string][]string{}}
}

func (l *ledger) send(s *sentMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sends = append(l.sends, s)
}

func (l *ledger) retry(r *retriedRun) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retries = append(l.retries, r)
}

func (l *ledger) abort(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.aborted[session] = true
}

func (l *ledger) fail(run string, code protocol.Code) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.codes[run] = code
}

func (l *ledger) openedBy(user string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.opened[user])
}

// acknowledge records an answer to a send, and reports whether it is the first. All
// answers to a send have to be the same.
func (l *ledger) acknowledge(s *sentMessage, r *protocol.ChatSendResult) (first bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.RunID == "" || r.SessionKey == "" || s.session != "" && s.session != r.SessionKey {
		return false, fmt.Errorf("%q for session %q was acknowledged as run %q of session %q",
			shorten(s.text), s.session, r.RunID, r.SessionKey)
	}
	if first = s.order == 0; first {
		l.orders[s.sender]++
		s.order, s.in, s.run = l.orders[s.sender], r.SessionKey, r.RunID
		if s.session == "" {
			l.opened[s.user] = append(l.opened[s.user], s.in)
		}
	}
	if s.message == "" {
		s.message, s.epoch, s.seq = r.MessageID, r.Epoch, r.Seq
	}
	if s.in != r.SessionKey || s.run != r.RunID || r.MessageID != "" && (s.message != r.MessageID || s.epoch != r.Epoch || s.seq != r.Seq) {
		return first, fmt.Errorf("%q was acknowledged as run %s, message %s at %d of %s, and again as run %s, message %s at %d of %s",
			shorten(s.text), s.run, s.message, s.seq, s.epoch, r.RunID, r.MessageID, r.Seq, r.Epoch)
	}
	return first, nil
}

// checkAnswer checks the answer of an agent to a send that waited for it.
func (s *sentMessage) checkAnswer(r *protocol.ChatSendResult) error {
	switch {
	case r.Content == nil:
		return errors.New("an answer without content")
	case s.reply == "":
		return nil
	case r.Status == protocol.SendAborted &&
		strings.HasPrefix(s.reply, *r.Content), *r.Content == s.reply:
		return nil
	}
	return fmt.Errorf("%q was answered %q (%s)", shorten(s.text), *r.Content, r.Status)
}

// acknowledgeRetry records the run that a retry made.
func (l *ledger) acknowledgeRetry(r *retriedRun, is *protocol.ChatSendResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.run, r.epoch = is.RunID, is.Epoch
}

// sendsOf returns the user's sends.
func (l *ledger) sendsOf(user string) (all []*sentMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sends {
		if s.user == user {
			all = append(all, s)
		}
	}
	return all
}
