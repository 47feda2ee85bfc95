package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// sent is a message that somebody wants to be in a session, once.
type sent struct {
	user, sender string
	session      string // empty for one that opens a session
	key          string // of idempotency
	text         string // unlike any other's
	reply        string // what a complete answer says; empty: that is not known

	// What was acknowledged; guarded by the ledger's mutex.
	order   int // among the sender's acknowledged messages, from 1; 0: not acknowledged
	in      string
	run     string
	message string // empty where the answer does not name it
	epoch   string // likewise
	seq     int64  // likewise
}

// retried is a run that somebody wants to be tried again, once.
type retried struct {
	session string
	run     string // the new one; empty while that is not acknowledged
	epoch   string // likewise
}

// ledger is what clients did, and what they were told came of it.
type ledger struct {
	mu      sync.Mutex
	sends   []*sent
	retries []*retried
	orders  map[string]int           // by sender, acknowledged messages
	aborted map[string]bool          // sessions of which a run may have been aborted
	codes   map[string]protocol.Code // by run, why it failed
	opened  map[string][]string      // by user, the sessions that sends opened
}

func newLedger() *ledger {
	return &ledger{orders: map[string]int{}, aborted: map[string]bool{}, codes: map[string]protocol.Code{}, opened: map[string][]string{}}
}

func (l *ledger) send(s *sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sends = append(l.sends, s)
}

func (l *ledger) retry(r *retried) {
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

// acknowledge notes an answer to a send, and whether it is the first. All have to
// be the same.
func (l *ledger) acknowledge(s *sent, r *protocol.ChatSendResult) (first bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.RunID == "" || r.SessionKey == "" || s.session != "" && s.session != r.SessionKey {
		return false, fmt.Errorf("%q for session %q was acknowledged as run %q of session %q", brief(s.text), s.session, r.RunID, r.SessionKey)
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
			brief(s.text), s.run, s.message, s.seq, s.epoch, r.RunID, r.MessageID, r.Seq, r.Epoch)
	}
	return first, nil
}

// answered holds that the answer that a send waited for is what was asked for.
func (s *sent) answered(r *protocol.ChatSendResult) error {
	switch {
	case r.Content == nil:
		return errors.New("an answer without content")
	case s.reply == "":
		return nil
	case r.Status == protocol.SendAborted && strings.HasPrefix(s.reply, *r.Content), *r.Content == s.reply:
		return nil
	}
	return fmt.Errorf("%q was answered %q (%s)", brief(s.text), *r.Content, r.Status)
}

func (l *ledger) retriedAs(r *retried, is *protocol.ChatSendResult) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.run, r.epoch = is.RunID, is.Epoch
}

// of gives the user's sends.
func (l *ledger) of(user string) (all []*sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sends {
		if s.user == user {
			all = append(all, s)
		}
	}
	return all
}
