package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// writer is a device's user, who does one thing after another.
type writer struct {
	*device
	rng        rng
	siblings   []*device // the user's other devices
	lastNumber int       // number of the last action
	background sync.WaitGroup
}

const (
	maxQueued = 2  // a session with more queued messages is left alone
	maxOpened = 24 // sessions that sends of one user open
)

// write acts until chaos ends. Requests that are not acknowledged by then are repeated
// until settling ends.
func (w *writer) write(chaos, settling context.Context) {
	defer w.background.Wait()
	for wait(chaos, w.rng.exponential(w.run.writerPause)) {
		w.lastNumber++
		switch w.rng.weighted(160, 14, 14, 4, 4, 4, 1, 1) {
		case 0:
			w.send(settling, w.session())
		case 1:
			w.abort(settling)
		case 2:
			w.retry(settling)
		case 3:
			if len(w.run.ledger.openedBy(w.user)) < maxOpened {
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

// session picks a session that is not too busy, if there is one.
func (w *writer) session() string {
	keys := w.run.sessions(w.user)
	key := pick(w.rng, keys)
	for range keys {
		if w.queued(key) < maxQueued {
			break
		}
		key = pick(w.rng, keys)
	}
	return key
}

// flood fills a session's queue.
func (w *writer) flood(ctx context.Context) {
	session := w.session()
	for range protocol.MaxQueuedRuns + 2 {
		w.lastNumber++
		reply := fmt.Sprintf("%s.%d quickly", w.name, w.lastNumber)
		w.deliver(ctx, session, "echo "+reply, reply)
	}
}

// sleep goes offline for a while; in runs with compaction, now and then for longer than
// pieces stay.
func (w *writer) sleep(ctx context.Context) {
	w.client.Stop()
	pause := w.rng.between(0, 3*time.Second)
	if w.run.compacts && w.rng.chance(0.5) {
		pause += minRetention + 5*time.Second
	}
	wait(ctx, pause)
	w.run.counts.sleeps.Add(1)
	w.client.Start()
}

// send sends a random message.
func (w *writer) send(ctx context.Context, session string) {
	text, reply := composeMessage(w.rng, w.name, w.lastNumber)
	w.deliver(ctx, session, text, reply)
}

// deliver sends a message until it is acknowledged. Some messages are sent from two
// devices at once, some wait for the answer, some are sent again afterwards.
func (w *writer) deliver(ctx context.Context, session, text, reply string) {
	s := &sentMessage{user: w.user, sender: w.name, session: session, text: text, reply: reply,
		key: fmt.Sprintf("%s#%d", w.name, w.lastNumber)}
	w.run.ledger.send(s)
	w.run.counts.sent.Add(1)
	params := &protocol.ChatSendParams{SessionKey: session, Message: text, IdempotencyKey: s.key,
		Ack: protocol.AckAccepted}
	if len(w.siblings) > 0 && w.rng.chance(0.15) {
		twin := pick(w.rng, w.siblings)
		w.run.counts.parallelSends.Add(1)
		w.background.Go(func() { twin.trySend(ctx, s, params) })
	}
	own := *params
	if w.rng.chance(0.1) {
		own.Ack = ""
	}
	w.retryUntilAnswered(ctx, session, protocol.MethodChatSend, &own, func(r *protocol.ChatSendResult, refused *protocol.Error) {
		w.acknowledged(s, own.Ack == "", r, refused)
	})
	if own.Ack == "" || w.rng.chance(0.08) { // an agent's answer does not name message and seq
		w.retryUntilAnswered(ctx, session, protocol.MethodChatSend, params, func(r *protocol.ChatSendResult, refused *protocol.Error) {
			w.acknowledged(s, false, r, refused)
			if r != nil && r.Status != protocol.SendDuplicate {
				w.noteViolation(session, "%q was sent again and accepted as %q",
					shorten(text), r.Status)
			}
		})
	}
	if w.rng.chance(0.02) {
		other := *params
		other.Message += " (another)"
		w.retryUntilAnswered(ctx, session, protocol.MethodChatSend, &other, func(_ *protocol.ChatSendResult, refused *protocol.Error) {
			if refused == nil || refused.Code != protocol.AlreadyExists {
				w.noteViolation(session, "another message under the key of %q: %v",
					shorten(text), refused)
			}
		})
	}
}

// trySend sends a message once, while another device sends it too.
func (d *device) trySend(ctx context.Context, s *sentMessage, params *protocol.ChatSendParams) {
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

// acknowledged records the answer to a send. waited says that the send waited for its
// run: then a refusal may be the run's end.
func (d *device) acknowledged(s *sentMessage, waited bool, r *protocol.ChatSendResult,
	refused *protocol.Error) {
	if refused != nil {
		if !waited || refused.Details == nil || refused.Details.RunID == "" {
			d.noteViolation(s.session, "%q was refused: %v", shorten(s.text), refused)
			return
		}
		d.run.ledger.fail(refused.Details.RunID, refused.Code)
		// A refusal does not name the session that the send has opened.
		if s.session != "" {
			r = &protocol.ChatSendResult{RunID: refused.Details.RunID, SessionKey: s.session}
		}
	} else if waited {
		if err := s.checkAnswer(r); err != nil {
			d.noteViolation(s.session, "%v", err)
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
		d.noteViolation(s.session, "%v", err)
	}
	if first {
		d.run.counts.acknowledged.Add(1)
	}
}

// retryUntilAnswered repeats a request until its answer is final, or ctx ends. final gets
// that answer.
func (w *writer) retryUntilAnswered(ctx context.Context, session, method string, params protocol.Payload, final func(*protocol.ChatSendResult, *protocol.Error)) {
	for try := 0; ctx.Err() == nil; try++ {
		if try > 0 {
			w.run.counts.resent.Add(1)
		}
		patience := w.rng.between(100*time.Millisecond, 4*time.Second)
		if try > 5 {
			patience = 2 * longestAnswer
		}
		var r protocol.ChatSendResult
		err := w.request(ctx, patience, method, params, &r)
		var refused *protocol.Error
		pause := w.rng.exponential(50 * time.Millisecond)
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
		w.noteViolation(session, "%s was not answered although nothing went wrong any more: %s",
			method, shorten(string(params.AppendJSON(nil))))
	}
}

// abort stops a session's runs.
func (w *writer) abort(ctx context.Context) {
	session := w.session()
	params := &protocol.ChatAbortParams{SessionKey: session}
	if run := w.running(session); run != "" && w.rng.chance(0.7) {
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
		w.noteViolation(session, "chat.abort was refused: %v", refused)
	}
}

// retry asks for a run again that failed or was aborted.
func (w *writer) retry(ctx context.Context) {
	session := w.session()
	run := w.broken(session)
	if run == "" {
		return
	}
	again := &retriedRun{session: session}
	w.run.ledger.retry(again)
	params := &protocol.ChatRetryParams{
		SessionKey: session, RunID: run, Ack: protocol.AckAccepted, IdempotencyKey: fmt.Sprintf("%s#%d", w.name, w.lastNumber),
	}
	w.retryUntilAnswered(ctx, session, protocol.MethodChatRetry, params, func(r *protocol.ChatSendResult, refused *protocol.Error) {
		switch {
		case refused == nil:
			w.run.counts.retries.Add(1)
			w.run.ledger.acknowledgeRetry(again, r)
		case refused.Code != protocol.FailedPrecondition && refused.Code != protocol.NotFound:
			w.noteViolation(session, "chat.retry of %s was refused: %v", run, refused)
		}
	})
}

// clear resets or deletes the scratch session.
func (w *writer) clear(ctx context.Context) {
	params := &protocol.SessionsKeyParams{Key: scratchSession(w.user)}
	method, count := protocol.MethodSessionsReset, &w.run.counts.resets
	if w.rng.chance(0.3) {
		method, count = protocol.MethodSessionsDelete, &w.run.counts.deletions
	}
	err := w.request(ctx, 3*time.Second, method, params, nil)
	var refused *protocol.Error
	switch {
	case err == nil:
		count.Add(1)
	case errors.As(err, &refused) && !refused.Retryable && refused.Code != protocol.NotFound:
		w.noteViolation(params.Key, "%s was refused: %v", method, refused)
	}
}

// running returns the run that the device shows as running, or "".
func (d *device) running(session string) (run string) {
	d.locked(func() {
		if f := d.followed[session]; f != nil {
			run, _ = f.timeline.Running()
		}
	})
	return run
}

// queued returns how many messages the device shows as queued.
func (d *device) queued(session string) (n int) {
	d.locked(func() {
		if f := d.followed[session]; f != nil {
			n = f.timeline.Queued()
		}
	})
	return n
}

// broken returns a run that the device shows as failed or aborted, or "".
func (d *device) broken(session string) (run string) {
	d.locked(func() {
		f := d.followed[session]
		if f == nil {
			return
		}
		for _, m := range f.timeline.Messages() {
			if m.Role == protocol.FromAssistant && (m.Status == protocol.StatusFailed || m.Status == protocol.StatusAborted) {
				run = m.RunID
			}
		}
	})
	return run
}
