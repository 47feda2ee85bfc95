package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// writer is what a device's user does: one thing after the other.
type writer struct {
	*device
	dice   dice
	twins  []*device // the user's other devices
	number int       // of the last thing it did
	beside sync.WaitGroup
}

const (
	mostWaiting  = 2  // queued messages beyond which a writer leaves a session alone
	mostSessions = 24 // that sends of one user open
)

// write goes on until chaos ends. What is not acknowledged then is tried until
// settling ends.
func (w *writer) write(chaos, settling context.Context) {
	defer w.beside.Wait()
	for wait(chaos, w.dice.around(w.run.think)) {
		w.number++
		switch w.dice.weighted(160, 14, 14, 4, 4, 4, 1, 1) {
		case 0:
			w.send(settling, w.session())
		case 1:
			w.abort(settling)
		case 2:
			w.retry(settling)
		case 3:
			if len(w.run.ledger.openedBy(w.user)) < mostSessions {
				w.send(settling, "")
			}
		case 4:
			w.clear(settling)
		case 5:
			w.client.Redial()
		case 6:
			w.flood(settling)
		case 7:
			w.sleep(chaos)
		}
	}
}

// session picks one that is not too busy, if there is.
func (w *writer) session() string {
	keys := w.run.sessions(w.user)
	key := pick(w.dice, keys)
	for range keys {
		if w.queued(key) < mostWaiting {
			break
		}
		key = pick(w.dice, keys)
	}
	return key
}

// flood fills a session's queue.
func (w *writer) flood(ctx context.Context) {
	session := w.session()
	for range protocol.MaxQueuedRuns + 2 {
		w.number++
		reply := fmt.Sprintf("%s.%d quickly", w.name, w.number)
		w.deliver(ctx, session, "echo "+reply, reply)
	}
}

// sleep is away for a while; where pieces of answers are removed, now and then
// for longer than they stay.
func (w *writer) sleep(ctx context.Context) {
	w.client.Stop()
	pause := w.dice.between(0, 3*time.Second)
	if w.run.compacts && w.dice.chance(0.5) {
		pause += leastRetention + 5*time.Second
	}
	wait(ctx, pause)
	w.run.counts.sleeps.Add(1)
	w.client.Start()
}

// send sends some message.
func (w *writer) send(ctx context.Context, session string) {
	text, reply := say(w.dice, w.name, w.number)
	w.deliver(ctx, session, text, reply)
}

// deliver sends a message until it is acknowledged. Some are sent on two devices
// at once, some wait for the answer, some are sent once more in the end.
func (w *writer) deliver(ctx context.Context, session, text, reply string) {
	s := &sent{user: w.user, sender: w.name, session: session, text: text, reply: reply, key: fmt.Sprintf("%s#%d", w.name, w.number)}
	w.run.ledger.send(s)
	w.run.counts.sent.Add(1)
	params := &protocol.ChatSendParams{SessionKey: session, Message: text, IdempotencyKey: s.key, Ack: protocol.AckAccepted}
	if len(w.twins) > 0 && w.dice.chance(0.15) {
		twin := pick(w.dice, w.twins)
		w.run.counts.twins.Add(1)
		w.beside.Go(func() { twin.trySend(ctx, s, params) })
	}
	own := *params
	if w.dice.chance(0.1) {
		own.Ack = ""
	}
	w.insist(ctx, session, protocol.MethodChatSend, &own, func(r *protocol.ChatSendResult, refused *protocol.Error) {
		w.acknowledged(s, own.Ack == "", r, refused)
	})
	if own.Ack == "" || w.dice.chance(0.08) { // the answer to one that waited does not say where it is
		w.insist(ctx, session, protocol.MethodChatSend, params, func(r *protocol.ChatSendResult, refused *protocol.Error) {
			w.acknowledged(s, false, r, refused)
			if r != nil && r.Status != protocol.SendDuplicate {
				w.violate(session, "%q was sent again and accepted as %q", brief(text), r.Status)
			}
		})
	}
	if w.dice.chance(0.02) {
		other := *params
		other.Message += " (another)"
		w.insist(ctx, session, protocol.MethodChatSend, &other, func(_ *protocol.ChatSendResult, refused *protocol.Error) {
			if refused == nil || refused.Code != protocol.AlreadyExists {
				w.violate(session, "another message under the key of %q: %v", brief(text), refused)
			}
		})
	}
}

// trySend sends a message once, at the same time as another device.
func (d *device) trySend(ctx context.Context, s *sent, params *protocol.ChatSendParams) {
	var r protocol.ChatSendResult
	err := d.request(ctx, 5*time.Second, protocol.MethodChatSend, params, &r)
	var refused *protocol.Error
	switch {
	case err == nil:
		d.acknowledged(s, false, &r, nil)
	case errors.As(err, &refused) && !refused.Retryable:
		d.acknowledged(s, false, nil, refused)
	}
}

// acknowledged notes the answer to a send. One that waited for its run is told
// how that ended.
func (d *device) acknowledged(s *sent, waited bool, r *protocol.ChatSendResult, refused *protocol.Error) {
	if refused != nil {
		if !waited || refused.Details == nil || refused.Details.RunID == "" {
			d.violate(s.session, "%q was refused: %v", brief(s.text), refused)
			return
		}
		d.run.ledger.fail(refused.Details.RunID, refused.Code)
		// The run has a session, which the refusal of a send that opened one does not name.
		if s.session != "" {
			r = &protocol.ChatSendResult{RunID: refused.Details.RunID, SessionKey: s.session}
		}
	} else if waited {
		if err := s.answered(r); err != nil {
			d.violate(s.session, "%v", err)
		}
	}
	if r == nil {
		return
	}
	if r.Status == protocol.SendDuplicate {
		d.run.counts.duplicates.Add(1)
	}
	first, err := d.run.ledger.acknowledge(s, r)
	if err != nil {
		d.violate(s.session, "%v", err)
	}
	if first {
		d.run.counts.acknowledged.Add(1)
	}
}

// insist asks until there is an answer that is final, or ctx ends.
func (w *writer) insist(ctx context.Context, session, method string, params protocol.Payload, final func(*protocol.ChatSendResult, *protocol.Error)) {
	for try := 0; ctx.Err() == nil; try++ {
		if try > 0 {
			w.run.counts.resent.Add(1)
		}
		patience := w.dice.between(100*time.Millisecond, 4*time.Second)
		if try > 5 {
			patience = 2 * longestAnswer
		}
		var r protocol.ChatSendResult
		err := w.request(ctx, patience, method, params, &r)
		var refused *protocol.Error
		pause := w.dice.around(50 * time.Millisecond)
		switch {
		case err == nil:
			final(&r, nil)
			return
		case !errors.As(err, &refused):
		case !refused.Retryable:
			final(nil, refused)
			return
		case refused.Code == protocol.ResourceExhausted:
			w.run.counts.full.Add(1)
			pause += 300 * time.Millisecond
		}
		wait(ctx, pause)
	}
	if !errors.Is(context.Cause(ctx), errStopped) {
		w.violate(session, "%s was not answered although nothing went wrong any more: %s", method, brief(string(params.AppendJSON(nil))))
	}
}

// abort stops what a session does.
func (w *writer) abort(ctx context.Context) {
	session := w.session()
	params := &protocol.ChatAbortParams{SessionKey: session}
	if run := w.running(session); run != "" && w.dice.chance(0.7) {
		params.RunID = run
	}
	w.run.ledger.abort(session)
	var r protocol.ChatAbortResult
	err := w.request(ctx, 3*time.Second, protocol.MethodChatAbort, params, &r)
	var refused *protocol.Error
	switch {
	case err == nil && r.Aborted:
		w.run.counts.aborts.Add(1)
	case errors.As(err, &refused) && !refused.Retryable && refused.Code != protocol.NotFound:
		w.violate(session, "chat.abort was refused: %v", refused)
	}
}

// retry has a run that failed or was aborted tried again.
func (w *writer) retry(ctx context.Context) {
	session := w.session()
	run := w.broken(session)
	if run == "" {
		return
	}
	again := &retried{session: session}
	w.run.ledger.retry(again)
	params := &protocol.ChatRetryParams{
		SessionKey: session, RunID: run, Ack: protocol.AckAccepted, IdempotencyKey: fmt.Sprintf("%s#%d", w.name, w.number),
	}
	w.insist(ctx, session, protocol.MethodChatRetry, params, func(r *protocol.ChatSendResult, refused *protocol.Error) {
		switch {
		case refused == nil:
			w.run.counts.retries.Add(1)
			w.run.ledger.retriedAs(again, r)
		case refused.Code != protocol.FailedPrecondition && refused.Code != protocol.NotFound:
			w.violate(session, "chat.retry of %s was refused: %v", run, refused)
		}
	})
}

// clear resets or deletes the session that is there for that.
func (w *writer) clear(ctx context.Context) {
	params := &protocol.SessionsKeyParams{Key: scratch(w.user)}
	method, count := protocol.MethodSessionsReset, &w.run.counts.resets
	if w.dice.chance(0.3) {
		method, count = protocol.MethodSessionsDel, &w.run.counts.deletions
	}
	err := w.request(ctx, 3*time.Second, method, params, nil)
	var refused *protocol.Error
	switch {
	case err == nil:
		count.Add(1)
	case errors.As(err, &refused) && !refused.Retryable && refused.Code != protocol.NotFound:
		w.violate(params.Key, "%s was refused: %v", method, refused)
	}
}

// running is the run that the device sees running, or "".
func (d *device) running(session string) (run string) {
	d.locked(func() {
		if f := d.follows[session]; f != nil {
			run, _ = f.line.Running()
		}
	})
	return run
}

// queued is how many messages the device sees waiting.
func (d *device) queued(session string) (n int) {
	d.locked(func() {
		if f := d.follows[session]; f != nil {
			n = f.line.Queued()
		}
	})
	return n
}

// broken is a run that the device sees failed or aborted, or "".
func (d *device) broken(session string) (run string) {
	d.locked(func() {
		f := d.follows[session]
		if f == nil {
			return
		}
		for _, m := range f.line.Messages() {
			if m.Role == protocol.FromAssistant && (m.Status == protocol.StatusFailed || m.Status == protocol.StatusAborted) {
				run = m.RunID
			}
		}
	})
	return run
}
